"""What the pages of a process are, beside what smaps_rollup counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pymemtools.errors import MemtoolsError, Missing
from pymemtools.models.frame_types import HOLE, TYPES, UNMARKED, FrameCount, counts_by_type
from pymemtools.readings.mappings import read_rollup
from pymemtools.readings.page_size import page_size_of
from pymemtools.readings.process_frames import ProcessFrames, read_process_frames
from pymemtools.report import Report, table_of
from pymemtools.reports.pages.columns import PROCESS_COLUMNS, TypeRow
from pymemtools.reports.pages.counters import Counted, Counts, typed_rows
from pymemtools.sources.base import Source
from pymemtools.units import minus, plus

OTHERS, SWAPPED = "file_or_shmem", "swapped"
_ANON = ("anon", "anon_thp", "ksm", "swap_cache")
_FILES = ("shmem", "shmem_thp", "file", "file_thp", "kernel_mapped", UNMARKED, "reserved")
_ELSE = tuple(name for name in TYPES if name not in (*_ANON, *_FILES, "huge", "zero", HOLE))


class ProcessPages(NamedTuple):
    """A process, and its types, in bytes."""

    title: str
    rows: list[TypeRow]
    present: int


def process_report(source: Source, pid: int) -> Report:
    """Say what the pages of a process are. Raises NoSuchProcess, Missing for a copy, or Denied."""
    if not source.is_live:
        raise Missing("pages: -p is for a live machine: no capture has pagemap")
    found = read_process_frames(source, pid)
    sums, notes = _sums(source, pid)
    size = page_size_of(source).size
    counts = {**_types(found), SWAPPED: FrameCount(found.swapped)}
    rows = list(typed_rows(counts, list(_counters(counts, sums)), size, counts))
    pages = ProcessPages(found.title.decode("utf-8", "surrogateescape"), rows, (found.own + found.others) * size)
    warnings = [f"{found.problem}: what is mapped is told apart by pagemap alone"] if found.problem else []
    notes = [*warnings, *notes, *(f"{row.type}: {row.reason}" for row in rows if row.reason)]
    totals = {"pid": found.pid, "present": pages.present}
    table = table_of(PROCESS_COLUMNS, rows)
    return Report("pages", table, pages, totals, source.facts._asdict(), tuple(notes), tuple(warnings))


def _sums(source: Source, pid: int) -> tuple[Mapping[str, int | None], list[str]]:
    """Read what smaps_rollup counts, in bytes."""
    try:
        maps = read_rollup(source, pid)
    except MemtoolsError as error:
        return {}, [str(error)]
    notes = [note for note in (maps.problem, maps.note) if note]
    return {key: column[0] for key, column in maps.columns.items() if len(column) == 1}, notes


def _types(found: ProcessFrames) -> Counts:
    """Count by type, in the order of the table; of hidden frames, by what pagemap tells itself."""
    if found.counts is None:
        return {"anon": FrameCount(found.own), OTHERS: FrameCount(found.others)}
    counts = counts_by_type(found.counts)
    return {name: counts[name] for name in (*_ANON, *_FILES, "huge", "zero", *_ELSE, HOLE)}


def _counters(counts: Counts, sums: Mapping[str, int | None]) -> Iterator[Counted]:
    """Give the counters of smaps. Source: fs/proc/task_mmu.c, smaps_account(), smaps_hugetlb_range()."""
    anonymous, get = sums.get("Anonymous"), sums.get
    zeros = "pages of zeros, which RSS leaves out, look the same" if OTHERS in counts else None
    yield Counted("Anonymous", _ANON, anonymous, lambda more: zeros if more > 0 else None)
    vvar = "mapped without being RSS, as [vvar] is and devices' memory (VM_PFNMAP)"
    files = (OTHERS, *_FILES) if OTHERS in counts else _FILES
    yield Counted("Rss-Anonymous", files, minus(get("Rss"), anonymous), lambda more: vvar if more > 0 else None)
    yield Counted("Shared+Private_Hugetlb", ("huge",), plus(get("Shared_Hugetlb"), get("Private_Hugetlb")))
    shmem = "shared memory that is swapped out, of which pagemap does not tell"
    yield Counted("Swap", (SWAPPED,), get("Swap"), lambda less: shmem if less < 0 else None)
