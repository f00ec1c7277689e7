"""The question of free: how much memory is used, cached, free and available?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class FreeRow(NamedTuple):
    """One line of the table, in bytes; a figure that the kernel does not give, or that makes no sense, is None."""

    area: str  # "Mem", "Low", "High", "Swap", "Total" or "Comm"
    total: int | None
    used: int | None
    free: int | None
    shared: int | None = None
    buffers: int | None = None
    cache: int | None = None
    available: int | None = None

    @property
    def buff_cache(self) -> int | None:
        """Add buffers and cache, as the default table does."""
        return _sum(self.buffers, self.cache)


class Memory(NamedTuple):
    """All rows that free can show, whichever of them are asked for."""

    mem: FreeRow
    low: FreeRow
    high: FreeRow
    swap: FreeRow
    total: FreeRow
    commit: FreeRow
    is_available_estimated: bool


def memory(meminfo: Mapping[str, int], min_free_kbytes: int | None = None) -> Memory:
    """Work the table out as procps 4.0.1 and later do; all in bytes.

    used = MemTotal - MemAvailable (MemTotal - MemFree when that is negative), cache = Cached + SReclaimable. Kernels
    before 3.14 print no MemAvailable: it is then estimated as si_mem_available() did when it was new, or unknown.
    """
    get = meminfo.get
    total, free = get("MemTotal"), get("MemFree")
    available = get("MemAvailable")
    estimated = False
    if available is None:
        available = estimate_available(meminfo, min_free_kbytes)
        estimated = available is not None
    if available is not None and total is not None and available > total:
        available = free
    used = _difference(total, available)
    if used is None or used < 0:
        used = _difference(total, free)
    cache = _sum(get("Cached"), get("SReclaimable", 0))
    mem = FreeRow("Mem", total, used, free, get("Shmem", get("MemShared")), get("Buffers"), cache, available)
    swap = FreeRow("Swap", get("SwapTotal"), _used(get("SwapTotal"), get("SwapFree")), get("SwapFree"))
    if get("LowTotal"):
        low = FreeRow("Low", get("LowTotal"), _used(get("LowTotal"), get("LowFree")), get("LowFree"))
    else:
        low = FreeRow("Low", total, _used(total, free), free)
    high_total, high_free = get("HighTotal", 0), get("HighFree", 0)
    high = FreeRow("High", high_total, _used(high_total, high_free), high_free)
    both = FreeRow("Total", _sum(total, swap.total), _sum(used, swap.used), _sum(free, swap.free))
    limit, committed = get("CommitLimit"), get("Committed_AS")
    commit = FreeRow("Comm", limit, committed, _difference(limit, committed))
    return Memory(mem, low, high, swap, both, commit, estimated)


def estimate_available(meminfo: Mapping[str, int], min_free_kbytes: int | None) -> int | None:
    """Estimate MemAvailable in bytes from older fields; None when those are missing too.

    MemFree less the low watermark, and half (at least all but the watermark) of the file pages and of the
    reclaimable slab: Linux 3.14, 34e431b0ae39. The low watermark is 5/4 of min_free_kbytes; unknown, it counts as 0.
    """
    names = ("MemFree", "Active(file)", "Inactive(file)", "SReclaimable")
    known = [meminfo.get(name) for name in names]
    free, active, inactive, slab = known
    if free is None or active is None or inactive is None or slab is None:
        return None
    low = (min_free_kbytes or 0) * 1024 * 5 // 4
    files = active + inactive
    available = free - low + files - min(files // 2, low) + slab - min(slab // 2, low)
    return max(available, 0)


def _used(total: int | None, free: int | None) -> int | None:
    """Subtract, but never below 0: containers report more swap free than there is."""
    if total is None or free is None:
        return None
    return total - free if free < total else 0


def _difference(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a - b


def _sum(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b
