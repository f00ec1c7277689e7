"""Which control group is meant, and where the memory controller's files of it are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from pymemtools.errors import MemtoolsError, Missing, UsageProblem
from pymemtools.procfs.cgroup import parse_cgroups
from pymemtools.procfs.cgroup_names import label_of, own_container_of, pod_of
from pymemtools.procfs.mountinfo import parse_mountinfo
from pymemtools.sources.base import Source

_DEFAULT = "/sys/fs/cgroup"
UNIFIED = f"{_DEFAULT}/unified"  # where version 2 is beside controllers of version 1
# What a name within a group begins with that is surely a file's, unless it ends as those of systemd's units do.
OF_CONTROLLERS = (
    *("cgroup.", "memory.", "cpu.", "cpuset.", "io.", "pids.", "hugetlb.", "misc.", "rdma.", "irq.", "dmem."),
    *("cpuacct.", "blkio.", "freezer.", "devices.", "net_cls.", "net_prio.", "perf_event."),
)
OWN_GROUP = "."  # what users write for the one that they are in
_LEAST_ID = 4  # digits of a container's ID: fewer are soon those of several
UNITS = (".slice", ".service", ".scope")


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
    elif source.names(UNIFIED):
        return Hierarchy(2, UNIFIED, "/")
    elif source.names(_DEFAULT):
        return Hierarchy(2, _DEFAULT, "/")
    if source.is_live:
        raise Missing("no control groups: nothing is mounted for the memory controller")
    raise Missing(f"no control groups: {source.facts.path} has nothing of the memory controller in {_DEFAULT}")


def own_group(source: Source, hierarchy: Hierarchy) -> str:
    """Give the path, below the mount, of the group this program runs in. Raises UsageProblem on a capture."""
    if not source.is_live:
        raise UsageProblem("a capture has no group of its own: name one, by its path or its unit")
    path = group_of(source, hierarchy, "self")
    if path is None:
        told = parse_cgroups(source.read("self/cgroup")).get("memory" if hierarchy.version == 1 else "", "/")
        raise Missing(f"{hierarchy.point} shows {hierarchy.root}, but our own group is {told}: name one of those")
    return path


PathBelow = Callable[[Mapping[str, str]], "str | None"]


def group_of(source: Source, hierarchy: Hierarchy, pid: int | str) -> str | None:
    """Give the path, below the mount, of a process's group; None for one outside of what is mounted there."""
    return below_mount(source, hierarchy)(parse_cgroups(source.read(f"{pid}/cgroup")))


def below_mount(source: Source, hierarchy: Hierarchy) -> PathBelow:
    """Give what makes, of a process's paths by controller, that of its group below the mount.

    In a cgroup namespace of its own, /proc tells paths from the namespace's root on, ``/..`` for what is above. A mount
    made outside shows groups from further up: its root is then such a ``/..``, and what the groups down to the
    namespace are called, only a look at who is in them tells. Source: cgroup_namespaces(7); kernel/cgroup/namespace.c.
    """
    controller = "memory" if hierarchy.version == 1 else ""
    above = [part for part in hierarchy.root.split("/") if part]
    if above and set(above) == {".."}:
        top = _namespace_root(source, hierarchy, len(above))
        return lambda paths: None if top is None else _resolved(f"{top}/{paths.get(controller, '/')}")

    def below(paths: Mapping[str, str]) -> str | None:
        path = paths.get(controller, "/")
        if not is_below(path, hierarchy.root) or ".." in path.split("/"):  # mounted in another cgroup namespace
            return None
        return path[len(hierarchy.root.rstrip("/")) :] or "/"

    return below


def _namespace_root(source: Source, hierarchy: Hierarchy, depth: int) -> str | None:
    """Find our namespace's root so many levels below the mount: the group with which our own path leads to us."""
    path = parse_cgroups(source.read("self/cgroup")).get("memory" if hierarchy.version == 1 else "", "/")
    try:
        pid = source.read("self/stat").partition(b" ")[0]
    except Missing:
        return None
    level = [""]
    for _ in range(depth):
        level = [f"{top}/{child}" for top in level for child in groups_in(source, f"{hierarchy.point}{top}")]
    for top in level:
        inside = _resolved(f"{top}/{path}")
        try:
            if inside is not None and pid in source.read(f"{hierarchy.point}{inside}/cgroup.procs").split():
                return top
        except MemtoolsError:
            continue
    return None


def _resolved(path: str) -> str | None:
    """Go up where a path says ``..``; None for one that leaves the mount."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and not parts:
            return None
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return f"/{'/'.join(parts)}"


def is_below(path: str, group: str) -> bool:
    """Tell whether a group is another, or below it."""
    return f"{path.rstrip('/')}/".startswith(f"{group.rstrip('/')}/")


def named_group(source: Source, hierarchy: Hierarchy, name: str) -> str:
    """Give the path of a group: itself, with or without the mount point before it, or the name of a systemd unit.

    ``.`` is our own; of containers and pods the beginning of an ID does, if there is no unit of that name.
    Raises UsageProblem when several have that name, and Missing when none has.
    """
    if name == OWN_GROUP:
        return own_group(source, hierarchy)
    if "/" not in name:
        return _unit(source, hierarchy, name)
    if name == hierarchy.point or name.startswith(f"{hierarchy.point}/"):
        name = name[len(hierarchy.point) :]
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Missing(f"{name}: no such control group")
    return f"/{'/'.join(parts)}"


def _unit(source: Source, hierarchy: Hierarchy, name: str) -> str:
    groups = list(_all_groups(source, hierarchy))
    wanted = {name, f"{name}.service"}

    def is_group(path: str) -> bool:  # and no file, such as "tasks"
        return bool(source.names(f"{hierarchy.point}{path}"))

    units = [path for path in groups if path.rpartition("/")[2] in wanted and is_group(path)]
    found = units or [path for path in groups if _is_called(path, name) and is_group(path)]
    if len(found) > 1:
        raise UsageProblem(f"{name} is the name of several control groups: {' '.join(found)}")
    if found:
        return found[0]
    near = next((path for path in _near(groups, name) if is_group(path)), None)
    meant = " ('pymemtools groups' lists them)" if near is None else f"; did you mean {near.rpartition('/')[2]}?"
    raise Missing(f"{name}: no such control group{meant}")


def _all_groups(source: Source, hierarchy: Hierarchy) -> Iterator[str]:
    level = [""]
    while level:
        level = [f"{path}/{child}" for path in level for child in groups_in(source, f"{hierarchy.point}{path}")]
        yield from level


def _near(groups: Iterable[str], name: str) -> list[str]:
    """List what is called like it, whatever kind of unit it is."""
    from difflib import get_close_matches

    paths = {_stem(path.rpartition("/")[2]): path for path in groups}
    return [paths[near] for near in get_close_matches(_stem(name), paths)]


def _stem(name: str) -> str:
    return name.rpartition(".")[0] if name.endswith(UNITS) else name


def groups_beginning(source: Source, text: str) -> list[str]:
    """List the groups whose path begins so and has no further ``/``; but for those of an odd name, as anybody may give.

    Raises Missing where there are none.
    """
    above = text.rpartition("/")[0]
    point = find_hierarchy(source).point
    paths = [f"{above}/{child}" for child in groups_in(source, f"{point}{above}") if _PLAIN.fullmatch(child)]
    return [path for path in sorted(paths) if path.startswith(text) and source.names(f"{point}{path}")]


_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:-]*", re.ASCII)


def _is_called(path: str, name: str) -> bool:
    """Tell whether a group is called so by ``groups``, or is the container or pod of an ID that begins so."""
    last = path.rpartition("/")[2]
    identities = (own_container_of(path), pod_of(last)) if len(name) >= _LEAST_ID else ()
    return label_of(last) == name or any(each is not None and each.startswith(name) for each in identities)


def groups_in(source: Source, path: str) -> list[str]:
    """List what in a folder may be groups: leave out what are surely files, for looking into each takes its time."""
    return [name for name in source.names(path) if name.endswith(UNITS) or not name.startswith(OF_CONTROLLERS)]
