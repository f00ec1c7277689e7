"""How much of memory the kernel could take back, by meminfo: the least and the most, where that lacks figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Interval(NamedTuple):
    """Bytes, the least and the most."""

    least: int
    most: int


class Reclaimable(NamedTuple):
    """What there may be of each kind; of what meminfo tells, least and most are the same."""

    file: Interval  # on the active and inactive file lists
    dirty: Interval  # and under writeback
    mapped: Interval  # file pages and shared memory that programs have mapped
    slab: Interval


def reclaimable(meminfo: Mapping[str, int]) -> Reclaimable:
    """Put bounds in for what is not told: file pages are within Buffers and Cached, all else within what is in use.

    >>> found = reclaimable({"MemTotal": 100, "MemFree": 40, "Active(file)": 10, "Dirty": 2, "Slab": 7})
    >>> found.file, found.dirty, found.slab
    (Interval(least=10, most=60), Interval(least=2, most=60), Interval(least=0, most=7))
    """
    get = meminfo.get
    lists, unwritten = (
        [get(key) for key in keys] for keys in (("Active(file)", "Inactive(file)"), ("Dirty", "Writeback"))
    )
    told, dirty = sum(filter(None, lists)), sum(filter(None, unwritten))
    in_use = max(get("MemTotal", 0) - get("MemFree", 0) - get("AnonPages", 0), 0)  # by anything but programs' own data
    file = told if None not in lists else max(get("Buffers", 0) + get("Cached", in_use), told)
    slab = get("KReclaimable", get("SReclaimable"))
    mapped = get("Mapped")
    return Reclaimable(
        Interval(told, file),
        Interval(dirty, dirty if None not in unwritten else max(file, dirty)),
        Interval(0, file) if mapped is None else Interval(mapped, mapped),
        Interval(0, get("Slab", max(in_use - told, 0))) if slab is None else Interval(slab, slab),
    )


def told_figures(meminfo: Mapping[str, int]) -> dict[str, bool]:
    """Tell of each figure that bounds are put in for whether it is there."""
    found = {key: key in meminfo for key in ("Active(file)", "Inactive(file)", "Dirty", "Writeback", "Mapped")}
    return {**found, "SReclaimable": not meminfo.keys().isdisjoint(("KReclaimable", "SReclaimable"))}
