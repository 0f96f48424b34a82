"""How many cores this process may really use: its CPU affinity, cut by the cgroup's CPU quota."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def available_cores() -> int:
    """Count the whole cores that this process may keep busy, at least one."""
    return cores_within(len(os.sched_getaffinity(0)), Path("/"))


def cores_within(affinity: int, root: Path) -> int:
    """Cut `affinity` by the lowest CPU quota of the process's cgroup and its parents, found under `root`.

    A part of a core is rounded down: a thread more than the quota pays for is throttled in the middle of a query.
    """
    return max(1, int(min([affinity, *_quotas(root)])))


def _quotas(root: Path) -> Iterator[float]:
    """Give the CPU quotas in force, in cores; inside a container the group's path is often only the mount's root."""
    groups = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers:
            for folder in _and_parents(groups, group):
                yield from _version_2(folder)
        elif "cpu" in controllers.split(","):
            for mount in dict.fromkeys(("cpu", controllers)):
                for folder in _and_parents(groups / mount, group):
                    yield from _version_1(folder)


def _and_parents(mount: Path, group: str) -> Iterator[Path]:
    inside = PurePosixPath(group.lstrip("/"))
    yield from (mount / part for part in (inside, *inside.parents))


def _version_2(folder: Path) -> Iterator[float]:
    match _read(folder / "cpu.max").split():
        case [quota, period] if quota != "max":
            yield int(quota) / int(period)


def _version_1(folder: Path) -> Iterator[float]:
    match _read(folder / "cpu.cfs_quota_us").split(), _read(folder / "cpu.cfs_period_us").split():
        case [quota], [period] if int(quota) > 0:
            yield int(quota) / int(period)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
