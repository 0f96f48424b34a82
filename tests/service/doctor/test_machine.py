from datetime import UTC, datetime

import pytest

from service.doctor import machine

MB = 1_000_000
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def root(tmp_path):
    """The root of a machine with 1,000 MB of memory, 400 of them available, and no limits."""
    write(tmp_path / "proc/meminfo", f"MemTotal: {1000 * MB // 1024} kB\nMemAvailable: {400 * MB // 1024} kB\n")
    return tmp_path


def write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_python_is_to_be_as_new_as_the_package_asks():
    assert machine.check_python((3, 11, 0)).status == "ok"
    old = machine.check_python((3, 10, 14))
    assert (old.status, old.finding, old.fix) == (
        "fail",
        "3.10.14, faqmatch needs 3.11",
        "install Python 3.11 or later",
    )


def test_the_cores_are_told_with_what_cuts_them(root):
    assert str(machine.check_cores(8, root)) == "cores: 8 usable (affinity 8, cgroup quota none)"
    write(root / "proc/self/cgroup", "0::/\n")
    write(root / "sys/fs/cgroup/cpu.max", "250000 100000")
    found = machine.check_cores(8, root, threads=2)
    assert (found.status, found.finding) == ("ok", "2 usable (affinity 8, cgroup quota 2.5)")


def test_less_than_a_core_is_a_warning(root):
    write(root / "proc/self/cgroup", "0::/\n")
    write(root / "sys/fs/cgroup/cpu.max", "50000 100000")
    found = machine.check_cores(8, root)
    assert (found.status, found.fix) == ("warn", "give the cgroup at least one core")
    assert found.finding == "1 usable (affinity 8, cgroup quota 0.5): queries are throttled"


def test_more_threads_than_cores_are_a_warning(root):
    assert machine.check_cores(2, root, threads=2).status == "ok"
    found = machine.check_cores(2, root, threads=3)
    assert (found.status, found.fix) == ("warn", "set threads to 2, or leave it out")


@pytest.mark.parametrize("vnni", ["avx512_vnni", "avx_vnni"])
def test_a_processor_with_both_instruction_sets_is_well(tmp_path, vnni):
    write(tmp_path / "cpuinfo", f"processor\t: 0\nflags\t\t: sse4_2 avx2 {vnni}\n")
    assert str(machine.check_processor(tmp_path / "cpuinfo")) == "processor: AVX2 and VNNI"


@pytest.mark.parametrize(
    ("flags", "missing"), [("sse4_2 avx2", "VNNI"), ("sse4_2", "AVX2 and VNNI"), ("avx512_vnni", "AVX2")]
)
def test_a_processor_that_lacks_one_is_a_warning(tmp_path, flags, missing):
    write(tmp_path / "cpuinfo", f"flags : {flags}\n")
    found = machine.check_processor(tmp_path / "cpuinfo")
    assert (found.status, found.finding) == ("warn", f"without {missing}: encoding takes longer")
    assert found.fix


@pytest.mark.parametrize("content", [None, "Features : fp asimd\n"])
def test_of_another_platform_nothing_is_known(tmp_path, content):
    if content is not None:
        write(tmp_path / "cpuinfo", content)
    found = machine.check_processor(tmp_path / "cpuinfo")
    assert (found.status, found.finding.partition(":")[0]) == ("ok", "unknown")


def test_enough_memory_is_well(root):
    assert str(machine.check_memory(300 * MB, root)) == "memory: 400 of 999 MB available, 300 MB needed"


def test_memory_that_others_hold_is_a_warning(root):
    assert machine.check_memory(399 * MB, root).status == "ok"
    assert machine.check_memory(401 * MB, root).status == "warn"


def test_memory_that_is_not_there_is_a_failure(root):
    found = machine.check_memory(1001 * MB, root)
    assert (found.status, found.fix) == ("fail", "give the machine or the cgroup more memory")


def limit_version_2(root, limit, used, cached):
    write(root / "proc/self/cgroup", "0::/app\n")
    write(root / "sys/fs/cgroup/app/memory.max", f"{limit}\n")
    write(root / "sys/fs/cgroup/app/memory.current", f"{used}\n")
    write(root / "sys/fs/cgroup/app/memory.stat", f"anon 1\ninactive_file {cached}\n")


def limit_version_1(root, limit, used, cached):
    write(root / "proc/self/cgroup", "4:memory:/app\n")
    write(root / "sys/fs/cgroup/memory/app/memory.limit_in_bytes", f"{limit}\n")
    write(root / "sys/fs/cgroup/memory/app/memory.usage_in_bytes", f"{used}\n")
    write(root / "sys/fs/cgroup/memory/app/memory.stat", f"cache 1\ntotal_inactive_file {cached}\n")


@pytest.mark.parametrize("limit", [limit_version_1, limit_version_2])
def test_the_limits_of_the_cgroup_count_without_files_that_can_be_read_again(root, limit):
    limit(root, 300 * MB, 200 * MB, 50 * MB)
    assert machine.check_memory(100 * MB, root).finding == "150 of 300 MB available, 100 MB needed"
    assert machine.check_memory(200 * MB, root).status == "warn"
    assert machine.check_memory(301 * MB, root).status == "fail"


def test_a_cgroup_without_a_limit_changes_nothing(root):
    limit_version_2(root, "max", 200 * MB, 0)
    assert machine.check_memory(300 * MB, root).finding.startswith("400 of 999 MB")


def test_where_the_system_tells_nothing_the_memory_is_unknown(tmp_path):
    assert str(machine.check_memory(250 * MB, tmp_path)) == "memory: unknown; 250 MB are needed"


def test_a_clock_that_is_right_is_well():
    names = ["20261124T115959000000-0a1b2c3d", "20261020T115959000000-0a1b2c3d"]
    assert str(machine.check_clock(NOON, names)) == "clock: 2026-11-24 12:00:00 UTC"


def test_a_clock_before_the_package_was_written_is_a_warning():
    found = machine.check_clock(NOON.replace(year=2025), [])
    assert (found.status, found.finding) == ("warn", "2025-11-24 12:00:00 UTC: before faqmatch was written")


def test_a_version_of_the_future_is_a_warning():
    names = ["20261124T120001000000-0a1b2c3d", "20261020T115959000000-0a1b2c3d"]
    found = machine.check_clock(NOON, names)
    assert (found.status, found.fix) == ("warn", "set the clock (timedatectl set-ntp true)")
    assert f"version {names[0]} lies in the future" in found.finding


@pytest.mark.parametrize("encoding", ["utf-8", "UTF-8", "utf8"])
def test_an_output_in_utf_8_is_well(encoding):
    assert machine.check_output(encoding).status == "ok"


def test_an_output_that_cannot_hold_chinese_is_a_warning():
    found = machine.check_output("iso8859-1")
    assert (found.status, found.finding) == ("warn", "iso8859-1: what it cannot hold is printed as \\uXXXX")


def test_the_version_of_sqlite_is_told():
    assert str(machine.check_sqlite("3.40.1")) == "sqlite: 3.40.1"
