"""What merging the pages of processes of this machine would save: found out by reading them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from pymemtools.errors import Denied, MemtoolsError, Missing, NoSuchProcess
from pymemtools.models.ksm import ITEM_SIZE, KsmRules, Merged, MergedProcess, merge, profit
from pymemtools.readings.hidden import invisible, unread
from pymemtools.readings.ksm import Ksm, read_ksm
from pymemtools.readings.page_contents import ContentReader, ReadContents
from pymemtools.readings.process import ALIVE
from pymemtools.readings.processes import Sample
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.ksm.status import KsmProcess, KsmRequest, candidates_of
from pymemtools.sources.base import Source
from pymemtools.sources.page_files import PageFile, page_file

COLUMNS = (
    Column("pid", "PID", "process number", "count", 7),
    Column("user", "User", "owner", "text", 8, right=False, cut=True),
    Column("scanned", "Read", "anonymous memory that was read", "bytes", 9),
    Column("zero_filled", "Zeros", "of it pages of zeros", "bytes", 9),
    Column("merging", "Alike", "of it pages that have their like among all that was read", "bytes", 9),
    Column("saved_alone", "Alone", "what it would save by itself", "bytes", 9),
    Column("profit", "Profit", "what pages with their like hold, less what looking at all costs", "bytes", 9),
    Column("advised", "Advised", "only what it lets be merged (VmFlags mg) was read, else all", "bool", 7),
    Column("changed", "Changed", "its memory came or went while it was read", "bool", 7),
    Column("name", "Name", "the kernel's name of the process", "text", 15, right=False),
    Column("command", "Command", "command line", "text", 27, right=False),
)
_BARE = "has no memory: it is the kernel's, or a zombie"
_NOBODY = "no process is a candidate by rule: --top N reads those with the most memory, -p PID one of your choice"


class EstimateRequest(NamedTuple):
    """Whose memory: that of processes named, or of so many with the most, else of the candidates by rule."""

    pids: tuple[int, ...] = ()
    top: int | None = None
    whole: bool = False  # also memory that its process does not let be merged
    without: int = 0  # our own number, as we change while we read


class EstimateRow(NamedTuple):
    """A process, in bytes."""

    pid: int
    user: str
    scanned: int
    zero_filled: int
    merging: int
    saved_alone: int
    profit: int
    advised: bool
    changed: bool
    name: str
    command: str


class Estimate(NamedTuple):
    """All of it; counts of pages."""

    ksm: Ksm | None
    rules: KsmRules
    page_size: int
    merged: Merged
    rows: list[EstimateRow]
    ended: tuple[int, ...]  # while they were read
    gone: tuple[int, ...]  # that were named, and were not there

    @property
    def profit(self) -> int:
        """Give the general_profit it would come to, in bytes."""
        return profit(self.merged.saved, self.merged.pages, self.page_size, self.item_size)

    @property
    def item_size(self) -> int:
        """Give the bytes that each page costs which is looked at."""
        return ITEM_SIZE if self.ksm is None else self.ksm.item_size


class _Refused(NamedTuple):
    """Processes whose memory we may not read."""

    pids: frozenset[int] = frozenset()
    reason: str = ""


def estimate_report(source: Source, request: EstimateRequest) -> Report:
    """Read the memory of processes and merge it on paper.

    Raises NoSuchProcess, or Missing or Denied where none of those named has memory, or may be read.
    """
    candidates = candidates_of(source, KsmRequest(request.pids, request.top, everybody=request.top is not None))
    bare = tuple(process.pid for process in candidates.sample.everybody if request.pids and process.life != ALIVE)
    chosen = [row for row in candidates.rows if row.pid != request.without and row.pid not in bare]
    if bare and not chosen:
        raise Missing(f"ksm: {bare[0]}: {_BARE}")
    with _frame_flags() as flags:
        reader = ContentReader(source, flags, whole=request.whole)
        read, ended, refused = _read_all(reader, chosen)
    if len(refused.pids) == len(chosen) > 0:
        raise Denied(f"ksm: {chosen[0].pid}: {refused.reason}: to read memory takes the rights of a debugger")
    ksm = _ksm(source)
    rules = KsmRules() if ksm is None else ksm.rules
    merged, each = merge([contents.contents for _, contents in read], rules, reader.zeros, reader.merged)
    found = Estimate(ksm, rules, reader.page_size, merged, [], ended, candidates.gone)
    rows = [_row(who, contents, counts, found) for (who, contents), counts in zip(read, each)]
    found = found._replace(rows=rows)
    lacks = (f"{pid}: {_BARE}" for pid in bare)
    notes = (*invisible(source), *lacks, *_notes(found, reader), *([] if chosen else [_NOBODY]))
    seen = len(chosen)
    if not request.pids and request.top is None:  # then whoever hides their maps may be a candidate
        refused, seen = _and_hidden(refused, candidates.sample), candidates.sample.seen
    lacking = [unread(source, len(refused.pids), seen, refused.reason)] if refused.pids else []
    return Report(
        "ksm",
        table_of(COLUMNS, rows),
        found,
        totals=_totals(found),
        facts=source.facts._asdict(),
        notes=notes,
        warnings=(*lacking, *notes),
        unreadable=len(refused.pids),
    )


@contextmanager
def _frame_flags() -> Iterator[PageFile | None]:
    """Open what tells of frames, where we may."""
    with ExitStack() as stack:
        file = None
        try:
            file = stack.enter_context(page_file("kpageflags"))
        except MemtoolsError:
            pass
        yield file


def _ksm(source: Source) -> Ksm | None:
    try:
        return read_ksm(source)
    except Missing:
        return None


_Read = list["tuple[KsmProcess, ReadContents]"]


def _read_all(reader: ContentReader, chosen: Iterable[KsmProcess]) -> tuple[_Read, tuple[int, ...], _Refused]:
    """Read one after the other; give also who ended meanwhile, and who was refused."""
    read: _Read = []
    ended = []
    refused = _Refused()
    for row in chosen:
        try:
            read.append((row, reader.read(row.pid)))
        except NoSuchProcess:
            ended.append(row.pid)
        except Denied as error:
            refused = _Refused(refused.pids | {row.pid}, refused.reason or str(error).rpartition(": ")[2])
    return read, tuple(ended), refused


def _and_hidden(refused: _Refused, sample: Sample) -> _Refused:
    """Add those of whom it is not told whether they are candidates."""
    hidden = frozenset(process.pid for process in sample.refused)
    return _Refused(refused.pids | hidden, refused.reason or sample.reason)


def _row(who: KsmProcess, read: ReadContents, counts: MergedProcess, of: Estimate) -> EstimateRow:
    page_size = of.page_size
    return EstimateRow(
        pid=who.pid,
        user=who.user,
        scanned=counts.pages * page_size,
        zero_filled=counts.zero_filled * page_size,
        merging=counts.merging * page_size,
        saved_alone=counts.alone * page_size,
        profit=profit(counts.merging + counts.zero, counts.pages, page_size, of.item_size),
        advised=read.is_advised,
        changed=read.is_changed,
        name=who.name,
        command=who.command,
    )


def _notes(found: Estimate, reader: ContentReader) -> Iterator[str]:
    for pid in found.ended:
        yield f"{pid}: ended, or became another program, while it was read: it is not counted"
    changed = [row.pid for row in found.rows if row.changed]
    if changed:
        who = (
            f"{changed[0]}: changed" if len(changed) == 1 else f"{len(changed)} of {len(found.rows)} processes changed"
        )
        yield f"{who} while being read: pages are counted as they were found"
    if reader.hidden:
        yield "only root is told which pages are the same one since a fork: each is counted for itself"
    if found.ksm is None:
        yield "this kernel merges no pages: max_page_sharing 256 is assumed"
    elif found.ksm.number("merge_across_nodes") == 0:
        yield "merge_across_nodes is 0: with more than one node less is saved than is counted here"


def _totals(found: Estimate) -> dict[str, Any]:
    merged, size = found.merged, found.page_size
    return {
        "saved_pages": merged.saved,
        "saved": merged.saved * size,
        "freed": merged.freed * size,
        "scanned_pages": merged.pages,
        "shared_pages": merged.shared,
        "sharing_pages": merged.sharing,
        "zero_pages": merged.zero,
        "unshared_pages": merged.unshared,
        "limit_copies": merged.limit,
        "cost": merged.pages * found.item_size,
        "profit": found.profit,
        "max_page_sharing": found.rules.max_page_sharing,
        "use_zero_pages": found.rules.use_zero_pages,
        "ended_pids": list(found.ended),
    }
