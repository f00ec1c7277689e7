"""What stays in the page cache, whatever kind of LRU there is; two_lists and generations are the kinds.

All figures are in pages. A simulation is fed with accesses to runs of pages and tells after each what it hit, and what
is cached. The error against Linux 4.4, 6.8 and 6.18, where one process read files of up to 500 MB: with two lists 4 %
of a set that is read twice, and 0.4 % of the refaults; with generations 3 %. Anonymous pages are not moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pymemtools.models.page_runs import Files, Pages, Run


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
        self._files.cache(pages, self._missed(shadow, access, at, stop))

    def _stream_through(self, pages: Pages, shadow: Run | None, access: Access, at: int, stop: int) -> bool:
        """Where all of a list is one run that a miss continues, take the whole miss at once: what enters pushes out."""
        run = pages.oldest
        if run is None or run is not pages.newest or (run.file, run.end) != (access.file, at) or access.mapped:
            return False
        if run.young or run.reads != self._reads_of(shadow, access):
            return False
        self._missed(shadow, access, at, stop)
        self._files.slide(run, stop - at, self._clock)
        self._clock += stop - at
        return True

    def _missed(self, shadow: Run | None, access: Access, at: int, stop: int) -> Run:
        self._misses += stop - at
        reads = self._reads_of(shadow, access)
        if shadow is not None:
            shadow = self._files.isolate(shadow, at, stop)
            self._refaults += stop - at
            self._restores += stop - at if shadow.reads > 1 else 0
            self._files.forget(shadow)
        return Run(access.file, at, stop, reads=reads, young=access.mapped)

    def _reads_of(self, shadow: Run | None, access: Access) -> int:
        """Say how often pages count as read once they are back."""
        if access.mapped:
            return 0
        return 2 if shadow is not None and shadow.reads > 1 else 1
