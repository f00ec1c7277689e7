"""How much memory a write to drop_caches can free. Source: fs/drop_caches.c, mm/truncate.c, mm/vmscan.c."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pymemtools.errors import ParseError


class Interval(NamedTuple):
    """Bytes, the least and the most."""

    least: int
    most: int


class Prediction(NamedTuple):
    """What a level frees, by class."""

    page_cache: Interval
    slab: Interval


def predict(meminfo: Mapping[str, int], level: int) -> Prediction:
    """Say what level 1 (file pages), 2 (slab) or 3 (both) frees, from meminfo.

    Pages that are dirty or under writeback stay. Mapped ones stay, too, but pages count as mapped that are no file
    pages, so all that is known is an interval. Of reclaimable slab, what is in use stays, and nobody tells how much
    that is. Raises ParseError where meminfo lacks what is needed (before Linux 2.6.28).
    """
    try:
        files = meminfo["Active(file)"] + meminfo["Inactive(file)"]
    except KeyError as error:
        raise ParseError("meminfo", None, f"no {error.args[0]} field") from None
    most = max(files - meminfo.get("Dirty", 0) - meminfo.get("Writeback", 0), 0)
    least = max(most - meminfo.get("Mapped", 0), 0)
    none = Interval(0, 0)
    slab = Interval(0, meminfo.get("KReclaimable", meminfo.get("SReclaimable", 0)))
    return Prediction(Interval(least, most) if level & 1 else none, slab if level & 2 else none)
