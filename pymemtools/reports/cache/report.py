"""Which files fill the page cache, and who maps them?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.probes.file_walk import Sums
from pymemtools.probes.page_cache import PAGE
from pymemtools.readings.cached_files import CachedFile, Survey, total
from pymemtools.readings.used_files import Mapper, Used, mappers_of
from pymemtools.report import Report, table_of
from pymemtools.reports.cache.columns import BAR, BEFORE, COLUMNS, MAPPED, PRINTED
from pymemtools.units import minus

_BY_MINCORE = "counted by mincore: dirty, writeback and evicted are not known"


class FileRow(NamedTuple):
    """One file, with who maps it, and how it was before a change."""

    file: CachedFile
    mappers: tuple[Mapper, ...] | None = None
    before: CachedFile | None = None

    @property
    def pss(self) -> int | None:
        """Sum the PSS of those who map it; None where one of them is not known."""
        amounts = [mapper.pss for mapper in self.mappers or ()]
        return None if self.mappers is None or None in amounts else sum(each or 0 for each in amounts)


class TreeRow(NamedTuple):
    """All files below one path; sizes in bytes."""

    path: str
    files: int
    directories: int
    size: int
    in_cache: int
    dirty: int | None  # None: none was counted by cachestat
    writeback: int | None
    evicted_bytes: int | None
    unknown: int  # files whose part in the cache is not known; the sums are without them


class WholeCache(NamedTuple):
    """The files beside meminfo's Cached, in bytes."""

    cached: int | None
    in_files: int
    rest: int | None
    shmem: int | None  # tmpfs, shared memory: part of Cached, and of what is open or mapped only some
    is_lower_bound: bool  # not every process or file could be looked at


class CacheAnswer(NamedTuple):
    """The files that are shown, the trees that were named, and all."""

    rows: tuple[FileRow, ...]
    trees: tuple[TreeRow, ...]
    all: TreeRow
    whole: WholeCache | None
    pages: int  # of all files that are known
    is_lacking: bool  # what was named, a path or a process, could not be looked at


class Asked(NamedTuple):
    """What the report is to tell."""

    paths: Sequence[str] = ()  # as named
    names: Mapping[str, str] = {}  # absolute path by path shown
    by_process: bool = False  # files that processes have open or mapped
    meminfo: Mapping[str, int] | None = None  # beside which all are put
    has_cells: bool = False


def cache_report(
    found: Survey, asked: Asked, used: Used | None, before: Survey | None, facts: Mapping[str, Any]
) -> Report:
    """Put the files, of the most in the cache first, beside those who map them and how they were before."""
    was = {(file.device, file.inode): file for file in before.files} if before else {}
    rows = []
    for file in found.files:
        who = None if used is None else tuple(mappers_of(used, file, asked.names.get(file.path, file.path)))
        rows.append(FileRow(file, who, was.get((file.device, file.inode))))
    sums = total(found.sums.values())
    named = {} if asked.by_process else {asked.paths[number]: each for number, each in found.sums.items()}
    trees = tuple(_tree(path, each) for path, each in named.items() if each.directories)
    everything = _tree("", sums)
    is_lower_bound = bool(everything.unknown or (used is not None and used.unreadable))
    whole = None if asked.meminfo is None else _whole(asked.meminfo, everything.in_cache, is_lower_bound)
    unseen = () if asked.by_process else tuple(_unseen(found, asked.paths))
    answer = CacheAnswer(tuple(rows), trees, everything, whole, sums.pages, bool(unseen))
    columns = (
        *COLUMNS,
        *((BAR,) if asked.has_cells else ()),
        *(MAPPED if used is not None else ()),
        *(BEFORE if before else ()),
    )
    notes = tuple(_notes(found, unseen, sums))
    totals = _totals(answer, trees)
    return Report(
        "cache",
        table_of(columns, map(_cells, rows)),
        answer,
        totals,
        facts,
        notes,
        notes,
        0 if used is None else used.unreadable,
        within=PRINTED,
    )


def _cells(row: FileRow) -> dict[str, Any]:
    who, before = row.mappers, row.before
    return row.file._asdict() | {
        "pss": row.pss,
        "processes": None if who is None else len(who),
        "mappers": None if who is None else [mapper._asdict() for mapper in who],
        "in_cache_before": before and before.in_cache,
        "dirty_before": before and before.dirty,
    }


def _tree(path: str, sums: Sums) -> TreeRow:
    counted = sums.by_cachestat or not sums.files
    dirty, writeback, evicted = (
        each * PAGE if counted else None for each in (sums.dirty, sums.writeback, sums.evicted)
    )
    in_cache = sums.cached * PAGE
    return TreeRow(
        path=path,
        files=sums.files,
        directories=sums.directories,
        size=sums.size,
        in_cache=in_cache,
        dirty=dirty,
        writeback=writeback,
        evicted_bytes=evicted,
        unknown=sums.unknown,
    )


def _totals(answer: CacheAnswer, trees: Sequence[TreeRow]) -> dict[str, Any]:
    found = answer.all._asdict()
    del found["path"]
    if trees:
        found["trees"] = [tree._asdict() for tree in trees]
    if answer.whole is not None:
        found |= {"cached": answer.whole.cached, "rest": answer.whole.rest, "shmem": answer.whole.shmem}
    return found


def _whole(meminfo: Mapping[str, int], in_files: int, is_lower_bound: bool) -> WholeCache:
    cached = meminfo.get("Cached")
    return WholeCache(cached, in_files, minus(cached, in_files), meminfo.get("Shmem"), is_lower_bound)


def _unseen(found: Survey, paths: Sequence[str]) -> Iterator[str]:
    """Give the paths that were named and could not be looked at, in their order; not those below them."""
    for number, path in enumerate(paths):
        if number in found.skipped or any((each.place, each.path) == (number, path) for each in found.problems):
            yield path


def _notes(found: Survey, unseen: Collection[str], sums: Sums) -> Iterator[str]:
    """Say what was skipped or not counted: of what was named each, of what is below it each reason once."""
    for point, why in found.hung:
        yield f"{point}: {why}: files there were skipped"
    yield from (f"{problem.path}: {problem.reason}" for problem in found.problems if problem.path in unseen)
    below = [problem for problem in found.problems if problem.path not in unseen]
    first = {problem.reason: problem.path for problem in reversed(below)}
    for reason, count in Counter(problem.reason for problem in below).items():
        others = f" (and {count - 1} more)" if count > 1 else ""
        yield f"{first[reason]}: {reason}{others}"
    untold = sums.unknown - sums.unopened
    if untold > sums.huge:
        yield f"{_files(untold - sums.huge)}: neither owned nor writable: what is cached of them is not told"
    if sums.huge:
        yield f"{_files(sums.huge)} of hugetlbfs: their pages are no page cache ('pages' counts them)"
    by_mincore = sums.files - sums.by_cachestat - untold
    if by_mincore > 0:
        yield f"{by_mincore} of {sums.files} files were {_BY_MINCORE}"


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"
