"""The classic LRU of file pages: an active and an inactive list, and shadows. All figures are in pages."""

from __future__ import annotations

from math import isqrt

from pymemtools.models.page_cache import Access, PageCache
from pymemtools.models.page_runs import Pages, Run
from pymemtools.models.release import Version, since


def inactive_ratio(pages: int, page_size: int = 4096, version: Version | None = None) -> int:
    """Say how many times as long as the inactive list the active one may be.

    >>> [inactive_ratio(gib << 18) for gib in (0, 1, 10, 100)]
    [1, 3, 10, 31]

    ``pages`` is both lists. The square root came to file pages with 4.7, before that it was 1. Source:
    inactive_is_low().
    """
    gib = pages * page_size >> 30
    is_plain = not since(version, (4, 7))
    return isqrt(10 * gib) if gib and not is_plain else 1


class TwoLists(PageCache):
    """The classic lists: a page starts inactive, and a second read makes it active.

    A miss that would have been a hit, had the active pages not been there, makes active, too: its distance, in
    evictions and activations since its own, is not above the active pages. ``anon`` is added to these, where swap is
    free. Reclaim takes the oldest inactive pages, and demotes active ones while these are more than ``ratio`` times
    as many. A page touched through a mapping goes around once more. Holds for Linux 3.15 to today where lru_gen is
    off or absent. Source: mm/workingset.c; mm/swap.c, folio_mark_accessed(); mm/vmscan.c, shrink_active_list(),
    folio_check_references().

    The kernel goes by counts that are up to two seconds old, and so demotes too many when it has to demote, or nearly:
    on 6.18, of a hot set of a quarter of the memory 4 to 12 % were lost, of one of a half a fifth, and all of it when
    the stream past it took less than those seconds.
    """

    batch = 32  # SWAP_CLUSTER_MAX: pages that are made active without a look at the balance; of many, 1/4096

    def __init__(self, capacity: int, ratio: int = 1, anon: int = 0) -> None:
        super().__init__(capacity)
        self._inactive, self._active = Pages(), Pages()
        self._ratio = ratio
        self._anon = anon
        self._batch = max(self.batch, capacity >> 12)

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
        stop = min(stop, at + self._batch)
        if not free:
            stop = self._make_room(at, stop)
        self._bring_in(self._active, shadow, access, at, stop)
        self._clock += stop - at
        self._activations += stop - at
        return stop

    def _cache_inactive(self, shadow: Run | None, access: Access, at: int, stop: int, *, is_full: bool) -> int:
        if is_full:
            self._balance()
            if self._stream_through(self._inactive, shadow, access, at, stop):
                return stop
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
