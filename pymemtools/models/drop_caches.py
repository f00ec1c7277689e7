"""How much memory a write to drop_caches can free. Source: fs/drop_caches.c, mm/truncate.c, mm/vmscan.c."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pymemtools.errors import ParseError
from pymemtools.models.reclaimable import Interval, reclaimable


class Prediction(NamedTuple):
    """What a level frees, by class."""

    page_cache: Interval
    slab: Interval


def predict(meminfo: Mapping[str, int], level: int, kept: int | None = None) -> Prediction:
    """Say what level 1 (file pages), 2 (slab) or 3 (both) frees, from meminfo.

    Pages that are dirty or under writeback stay. Mapped ones stay, too, but pages count as mapped that are no file
    pages, so all that is known is an interval. What programs gave up by MADV_FREE is on the file lists, but in no
    file's cache: it stays. A large folio stays whole where one page of it is mapped (mapping_evict_folio(), 5.18):
    ``kept`` is how much there is in the cache of files that are mapped at all, in bytes; without it what meminfo calls
    mapped has to do, and is an estimate there. Of reclaimable slab, what is in use stays, and nobody tells how much
    that is. Raises ParseError where meminfo tells of no file pages at all.
    """
    if level & 1 and meminfo.keys().isdisjoint(("Active(file)", "Inactive(file)", "Cached")):
        raise ParseError("meminfo", None, "no Active(file) field")
    found = reclaimable(meminfo)
    given_up = _given_up(meminfo)
    stays = found.mapped.most if kept is None else kept
    most = max(found.file.most - found.dirty.least - given_up.least, 0)
    least = max(found.file.least - found.dirty.most - stays - given_up.most, 0)
    none = Interval(0, 0)
    slab = Interval(0, found.slab.most)
    return Prediction(Interval(least, most) if level & 1 else none, slab if level & 2 else none)


def _given_up(meminfo: Mapping[str, int]) -> Interval:
    """Bound what lru_lazyfree_fn() (mm/swap.c, 4.12) put on the file lists: what is there beyond the page cache.

    Of the page cache, what is locked is on no file list, and nobody tells how much of the unevictable that is.
    """
    keys = ("Active(file)", "Inactive(file)", "Cached", "Buffers", "Shmem")
    if not meminfo.keys() >= set(keys):
        return Interval(0, 0)
    active, inactive, cached, buffers, shmem = (meminfo[key] for key in keys)
    beyond = active + inactive - (cached + buffers - shmem)
    return Interval(max(beyond, 0), min(max(beyond + meminfo.get("Unevictable", 0), 0), active + inactive))
