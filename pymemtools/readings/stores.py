"""What is kept in RAM beside what meminfo tells: compressed swap, and the cache of ZFS."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from pymemtools.errors import Denied, Missing, ParseError
from pymemtools.procfs.arcstats import Arc, parse_arcstats
from pymemtools.procfs.swaps import SwapArea, parse_swaps
from pymemtools.readings.page_size import page_size_of
from pymemtools.sources.base import Source
from pymemtools.sysfs.zram import Zram, parse_bd_stat, parse_mm_stat
from pymemtools.units import whole_number

_T = TypeVar("_T")
_DEVICE = re.compile(r"zram[0-9]{1,6}")
_ARCSTATS = "spl/kstat/zfs/arcstats"
_ZSWAP = "/sys/module/zswap/parameters"
_ZSWAP_DEBUG = "/sys/kernel/debug/zswap"  # root's; meminfo tells since Linux 5.19
_OLD_STATS = ("orig_data_size", "compr_data_size", "mem_used_total")  # before mm_stat, Linux 4.1
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
    """Read the files that mm_stat took the place of; mem_limit came with Linux 3.18."""
    try:
        words = [source.read(f"{folder}/{name}").strip() for name in _OLD_STATS]
        limit = source.read(f"{folder}/mem_limit").strip() if "mem_limit" in source.names(folder) else b"0"
        return parse_mm_stat(b" ".join((*words, limit)))
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
        return whole_number(word(path))

    enabled, pool, stored = word(f"{_ZSWAP}/enabled"), meminfo.get("Zswap"), meminfo.get("Zswapped")
    if pool is None:
        pool = number(f"{_ZSWAP_DEBUG}/pool_total_size")
        pages = number(f"{_ZSWAP_DEBUG}/stored_pages")
        stored = None if pages is None else pages * page_size_of(source).size
    is_on = enabled in ("Y", "1") if enabled else bool(stored)
    if not is_on and not pool:
        return None
    percent = number(f"{_ZSWAP}/max_pool_percent")
    most = _MOST_POOL_PERCENT if percent is None else percent
    return Zswap(is_on, pool, stored, most, word(f"{_ZSWAP}/shrinker_enabled") in ("Y", "1"))
