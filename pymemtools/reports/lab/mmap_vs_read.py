"""A file that several programs map, and one that each reads: memory, faults and time of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.report import Column, Report
from pymemtools.reports.lab.laws import Law, all_of, at_least, between, equal
from pymemtools.reports.lab.plan import Findings, outcome
from pymemtools.units import KIB

MMAP, READ = "mmap", "read"
COLUMNS = (
    Column(
        "way",
        "way",
        "mmap() and a byte of each page, or read() into memory",
        "text",
        4,
        right=False,
    ),
    Column("reader", "reader", "who read, one after the other; the first finds nothing in the cache", "count", 6),
    Column("seconds", "seconds", "how long it took", "seconds", 7),
    Column("minor", "faults", "minor page faults that it took", "count", 7),
    Column("major", "major", "page faults that waited for the disk", "count", 7),
    Column("rss", "RSS", "of what the file is mapped to or read into, when all have read it", "bytes", 8),
    Column("pss", "PSS", "its share of that", "bytes", 8),
    Column("private", "private", "of it a copy of its own (Private_Dirty)", "bytes", 8),
    Column("in_cache", "in cache", "of the file in the page cache", "bytes", 8),
)


class ReadersRequest(NamedTuple):
    """How many programs read how large a file, in bytes."""

    readers: int = 2
    size: int = 16 << 20


def readers_report(found: Findings) -> Report:
    """Hold what each way takes against what it must."""
    totals = {f"{way}_memory": _taken(found.rows, way) for way in (MMAP, READ)}
    return outcome("mmap-vs-read", COLUMNS, found, laws(found), whole_pages=found.seen["whole_pages"], **totals)


def _taken(rows: Sequence[Mapping[str, Any]], way: str) -> int | None:
    """Give the bytes that a way takes in all: the cache, and what is not of it."""
    chosen = [row for row in rows if row["way"] == way]
    in_cache = chosen[-1]["in_cache"]
    return None if in_cache is None else in_cache + sum(row["private"] for row in chosen)


def laws(found: Findings) -> Sequence[Law]:
    """Demand one copy in the cache, of which all map the same pages; and one more for each that reads."""
    return list(_laws(found.rows, found.seen["whole_pages"], found.seen["pages"]))


def _laws(rows: Sequence[Mapping[str, Any]], size: int, pages: int) -> Iterator[Law]:
    mapped = [row for row in rows if row["way"] == MMAP]
    read = [row for row in rows if row["way"] == READ]
    known = [row for row in rows if row["in_cache"] is not None]
    if known:
        yield all_of("there is one copy in the cache", (equal(_name(row), size, row["in_cache"]) for row in known))
    yield all_of("who maps has no copy", (equal(_name(row), 0, row["private"]) for row in mapped))
    shares = sum(row["pss"] for row in mapped)
    yield between("PSS of all mappings adds up to the file", size - len(mapped) * KIB, size, shares)
    yield all_of("who reads has a copy", (equal(_name(row), size, row["private"]) for row in read))
    yield all_of("a fault for each page read into", (at_least(_name(row), pages, row["minor"]) for row in read))


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['way']} {row['reader']}"
