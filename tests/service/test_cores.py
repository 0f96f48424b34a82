from pathlib import Path

import pytest

from service.cores import available_cores, control_groups, cores_within, lowest_quota


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_without_cgroup_files_the_affinity_counts(tmp_path):
    assert cores_within(6, tmp_path) == 6


def test_this_machine_has_at_least_one_core():
    assert available_cores() >= 1


@pytest.mark.parametrize(
    ("cpu_max", "cores"),
    [("max 100000", 8), ("200000 100000", 2), ("250000 100000", 2), ("50000 100000", 1), ("1600000 100000", 8)],
)
def test_a_version_2_quota_cuts_the_affinity_and_parts_of_a_core_are_rounded_down(tmp_path, cpu_max, cores):
    write(tmp_path / "proc/self/cgroup", "0::/app.slice/faqmatch\n")
    write(tmp_path / "sys/fs/cgroup/app.slice/faqmatch/cpu.max", cpu_max)
    assert cores_within(8, tmp_path) == cores


def test_the_lowest_quota_of_the_parents_counts(tmp_path):
    write(tmp_path / "proc/self/cgroup", "0::/app.slice/faqmatch\n")
    write(tmp_path / "sys/fs/cgroup/app.slice/faqmatch/cpu.max", "400000 100000")
    write(tmp_path / "sys/fs/cgroup/app.slice/cpu.max", "300000 100000")
    assert cores_within(8, tmp_path) == 3


def test_a_group_whose_path_is_not_visible_inside_the_container_is_found_at_the_root_of_the_mount(tmp_path):
    write(tmp_path / "proc/self/cgroup", "0::/host/only\n")
    write(tmp_path / "sys/fs/cgroup/cpu.max", "200000 100000")
    assert cores_within(8, tmp_path) == 2


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
def test_a_version_1_quota_cuts_the_affinity(tmp_path, mount):
    write(tmp_path / "proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/docker/1\n")
    write(tmp_path / f"sys/fs/cgroup/{mount}/docker/1/cpu.cfs_quota_us", "300000\n")
    write(tmp_path / f"sys/fs/cgroup/{mount}/docker/1/cpu.cfs_period_us", "100000\n")
    assert cores_within(8, tmp_path) == 3


def test_a_version_1_quota_of_minus_one_is_none(tmp_path):
    write(tmp_path / "proc/self/cgroup", "1:cpu:/\n")
    write(tmp_path / "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
    write(tmp_path / "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
    assert cores_within(8, tmp_path) == 8


def test_the_groups_of_a_controller_are_found_with_their_parents_in_both_versions(tmp_path):
    write(tmp_path / "proc/self/cgroup", "4:memory:/app\n3:cpu,cpuacct:/other\n0::/app.slice\n")
    groups = tmp_path / "sys/fs/cgroup"
    assert list(control_groups(tmp_path, "memory")) == [
        (1, groups / "memory/app"),
        (1, groups / "memory"),
        (2, groups / "app.slice"),
        (2, groups),
    ]


def test_the_lowest_quota_is_told_with_its_part_of_a_core(tmp_path):
    assert lowest_quota(tmp_path) is None
    write(tmp_path / "proc/self/cgroup", "0::/\n")
    write(tmp_path / "sys/fs/cgroup/cpu.max", "50000 100000")
    assert lowest_quota(tmp_path) == 0.5
