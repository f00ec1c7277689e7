"""The question of free: how much memory is used, cached, free and available?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from pymemtools.procfs.meminfo import parse_meminfo
from pymemtools.report import Column, Report, table_of
from pymemtools.sources.base import Source
from pymemtools.units import minus, plus


class FreeRow(NamedTuple):
    """One line of the table, in bytes; a figure that the kernel does not give, or that makes no sense, is None."""

    area: str  # "Mem", "Low", "High", "Swap", "Total" or "Comm"
    total: int | None
    used: int | None
    free: int | None
    shared: int | None = None
    buffers: int | None = None
    cache: int | None = None
    buff_cache: int | None = None
    available: int | None = None


class Memory(NamedTuple):
    """All rows that free can show, whichever of them are asked for."""

    mem: FreeRow
    low: FreeRow
    high: FreeRow
    swap: FreeRow
    total: FreeRow
    comm: FreeRow
    notes: tuple[str, ...] = ()  # what a reader must know to trust the figures


COLUMNS = (
    Column("area", "", "Mem, Low, High, Swap, Total (memory and swap) or Comm (committed)", "text", right=False),
    Column("total", "total", "installed memory, or the limit", "bytes"),
    Column("used", "used", "total - available", "bytes"),
    Column("free", "free", "not used for anything", "bytes"),
    Column("shared", "shared", "tmpfs and shared memory", "bytes"),
    Column("buffers", "buffers", "the page cache of block devices", "bytes"),
    Column("cache", "cache", "page cache and reclaimable slab", "bytes"),
    Column("buff_cache", "buff/cache", "buffers and cache", "bytes"),
    Column("available", "available", "what can be had without swapping, by the kernel's estimate", "bytes"),
)
# What differs in the table of procps 3.3.9 and before, and in that of a memory group.
CLASSIC = {"used": "total - free, caches included"}
OF_GROUP = {
    "total": "the lowest limit of the group and those above it, or installed memory",
    "used": "what is charged to the group, less what can be reclaimed",
    "free": "the least that a limit, or the machine, leaves",
    "available": "the least that a limit, or the machine, leaves with what can be reclaimed below it",
}


def free_report(found: Memory, facts: Mapping[str, Any], meanings: Mapping[str, str] = MappingProxyType({})) -> Report:
    """Make every row and field a table. ``meanings`` are those of columns whose figures mean something else here."""
    columns = [column._replace(help=meanings.get(column.key, column.help)) for column in COLUMNS]
    return Report("free", table_of(columns, found[:6]), found, facts=facts, notes=found.notes)


def read_memory(source: Source, *, classic: bool = False, keeps: bool = False) -> Memory:
    """Read meminfo and work the table out; procps' own layouts keep (``keeps``) what cannot be, as it does."""
    meminfo = parse_meminfo(source.read("meminfo"))
    is_printed = "MemAvailable" in meminfo
    notes: tuple[str, ...] = ()
    if not keeps:
        from pymemtools.readings.doubt import plausible

        meminfo, notes = plausible(meminfo)
    if classic:
        return classic_memory(meminfo)
    low = None
    if not is_printed:
        from pymemtools.readings.low_watermarks import read_low_watermarks

        low = read_low_watermarks(source)
    found = memory(meminfo, low, estimates=not is_printed)
    return found._replace(notes=(*found.notes, *notes))


def memory(meminfo: Mapping[str, int], low_watermarks: int | None = None, *, estimates: bool = True) -> Memory:
    """Work the table out as procps 4.0.1 and later do.

    used = MemTotal - MemAvailable (MemTotal - MemFree when that is negative), cache = Cached + SReclaimable. Kernels
    before 3.14 print no MemAvailable; it is then estimated with the help of ``low_watermarks``, all
    zones' together, in bytes; but not (``estimates``) where one is printed that cannot be.
    """
    get = meminfo.get
    total, free = get("MemTotal"), get("MemFree")
    available = get("MemAvailable")
    notes: tuple[str, ...] = ()
    if available is None and estimates:
        available, notes = _without_memavailable(meminfo, low_watermarks)
    if available is not None and total is not None and available > total:
        available = free  # some containers show the host's MemAvailable beside their own MemTotal
    used = minus(total, available)
    if used is None or used < 0:
        used = minus(total, free)
    cache = plus(get("Cached"), get("SReclaimable"))
    mem = FreeRow(
        area="Mem",
        total=total,
        used=used,
        free=free,
        shared=_shared(meminfo),
        buffers=get("Buffers"),
        cache=cache,
        buff_cache=plus(get("Buffers"), cache),
        available=available,
    )
    is_split = get("LowTotal") or (get("LowFree") and "LowTotal" not in meminfo)
    low = _area("Low", meminfo) if is_split else _row("Low", total, free)
    return _with_sums(meminfo, mem, low, _high(meminfo), _area("Swap", meminfo), notes)


def classic_memory(meminfo: Mapping[str, int]) -> Memory:
    """Work the table out as procps did up to 3.3.9: used is all that is not free, and cache is Cached alone."""
    get = meminfo.get
    total, free = get("MemTotal"), get("MemFree")
    buffers, cached = get("Buffers"), get("Cached")
    used = minus(total, free)
    mem = FreeRow("Mem", total, used, free, _shared(meminfo), buffers, cached, plus(buffers, cached))
    low = FreeRow("Low", total, used, free)
    if get("LowTotal"):
        low = _signed("Low", meminfo)
    return _with_sums(meminfo, mem, low, _high(meminfo), _signed("Swap", meminfo), ())


def without_cache(mem: FreeRow) -> FreeRow:
    """Give the row ``-/+ buffers/cache``: used less, and free with, what caches hold."""
    return FreeRow("-/+ buffers/cache", None, minus(mem.used, mem.buff_cache), plus(mem.free, mem.buff_cache))


def shares(mem: FreeRow) -> tuple[int | None, int | None, int | None, int | None]:
    """Split the total in what is used, used by others (than a control group), reclaimable and free; that adds up.

    Reclaimable is available - free: the caches, less what the kernel keeps of them and less shared memory, which
    is used. Of a figure that is unknown there is no part.
    """
    total, free = mem.total, mem.free
    if total is None or free is None or mem.used is None:
        return mem.used, None, None, free
    cache = None if mem.available is None else max(mem.available - free, 0)
    used = min(mem.used, total - free - (cache or 0))
    return used, total - free - (cache or 0) - used, cache, free


def estimate_available(meminfo: Mapping[str, int], low: int | None) -> int | None:
    """Estimate MemAvailable in bytes from older fields; None when those are missing too (before Linux 2.6.28).

    By the rule of the first kernel that had it, Linux 3.14, 34e431b0ae39. ``low``, unknown, counts as 0.
    """
    from pymemtools.models.available import mem_available

    free, slab = meminfo.get("MemFree"), meminfo.get("SReclaimable")
    files = plus(meminfo.get("Active(file)"), meminfo.get("Inactive(file)"))
    if free is None or files is None or slab is None:
        return None
    return mem_available(free, files, slab, low or 0, total_reserve=0, from_low=True)


def _without_memavailable(meminfo: Mapping[str, int], low: int | None) -> tuple[int | None, tuple[str, ...]]:
    available = estimate_available(meminfo, low)
    if available is None:
        return None, ("no MemAvailable, and too few other fields to estimate it; used is total - free",)
    how = "" if low is not None else ", without the kernel's reserve (no vm.min_free_kbytes)"
    return available, (f"no MemAvailable (Linux before 3.14): available and used are estimated{how}",)


def _with_sums(
    meminfo: Mapping[str, int], mem: FreeRow, low: FreeRow, high: FreeRow, swap: FreeRow, notes: tuple[str, ...]
) -> Memory:
    limit, committed = meminfo.get("CommitLimit"), meminfo.get("Committed_AS")
    comm = FreeRow("Comm", limit, committed, minus(limit, committed))
    return Memory(mem, low, high, swap, sum_of(mem, swap), comm, notes)


def sum_of(mem: FreeRow, swap: FreeRow) -> FreeRow:
    """Add memory and swap."""
    return FreeRow("Total", plus(mem.total, swap.total), plus(mem.used, swap.used), plus(mem.free, swap.free))


def _shared(meminfo: Mapping[str, int]) -> int | None:
    """Give tmpfs and shared memory: Shmem from Linux 2.6.32 on, MemShared up to 2.4."""
    return meminfo.get("Shmem", meminfo.get("MemShared"))


def _area(area: str, meminfo: Mapping[str, int]) -> FreeRow:
    return _row(area, meminfo.get(f"{area}Total"), meminfo.get(f"{area}Free"))


def _high(meminfo: Mapping[str, int]) -> FreeRow:
    """Give high memory, of which there is none (0, not unknown) where the kernel does not mention it."""
    if meminfo.keys().isdisjoint(("HighTotal", "HighFree")):
        return _row("High", 0, 0)
    return _area("High", meminfo)


def _row(area: str, total: int | None, free: int | None) -> FreeRow:
    """Make a row, used never below 0: some containers report more swap free than there is."""
    used = minus(total, free)
    return FreeRow(area, total, used if used is None else max(used, 0), free)


def _signed(area: str, meminfo: Mapping[str, int]) -> FreeRow:
    total, free = meminfo.get(f"{area}Total"), meminfo.get(f"{area}Free")
    return FreeRow(area, total, minus(total, free), free)
