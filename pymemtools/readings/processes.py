"""Read every process of a source once, with all that the questions at hand want of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

from pymemtools.errors import Denied, MemtoolsError, Missing, NoSuchProcess, ParseError
from pymemtools.procfs.cgroup import main_group, parse_cgroups
from pymemtools.procfs.ksm import parse_ksm_stat
from pymemtools.procfs.smaps.accounted import Accounting
from pymemtools.procfs.smaps.flagged import FlaggedRecords
from pymemtools.procfs.smaps.mergeable import Mergeable
from pymemtools.procfs.smaps.rollup import Rollups, parse_smaps_rollup
from pymemtools.procfs.smaps.tally import Tally
from pymemtools.procfs.stat import Stat
from pymemtools.procfs.status import parse_status_capabilities, parse_status_sizes
from pymemtools.readings.by_name import by_name
from pymemtools.readings.process import (
    ALIVE,
    EMPTY,
    KERNEL,
    ZOMBIE,
    Process,
    identify,
    life_of,
    packed,
    small_number,
    unpacked,
    with_owner,
)
from pymemtools.readings.steady import read_steadily
from pymemtools.sources.attended import while_reading
from pymemtools.sources.base import ProcessFiles, Source
from pymemtools.sources.share import share_out

_T = TypeVar("_T")
_MEMORY = ("Rss", "Swap")
_TELLING = ("Rss", "Pss", "Private_Clean", "Private_Dirty")  # by which a rollup is believed


class Wants(NamedTuple):
    """What to read of each process, and of which processes. What two questions want is united by ``|``.

    Of smaps nothing is read unless there are ``keys``, or ``accounted`` or ``mergeable`` is wanted.
    """

    keys: tuple[str, ...] = ()  # fields of smaps, or of smaps_rollup, to be added up
    by_name: bool = False  # by name of mapping, too
    rollup: bool = False  # smaps_rollup will do, where there is one
    split: bool = False  # Pss_Anon and its like, which only smaps_rollup has
    accounted: bool = False  # what Committed_AS counts
    status: bool = False  # sizes and capabilities
    memory: bool = False  # RSS and swap at the least: of smaps, where status does not tell
    cgroup: bool = False  # the one that it is known by
    cgroups: bool = False  # in each hierarchy
    oom_score: bool = False
    oom_score_adj: bool = False
    ksm: bool = False  # ksm_stat
    mergeable: bool = False  # what KSM may merge, of smaps
    process: re.Pattern[str] | None = None  # filters: name or command, name of mapping, owner
    mapping: re.Pattern[str] | None = None
    user: re.Pattern[str] | None = None

    def __or__(self, other: object) -> Wants:
        """Want what both want, of every process: a filter stays where both have it. One pass reads it."""
        if not isinstance(other, Wants):
            return NotImplemented
        keys = tuple(dict.fromkeys((*self.keys, *other.keys)))
        flags = [bool(one or another) for one, another in zip(self[1:13], other[1:13])]
        filters = [one if one == another else None for one, another in zip(self[13:], other[13:])]
        needs_all = any(each.reads_smaps and not each.rollup for each in (self, other))
        return Wants(keys, *flags, *filters)._replace(rollup=not needs_all and (self.rollup or other.rollup))  # type: ignore[arg-type]

    @property
    def reads_smaps(self) -> bool:
        """Tell whether smaps, or smaps_rollup, is read of every process."""
        return bool(self.keys) or self.accounted or self.mergeable


class Sample(NamedTuple):
    """All processes of a source, or all that passed the filters."""

    everybody: list[Process]

    @property
    def processes(self) -> list[Process]:
        """Give those that have memory and let it be read."""
        return [process for process in self.everybody if process.life == ALIVE and process.refused is None]

    @property
    def refused(self) -> list[Process]:
        """Give those that have memory that we may not see, or that a copy lacks."""
        return [process for process in self.everybody if process.refused is not None]

    @property
    def seen(self) -> int:
        """Count the processes with memory."""
        return sum(process.life == ALIVE for process in self.everybody)

    @property
    def kernel_threads(self) -> int:
        """Count the kernel's own."""
        return sum(process.life == KERNEL for process in self.everybody)

    @property
    def unreadable(self) -> int:
        """Count those whose memory could not be read."""
        return len(self.refused)

    @property
    def reason(self) -> str:
        """Say why the first of them was not."""
        return next((process.refused or "" for process in self.refused), "")

    @property
    def has_pss(self) -> bool:
        """Tell whether the kernel measures PSS; where nothing was read, it is taken to do so."""
        read = self.processes
        return not read or any(process.has_pss for process in read)


@runtime_checkable
class Sampled(Protocol):
    """A source whose processes were read already: see readings.once."""

    def sample(self, wants: Wants) -> Sample | None:
        """Give what is wanted, or None where that was not read."""
        ...


_FEW = 64  # processes that one process reads faster than it can fork


def read_processes(source: Source, wants: Wants) -> Sample:
    """Read the processes of a source.

    On a live machine two processes share the work, a process that ends is left out whole, one caught in the middle of
    an exec is read again, and processes started meanwhile are looked for once.
    """
    known = source.sample(wants) if isinstance(source, Sampled) else None
    if known is not None:
        return known
    reader = _Reader(source, wants)
    pids = list(source.pids())
    if not source.is_live:
        with while_reading(source, len(pids)):
            return _sample(map(reader.read, pids))
    outcomes = dict(zip(pids, _read_all(source, pids, reader)))
    # A process may escape one listing by forking ahead of it (CVE-2018-1121); a second look narrows that.
    newcomers = {pid: reader.read(pid) for pid in source.pids() if pid not in outcomes}
    outcomes.update([(pid, _after_exec(pid, reader)) for pid, process in outcomes.items() if _is_in_exec(process)])
    outcomes.update((pid, process) for pid, process in newcomers.items() if not _is_in_exec(process))
    return _sample(outcomes.values())


class Count(NamedTuple):
    """How many processes there are, by the one decision on their life."""

    alive: int  # with memory, those included whose memory could not be read
    kernel_threads: int
    unreadable: int


def count_processes(source: Source) -> Count:
    """Count the processes of a source, and keep none of them: there may be very many."""
    reader = _Reader(source, Wants(("Rss",), rollup=True))
    pids = source.pids()
    alive = kernel_threads = unreadable = 0
    with while_reading(source, len(pids)):
        for process in filter(None, map(reader.read, pids)):
            alive += process.life == ALIVE
            kernel_threads += process.life == KERNEL
            unreadable += process.refused is not None
    return Count(alive, kernel_threads, unreadable)


def pids_in_user_space(source: Source) -> list[int]:
    """Number the processes in order, without kernel threads: what somebody may ask about."""

    def is_kernel_thread(pid: int) -> bool:
        try:
            return read_steadily(source, pid, lambda files, stat: life_of(stat)) == KERNEL
        except MemtoolsError:
            return False  # of what is not known it is not said

    return [pid for pid in sorted(source.pids()) if not is_kernel_thread(pid)]


def expect_processes(source: Source) -> None:
    """Refuse a copy in which there are none, where they are all that is asked about. Raises Missing."""
    if not source.is_live and not source.pids():
        raise Missing(f"{source.facts.path}: no process in it")


def read_process(source: Source, pid: int, wants: Wants) -> Process:
    """Read one process, whatever its life; ``refused`` says why its memory could not be. Raises Missing or Denied."""
    reader = _Reader(source, wants)
    found = read_steadily(source, pid, reader.once)
    if found is None:
        raise NoSuchProcess(pid)
    return found


def _sample(outcomes: Iterable[Process | None]) -> Sample:
    return Sample([process for process in outcomes if process is not None])


def _is_in_exec(process: Process | None) -> bool:
    return process is not None and process.is_in_exec


def _after_exec(pid: int, reader: _Reader) -> Process | None:
    """Read a process again until its new program is all mapped.

    That takes about a millisecond; where it takes for ever (its file system hangs) there is but the little it has.
    """
    process = None
    for _ in range(20):
        process = reader.read(pid)
        if not _is_in_exec(process):
            break
    return process


def _read_all(source: Source, pids: Sequence[int], reader: _Reader) -> Iterator[Process | None]:
    """Read with two processes where that pays; what they read goes from one to the other as plain tuples."""
    if len(pids) < _FEW:
        return map(reader.read, pids)
    return map(unpacked, share_out(pids, lambda pid: packed(reader.read(pid)), while_reading(source, len(pids))))


class _Reader:
    """Reads processes one after the other; remembers the layout of the kernel's smaps between them."""

    def __init__(self, source: Source, wants: Wants) -> None:
        self._source = source
        self._wants = wants
        keep = None
        if wants.mapping is not None:
            search = wants.mapping.search
            keep = lambda name: search(name.decode("utf-8", "surrogateescape")) is not None
        keys = wants.keys if wants.reads_smaps else _MEMORY
        self._tally = Tally(keys, by_name=wants.by_name, keep=keep)
        self._parse_rollup = parse_smaps_rollup if wants.split else Rollups((*keys, *_TELLING)).parse
        self._filters_maps = keep is not None
        self._chosen = by_name(source, wants.process)
        self._may_do_without_smaps = not (source.is_live or self._filters_maps or wants.by_name or wants.mergeable)

    def read(self, pid: int) -> Process | None:
        """Read one process; one that vanishes, or that a filter refuses, gives nothing."""
        try:
            return read_steadily(self._source, pid, self.once)
        except Missing:
            return None
        except MemtoolsError as error:
            return Process(pid, None, None, None, None, "?", "?", {}, {}, refused=_reason(error))

    def once(self, files: ProcessFiles, stat: Stat | None) -> Process | None:
        """Read one process without a look whether it keeps still."""
        process = identify(files, stat)
        if self._chosen and not self._chosen.chooses(process.pid, process.name, process.command):
            return None
        if process.life == KERNEL:
            return process
        process = with_owner(process, self._source, files)
        if self._wants.user and not self._wants.user.search(process.owner):
            return None
        process = self._small_files(files, process)
        if process.life == ZOMBIE:
            return process
        self._tally.restart()
        try:
            if self._wants.reads_smaps:
                process = self._figures(files, stat, process)
            elif self._wants.memory:
                process = self._at_the_least(files, process)
        except Denied as error:
            return process._replace(refused=_reason(error))
        except ParseError as error:
            return process._replace(refused=_reason(error), status=None)  # of what is damaged nothing is believed
        except Missing:
            if self._source.is_live or not (self._wants.memory or _has_memory(stat, process)):
                raise
            return process._replace(refused=self._why_missing(files.pid))
        return process._replace(is_in_exec=True) if stat is not None and stat.is_in_exec else process

    def _small_files(self, files: ProcessFiles, process: Process) -> Process:
        """Read what fits in a page, as far as it is wanted; where it is missing or damaged, it is not known."""
        wants = self._wants
        if not (wants.status or wants.cgroup or wants.cgroups or wants.oom_score or wants.oom_score_adj or wants.ksm):
            return process
        status = _optional(files, "status", bytes) if wants.status else None
        cgroups = _optional(files, "cgroup", parse_cgroups) if wants.cgroup or wants.cgroups else None
        return process._replace(
            status=None if status is None else parse_status_sizes(status),
            capabilities=None if status is None else parse_status_capabilities(status),
            cgroup=None if cgroups is None else main_group(cgroups),
            cgroups=cgroups if wants.cgroups else None,
            oom_score=_optional(files, "oom_score", small_number) if wants.oom_score else None,
            oom_score_adj=_optional(files, "oom_score_adj", small_number) if wants.oom_score_adj else None,
            ksm=_optional(files, "ksm_stat", parse_ksm_stat) if wants.ksm else None,
        )

    def _figures(self, files: ProcessFiles, stat: Stat | None, process: Process) -> Process:
        wants, tally = self._wants, self._tally
        is_summed_up = wants.rollup or wants.split
        rollup = _optional(files, "smaps_rollup", self._parse_rollup) if is_summed_up else None
        sums: dict[str, int | None] = dict(rollup or {})
        maps, is_without_smaps, where = None, False, f"{files.pid}/smaps"
        accounting = Accounting(where) if wants.accounted else None
        mergeable = Mergeable(where) if wants.mergeable else None
        if rollup is None or not wants.rollup:
            try:
                is_empty = self._feed(files, accounting, mergeable)
            except (Missing, Denied):
                is_without_smaps = self._may_do_without_smaps
                if not is_without_smaps:
                    raise
                rollup = rollup if is_summed_up else _optional(files, "smaps_rollup", self._parse_rollup)
                if not rollup:
                    raise
                sums = dict(rollup)
            else:
                maps, totals = tally.finish()
                if not maps:
                    return self._without_maps(stat, process, is_empty=is_empty)
                sums.update(totals)
        if maps is None and stat is not None:
            sums["Size"] = stat.vsize
        sums.update(process.status or {})
        return process._replace(
            maps=maps,
            sums=sums,
            by_name=tally.by_name,
            accounted=None if accounting is None else accounting.finish(),
            mergeable=None if mergeable is None else mergeable.finish(),
            is_without_smaps=is_without_smaps,
            is_cut_short=tally.cut_short,
            rollup=rollup if wants.split and not wants.rollup else None,
            has_pss="Pss" in sums if maps is None else tally.has_pss,
        )

    def _feed(self, files: ProcessFiles, *others: FlaggedRecords | None) -> bool:
        """Read smaps; tell whether it is empty."""
        is_empty = True
        for chunk in files.chunks("smaps"):
            self._tally.feed(chunk)
            for other in others:
                if other is not None:
                    other.feed(chunk)
            is_empty = False
        return is_empty

    def _without_maps(self, stat: Stat | None, process: Process, *, is_empty: bool) -> Process:
        """Tell a process without memory from one whose memory we do not see."""
        if self._filters_maps:
            return process._replace(life=EMPTY)
        if not is_empty:
            return process._replace(refused="smaps holds no mapping")
        has_memory = stat is not None and stat.has_memory
        return process._replace(refused="smaps is empty") if has_memory else process._replace(life=EMPTY)

    def _at_the_least(self, files: ProcessFiles, process: Process) -> Process:
        """Take RSS and swap from status, else add up smaps, or take smaps_rollup. Raises Missing for none of them."""
        if "VmRSS" in (process.status or {}):
            return process
        try:
            self._feed(files)
        except Missing:
            rollup = _optional(files, "smaps_rollup", self._parse_rollup)
            if process.status and not rollup:
                return process
            if not rollup:
                raise
            return process._replace(sums={key: rollup.get(key) for key in _MEMORY})
        return process._replace(sums=self._tally.finish().sums)

    def _why_missing(self, pid: int) -> str:
        said = self._source.manifest
        reason = None if said is None else said.why_missing(pid, "smaps")
        return "no smaps" if reason is None else f"{reason}, when it was taken"


def _has_memory(stat: Stat | None, process: Process) -> bool:
    """Tell whether a process that a capture has no smaps of should have had one."""
    if stat is not None and stat.vsize is not None:
        return stat.vsize > 0  # of few resident pages stat may count none, as processors add theirs up late
    return not process.command.startswith(("[", "?"))


def _optional(files: ProcessFiles, name: str, parse: Callable[[bytes], _T | None]) -> _T | None:
    try:
        return parse(files.read(name))
    except (Missing, Denied, ParseError, ValueError):
        return None


def _reason(error: MemtoolsError) -> str:
    """Say it without the process, which is another each time; which file was damaged is part of it."""
    file, _, reason = str(error).partition(": ")
    return f"{file.rpartition('/')[2]}: {reason}" if isinstance(error, ParseError) else reason
