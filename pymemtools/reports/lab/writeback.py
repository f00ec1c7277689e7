"""Dirty memory over time while a program writes a file, beside the kernel's thresholds and its own book-keeping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.report import Column, Report
from pymemtools.reports.lab.laws import Law, all_of, at_least, at_most, equal
from pymemtools.reports.lab.plan import Findings, outcome
from pymemtools.reports.what_if.asked import Asked
from pymemtools.reports.what_if.dirty import Dirtying, DirtyRequest, dirty_report

_THRESHOLD = (
    125  # pages that a processor counts for itself, of each node. Source: mm/vmstat.c, calculate_normal_threshold()
)
_COUNTERS = 5  # that the law goes by
COLUMNS = (
    Column("seconds", "seconds", "since the first write", "seconds", 8),
    Column("doing", "doing", "what the program was at", "text", 7, right=False),
    Column("dirty", "Dirty", "of the machine", "bytes", 10),
    Column("writeback", "Writeback", "of the machine", "bytes", 10),
    Column("dirtied", "dirtied", "what all have dirtied since, swapped out or not", "bytes", 10),
    Column("written", "written", "what has been written to disks since", "bytes", 10),
    Column("file_dirty", "of file", "of the file, dirty or under writeback; not every kernel tells", "bytes", 10),
)


class WritebackRequest(NamedTuple):
    """How much is written, in bytes."""

    size: int = 64 << 20


def slack(cpus: int, nodes: int, page_size: int) -> int:
    """Give the bytes by which the book-keeping of two moments may be off: processors keep a part to themselves."""
    return 2 * _COUNTERS * _THRESHOLD * cpus * nodes * page_size


def predict(asked: Asked, rate: float, disk: float, size: int) -> Mapping[str, float | None]:
    """Ask ``what-if dirty`` of a program that writes a file; rates in bytes a second as they were seen."""
    found: Dirtying = dirty_report(asked, DirtyRequest(rate, disk, size)).answer
    peak = next((fact for fact in found.facts if fact.what == "peak"), None)
    return {
        "background_threshold": found.background,
        "dirty_threshold": found.dirty,
        "predicted_peak_least": peak and peak.least,
        "predicted_peak_most": peak and peak.most,
    }


def peak_of(rows: Sequence[Mapping[str, Any]]) -> int:
    """Give the most that was dirty or under writeback, more than before."""
    return max(_outstanding(row) for row in rows) - _outstanding(rows[0])


def _outstanding(row: Mapping[str, Any]) -> int:
    return int(row["dirty"] + row["writeback"])


def writeback_report(found: Findings) -> Report:
    """Hold what is dirty against what was dirtied and written."""
    seen = found.seen
    totals = {key: seen[key] for key in ("size", "write_seconds", "sync_seconds", "slack", *_PREDICTED)}
    return outcome("writeback", COLUMNS, found, list(_laws(found.rows, seen)), peak=peak_of(found.rows), **totals)


_PREDICTED = ("background_threshold", "dirty_threshold", "predicted_peak_least", "predicted_peak_most")


def _laws(rows: Sequence[Mapping[str, Any]], seen: Mapping[str, Any]) -> Iterator[Law]:
    """Demand that no more is dirty than the books have; less may be, as deleted files need not be written."""
    before = _outstanding(rows[0])
    yield all_of(
        "Dirty and Writeback are at most what was dirtied and not written",
        (_booked(row, before, seen["slack"]) for row in rows),
    )
    if seen["whole_pages"] > seen["slack"]:  # else the books cannot tell
        yield at_least("all of it was written", seen["whole_pages"] - seen["slack"], rows[-1]["written"])
    if rows[-1]["file_dirty"] is not None:
        yield equal("nothing of the file is dirty in the end", 0, rows[-1]["file_dirty"])


def _booked(row: Mapping[str, Any], before: int, off: int) -> Law:
    return at_most(f"{row['seconds']} s", row["dirtied"] - row["written"] + off, _outstanding(row) - before)
