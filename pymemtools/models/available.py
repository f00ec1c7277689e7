"""MemAvailable: how much memory new programs may have before the machine swaps; in pages, or in bytes throughout.

Source: mm/show_mem.c (before 6.4 mm/page_alloc.c), si_mem_available(); Linux 3.14 to 6.18.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pymemtools.models.release import Version, since

_HIDDEN_LOW = 32  # pages: the least that a zone of high memory has


def mem_available(
    free: int, file: int, reclaimable: int, low: int, total_reserve: int, *, from_low: bool = False
) -> int:
    """Estimate available memory as the kernel does.

    >>> mem_available(free=5260625, file=261774, reclaimable=63881, low=21150, total_reserve=36441) * 4
    22030156

    ``file`` are the pages on the file lists, ``reclaimable`` is KReclaimable (SReclaimable before 4.20). Of each, half
    or the sum of the low watermarks over all zones, whatever is less, is taken to be needed. ``from_low``: see
    counts_from_low().
    """
    base = free - (low if from_low else total_reserve)
    return max(base + file - min(file // 2, low) + reclaimable - min(reclaimable // 2, low), 0)


def available_by_meminfo(
    meminfo: Mapping[str, int], low: int, total_reserve: int | None, *, page_size: int, from_low: bool
) -> int | None:
    """Work out MemAvailable in bytes of meminfo's other figures, None where they tell too little.

    ``low`` and ``total_reserve`` are in pages, the latter unknown where there is no zoneinfo.
    """
    reclaimable = meminfo.get("KReclaimable", meminfo.get("SReclaimable"))
    if total_reserve is None or reclaimable is None:
        return None
    if not meminfo.keys() >= {"MemFree", "Active(file)", "Inactive(file)"}:
        return None
    file = (meminfo["Active(file)"] + meminfo["Inactive(file)"]) // page_size
    free, slab = meminfo["MemFree"] // page_size, reclaimable // page_size
    return mem_available(free, file, slab, low, total_reserve, from_low=from_low) * page_size


def counts_from_low(version: Version | None) -> bool:
    """Tell whether the low watermarks were taken off free memory, not the larger total reserve.

    True up to 4.5; later stable kernels of 4.4 have the rule of 4.6.
    """
    return not since(version, (4, 6), (4, 4, 155))


def low_watermarks(zones: Sequence[tuple[str, int, int]]) -> int:
    """Add up the low watermarks of all zones (name, managed, low), of the one that zoneinfo hides, too.

    >>> low_watermarks([("Normal", 9, 5), ("HighMem", 9, 40)])
    77

    Before 4.12 it did not print empty zones, and where there is high memory the empty Movable has watermarks like it.
    """
    names = {name for name, managed, _ in zones if managed}
    is_hidden = "HighMem" in names and all(name != "Movable" for name, _, _ in zones)
    return sum(low for _, _, low in zones) + (_HIDDEN_LOW if is_hidden else 0)
