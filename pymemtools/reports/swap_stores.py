"""What swap in RAM, and the cache of ZFS, can give and what they cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pymemtools.models.allocation import Gain
from pymemtools.models.compressed_swap import UNKNOWN, Store, gain
from pymemtools.readings.stores import Stores, Zswap
from pymemtools.sysfs.zram import Zram
from pymemtools.units import human_size


def gains(stores: Stores, free: int, meminfo: Mapping[str, int], page_size: int) -> tuple[list[Gain], int]:
    """Say what the stores can give, of so many bytes of free swap, and how many pages of that are on plain disks.

    Swap that meminfo has beyond the areas (a supposed one) is a disk's; where it has less, the areas that are filled
    last are the smaller.
    """
    total = meminfo.get("SwapTotal", 0)
    disks = min(max(total - sum(area.size for area in stores.areas), 0), free)
    left = free - disks
    found = [Gain("ZFS ARC", 0, stores.arc.reclaimable // page_size)] if stores.arc else []
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


def costs_of_groups(stores: Stores) -> Iterator[str]:
    """Say what swap in RAM is to a memory group, whose limits are taken to be relieved of all that is swapped out.

    Source: mm/memcontrol.c, obj_cgroup_charge_zswap(), Linux 5.19; zram's pages are charged to nobody.
    """
    if stores.compressed:
        yield "a group's swap may be on zram, whose RAM counts in no group: it gives room there, less to the machine"
    if stores.zswap is not None and stores.zswap.is_on and len(stores.areas) > len(stores.compressed):
        yield "what zswap keeps of a group's pages counts in it again from Linux 5.19 on: swapping gives it less"


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
