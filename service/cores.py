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
    quota = lowest_quota(root)
    return affinity if quota is None else max(1, min(affinity, int(quota)))


def lowest_quota(root: Path) -> float | None:
    """Give the lowest CPU quota in force, in cores; None where there is none."""
    found = [
        quota
        for version, folder in control_groups(root, "cpu")
        for quota in (_version_2(folder) if version == 2 else _version_1(folder))
    ]
    return min(found, default=None)


def control_groups(root: Path, controller: str) -> Iterator[tuple[int, Path]]:
    """Give the version and folder of the process's cgroup and of its parents, where a controller's limits stand.

    Inside a container the group's path is often only the mount's root.
    """
    groups = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers:
            yield from ((2, folder) for folder in _and_parents(groups, group))
        elif controller in controllers.split(","):
            for mount in dict.fromkeys((controller, controllers)):
                yield from ((1, folder) for folder in _and_parents(groups / mount, group))


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
