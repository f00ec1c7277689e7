"""The multi-generational LRU (MGLRU) of file pages. All figures are in pages."""

from __future__ import annotations

from pymemtools.models.page_cache import Access, PageCache
from pymemtools.models.page_runs import Pages, Run


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
            if self._stream_through(self._queue, shadow, access, at, stop):
                return stop
            run = self._queue.oldest
            assert run is not None  # noqa: S101 (the cache is full)
            count = min(stop - at, run.end - run.start)
            self._evict(run, count)
            stop = at + count
        self._bring_in(pages, shadow, access, at, stop)
        return stop
