"""What KSM saves and costs, whose pages it merges, and whose it might."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.procfs.ksm import KsmStat
from pymemtools.readings.doubt import read_meminfo
from pymemtools.readings.hidden import invisible, told_by_ps, unread
from pymemtools.readings.ksm import Ksm, read_ksm
from pymemtools.readings.named import read_named
from pymemtools.readings.page_size import page_size_of
from pymemtools.readings.process import ALIVE, Process
from pymemtools.readings.processes import Sample, read_processes
from pymemtools.readings.wants import Wants
from pymemtools.report import Column, Report, table_of
from pymemtools.sources.base import Source
from pymemtools.units import times

COLUMNS = (
    Column("pid", "PID", "process number", "count", 7),
    Column("user", "User", "owner", "text", 8, right=False, cut=True),
    Column("anonymous", "Anon", "anonymous memory in RAM; of others only what status tells", "bytes", 9),
    Column("mergeable", "Mergeable", "of it where the process lets pages be merged (VmFlags mg)", "bytes", 9),
    Column("ksm", "Merged", "of it on pages that are merged", "bytes", 9),
    Column("ksm_profit", "Profit", "what the kernel says that merging saves here, less its own cost", "bytes", 9),
    Column("rmap_items", "Items", "pages that ksmd looks at", "count", 8),
    Column("merge_any", "Any", "all its memory may be merged (PR_SET_MEMORY_MERGE)", "bool", 5),
    Column("reason", "Why", "merged, open to it, or much anonymous memory", "text", 6, right=False),
    Column("name", "Name", "the kernel's name of the process", "text", 15, right=False),
    Column("command", "Command", "command line", "text", 27, right=False),
)
MERGED, OPEN, MUCH = "merged", "open", "much"
_MUCH = 100  # of RAM one part in so many
_WANTS = Wants(("Anonymous", "KSM"), status=True, ksm=True, mergeable=True)
_NOTHING = KsmStat()


class KsmRequest(NamedTuple):
    """Which processes are shown: those named, else the candidates or everybody, those with the most memory first."""

    pids: tuple[int, ...] = ()
    top: int | None = None
    everybody: bool = False


class KsmProcess(NamedTuple):
    """A process, in bytes."""

    pid: int
    user: str
    anonymous: int | None
    mergeable: int | None
    ksm: int | None
    ksm_profit: int | None
    rmap_items: int | None
    merge_any: bool | None
    reason: str | None
    name: str
    command: str


class Candidates(NamedTuple):
    """Processes, those with the most anonymous memory first."""

    rows: list[KsmProcess]
    others: int  # beyond these
    much: int | None  # bytes of anonymous memory that are called much
    gone: tuple[int, ...]  # that were named and are not there
    sample: Sample


class KsmStatus(NamedTuple):
    """All of it."""

    ksm: Ksm
    candidates: Candidates


def ksm_report(source: Source, request: KsmRequest) -> Report:
    """Read settings, counts and processes. Raises Missing where there are none, NoSuchProcess for those named."""
    ksm = read_ksm(source)
    found = KsmStatus(ksm, candidates_of(source, request))
    sample = found.candidates.sample
    hidden = (*invisible(source), *told_by_ps(source), *ksm.notes)
    refused = [unread(source, sample.unreadable, sample.seen, sample.reason)] if sample.unreadable else []
    return Report(
        "ksm",
        table_of(COLUMNS, found.candidates.rows),
        found,
        totals=_totals(found),
        facts=source.facts._asdict(),
        notes=hidden,
        warnings=(*refused, *hidden),
        unreadable=sample.unreadable,
    )


def candidates_of(source: Source, request: KsmRequest) -> Candidates:
    """Read the processes asked for. Raises NoSuchProcess where none of those named is there."""
    sample, gone = read_named(source, request.pids, _WANTS) if request.pids else (read_processes(source, _WANTS), ())
    much = _much(source)
    page_size = page_size_of(source).size
    rows = [_row(process, page_size, much) for process in sample.everybody if request.pids or process.life == ALIVE]
    if not request.pids:
        chosen = (row for row in rows if row.reason or request.everybody)
        rows = sorted(chosen, key=lambda row: (-(row.anonymous or 0), row.pid))
    shown = rows[: request.top]
    return Candidates(shown, len(rows) - len(shown), much, gone, sample)


def _much(source: Source) -> int | None:
    try:
        total = read_meminfo(source).meminfo.get("MemTotal")
    except MemtoolsError:
        return None
    return None if total is None else total // _MUCH


def _row(process: Process, page_size: int, much: int | None) -> KsmProcess:
    told = process.ksm or _NOTHING
    sums, status = process.sums, process.status or {}
    anonymous = sums.get("Anonymous") if process.refused is None else status.get("RssAnon")
    merged = sums.get("KSM")
    if merged is None:
        merged = times(told.merging_pages, page_size)
    mergeable = process.mergeable if process.refused is None else None
    return KsmProcess(
        pid=process.pid,
        user=process.owner,
        anonymous=anonymous,
        mergeable=mergeable,
        ksm=merged,
        ksm_profit=told.profit,
        rmap_items=told.rmap_items,
        merge_any=told.merge_any,
        reason=_reason((merged, told.zero_pages), (mergeable, told.mergeable, told.merge_any), anonymous, much),
        name=process.name,
        command=process.command,
    )


def _reason(
    merged: Collection[int | None], is_open: Collection[int | None], anonymous: int | None, much: int | None
) -> str | None:
    """Say why a process is a candidate."""
    if any(merged):
        return MERGED
    if any(is_open):
        return OPEN
    return MUCH if much is not None and (anonymous or 0) >= much else None


def _totals(found: KsmStatus) -> dict[str, Any]:
    """Give the machine's figures for programs: the kernel's own by its names, which are numbers of pages."""
    ksm = found.ksm
    return {
        "saved": times(ksm.saved_pages, ksm.page_size),
        "profit": ksm.profit,
        "cost": times(ksm.items, ksm.item_size),
        "limit_copies": ksm.copies,
        "scan_seconds": ksm.scan_seconds,
        "sysfs": dict(ksm.values),
        "much": found.candidates.much,
    }
