"""How much of some files would stay in the page cache?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pymemtools.errors import UsageProblem
from pymemtools.models.cache_room import readers
from pymemtools.models.group_charge import Bound
from pymemtools.readings.machine import Machine, notes_of
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.memory_groups.asking import Asking, asking, nobody
from pymemtools.reports.what_if.asked import Asked, reported
from pymemtools.reports.what_if.page_cache import (
    GENERATIONS,
    TWO_LISTS,
    Pass,
    Reading,
    Room,
    lacking_lists,
    lrus,
    passes,
    room_in_group,
    room_of,
)

_RULES = {
    TWO_LISTS: "classic LRU: a second read makes pages active, a miss does so within its refault distance "
    "(mm/workingset.c, mm/swap.c); on 4.4 and 6.18 within 4 % of a file, "
    "within 25 % where many pages are active",
    GENERATIONS: "MGLRU: first in, first out for what read(2) reads, however often (mm/vmscan.c, evict_folios()); "
    "on 6.8 within 3 % of a file",
}
COLUMNS = (
    Column("lru", "LRU", "classic (two lists) or mglru", "text", right=False),
    Column("pass", "pass", "number of the reading", "count"),
    Column("file", "file", "A is the first that is asked about", "text", right=False),
    Column("size", "size", "of the file", "bytes"),
    Column("hits", "hits", "found in the cache", "bytes"),
    Column("misses", "missed", "read from the disk", "bytes"),
    Column("refaults", "refaults", "of it, that was evicted not long ago", "bytes"),
    Column("activated", "activated", "of it, that went to the active list", "bytes"),
    Column("seconds", "time", "that the pass takes, where the disk's rate is given", "seconds"),
    Column("cached", "cached", "of this file, afterwards", "bytes"),
    Column("active", "active", "on the active list, of all files", "bytes"),
    Column("evicted", "evicted", "bytes by file", "nested"),
    Column("hit_percent", "hits", "share of the file that was in the cache", "percent"),
    Column("error_bound", "+-", "of what is cached of this file", "bytes"),
)


class CacheRequest(NamedTuple):
    """Files that are read: one, others after it, and the first again; and where."""

    size: int  # bytes of the first
    others: Sequence[int] = ()  # bytes of each
    reads: int = 2  # of the first
    is_mapped: bool = False  # read by mmap()
    readers: int = 1  # processes
    disk: float | None = None  # bytes a second; None: no times
    copying: float = 2 << 30  # bytes a second at which cached data is used
    limit: int | None = None  # bytes of a memory group that is supposed
    pid: int | None = None  # or one that there is: of this process, or by its path or unit
    group: str | None = None
    lru: str | None = None  # TWO_LISTS or GENERATIONS; None: the machine's


class ReadersTogether(NamedTuple):
    """What so many processes with all of a file in memory take, by read() or mmap(), in bytes."""

    how: str
    cache: int
    anonymous: int
    page_tables: int
    total: int


class Cached(NamedTuple):
    """The answer: passes by kind of LRU, the room that there is, and what many readers take; bytes."""

    request: CacheRequest
    files: dict[str, int]  # by name
    passes: dict[str, list[Pass]]
    room: int
    cached_before: int
    bound: Bound | None  # the limit of a memory group that leaves less than the machine has
    together: list[ReadersTogether]

    @property
    def seconds(self) -> dict[str, float] | None:
        """Give the time that all passes take, by kind of LRU; None where the disk's rate is not given."""
        if self.request.disk is None:
            return None
        return {lru: sum(each.seconds or 0 for each in passes) for lru, passes in self.passes.items()}

    @property
    def rules(self) -> list[str]:
        """Give the rules that the answer was worked out by."""
        return [_RULES[lru] for lru in self.passes]


_TOGETHER = (
    Column("anonymous", "anonymous", "of processes that have all of A at once: copies in memory of their own", "bytes"),
    Column("page_tables", "page tables", "and what page tables take for it", "bytes"),
    Column("total", "total", "with what the page cache then holds", "bytes"),
)


def cache_report(asked: Asked, request: CacheRequest) -> Report:
    """Read a file, then others, then it again: how much is cached, pass by pass."""
    if not all((request.size, *request.others)):
        raise UsageProblem("what-if cache: a file of no size needs no cache")
    if request.limit is not None and (request.pid is not None or request.group is not None):
        raise UsageProblem("what-if cache: --limit supposes a group: no --pid and --group")
    asks = nobody(asked.source) if request.limit is not None else asking(asked.source, request.pid, request.group)
    kinds = [request.lru] if request.lru else _kinds(asked)
    found = _cached(asked.machine, request, asks, kinds)
    notes = [*notes_of(asked.machine), *asks.notes, *_doubts(kinds, is_mapped=request.is_mapped)]
    if not asked.machine.zones and not asked.machine.doubt and request.limit is None:
        notes.append("no zoneinfo: what zones keep for themselves is taken as a boot would choose it")
    if lacking := lacking_lists(asked.machine):
        notes.append(f"meminfo: no {' and no '.join(lacking)} field: which cached pages are active is known the less")
    rows = [_row(each) for passes in found.passes.values() for each in passes]
    report = reported(asked, "cache", table_of(COLUMNS, rows), found, _totals(found, asks), notes)
    return report._replace(within=_TOGETHER)


def _kinds(asked: Asked) -> list[str]:
    version = asked.machine.version
    return lrus(asked.source, version, is_supposed=version != asked.before.version)


def _doubts(kinds: Sequence[str], *, is_mapped: bool) -> Iterator[str]:
    if len(kinds) > 1:
        yield "nothing tells whether MGLRU is on: the answers of both are given (--lru chooses)"
    if GENERATIONS in kinds and is_mapped:
        yield "mappings under MGLRU were not measured: what is touched is taken to become the youngest"


def _cached(machine: Machine, request: CacheRequest, asks: Asking, kinds: Sequence[str]) -> Cached:
    page = machine.page_size
    files = {_name(place): -(-size // page) for place, size in enumerate((request.size, *request.others))}
    first, *rest = files
    order = [first] * request.reads + [*rest, first] * bool(rest)
    reading = Reading(files, order, request.is_mapped, request.disk, request.copying)
    space, bound = room_in_group(machine, asks, room_of(machine, request.limit))
    in_cgroup = request.limit is not None or bound is not None
    return Cached(
        request,
        {name: pages * page for name, pages in files.items()},
        {kind: list(passes(machine, kind, space, reading, in_cgroup=in_cgroup)) for kind in kinds},
        space.pages * page,
        (space.active + space.inactive + space.either) * page,
        bound,
        [_together(how, files[first], request.readers, space, page) for how in ("read", "mmap")],
    )


def _name(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else f"file {place + 1}"


def _together(how: str, pages: int, count: int, space: Room, page_size: int) -> ReadersTogether:
    """Say what so many readers of a file of so many pages take, as far as there is room."""
    found = readers(pages, count, mapped=how == "mmap", page_size=page_size)
    found = found._replace(cache=min(pages, space.pages))
    return ReadersTogether(how, *(value * page_size for value in (*found, found.total)))


def _row(found: Pass) -> dict[str, Any]:
    percent = round(found.hit_percent, 2)
    return {**found._asdict(), "pass": found.number, "hit_percent": percent}


def _totals(found: Cached, asks: Asking) -> dict[str, Any]:
    """Give the room, and what so many readers of the first file take, in bytes."""
    totals = {"room": found.room, "cached_before": found.cached_before, "readers": found.request.readers}
    for each in found.together:
        totals |= {f"{each.how}_{key}": value for key, value in each._asdict().items() if key != "how"}
    return {
        **totals,
        "cgroup": asks.path,
        "limited_by_cgroup": None if found.bound is None else found.bound.path,
        "limited_by_file": None if found.bound is None else found.bound.file,
        "seconds_by_lru": found.seconds,
        "rule_by_lru": {lru: _RULES[lru] for lru in found.passes},
    }
