"""Read one process: what it is, what fits in a page, and its smaps as far as they are wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pymemtools.errors import Denied, MemtoolsError, Missing, NoSuchProcess, NotRecorded, ParseError
from pymemtools.procfs.cgroup import main_group, parse_cgroups
from pymemtools.procfs.smaps.rollup import Rollups, parse_smaps_rollup
from pymemtools.procfs.smaps.tally import Tally
from pymemtools.procfs.stat import Stat
from pymemtools.procfs.status import parse_status_capabilities, parse_status_sizes
from pymemtools.readings.by_name import by_name
from pymemtools.readings.process import EMPTY, KERNEL, ZOMBIE, Process, identify, small_number, with_owner
from pymemtools.readings.steady import read_steadily
from pymemtools.readings.wants import Wants
from pymemtools.sources.base import ProcessFiles, Source

if TYPE_CHECKING:
    from pymemtools.procfs.ksm import KsmStat
    from pymemtools.procfs.smaps.accounted import Accounting
    from pymemtools.procfs.smaps.mergeable import Mergeable

_T = TypeVar("_T")
_MEMORY = ("Rss", "Swap")
_TELLING = ("Rss", "Pss", "Private_Clean", "Private_Dirty")  # by which a rollup is believed


def read_process(source: Source, pid: int, wants: Wants) -> Process:
    """Read one process, whatever its life; ``refused`` says why its memory could not be. Raises Missing or Denied."""
    reader = ProcessReader(source, wants)
    found = read_steadily(source, pid, reader.once)
    if found is None:
        raise NoSuchProcess(pid)
    return found


class ProcessReader:
    """Reads processes one after the other; remembers the layout of the kernel's smaps between them."""

    def __init__(self, source: Source, wants: Wants) -> None:
        self._source = source
        self._wants = wants
        keep = None
        if wants.mapping is not None:
            search = wants.mapping.search
            keep = lambda name: search(name.decode("utf-8", "surrogateescape")) is not None
        keys = wants.keys if wants.reads_smaps else _MEMORY
        self._accounting = _accounting() if wants.accounted else None
        self._mergeable = _mergeable() if wants.mergeable else None
        flagged = [each.key for each in (self._accounting, self._mergeable) if each is not None]
        self._tally = Tally(tuple(dict.fromkeys((*keys, *flagged))), by_name=wants.by_name, keep=keep)
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
        try:
            if self._wants.reads_smaps:
                process = self._figures(files, stat, process)
            elif self._wants.memory:
                process = self._at_the_least(files, process)
        except Denied as error:
            return process._replace(refused=_reason(error))
        except ParseError as error:
            return process._replace(refused=_reason(error), status=None)  # of what is damaged nothing is believed
        except Missing as error:
            if self._source.is_live or not (self._wants.memory or _has_memory(stat, process)):
                raise
            why = error.reason if isinstance(error, NotRecorded) else self._why_missing(files.pid)
            return process._replace(refused=why)
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
            ksm=_ksm_of(files) if wants.ksm else None,
        )

    def _figures(self, files: ProcessFiles, stat: Stat | None, process: Process) -> Process:
        wants, tally = self._wants, self._tally
        is_summed_up = wants.rollup or wants.split
        rollup = _optional(files, "smaps_rollup", self._parse_rollup) if is_summed_up else None
        sums: dict[str, int | None] = dict(rollup or {})
        maps, is_without_smaps = None, False
        accounting = None if self._accounting is None else self._accounting()
        mergeable = None if self._mergeable is None else self._mergeable()
        tally.restart(*(each for each in (accounting, mergeable) if each is not None))
        if rollup is None or not wants.rollup:
            try:
                is_empty = self._feed(files)
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

    def _feed(self, files: ProcessFiles) -> bool:
        """Read smaps; tell whether it is empty."""
        is_empty = True
        for chunk in files.chunks("smaps"):
            self._tally.feed(chunk)
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
        self._tally.restart()
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


# What few commands ask for is imported for those only.


def _accounting() -> type[Accounting]:
    from pymemtools.procfs.smaps.accounted import Accounting

    return Accounting


def _mergeable() -> type[Mergeable]:
    from pymemtools.procfs.smaps.mergeable import Mergeable

    return Mergeable


def _ksm_of(files: ProcessFiles) -> KsmStat | None:
    from pymemtools.procfs.ksm import parse_ksm_stat

    return _optional(files, "ksm_stat", parse_ksm_stat)


def _optional(files: ProcessFiles, name: str, parse: Callable[[bytes], _T | None]) -> _T | None:
    try:
        return parse(files.read(name))
    except (Missing, Denied, ParseError, ValueError):
        return None


def _reason(error: MemtoolsError) -> str:
    """Say it without the process, which is another each time; which file was damaged is part of it."""
    file, _, reason = str(error).partition(": ")
    return f"{file.rpartition('/')[2]}: {reason}" if isinstance(error, ParseError) else reason
