"""What stays in the page cache: the two lists of mm/workingset.c and mm/vmscan.c, and the generations after them.

All figures are in pages. A simulation is fed with accesses to runs of pages and tells after each what it hit, what is
cached and what is not. The error against Linux 4.4, 6.8 and 6.18, where one process read files of up to 500 MB: 4 % of
a set that is read twice, 0.4 % of the refaults of the two lists, 3 % with generations. Anonymous pages are not moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from typing import NamedTuple

from pymemtools.models.page_runs import Files, Pages, Run
from pymemtools.models.release import Version


class Access(NamedTuple):
    """``pages`` of a file from ``first`` on, in order, by read(2) or through a mapping."""

    file: str
    pages: int
    first: int = 0
    mapped: bool = False


class Step(NamedTuple):
    """What an access came to, and how the cache is after it."""

    hits: int
    misses: int
    refaults: int  # misses of pages whose shadow tells that they were cached
    activations: int  # pages that went to the active list; always 0 with generations
    restores: int  # refaults of pages that had been read more than once
    active: int
    resident: Mapping[str, int]  # cached pages of each file


def inactive_ratio(pages: int, page_size: int = 4096, version: Version | None = None) -> int:
    """Say how many times as long as the inactive list the active one may be.

    >>> [inactive_ratio(gib << 18) for gib in (0, 1, 10, 100)]
    [1, 3, 10, 31]

    ``pages`` is both lists. The square root came to file pages with 4.7, before that it was 1. Source:
    inactive_is_low().
    """
    gib = pages * page_size >> 30
    is_plain = version is not None and version < (4, 7, 0)
    return isqrt(10 * gib) if gib and not is_plain else 1


class PageCache:
    """What both kinds of page cache share: room for ``capacity`` pages, files, and shadows of what was evicted."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("a page cache of no page")
        self.capacity = capacity
        self.pieces = 0  # how many steps the simulation took: its work, which does not grow with the pages
        self._files = Files()
        self._clock = 0  # nonresident_age: evictions and activations
        self._misses = self._refaults = self._activations = self._restores = 0

    def access(self, access: Access) -> Step:
        """Read or touch pages, one after the other."""
        self._misses = self._refaults = self._activations = self._restores = 0
        at, end = access.first, access.first + access.pages
        while at < end:
            self.pieces += 1
            run, stop = self._files.find(access.file, at, end)
            if run is not None and run.on is not None:
                self._hit(run, at, stop, mapped=access.mapped)
                at = stop
            else:
                at = self._miss(run, access, at, stop)
        resident = self._files.resident()
        hits = access.pages - self._misses
        return Step(
            hits, self._misses, self._refaults, self._activations, self._restores, self._active_count(), resident
        )

    def _free(self) -> int:
        raise NotImplementedError

    def _active_count(self) -> int:
        return 0

    def _hit(self, run: Run, at: int, stop: int, *, mapped: bool) -> None:
        raise NotImplementedError

    def _miss(self, shadow: Run | None, access: Access, at: int, stop: int) -> int:
        raise NotImplementedError

    def _evict(self, run: Run, count: int) -> None:
        self._files.evict(run, count, self._clock)
        self._clock += count

    def _bring_in(self, pages: Pages, shadow: Run | None, access: Access, at: int, stop: int) -> None:
        """Count a miss, and cache what was missed at the young end of a list."""
        self._misses += stop - at
        if shadow is not None:
            shadow = self._files.isolate(shadow, at, stop)
            self._refaults += stop - at
            self._restores += stop - at if shadow.reads > 1 else 0
            self._files.forget(shadow)
        was_read = shadow is not None and shadow.reads > 1
        reads = 0 if access.mapped else 1
        run = Run(access.file, at, stop, reads=2 if was_read and reads else reads, young=access.mapped)
        self._files.cache(pages, run)


class TwoLists(PageCache):
    """The classic lists: a page starts inactive, and a second read makes it active.

    A miss that would have been a hit, had the active pages not been there, makes active, too: its distance, in
    evictions and activations since its own, is not above the active pages. ``anon`` is added to these, where swap is
    free. Reclaim takes the oldest inactive pages, and demotes active ones while these are more than ``ratio`` times
    as many. A page touched through a mapping goes around once more. Holds for Linux 3.15 to today where lru_gen is
    off or absent. Source: mm/workingset.c, folio_mark_accessed(), shrink_active_list(), folio_check_references().
    """

    batch = 32  # SWAP_CLUSTER_MAX: pages that are made active one after the other without a look at the balance

    def __init__(self, capacity: int, ratio: int = 1, anon: int = 0) -> None:
        super().__init__(capacity)
        self._inactive, self._active = Pages(), Pages()
        self._ratio = ratio
        self._anon = anon

    def begin_with(self, file: str, *, active: int, inactive: int) -> None:
        """Let pages of a file be cached to begin with; what does not fit is not."""
        active = min(active, self._free())
        if active:
            self._files.cache(self._active, Run(file, 0, active, reads=2))
        inactive = min(inactive, self._free())
        if inactive:
            self._files.cache(self._inactive, Run(file, active, active + inactive, reads=1))

    def _free(self) -> int:
        return self.capacity - self._inactive.count - self._active.count

    def _active_count(self) -> int:
        return self._active.count

    def _hit(self, run: Run, at: int, stop: int, *, mapped: bool) -> None:
        if mapped:
            if not run.young:
                self._files.isolate(run, at, stop).young = True
        elif run.on is self._inactive:
            run = self._files.isolate(run, at, stop)
            if run.reads:
                self._activate(run)
            else:
                run.reads = 1

    def _activate(self, run: Run) -> None:
        run.reads = 2
        self._files.move(self._active, run)
        self._clock += run.end - run.start
        self._activations += run.end - run.start

    def _miss(self, shadow: Run | None, access: Access, at: int, stop: int) -> int:
        free = self._free()
        if free:
            stop = min(stop, at + free)
        if shadow is None:
            return self._cache_inactive(None, access, at, stop, is_full=not free)
        evictions = 0
        if not free:  # the page's own place is made first
            self._balance()
            evictions = 1
        distance = self._clock + evictions - (shadow.age + at - shadow.start)
        beyond = distance - self._active.count - self._anon
        if beyond > 0:
            stop = min(stop, at + beyond) if free else stop  # each page is one eviction nearer than that before it
            return self._cache_inactive(shadow, access, at, stop, is_full=not free)
        stop = min(stop, at + self.batch)
        if not free:
            stop = self._make_room(at, stop)
        self._bring_in(self._active, shadow, access, at, stop)
        self._clock += stop - at
        self._activations += stop - at
        return stop

    def _cache_inactive(self, shadow: Run | None, access: Access, at: int, stop: int, *, is_full: bool) -> int:
        if is_full:
            stop = self._make_room(at, stop)
        self._bring_in(self._inactive, shadow, access, at, stop)
        return stop

    def _make_room(self, at: int, stop: int) -> int:
        """Evict as many pages as will come, or fewer, which is then where to stop."""
        while True:
            self._balance()
            run = self._inactive.oldest
            assert run is not None  # noqa: S101 (the lists are full, and balanced)
            if not run.young:
                break
            run.young = False
            if run.reads:
                self._activate(run)
            else:
                run.reads = 1
                self._files.move(self._inactive, run)
        count = min(stop - at, run.end - run.start)
        self._evict(run, count)
        return at + count

    def _balance(self) -> None:
        excess = self._active.count - self._inactive.count * self._ratio
        demoted = -(-excess // (self._ratio + 1))
        while demoted > 0:
            run = self._active.oldest
            assert run is not None  # noqa: S101 (an excess is of pages)
            run = self._files.isolate(run, run.start, min(run.end, run.start + demoted))
            run.reads = 1
            demoted -= run.end - run.start
            self._files.move(self._inactive, run)


class Generations(PageCache):
    """MGLRU, as far as files are read by read(2): first in, first out, however often a page was read.

    Reading twice moves a page between tiers of its generation, not to a younger one; a page touched through a mapping
    is moved when reclaim walks the page tables. ``kept`` pages stay for good, of those that filled the memory first:
    in a guest of 384 MiB so many hits remained as ZONE_DMA can hold (an inference from its counts). Holds where
    /sys/kernel/mm/lru_gen/enabled is odd, from 6.1 on. Source: mm/vmscan.c, lru_gen_look_around(), evict_folios().
    """

    def __init__(self, capacity: int, kept: int = 0) -> None:
        super().__init__(capacity)
        self._queue, self._kept = Pages(), Pages()
        self._may_keep = min(kept, capacity // 2)

    def begin_with(self, file: str, *, active: int, inactive: int) -> None:
        """Let pages of a file be cached to begin with, the inactive ones oldest; what does not fit is not."""
        for pages in (inactive, active):
            start = self._queue.count
            fitting = min(pages, self._free() - self._may_keep)
            if fitting > 0:
                self._files.cache(self._queue, Run(file, start, start + fitting, reads=1))

    def _free(self) -> int:
        return self.capacity - self._queue.count - self._kept.count

    def _hit(self, run: Run, at: int, stop: int, *, mapped: bool) -> None:
        if run.reads == 2 and not mapped:
            return
        run = self._files.isolate(run, at, stop)
        if mapped and run.on is self._queue:
            self._files.move(self._queue, run)
        elif not mapped:
            run.reads = min(run.reads + 1, 2)

    def _miss(self, shadow: Run | None, access: Access, at: int, stop: int) -> int:
        free = self._free()
        to_queue = free - (self._may_keep - self._kept.count)
        pages = self._queue
        if to_queue > 0:
            stop = min(stop, at + to_queue)
        elif free:
            stop = min(stop, at + free)
            pages = self._kept
        else:
            run = self._queue.oldest
            assert run is not None  # noqa: S101 (the cache is full)
            count = min(stop - at, run.end - run.start)
            self._evict(run, count)
            stop = at + count
        self._bring_in(pages, shadow, access, at, stop)
        return stop
