"""What the checks go by, read at one moment: the machine, its processes and their groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from pymemtools.errors import MemtoolsError, Missing
from pymemtools.models.release import Version, since
from pymemtools.procfs.buddyinfo import parse_buddyinfo
from pymemtools.procfs.meminfo import parse_meminfo
from pymemtools.procfs.swaps import SwapArea, parse_swaps
from pymemtools.procfs.vmstat import parse_vmstat
from pymemtools.procfs.zoneinfo import parse_zoneinfo
from pymemtools.readings.doubt import plausible
from pymemtools.readings.machine import Machine, read_machine
from pymemtools.readings.processes import Sample
from pymemtools.readings.twice_told import Charged, Told, read_charged, read_told
from pymemtools.reports.oom_scores.candidates import Candidates, candidates
from pymemtools.sources.base import Source

_T = TypeVar("_T")
# Of MemTotal: what may well be taken or freed while one file of a copy was made, or between two of the machine's.
_WITHIN_A_FILE, _BETWEEN_FILES, _LEAST_BETWEEN = 1 << 14, 128, 1 << 20


class Evidence(NamedTuple):
    """One look; None where the source does not tell."""

    machine: Machine
    own_settings: frozenset[str]  # tunables that the source tells, not worked out of the figures they explain
    swaps: Sequence[SwapArea] | None
    blocks: Mapping[tuple[int, str], Sequence[int]]  # buddyinfo
    processes: Sequence[Told]
    unreadable: int
    scores: Candidates | None
    groups: Sequence[Charged]
    page_size: int | None  # that the source tells
    is_live: bool

    @property
    def between_files(self) -> int:
        """Give the bytes that may have moved between two files of a copy; a live machine is read again instead."""
        return 0 if self.is_live else max(self.machine.meminfo.get("MemTotal", 0) // _BETWEEN_FILES, _LEAST_BETWEEN)

    @property
    def within_file(self) -> int:
        """Give the bytes that may have moved while one file of a copy was made."""
        return 0 if self.is_live else self.machine.meminfo.get("MemTotal", 0) // _WITHIN_A_FILE

    @property
    def counter_slack_pages(self) -> int:
        """Give the pages by which a process's RSS, read in haste, may be off: nothing before Linux 6.2.

        Since then each of its four counters keeps a batch to each processor. Source: mm_types.h, get_mm_counter();
        lib/percpu_counter.c, compute_batch_value().
        """
        cpus = self.machine.cpus or 1
        return 4 * cpus * max(32, 2 * cpus) if since(self.machine.version, (6, 2)) else 0

    def figure(self, key: str) -> int:
        """Give a figure of meminfo in bytes. Raises Missing."""
        if key not in self.machine.meminfo:
            return self.machine.pages(key)  # which says why
        return self.machine.meminfo[key]

    def need_smaps(self) -> None:
        """Raise Missing, with the reason, where no process's smaps could be read."""
        if not any(told.smaps for told in self.processes):
            raise Missing("no process's smaps may be read") if self.unreadable else lacks("smaps of any process")

    @property
    def version(self) -> Version | None:
        """Give the kernel's version."""
        return self.machine.version


def read_evidence(source: Source) -> Evidence:
    """Take the first look, at everything."""
    return _look(source, read_machine(source), _others(source), None)


def read_again(source: Source, before: Evidence, pids: Iterable[int]) -> Evidence:
    """Take another look at what changes all the time, and of the processes at some."""
    scale = None if before.scores is None else before.scores.scale
    return _look(source, before.machine, list(pids), scale)


def _look(source: Source, machine: Machine, pids: Sequence[int], scale: str | None) -> Evidence:
    machine = _moment(source, machine)
    processes, unreadable = read_told(source, pids)
    return Evidence(
        machine=machine,
        own_settings=_told_settings(source),
        swaps=_optional(source, "swaps", parse_swaps),
        blocks=_optional(source, "buddyinfo", parse_buddyinfo) or {},
        processes=processes,
        unreadable=unreadable,
        scores=_scores(source, processes, scale),
        groups=_groups(source, pids),
        page_size=source.facts.page_size,
        is_live=source.is_live,
    )


def _told_settings(source: Source) -> frozenset[str]:
    return frozenset(f"vm.{name}" for name in source.names("sys/vm"))


def _moment(source: Source, machine: Machine) -> Machine:
    """Read anew, of a live machine and as close together as may be, what changes all the time."""
    if not source.is_live:
        return machine
    texts = {}
    for name in ("vmstat", "zoneinfo", "meminfo"):
        try:
            texts[name] = source.read(name)
        except MemtoolsError:
            return machine
    try:
        meminfo = plausible(parse_meminfo(texts["meminfo"])).meminfo
        return machine._replace(
            meminfo=meminfo, counters=parse_vmstat(texts["vmstat"]), zones=parse_zoneinfo(texts["zoneinfo"])
        )
    except MemtoolsError:
        return machine


def _others(source: Source) -> list[int]:
    """List the processes, but for ourselves, who grow as we look."""
    own = None
    if source.is_live:
        try:
            own = source.read("self/stat").partition(b" ")[0]
        except MemtoolsError:
            pass
    return [pid for pid in source.pids() if b"%d" % pid != own]


def _scores(source: Source, processes: Sequence[Told], scale: str | None) -> Candidates | None:
    try:
        return candidates(source, Sample([told.process for told in processes]), scale)
    except MemtoolsError:
        return None


def _groups(source: Source, pids: Iterable[int]) -> Sequence[Charged]:
    try:
        return read_charged(source, pids)
    except MemtoolsError:
        return ()


def _optional(source: Source, name: str, parse: Callable[[bytes], _T]) -> _T | None:
    try:
        return parse(source.read(name))
    except MemtoolsError:
        return None


def lacks(*names: str) -> Missing:
    """Say what a check would need."""
    return Missing(f"the source has no {', '.join(names)}")
