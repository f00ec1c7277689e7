"""Whose memory group asks for memory: a process's, one by name, the caller's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pymemtools.errors import Denied, MemtoolsError, Missing, UsageProblem
from pymemtools.procfs.cgroup import parse_cgroups
from pymemtools.procfs.status import parse_status_sizes
from pymemtools.readings.cgroup_path import Hierarchy, find_hierarchy, group_of, is_below, named_group, own_group
from pymemtools.readings.groups import Level, doubts_of, read_levels
from pymemtools.readings.kept_files import kept_files
from pymemtools.sources.base import Source
from pymemtools.units import human_size

_ROOT_ASKS = "a capture has no caller, so the root group asks: say --pid or --group for another"


class Asking(NamedTuple):
    """The group that asks for memory, and those above it; without a path where no group limits anything."""

    path: str | None
    hierarchy: Hierarchy | None
    levels: Sequence[Level] = ()
    notes: tuple[str, ...] = ()
    own: int = 0  # bytes of this program that the groups hold, and that are free when it has ended and another asks
    own_pid: int | None = None  # this program, if it is in the group: by then nobody can kill it
    kept: Mapping[str, int] = {}  # bytes of file pages that memory.min of what is in a group may keep, by its path


def asking(source: Source, pid: int | None = None, name: str | None = None) -> Asking:
    """Find the group of a process, or of that name, or this program's own; on a capture, that is the root.

    Raises Missing for a name that is no group, NoSuchProcess, and UsageProblem for a process and a name. Any other
    doubt is a note.
    """
    asked = _with_kept(source, _asking(source, pid, name))
    return asked._replace(notes=(*asked.notes, *doubts_of(asked.levels)))


def _asking(source: Source, pid: int | None, name: str | None) -> Asking:
    if name is not None:
        if pid is not None:
            raise UsageProblem("--pid and --group each say who asks: give one of them")
        named = find_hierarchy(source)
        path = named_group(source, named, name)
        return _with_own(source, Asking(path, named, read_levels(source, named, path)))
    if pid is not None:
        _expect(source, pid)
    unasked = nobody(source)
    if (hierarchy := unasked.hierarchy) is None:
        return unasked._replace(notes=tuple(_untold(source, pid)))
    if pid is None and not source.is_live:
        return Asking("/", hierarchy, (), (_ROOT_ASKS,))
    who = "this program" if pid is None else str(pid)
    try:
        found = own_group(source, hierarchy) if pid is None else group_of(source, hierarchy, pid)
        if found is None:
            raise Missing("it is outside of what is mounted here")
        held = found if source.is_live else _nearest_held(source, hierarchy, found)
        asked = Asking(held, hierarchy, read_levels(source, hierarchy, held))
        if held != found:
            return asked._replace(notes=(f"the source does not tell of {found}, only of {held}: that is taken",))
        return _with_own(source, asked)
    except MemtoolsError as error:
        return Asking(None, hierarchy, (), (f"the memory group of {who} is not known, nor its limits: {error}",))


def _expect(source: Source, pid: int) -> None:
    """Refuse a process that is not there, of which a group that is not known would say too little."""
    try:
        with source.process(pid):
            pass
    except Denied:  # it is there
        pass


def _untold(source: Source, pid: int | None) -> Iterator[str]:
    """Say so where a copy has no files of memory groups, and the process is in one: its limit would decide."""
    if source.is_live or pid is None:
        return
    try:
        paths = parse_cgroups(source.read(f"{pid}/cgroup"))
    except MemtoolsError:
        return
    path = paths.get("memory", paths.get("", "/"))
    if path != "/":
        yield f"the source does not tell what limits {path}, the memory group of {pid}"


def _nearest_held(source: Source, hierarchy: Hierarchy, path: str) -> str:
    """Give the innermost group, from one upwards, that a copy has files of.

    One taken within a container may have the paths of the machine beside the files of the container's own group, which
    is mounted there as the root.
    """
    while path != "/" and not source.names(f"{hierarchy.point}{path}"):
        path = path.rpartition("/")[0] or "/"
    return path


def _with_own(source: Source, asked: Asking) -> Asking:
    """Find out what this program itself holds of the group that asks, if it is in there.

    Within a small container that is much of it. What it has mapped of files stays in the page cache.
    """
    if not source.is_live or asked.hierarchy is None or not any(level.limit is not None for level in asked.levels):
        return asked
    path = group_of(source, asked.hierarchy, "self")
    if path is None or asked.path is None or not is_below(path, asked.path):
        return asked
    pid = source.read("self/stat").partition(b" ")[0]
    own = parse_status_sizes(source.read("self/status")).get("RssAnon", 0)
    return asked._replace(own=own, own_pid=int(pid) if pid.isdigit() else None)


def _with_kept(source: Source, asked: Asking) -> Asking:
    """Find out what memory.min keeps from reclaim within the groups that have limits, and of the machine's."""
    hierarchy = asked.hierarchy
    if hierarchy is None:
        return asked
    paths = dict.fromkeys(("/", *(level.path for level in asked.levels if level.limit is not None)))
    kept = {path: size for path in paths if (size := kept_files(source, hierarchy, path))}
    notes = (f"memory.min may keep {human_size(size)} of file pages within {path}" for path, size in kept.items())
    return asked._replace(kept=kept, notes=(*asked.notes, *notes))


def nobody(source: Source) -> Asking:
    """Find the groups of a machine, where it does not matter which of them asks."""
    try:
        return Asking(None, find_hierarchy(source))
    except (Missing, Denied):
        return Asking(None, None)
