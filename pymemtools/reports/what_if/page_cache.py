"""What becomes of files that are read on a machine: its room for them, its kind of LRU, and pass after pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pymemtools.errors import Denied, Missing, UsageProblem
from pymemtools.models.cache_room import room, room_at_boot, room_of_cgroup, seconds
from pymemtools.models.generations import Generations
from pymemtools.models.group_charge import Bound
from pymemtools.models.page_cache import Access, PageCache, Step
from pymemtools.models.release import Version, since
from pymemtools.models.two_lists import TwoLists, inactive_ratio
from pymemtools.readings.machine import Machine
from pymemtools.reports.memory_groups.asking import Asking
from pymemtools.reports.memory_groups.room import bounds
from pymemtools.sources.base import Source

_LISTS = ("Active(file)", "Inactive(file)")
OTHERS = "others"  # what is cached before the first pass
TWO_LISTS, GENERATIONS = "classic", "mglru"
_MOST_TIMES = 1 << 18  # the room is filled anew; what is read by read(2) streams through in one step
_SWITCH = "/sys/kernel/mm/lru_gen/enabled"


class Room(NamedTuple):
    """Memory for pages of files, in pages; what of it holds some is on one of two lists."""

    pages: int
    active: int
    inactive: int
    either: int = 0  # on one of them, and the source does not tell on which


class Pass(NamedTuple):
    """What reading a file came to, in bytes, and what is cached after it."""

    lru: str
    number: int
    file: str
    size: int
    hits: int
    misses: int
    refaults: int
    activated: int
    seconds: float | None
    cached: int  # of this file
    active: int  # of all files; with generations there is no such list
    evicted: Mapping[str, int]  # by file
    error_bound: int  # of what is cached of this file

    @property
    def hit_percent(self) -> float:
        """Give the share of the file that was in the cache."""
        return 100 * self.hits / self.size


class Reading(NamedTuple):
    """Files by name and size in pages, how they are read, and how fast in bytes a second; None is unknown."""

    files: Mapping[str, int]
    order: Sequence[str]
    mapped: bool
    disk: float | None
    copying: float


def lrus(source: Source, version: Version | None, *, is_supposed: bool) -> list[str]:
    """Tell which LRU a kernel has; both where nothing tells.

    A kernel without the switch has no generations, and they came with 6.1. That a copy lacks the switch says something
    only where it is one of our captures, which take it. A supposed kernel is known by its version alone.
    """
    if not since(version, (6, 1)):
        return [TWO_LISTS]
    if is_supposed:
        return [TWO_LISTS, GENERATIONS]
    try:
        text = source.read(_SWITCH).strip()
        return [GENERATIONS if int(text, 16) & 1 else TWO_LISTS]
    except (Denied, ValueError):
        return [TWO_LISTS, GENERATIONS]
    except Missing:
        return [TWO_LISTS] if source.is_live or source.manifest is not None else [TWO_LISTS, GENERATIONS]


def room_of(machine: Machine, limit: int | None) -> Room:
    """Give the room of a machine, or within a memory cgroup's limit (bytes), which begins empty. Raises Missing."""
    lists, free = _lists(machine), machine.pages("MemFree")
    if machine.zones:
        pages = room(free, sum(lists), sum(zone.high for zone in machine.zones))
    else:
        pages = room_at_boot(free + sum(lists), page_size=machine.page_size, version=machine.version)
    if limit is None:
        return Room(pages, *lists)
    return Room(min(pages, room_of_cgroup(limit // machine.page_size, machine.version)), 0, 0)


def lacking_lists(machine: Machine) -> list[str]:
    """Name the figures that tell which of the cached pages are on which list, and that the source lacks."""
    return [key for key in _LISTS if key not in machine.meminfo]


def _lists(machine: Machine) -> tuple[int, int, int]:
    """Give the pages on the active and the inactive list, and on either. Raises Missing.

    Without these counters (Linux before 2.6.28, sandboxes) all that is cached, but shared memory, is on one of them.
    """
    lacking = lacking_lists(machine)
    if not lacking or "Cached" not in machine.meminfo:
        active, inactive = map(machine.pages, _LISTS)
        return active, inactive, 0
    info = machine.meminfo
    cached = max(info["Cached"] + info.get("Buffers", 0) - info.get("Shmem", 0), 0) // machine.page_size
    if len(lacking) == len(_LISTS):
        return 0, 0, cached
    active, inactive = (min(info.get(key, 0) // machine.page_size, cached) for key in _LISTS)
    return (cached - inactive, inactive, 0) if lacking == [_LISTS[0]] else (active, cached - active, 0)


def room_in_group(machine: Machine, asked: Asking, whole: Room) -> tuple[Room, Bound | None]:
    """Give the room within the limits on the way up, and the one that leaves the least; the machine's without any.

    A group's file pages have what is below its limit, and what they have already: beyond memory.high, too, they are
    reclaimed.
    """

    def left(bound: Bound) -> int:
        return (bound.free if bound.usage is not None else bound.free_at_most) + bound.holdings.file

    tightest = min(bounds(asked, machine), key=left, default=None)
    if tightest is None:
        return whole, None
    pages = room_of_cgroup(left(tightest) // machine.page_size, machine.version)
    if pages >= whole.pages:
        return whole, None
    (held,) = (level.held for level in asked.levels if level.path == tightest.path)
    active = (held.active_file or 0) // machine.page_size
    return Room(pages, active, tightest.holdings.file // machine.page_size - active), tightest


def passes(machine: Machine, lru: str, space: Room, reading: Reading, *, in_cgroup: bool) -> Iterator[Pass]:
    """Read the files in order. Raises Missing where there is no room at all, UsageProblem for what takes minutes."""
    if space.pages < 1:
        raise Missing("what-if cache: no page cache has room there")
    if space.either:
        inactive = space._replace(inactive=space.inactive + space.either, either=0)
        active = space._replace(active=space.active + space.either, either=0)
        ways = [passes(machine, lru, way, reading, in_cgroup=in_cgroup) for way in (inactive, active)]
        for one, other in zip(*ways):
            bound = max(one.error_bound, other.error_bound) + abs(one.cached - other.cached)
            yield one._replace(error_bound=min(bound, one.size))
        return
    if reading.mapped and sum(reading.files[file] for file in reading.order) > space.pages * _MOST_TIMES:
        raise UsageProblem("what-if cache: that is too much to follow, page by page, through so little memory")
    cache = _cache(machine, lru, space, in_cgroup=in_cgroup)
    page, before = machine.page_size, {OTHERS: space.active + space.inactive}
    for number, file in enumerate(reading.order, 1):
        pages = reading.files[file]
        step = cache.access(Access(file, pages, mapped=reading.mapped))
        lost = {name: before[name] - step.resident.get(name, 0) for name in before}
        if step.misses + before.get(file, 0) > step.resident[file]:
            lost[file] = step.misses + before.get(file, 0) - step.resident[file]
        before = dict(step.resident)
        yield Pass(
            lru=lru,
            number=number,
            file=file,
            size=pages * page,
            hits=step.hits * page,
            misses=step.misses * page,
            refaults=step.refaults * page,
            activated=step.activations * page,
            seconds=_seconds(step.misses, pages, reading, page),
            cached=step.resident[file] * page,
            active=step.active * page,
            evicted={name: count * page for name, count in lost.items() if count > 0},
            error_bound=pages * page * _error_percent(machine, lru, space, step) // 100,
        )


def _error_percent(machine: Machine, lru: str, space: Room, step: Step) -> int:
    """Say how far off a file was that real kernels cached; see models/two_lists.py for when it is much."""
    if lru == GENERATIONS:
        return 3
    cached = sum(step.resident.values())
    are_many = step.active * 4 > (cached - step.active) * _ratio(machine, space)
    return 25 if cached == space.pages and are_many else 4


def _ratio(machine: Machine, space: Room) -> int:
    return inactive_ratio(space.pages, machine.page_size, machine.version)


def _seconds(misses: int, pages: int, reading: Reading, page_size: int) -> float | None:
    if reading.disk is None:
        return None
    return seconds(misses, pages, disk=reading.disk, copying=reading.copying, page_size=page_size)


def _cache(machine: Machine, lru: str, space: Room, *, in_cgroup: bool) -> PageCache:
    cache: TwoLists | Generations
    if lru == GENERATIONS:
        cache = Generations(space.pages, 0 if in_cgroup else _kept(machine))
    else:
        cache = TwoLists(space.pages, _ratio(machine, space), _anonymous(machine))
    cache.begin_with(OTHERS, active=space.active, inactive=space.inactive)
    return cache


def _kept(machine: Machine) -> int:
    """Give the pages that files may take of a PC's ZONE_DMA, of 16 MiB."""
    small = [zone for zone in machine.zones if zone.name == "DMA" and zone.usable * machine.page_size <= 16 << 20]
    return sum(max(zone.usable - max(zone.protection, default=0) - zone.low, 0) for zone in small)


def _anonymous(machine: Machine) -> int:
    """Give the pages that could be swapped out in place of file pages; they count from 5.9 on."""
    info = machine.meminfo
    if not info.get("SwapFree") or not since(machine.version, (5, 9)):
        return 0
    return (info.get("Active(anon)", 0) + info.get("Inactive(anon)", 0)) // machine.page_size
