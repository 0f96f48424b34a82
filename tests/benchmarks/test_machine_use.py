import subprocess
import sys
import time

from benchmarks.circumstances import observe_circumstances
from benchmarks.machine_use import CpuClock, read_cpu_clock


def test_what_others_took_is_what_was_busy_less_what_was_ours():
    begin = CpuClock(wall=100, busy=50, own=10)
    assert CpuClock(wall=110, busy=65, own=15).others_since(begin) == 1
    assert CpuClock(wall=110, busy=54, own=15).others_since(begin) == 0  # ticks are coarse


def test_the_work_of_a_child_that_has_ended_is_ours():
    begin = read_cpu_clock()
    subprocess.run([sys.executable, "-S", "-c", "sum(range(10_000_000))"], check=True)
    assert read_cpu_clock().own - begin.own > 0.05


def test_the_work_of_somebody_else_is_seen():
    begin = read_cpu_clock()
    with subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) as other:
        time.sleep(0.6)
        assert read_cpu_clock().others_since(begin) > 0.3  # not waited for: not yet ours
        other.kill()


def test_a_run_says_at_its_end_how_busy_the_machine_was():
    seen = observe_circumstances()
    assert seen.to_json()["cores_busy_with_others"] is None
    time.sleep(0.05)
    complete = seen.complete().to_json()
    assert complete["cores_busy_with_others"] >= 0
    assert "begin" not in complete
    assert complete["started"] == seen.started
