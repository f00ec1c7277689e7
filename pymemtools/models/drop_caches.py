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


def predict(meminfo: Mapping[str, int], level: int) -> Prediction:
    """Say what level 1 (file pages), 2 (slab) or 3 (both) frees, from meminfo.

    Pages that are dirty or under writeback stay. Mapped ones stay, too, but pages count as mapped that are no file
    pages, so all that is known is an interval. Of reclaimable slab, what is in use stays, and nobody tells how much
    that is. Raises ParseError where meminfo tells of no file pages at all.
    """
    if level & 1 and meminfo.keys().isdisjoint(("Active(file)", "Inactive(file)", "Cached")):
        raise ParseError("meminfo", None, "no Active(file) field")
    found = reclaimable(meminfo)
    most = max(found.file.most - found.dirty.least, 0)
    least = max(found.file.least - found.dirty.most - found.mapped.most, 0)
    none = Interval(0, 0)
    slab = Interval(0, found.slab.most)
    return Prediction(Interval(least, most) if level & 1 else none, slab if level & 2 else none)
