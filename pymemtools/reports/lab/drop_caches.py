"""What goes when caches are dropped, and what stays: files of our own to the page, all else beside the prediction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.models.release import Version, since
from pymemtools.report import Column, Report
from pymemtools.reports.drop_caches import FILES, Moment, drop_report, expected
from pymemtools.reports.lab.laws import Law, at_least, at_most, equal
from pymemtools.reports.lab.plan import Findings, outcome

_BATCH = 31  # pages that a processor keeps before it puts them on the lists, where alone they can be dropped
COLUMNS = (
    Column("step", "step", "what was written to drop_caches", "text", 8, right=False),
    Column("file_cached", "file", "of a file that nobody maps, in the page cache", "bytes", 7),
    Column("mapped_cached", "mapped", "of a file that a program maps, in the page cache", "bytes", 7),
    Column("cached", "Cached", "of meminfo, afterwards", "bytes", 8),
    Column("reclaimable", "slab", "reclaimable slab, afterwards", "bytes", 8),
    Column("free", "free", "of meminfo, afterwards", "bytes", 8),
    Column("freed", "freed", "what went of the machine's page cache, or of its slab", "bytes", 8),
    Column("predicted_least", "at least", "what should have gone by what-if drop-caches", "bytes", 8),
    Column("predicted_most", "at most", "and at the most", "bytes", 8),
    Column("drops", "", "by so much the kernel's own count of such drops grew", "count"),
)


class DropTrial(NamedTuple):
    """How large a file is dropped, in bytes."""

    size: int = 16 << 20


def allowance(version: Version | None, cpus: int) -> int:
    """Give the pages of a file that may stay: before Linux 6.12 processors are not told to give theirs up first."""
    return 0 if since(version, (6, 12)) else _BATCH * cpus


def freed(level: int, before: Moment, after: Moment) -> Mapping[str, int | None]:
    """Say what went of the class that a level drops, beside what should have."""
    files, slab = drop_report(expected(before, level), before, after, {}).answer.classes
    found = files if level & FILES else slab
    return {key: getattr(found, key) for key in ("freed", "predicted_least", "predicted_most")}


def trial_report(found: Findings) -> Report:
    """Hold what became of our files against what must."""
    return outcome("drop-caches", COLUMNS, found, list(_laws(found.rows, found.seen)), size=found.seen["size"])


def _laws(rows: Sequence[Mapping[str, Any]], seen: Mapping[str, Any]) -> Iterator[Law]:
    before, slab, files = rows
    if before["file_cached"] is not None:
        yield equal("dropping slab leaves an open file cached", before["file_cached"], slab["file_cached"])
        yield at_most("dropping file pages leaves nothing of it", seen["allowance"], files["file_cached"])
        yield equal("what is mapped stays", before["mapped_cached"], files["mapped_cached"])
    for name, row in (("slab", slab), ("file pages", files)):
        if row["drops"] is not None:
            yield at_least(f"the kernel counted the drop of {name}", 1, row["drops"])
