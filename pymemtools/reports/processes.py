"""Read every process of a source once: the sample that the smem reports are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from pymemtools.errors import Denied, MemtoolsError, Missing, ParseError
from pymemtools.procfs.cgroup import parse_cgroup
from pymemtools.procfs.smaps_rollup import parse_smaps_rollup
from pymemtools.procfs.smaps_tally import Tally
from pymemtools.procfs.stat import Stat
from pymemtools.procfs.status import parse_status_sizes
from pymemtools.reports.steady import read_steadily
from pymemtools.sources.base import ProcessFiles, Source
from pymemtools.sources.share import share_out

_MAX_CMDLINE = 1 << 20
_T = TypeVar("_T")


class Wanted(NamedTuple):
    """What to read of each process, and which processes."""

    keys: tuple[str, ...]  # fields of smaps, or of smaps_rollup
    by_name: bool = False
    rollup: bool = False
    split: bool = False  # Pss_Anon and its like, which only smaps_rollup has
    status: bool = False
    cgroup: bool = False
    oom_score: bool = False
    process: re.Pattern[str] | None = None
    mapping: re.Pattern[str] | None = None
    user: re.Pattern[str] | None = None


class Process(NamedTuple):
    """One process at one moment; sizes in bytes."""

    pid: int
    ppid: int | None
    starttime_ticks: int | None  # since boot: tells a PID's users apart
    uid: int | None
    user: str | None
    name: str
    command: str
    maps: int | None
    sums: dict[str, int | None]
    by_name: dict[bytes, list[int]]
    cgroup: str | None
    oom_score: int | None


class Sample(NamedTuple):
    """All processes that have memory, and what could not be had."""

    processes: list[Process]
    seen: int  # processes with memory that passed the filters
    unreadable: int
    reason: str  # why the unreadable ones were
    cut_short: int  # processes whose smaps ended within a line
    has_pss: bool
    from_rollup: int  # processes whose figures are smaps_rollup's
    without_smaps: int = 0  # of those, processes of which a copy has no smaps


_FEW = 64  # processes that one process reads faster than it can fork


def read_processes(source: Source, wanted: Wanted) -> Sample:
    """Read the processes of a source.

    On a live machine two processes share the work, a process that ends is left out whole, one caught in the middle of
    an exec is read again, and processes started meanwhile are looked for once.
    """
    reader = _Reader(source, wanted)
    pids = list(source.pids())
    if not source.is_live:
        if not pids:
            raise Missing(f"{source.facts.path}: no process in it")
        return _sample([reader.read(pid) for pid in pids])
    outcomes = dict(zip(pids, _read_all(pids, reader)))
    # A process may escape one listing by forking ahead of it (CVE-2018-1121); a second look narrows that.
    newcomers = {pid: reader.read(pid) for pid in source.pids() if pid not in outcomes}
    outcomes.update([(pid, _after_exec(pid, reader)) for pid, outcome in outcomes.items() if outcome.in_exec])
    outcomes.update((pid, outcome) for pid, outcome in newcomers.items() if not outcome.in_exec)
    return _sample(list(outcomes.values()))


def _after_exec(pid: int, reader: _Reader) -> _Outcome:
    """Read a process again until its new program is all mapped.

    That takes about a millisecond; where it takes for ever (its file system hangs) there is but the little it has.
    """
    for _ in range(20):
        outcome = reader.read(pid)
        if not outcome.in_exec:
            break
    return outcome


def _read_all(pids: Sequence[int], reader: _Reader) -> list[_Outcome]:
    """Read with two processes where that pays; outcomes go from one to the other as plain tuples."""
    if len(pids) < _FEW:
        return [reader.read(pid) for pid in pids]
    return [_unpacked(*packed) for packed in share_out(pids, lambda pid: _packed(reader.read(pid)))]


class _Outcome(NamedTuple):
    process: Process | None = None
    unreadable: str | None = None
    cut_short: bool = False
    has_pss: bool = False
    has_smaps: bool = False
    from_rollup: bool = False
    without_smaps: bool = False
    in_exec: bool = False


_NOTHING = _Outcome()


def _sample(results: Sequence[_Outcome]) -> Sample:
    processes = [result.process for result in results if result.process is not None]
    reasons = [result.unreadable for result in results if result.unreadable is not None]
    read = [result for result in results if result.has_smaps]
    return Sample(
        processes,
        len(processes) + len(reasons),
        len(reasons),
        reasons[0] if reasons else "",
        sum(result.cut_short for result in results),
        not read or any(result.has_pss for result in read),
        sum(result.from_rollup for result in results),
        sum(result.without_smaps for result in results),
    )


def _packed(outcome: _Outcome) -> tuple[Any, ...]:
    process = outcome.process
    return (None if process is None else tuple(process), *outcome[1:])


def _unpacked(process: tuple[Any, ...] | None, *others: Any) -> _Outcome:
    return _Outcome(None if process is None else Process._make(process), *others)


class _Reader:
    """Reads processes one after the other; remembers the layout of the kernel's smaps between them."""

    def __init__(self, source: Source, wanted: Wanted) -> None:
        self._source = source
        self._wanted = wanted
        keep = None
        if wanted.mapping is not None:
            search = wanted.mapping.search
            keep = lambda name: search(name.decode("utf-8", "surrogateescape")) is not None
        self._tally = Tally(wanted.keys, by_name=wanted.by_name, keep=keep)
        self._filters_maps = keep is not None
        self._may_do_without_smaps = not (source.is_live or self._filters_maps or wanted.by_name)

    def read(self, pid: int) -> _Outcome:
        """Read one process; one that vanishes gives nothing, one we may not read gives the reason."""
        try:
            return read_steadily(self._source, pid, self._once)
        except Missing:
            return _NOTHING
        except MemtoolsError as error:
            return _Outcome(unreadable=_reason(error))

    def _once(self, files: ProcessFiles, stat: Stat | None) -> _Outcome:
        if stat is not None and (stat.is_kernel_thread or stat.is_dead):
            return _NOTHING
        identity = self._identity(files, stat)
        if identity is None:
            return _NOTHING
        self._tally.restart()
        try:
            return self._figures(files, stat, identity)
        except (Denied, ParseError) as error:
            return _Outcome(unreadable=_reason(error))
        except Missing:
            if self._source.is_live or not _has_memory(stat, identity):
                raise
            said = self._source.manifest
            reason = None if said is None else said.why_missing(files.pid, "smaps")
            return _Outcome(unreadable="no smaps" if reason is None else f"{reason}, when it was taken")

    def _identity(self, files: ProcessFiles, stat: Stat | None) -> Process | None:
        """Say who the process is; None when a filter refuses it."""
        wanted = self._wanted
        name = "?" if stat is None else _text(stat.comm)
        command = _command(files, name)
        if wanted.process and not (wanted.process.search(name) or wanted.process.search(command)):
            return None
        uid = files.uid()
        user = None if uid is None else self._source.user_name(uid)
        if wanted.user and not wanted.user.search("?" if uid is None else user or str(uid)):
            return None
        ppid, starttime = (None, None) if stat is None else (stat.ppid, stat.starttime_ticks)
        return Process(files.pid, ppid, starttime, uid, user, name, command, None, {}, {}, None, None)

    def _figures(self, files: ProcessFiles, stat: Stat | None, identity: Process) -> _Outcome:
        wanted, tally = self._wanted, self._tally
        rollup = _optional(files, "smaps_rollup", parse_smaps_rollup) if wanted.rollup or wanted.split else None
        sums: dict[str, int | None] = dict(rollup or {})
        maps, without_smaps = None, False
        if rollup is None or not wanted.rollup:
            try:
                is_empty = self._feed(files)
            except (Missing, Denied):
                without_smaps = self._may_do_without_smaps
                rollup = _optional(files, "smaps_rollup", parse_smaps_rollup) if without_smaps else None
                if not rollup:
                    raise
                sums = dict(rollup)
            else:
                maps, totals = tally.finish()
                if not maps:
                    return self._without_maps(stat, is_empty=is_empty)
                sums.update(totals)
        if maps is None and stat is not None:
            sums["Size"] = stat.vsize
        if wanted.status:
            sums.update(_optional(files, "status", parse_status_sizes) or {})
        process = identity._replace(
            maps=maps,
            sums=sums,
            by_name=tally.by_name,
            cgroup=_optional(files, "cgroup", parse_cgroup) if wanted.cgroup else None,
            oom_score=_optional(files, "oom_score", int) if wanted.oom_score else None,
        )
        return _Outcome(
            process,
            from_rollup=maps is None,
            without_smaps=without_smaps,
            cut_short=tally.cut_short,
            has_pss="Pss" in sums if maps is None else tally.has_pss,
            has_smaps=True,
            in_exec=stat is not None and stat.is_in_exec,
        )

    def _feed(self, files: ProcessFiles) -> bool:
        """Read smaps; tell whether it is empty."""
        is_empty = True
        for chunk in files.chunks("smaps"):
            self._tally.feed(chunk)
            is_empty = False
        return is_empty

    def _without_maps(self, stat: Stat | None, *, is_empty: bool) -> _Outcome:
        """Tell a process without memory from one whose memory we do not see."""
        if self._filters_maps:
            return _NOTHING
        if not is_empty:
            return _Outcome(unreadable="smaps holds no mapping")
        return _Outcome(unreadable="smaps is empty") if stat is not None and stat.has_memory else _NOTHING


def _has_memory(stat: Stat | None, identity: Process) -> bool:
    """Tell whether a process that a capture has no smaps of should have had one."""
    return stat.has_memory if stat is not None else not identity.command.startswith(("[", "?"))


def _optional(files: ProcessFiles, name: str, parse: Callable[[bytes], _T | None]) -> _T | None:
    try:
        return parse(files.read(name))
    except (Missing, Denied, ParseError, ValueError):
        return None


def _command(files: ProcessFiles, name: str) -> str:
    """Give the command line with blanks for NULs; a process without one, or that emptied it, is shown by its name."""
    try:
        cmdline = files.read("cmdline")[:_MAX_CMDLINE]
    except Missing:
        return "?" if name == "?" else f"[{name}]"
    except Denied:
        cmdline = b""
    cmdline = cmdline[:-1] if cmdline.endswith(b"\0") else cmdline
    return _text(cmdline.replace(b"\0", b" ")) if cmdline.strip(b"\0") else f"[{name}]"


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _reason(error: MemtoolsError) -> str:
    return str(error).partition(": ")[2]  # without the file, which is another for each process
