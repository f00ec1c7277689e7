"""The whole machine's memory, split in smem's five parts or in finer ones that add up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pymemtools.errors import ParseError
from pymemtools.models.release import Version, since
from pymemtools.procfs.meminfo import hugetlb_pool
from pymemtools.readings.stores import NO_STORES, Stores
from pymemtools.units import human_size, minus, plus

ARC, REST = "ZFS ARC", "unknown"


class SystemRow(NamedTuple):
    """One part of the machine's memory, in bytes; unknown is None."""

    order: int
    area: str
    used: int | None
    cache: int | None
    noncache: int | None


def system_rows(meminfo: Mapping[str, int], *, real: int | None = None, kernel_image: int = 0) -> list[SystemRow]:
    """Split memory in five parts, as smem -w does.

    ``real`` is the memory fitted, where the kernel sees less; ``kernel_image`` the size of the kernel's own code and
    data. Page tables, kernel stacks, the hugetlb pool and ZFS's ARC are all within "kernel dynamic memory", and
    tmpfs pages count as cache: see detailed_rows() for a finer split. Figures that the kernel lacks make the parts
    that need them unknown.
    """
    total, free = _need(meminfo, "MemTotal"), meminfo.get("MemFree")
    mapped = meminfo.get("Mapped")
    user = plus(meminfo.get("AnonPages"), mapped)
    cached = minus(meminfo.get("Cached"), mapped)
    cache = plus(plus(meminfo.get("Buffers"), meminfo.get("SReclaimable")), cached)
    return _rows(
        [
            ("firmware/hardware", _firmware(total, real, kernel_image), 0),
            ("kernel image", kernel_image, 0),
            ("kernel dynamic memory", minus(minus(total, free), user), cache),
            ("userspace memory", user, mapped),
            ("free memory", free, free),
        ]
    )


def detailed_rows(
    meminfo: Mapping[str, int],
    *,
    real: int | None = None,
    kernel_image: int = 0,
    stores: Stores = NO_STORES,
    version: Version | None = None,
) -> list[SystemRow]:
    """Split memory in disjoint parts that add up to ``real``, or else to MemTotal and ``kernel_image``.

    Cache is what the kernel can drop or write back without swap: file pages and reclaimable slab, but not tmpfs and
    shared memory, which smem counts as cache. Stacks are within VmallocUsed where the kernel maps them
    (CONFIG_VMAP_STACK), and swap cache within AnonPages where it is mapped, so the last row, what no counter
    explains, is an estimate and may even be negative: see without_negative(). A part whose counter the kernel lacks
    (too old, or not configured) is unknown, and its memory in the last row. Of what is not the kernel's own, there is a
    row for what zram devices hold, and for the cache of ZFS, a part of which is within slab.
    """
    get = meminfo.get
    total, free = _need(meminfo, "MemTotal"), get("MemFree")
    shmem = get("Shmem")
    files = minus(plus(get("Buffers"), get("Cached")), shmem or 0)
    slab_cache = get("SReclaimable")
    kreclaimable = get("KReclaimable")  # Linux 4.20: SReclaimable and other reclaimable kernel memory
    other_cache = minus(kreclaimable, slab_cache)
    parts: list[tuple[str, int | None, int | None]] = [
        ("firmware/hardware", _firmware(total, real, kernel_image), 0),
        ("kernel image", kernel_image, 0),
        ("page tables", plus(get("PageTables"), get("SecPageTables", 0)), 0),
        ("kernel stacks", get("KernelStack"), 0),
        ("slab, reclaimable", slab_cache, slab_cache),
        ("slab, unreclaimable", get("SUnreclaim", minus(get("Slab"), slab_cache or 0)), 0),
        ("other reclaimable kernel", other_cache, other_cache),
        ("vmalloc", _without_stacks(vmalloc_pages(meminfo, version), get("KernelStack")), 0),
        ("percpu", get("Percpu"), 0),
        ("zswap", get("Zswap", stores.zswap.pool if stores.zswap else None), 0),
        *_beside_meminfo(stores),
        ("bounce buffers", get("Bounce"), 0),
        ("hugetlb pool", hugetlb_pool(meminfo), 0),
        ("tmpfs and shared memory", shmem, 0),
        ("anonymous memory", get("AnonPages"), 0),
        ("file cache", files, files),
        ("free memory", free, free),
    ]
    known = sum(used for _, used, _ in parts if used is not None)
    whole = max(total + kernel_image, 0 if real is None else real)
    return _rows([*parts, (REST, whole - known, 0)])


def without_negative(rows: Sequence[SystemRow]) -> tuple[list[SystemRow], list[str]]:
    """Make differences unknown that are below 0, and name them: counters contradict each other then.

    Or they overlap: what the ARC has in buffers of a slab or of vmalloc, meminfo counts there, too.
    """
    found, notes = [], []
    overlap = "a part of the ZFS ARC is within slab or vmalloc, too" if any(row.area == ARC for row in rows) else None
    for row in rows:
        sizes = row[2:]
        found.append(SystemRow(*row[:2], *(None if (size or 0) < 0 else size for size in sizes)))
        for key, size in zip(("used", "cache", "noncache"), sizes):
            if size is not None and size < 0:
                figure = f"{row.area}: {key} would be -{human_size(-size)}"
                why = overlap if overlap and row.area == REST else "counters of meminfo contradict each other"
                notes.append(f"{figure}, since {why}: it is taken as unknown")
    return found, notes


def _rows(parts: list[tuple[str, int | None, int | None]]) -> list[SystemRow]:
    return [SystemRow(i, area, used, cache, minus(used, cache)) for i, (area, used, cache) in enumerate(parts)]


def _firmware(total: int, real: int | None, kernel_image: int) -> int:
    return max((total if real is None else real) - total - kernel_image, 0)


def _beside_meminfo(stores: Stores) -> Iterator[tuple[str, int, int | None]]:
    if stores.zram:
        yield "zram", sum(device.ram for device in stores.zram.values()), 0
    if stores.arc:
        yield ARC, stores.arc.size, None if stores.arc.least is None else stores.arc.reclaimable


def vmalloc_pages(meminfo: Mapping[str, int], version: Version | None) -> int | None:
    """Give VmallocUsed where it counts memory, in bytes.

    Before Linux 4.4 it is address space, that of devices, too (VmallocChunk, which tells, is not 0 then); later it is 0
    (a5ad88ce8c7f), and since 5.3 it is pages (97105f0ab7b8, which has been backported).
    """
    is_address_space = meminfo.get("VmallocChunk") or not since(version, (4, 4))
    return None if is_address_space else meminfo.get("VmallocUsed") or None


def _without_stacks(vmalloc: int | None, stacks: int | None) -> int | None:
    return None if vmalloc is None else max(vmalloc - (stacks or 0), 0)


def _need(meminfo: Mapping[str, int], key: str) -> int:
    if key not in meminfo:
        raise ParseError("meminfo", None, f"no {key} field")
    return meminfo[key]
