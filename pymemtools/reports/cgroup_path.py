"""Which control group is meant, and where the memory controller's files of it are."""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.errors import Missing, UsageProblem
from pymemtools.procfs.cgroup import parse_cgroups
from pymemtools.procfs.mountinfo import parse_mountinfo
from pymemtools.sources.base import Source

_DEFAULT = "/sys/fs/cgroup"


class Hierarchy(NamedTuple):
    """The cgroup file system that has the memory controller."""

    version: int  # 1 or 2
    point: str  # where it is mounted
    root: str  # the group that is mounted there: not "/" in a container without a cgroup namespace of its own


def find_hierarchy(source: Source) -> Hierarchy:
    """Find it among the mounts of a live machine, or where everybody mounts it. Raises Missing."""
    if source.is_live:
        mounts = parse_mountinfo(source.read("self/mountinfo"))[::-1]  # the last covers those before it
        for version, kind, option in ((1, "cgroup", "memory"), (2, "cgroup2", "rw"), (2, "cgroup2", "ro")):
            for mount in mounts:
                if mount.kind == kind and option in mount.options:
                    return Hierarchy(version, mount.point, mount.root)
    elif any(name.startswith("memory.") and name.endswith("_in_bytes") for name in source.names(f"{_DEFAULT}/memory")):
        return Hierarchy(1, f"{_DEFAULT}/memory", "/")
    elif source.names(_DEFAULT):
        return Hierarchy(2, _DEFAULT, "/")
    raise Missing("no control groups: nothing is mounted for the memory controller")


def own_group(source: Source, hierarchy: Hierarchy) -> str:
    """Give the path, below the mount, of the group this program runs in. Raises UsageProblem on a capture."""
    if not source.is_live:
        raise UsageProblem("a capture has no group of its own: say --cgroup=PATH")
    path = group_of(source, hierarchy, "self")
    if path is None:
        told = parse_cgroups(source.read("self/cgroup")).get("memory" if hierarchy.version == 1 else "", "/")
        raise Missing(f"{hierarchy.point} shows {hierarchy.root}, but our own group is {told}: say --cgroup=PATH")
    return path


def group_of(source: Source, hierarchy: Hierarchy, pid: int | str) -> str | None:
    """Give the path, below the mount, of a process's group; None for one outside of what is mounted there."""
    path = parse_cgroups(source.read(f"{pid}/cgroup")).get("memory" if hierarchy.version == 1 else "", "/")
    above = hierarchy.root.rstrip("/")
    if not f"{path}/".startswith(f"{above}/") or ".." in path.split("/"):  # mounted in another cgroup namespace
        return None
    return path[len(above) :] or "/"


def named_group(source: Source, hierarchy: Hierarchy, name: str) -> str:
    """Give the path of a group: itself, with or without the mount point before it, or the name of a systemd unit.

    Raises UsageProblem when several units have that name, and Missing when none has.
    """
    if "/" not in name:
        return _unit(source, hierarchy, name)
    if name == hierarchy.point or name.startswith(f"{hierarchy.point}/"):
        name = name[len(hierarchy.point) :]
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Missing(f"{name}: no such control group")
    return f"/{'/'.join(parts)}"


def _unit(source: Source, hierarchy: Hierarchy, name: str) -> str:
    wanted = {name, f"{name}.service"}
    found: list[str] = []
    level = [""]
    while level:
        children = [f"{path}/{child}" for path in level for child in _groups(source, f"{hierarchy.point}{path}")]
        named = [path for path in children if path.rpartition("/")[2] in wanted]
        found += [path for path in named if source.names(f"{hierarchy.point}{path}")]  # but no file, such as "tasks"
        level = children
    if not found:
        raise Missing(f"{name}: no such control group")
    if len(found) > 1:
        raise UsageProblem(f"{name} is the name of several control groups: {' '.join(found)}")
    return found[0]


def _groups(source: Source, path: str) -> list[str]:
    """List what may be groups: leave out what are surely files, for looking into each takes its time."""
    kinds = ("cgroup.", "memory.", "cpu.", "cpuset.", "io.", "pids.", "hugetlb.", "misc.", "rdma.")
    units = (".slice", ".service", ".scope")
    return [name for name in source.names(path) if name.endswith(units) or not name.startswith(kinds)]
