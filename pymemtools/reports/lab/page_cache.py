"""Files read twice: from the disk, and from memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pymemtools.report import Column, Report
from pymemtools.reports.lab.laws import Law, equal
from pymemtools.reports.lab.plan import Findings, outcome
from pymemtools.reports.what_if.asked import Asked
from pymemtools.reports.what_if.cache import Cached, CacheRequest, cache_report
from pymemtools.reports.what_if.page_cache import Pass

COLUMNS = (
    Column("step", "step", "what was done", "text", 14, right=False),
    Column("seconds", "seconds", "how long it took", "seconds", 7),
    Column("read", "read", "bytes of the files that were read", "bytes", 8),
    Column("from_disk", "disk", "what of it came from the disk", "bytes", 8),
    Column("predicted_misses", "model", "what of it should have, by the model", "bytes", 8),
    Column("in_cache", "in cache", "pages of these files in the page cache, afterwards", "bytes", 8),
    Column("cached", "Cached", "of meminfo, afterwards", "bytes", 8),
    Column("free", "free", "of meminfo, afterwards", "bytes", 8),
)


class CacheTrial(NamedTuple):
    """Which folder is read, or none: a file of our own; and how much of it, in bytes."""

    directory: str | None = None
    size: int = 64 << 20


def passes_of(asked: Asked, size: int) -> Sequence[Pass]:
    """Ask ``what-if cache`` of so many bytes, read twice: by the kind of LRU that there seems to be."""
    found: Cached = cache_report(asked, CacheRequest(size)).answer
    return next(iter(found.passes.values()))


def trial_report(found: Findings) -> Report:
    """Hold the second reading against the first."""
    seen = found.seen
    keys = ("files", "size", "whole_pages", "directory", "method")
    return outcome("page-cache", COLUMNS, found, laws(found), **{key: seen[key] for key in keys})


def laws(found: Findings) -> Sequence[Law]:
    """Demand that nothing is read from the disk twice, and that whole pages are cached."""
    seen, (_, first, second) = found.seen, found.rows
    demanded = [
        equal("both readings give the same bytes", first["read"], second["read"]),
        equal("the second reading takes nothing from the disk", 0, second["from_disk"]),
    ]
    if second["in_cache"] is not None:
        demanded.append(equal("cached are the files in whole pages", seen["whole_pages"], second["in_cache"]))
    return demanded
