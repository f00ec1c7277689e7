"""What the processes of each memory group have mapped, beside what is charged to the group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pymemtools.errors import MemtoolsError, Missing
from pymemtools.readings.cgroup_path import Hierarchy, below_mount, is_below
from pymemtools.readings.group_tree import GroupReading
from pymemtools.readings.lost_pss import PRIVATE
from pymemtools.readings.process import ALIVE, Process
from pymemtools.readings.processes import Sample, read_processes
from pymemtools.readings.reader import read_process
from pymemtools.readings.wants import Wants
from pymemtools.sources.base import Source
from pymemtools.units import plus

WANTS = Wants(cgroups=True)
WANTS_PSS = WANTS | Wants(("Pss", *PRIVATE), rollup=True, split=True)
_FIELDS = ("Pss", "Pss_Anon", "Pss_File", "Pss_Shmem")


class Mapped(NamedTuple):
    """The processes of a group and those in it, and the sums of their PSS in bytes; None where nobody told."""

    processes: int | None = 0
    unreadable: int | None = 0
    pss: int | None = 0
    pss_anon: int | None = 0
    pss_file: int | None = 0
    pss_shmem: int | None = 0


UNKNOWN = Mapped(None, None, None, None, None, None)


def read_members(source: Source, hierarchy: Hierarchy, top: str, *, with_pss: bool) -> Sample:
    """Read the processes of a group and those in it; PSS, which costs most, of no others."""
    if top == "/" and with_pss:
        return read_processes(source, WANTS_PSS)
    everybody, below = read_processes(source, WANTS).everybody, below_mount(source, hierarchy)
    if top == "/":
        return Sample(everybody)
    members = [each for each in everybody if is_below((each.cgroups and below(each.cgroups)) or "/", top)]
    return Sample(list(_with_pss(source, members))) if with_pss else Sample(members)


def _with_pss(source: Source, members: Sequence[Process]) -> Iterator[Process]:
    for member in members:
        try:
            yield read_process(source, member.pid, WANTS_PSS)
        except Missing:
            continue
        except MemtoolsError as error:
            yield member._replace(refused=str(error))


def mapped_by(
    source: Source, hierarchy: Hierarchy, groups: Sequence[GroupReading], sample: Sample, *, with_pss: bool
) -> list[Mapped]:
    """Add up, for each group, its processes and those of the groups in it.

    A process whose group is not there (it was removed, or a copy lacks it) counts in the one above, as its memory does.
    """
    alive = [process for process in sample.everybody if process.life == ALIVE]
    if not any(process.cgroups for process in alive) and not (source.is_live and alive):
        return [UNKNOWN] * len(groups)
    below, places = below_mount(source, hierarchy), {group.level.path: i for i, group in enumerate(groups)}
    sums = [Mapped()] * len(groups)
    for process in alive:
        place = _place(below(process.cgroups) if process.cgroups else None, places)
        if place is not None:
            sums[place] = _plus(sums[place], _of(process))
    for place in range(len(groups) - 1, 0, -1):
        parent = groups[place].parent or 0
        sums[parent] = _plus(sums[parent], sums[place])
    return [_known(each, with_pss=with_pss) for each in sums]


def _place(path: str | None, places: dict[str, int]) -> int | None:
    """Find the innermost group of the tree that a path is in."""
    while path is not None and path not in places:
        if path in ("", "/"):
            return None
        path = path.rpartition("/")[0] or "/"
    return None if path is None else places[path]


def _of(process: Process) -> Mapped:
    if process.refused is not None:
        return Mapped(1, 1)
    return Mapped(1, 0, *(process.sums.get(field) for field in _FIELDS))


def _plus(one: Mapped, other: Mapped) -> Mapped:
    return Mapped(*map(plus, one, other))


def _known(sums: Mapped, *, with_pss: bool) -> Mapped:
    """Take back sums of nothing: of processes that could not be read, or were not to be."""
    if not with_pss:
        return UNKNOWN._replace(processes=sums.processes)
    if sums.processes and sums.unreadable == sums.processes:
        return UNKNOWN._replace(processes=sums.processes, unreadable=sums.unreadable)
    return sums
