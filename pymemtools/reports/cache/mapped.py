"""Which files fill the memory, of what is mapped, and who maps them? What a capture can tell of the page cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pymemtools.errors import MemtoolsError, Missing
from pymemtools.readings.doubt import read_meminfo
from pymemtools.readings.hidden import invisible, unread
from pymemtools.readings.mapped_files import FileMapper, MappedFile, read_mapped
from pymemtools.readings.processes import expect_processes
from pymemtools.report import Report, table_of
from pymemtools.reports.cache.columns import COLUMNS, MAPPED, OF_CAPTURES
from pymemtools.sources.base import Source

_TOLD = frozenset(("path", "size", "in_cache", "device", "inode"))
NOT_TOLD = "a capture tells of files what is mapped of them: not their size, nor what else of them is in the cache"


class MappedRow(NamedTuple):
    """One file, and who maps it, of the most PSS first; sums in bytes, None where one of them is not known."""

    file: MappedFile
    mappers: tuple[FileMapper, ...]

    @property
    def pss(self) -> int | None:
        """Sum the PSS: what the mappings take of RAM, pages that processes copied when they wrote to them included."""
        return _sum([mapper.pss for mapper in self.mappers])

    @property
    def rss(self) -> int | None:
        """Sum the RSS, in which a page counts for each who maps it."""
        return _sum([mapper.rss for mapper in self.mappers])

    @property
    def anonymous(self) -> int | None:
        """Sum the copies, which are in PSS and RSS, and are no pages of the file any more."""
        return _sum([mapper.anonymous for mapper in self.mappers])


class MappedAnswer(NamedTuple):
    """The files that are shown, and the sums of all, beside meminfo; bytes."""

    rows: tuple[MappedRow, ...]
    files: int
    pss: int | None
    rss: int | None
    anonymous: int | None
    mapped: int | None  # meminfo's Mapped: pages of files, shared memory included, that any process maps
    cached: int | None


def mapped_report(source: Source, pids: Sequence[int], most: int | None) -> Report:
    """Read the smaps of processes, and show the files of the most PSS first. Raises Missing where nobody has one."""
    expect_processes(source)
    found = read_mapped(source, pids)
    if found.processes and found.unreadable == found.processes:
        raise Missing(f"cache: no process tells what it maps: {found.reason}")
    rows = [MappedRow(file, tuple(sorted(file.mappers.values(), key=_largest))) for file in found.files]
    rows.sort(key=lambda row: (-(row.pss or 0), -(row.rss or 0), row.file.path))
    meminfo = _meminfo(source)
    pss, rss, anonymous = (_sum([getattr(row, name) for row in rows]) for name in ("pss", "rss", "anonymous"))
    mapped, cached = meminfo.get("Mapped"), meminfo.get("Cached")
    answer = MappedAnswer(tuple(rows[:most]), len(rows), pss, rss, anonymous, mapped, cached)
    columns = (*(column for column in COLUMNS if column.key in _TOLD), MAPPED[0], *OF_CAPTURES, *MAPPED[1:])
    totals = {name: value for name, value in answer._asdict().items() if name != "rows"}
    warnings = tuple(invisible(source))
    if found.unreadable:
        warnings += (unread(source, found.unreadable, found.processes, found.reason),)
    notes = (NOT_TOLD, *warnings)
    table = table_of(columns, map(_cells, answer.rows))
    return Report("cache", table, answer, totals, source.facts._asdict(), notes, warnings, found.unreadable)


def _largest(mapper: FileMapper) -> tuple[int, int]:
    return -(mapper.pss or 0), mapper.pid


def _sum(amounts: Sequence[int | None]) -> int | None:
    return None if None in amounts else sum(each or 0 for each in amounts)


def _meminfo(source: Source) -> dict[str, int]:
    try:
        return dict(read_meminfo(source).meminfo)
    except MemtoolsError:
        return {}


def _cells(row: MappedRow) -> dict[str, Any]:
    return {
        "path": row.file.path,
        "size": None,
        "in_cache": None,
        "device": row.file.device,
        "inode": row.file.inode,
        "pss": row.pss,
        "rss": row.rss,
        "anonymous": row.anonymous,
        "processes": len(row.mappers),
        "mappers": [mapper._asdict() for mapper in row.mappers],
    }
