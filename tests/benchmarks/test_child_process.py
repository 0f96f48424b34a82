import os
import sys

import pytest

from benchmarks.child_process import faqmatch_command, plain_environment, run_measured
from benchmarks.errors import BenchmarkError
from benchmarks.process_memory import read_memory


def test_a_command_is_timed_and_its_own_peak_memory_seen(tmp_path):
    program = "import time; block = bytearray(150_000_000); time.sleep(0.3); del block; time.sleep(0.2); print('done')"
    finished = run_measured([sys.executable, "-S", "-c", program], tmp_path)
    assert finished.output == "done\n"
    assert 0.5 <= finished.wall_s < 5
    assert 150 <= finished.peak_mb < 250


def test_a_command_that_fails_is_told_with_what_it_wrote(tmp_path):
    command = faqmatch_command("verify", "--kb", "none", "--home", str(tmp_path))
    with pytest.raises(BenchmarkError, match=r"service\.cli verify.* ended with 1: faqmatch: knowledge base none"):
        run_measured(command, tmp_path)


def test_settings_of_whoever_runs_it_do_not_reach_the_child(monkeypatch):
    monkeypatch.setenv("FAQMATCH_HOME", "/elsewhere")
    assert "FAQMATCH_HOME" not in plain_environment()


def test_memory_is_that_of_a_living_process_alone():
    memory = read_memory(os.getpid())
    assert memory is not None
    assert 10 < memory.resident_mb <= memory.peak_mb
    assert read_memory(2**22 + 1) is None
