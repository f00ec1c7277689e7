"""What is kept in RAM beside what meminfo tells: compressed swap, and the cache of ZFS."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from pymemtools.errors import Denied, Missing, ParseError
from pymemtools.models.allocation import Gain
from pymemtools.models.compressed_swap import UNKNOWN, Store, gain
from pymemtools.procfs.arcstats import Arc, parse_arcstats
from pymemtools.procfs.swaps import SwapArea, parse_swaps
from pymemtools.sources.base import Source
from pymemtools.sysfs.zram import Zram, parse_bd_stat, parse_mm_stat
from pymemtools.units import human_size

_T = TypeVar("_T")
_DEVICE = re.compile(r"zram[0-9]{1,6}")
_ARCSTATS = "spl/kstat/zfs/arcstats"
_ZSWAP = "/sys/module/zswap/parameters"
_ZSWAP_DEBUG = "/sys/kernel/debug/zswap"  # root's; meminfo tells since Linux 5.19
_OLD_STATS = ("orig_data_size", "compr_data_size", "mem_used_total", "mem_limit")  # before mm_stat, Linux 4.1
_MOST_POOL_PERCENT = 20  # mm/zswap.c, zswap_max_pool_percent
_TELLING = 1 << 20  # bytes in zswap's pool: of fewer, no ratio is learnt


class Zswap(NamedTuple):
    """The compressed cache before swap on disks, in bytes; None where the source does not tell."""

    is_on: bool
    pool: int | None
    stored: int | None
    most_pool_percent: int
    shrinks: bool  # it writes pages back before its pool is full (Linux 6.8)

    @property
    def ratio(self) -> float | None:
        """Give the RAM that a byte stored takes; None where too little is stored to tell."""
        if self.pool is None or self.stored is None or self.stored < _TELLING:
            return None
        return min(self.pool / self.stored, 1.0)


class Stores(NamedTuple):
    """All of them; without any, everything is as meminfo says."""

    areas: Sequence[SwapArea] = ()
    zram: Mapping[str, Zram] = {}  # every device with memory, whether it is swapped to or not
    zswap: Zswap | None = None
    arc: Arc | None = None

    @property
    def compressed(self) -> list[SwapArea]:
        """Give the areas on zram."""
        return [area for area in self.areas if area.zram]


NO_STORES = Stores()


def read_stores(source: Source, meminfo: Mapping[str, int]) -> tuple[Stores, list[str]]:
    """Read what there is, and say what is damaged."""
    notes: list[str] = []

    def read(path: str, parse: Callable[[bytes], _T]) -> _T | None:
        try:
            return parse(source.read(path))
        except (Missing, Denied):
            return None
        except ParseError as error:
            notes.append(str(error))
            return None

    zram = {}
    for name in filter(_DEVICE.fullmatch, source.names("/sys/block")):
        folder = f"/sys/block/{name}"
        found = read(f"{folder}/mm_stat", parse_mm_stat)
        found = found or _old_zram(source, folder)
        if found is not None and (found.ram or found.stored):
            zram[name] = found._replace(written_back=read(f"{folder}/bd_stat", parse_bd_stat) or 0)
    areas = read("swaps", parse_swaps) or []
    return Stores(areas, zram, _read_zswap(source, meminfo), read(_ARCSTATS, parse_arcstats)), notes


def _old_zram(source: Source, folder: str) -> Zram | None:
    """Read the files that mm_stat took the place of."""
    try:
        return parse_mm_stat(b" ".join(source.read(f"{folder}/{name}").strip() for name in _OLD_STATS))
    except (Missing, Denied, ParseError):
        return None


def _read_zswap(source: Source, meminfo: Mapping[str, int]) -> Zswap | None:
    """Read zswap's state; None where the machine has none, or it is off and empty."""

    def word(path: str) -> str:
        try:
            return source.read(path).strip().decode("ascii", "replace")
        except (Missing, Denied):
            return ""

    def number(path: str) -> int | None:
        text = word(path)
        return int(text) if text.isdigit() and len(text) < 20 else None

    enabled, pool, stored = word(f"{_ZSWAP}/enabled"), meminfo.get("Zswap"), meminfo.get("Zswapped")
    if pool is None:
        pool = number(f"{_ZSWAP_DEBUG}/pool_total_size")
        pages = number(f"{_ZSWAP_DEBUG}/stored_pages")
        stored = None if pages is None else pages * (source.facts.page_size or 4096)
    is_on = enabled in ("Y", "1") if enabled else bool(stored)
    if not is_on and not pool:
        return None
    percent = number(f"{_ZSWAP}/max_pool_percent")
    most = _MOST_POOL_PERCENT if percent is None else percent
    return Zswap(is_on, pool, stored, most, word(f"{_ZSWAP}/shrinker_enabled") in ("Y", "1"))


def gains(stores: Stores, free: int, meminfo: Mapping[str, int], page_size: int) -> tuple[list[Gain], int]:
    """Say what the stores can give, of so many bytes of free swap, and how many pages of that are on plain disks.

    Swap that meminfo has beyond the areas (a supposed one) is a disk's; where it has less, the areas that are filled
    last are the smaller.
    """
    total = meminfo.get("SwapTotal", 0)
    disks = min(max(total - sum(area.size for area in stores.areas), 0), free)
    left = free - disks
    found = [Gain("ZFS ARC", 0, stores.arc.can_go // page_size)] if stores.arc else []
    behind_disks = False
    areas = sorted(stores.areas, key=lambda area: -area.priority)
    for area in areas:
        size = min(area.size - area.used, left) if area is not areas[-1] else min(area.size, left)
        left -= size
        if area.zram is None:
            disks += size
            behind_disks = True
            continue
        store = _on_zram(stores.zram.get(area.zram), size // page_size, meminfo, page_size)
        found.append(Gain(f"swap on {area.zram}", *gain(store), behind_disks))
    disks += left
    if stores.zswap is not None and stores.zswap.is_on and total > sum(area.size for area in stores.compressed):
        found.append(Gain("swap through zswap", *gain(_through_zswap(stores.zswap, disks, meminfo, page_size))))
        disks = 0
    return found, disks // page_size


def _on_zram(device: Zram | None, free: int, meminfo: Mapping[str, int], page_size: int) -> Store:
    """Take a device for a store: at most all RAM that is not the kernel's holds its pages."""
    keys = ("MemFree", "Active(anon)", "Inactive(anon)", "Active(file)", "Inactive(file)")
    room = sum(meminfo.get(key, 0) for key in keys) if meminfo.keys() >= set(keys) else meminfo.get("MemTotal")
    if device is not None and device.limit is not None:
        below = max(device.limit - device.ram, 0)
        room = below if room is None else min(room, below)
    ratio = None if device is None else device.ratio
    return Store(free, UNKNOWN if ratio is None else (ratio, ratio), None if room is None else room // page_size)


def _through_zswap(zswap: Zswap, free: int, meminfo: Mapping[str, int], page_size: int) -> Store:
    pool = meminfo.get("MemTotal", 0) * zswap.most_pool_percent // 100
    low, high = UNKNOWN if zswap.ratio is None else (zswap.ratio, zswap.ratio)
    ratio = (0.0 if zswap.shrinks else low, high)
    return Store(free // page_size, ratio, max(pool - (zswap.pool or 0), 0) // page_size, spills=True)


def costs(stores: Stores) -> Iterator[str]:
    """Say of each store what a page swapped to it takes of RAM."""
    for area in stores.compressed:
        device = stores.zram.get(area.zram or "")
        ratio = None if device is None else device.ratio
        if device is None or ratio is None:
            yield f"{area.zram} is RAM: what its pages compress to is not known, so swapping to it gives nothing or all"
            continue
        yield (
            f"{area.zram} is RAM: a page swapped to it takes {ratio:.2f} pages again (its mm_stat: "
            f"{human_size(device.stored - device.written_back)} in {human_size(device.ram)})"
        )
        if device.limit is not None:
            yield f"{area.zram} takes no more than {human_size(device.limit)} of RAM (its mem_limit)"
    zswap = stores.zswap
    if zswap is not None and zswap.is_on and len(stores.areas) > len(stores.compressed):
        ratio, most = zswap.ratio, f"{zswap.most_pool_percent} % of RAM at most"
        takes = "what its pages compress to is not known" if ratio is None else f"a page takes {ratio:.2f} pages of RAM"
        yield f"zswap keeps what is swapped in RAM first, {most}: {takes}"


def ram_of_swap(stores: Stores) -> tuple[float, float] | None:
    """Give the RAM that a byte swapped out takes on average, at the least and at the most; None if no byte takes any.

    Which of a process's pages are where is not told.
    """
    used = sum(area.used for area in stores.areas)
    on_zram = [(area.used, stores.zram.get(area.zram or "")) for area in stores.compressed]
    ranges = [(size, UNKNOWN if not (device and device.ratio) else (device.ratio,) * 2) for size, device in on_zram]
    pool = (stores.zswap.pool or 0) if stores.zswap else 0
    least, most = (sum(size * ratio[end] for size, ratio in ranges) + pool for end in (0, 1))
    return (min(least / used, 1.0), min(most / used, 1.0)) if used and most else None
