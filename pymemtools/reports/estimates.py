"""What the models make of a machine: its watermarks, limits, and what is available or may be dirty."""

from __future__ import annotations

from collections.abc import Mapping

from pymemtools.models import watermarks as reserves
from pymemtools.models.available import available_by_meminfo
from pymemtools.models.overcommit import Memory, commit_limit
from pymemtools.models.release import since
from pymemtools.models.writeback import DirtySettings, HighZone, Thresholds, dirtyable, thresholds
from pymemtools.procfs.meminfo import hugetlb_pool
from pymemtools.readings.doubt import swap_of
from pymemtools.readings.machine import Machine, trusted


def marks_of(machine: Machine) -> list[reserves.Marks | None]:
    """Work out each zone's watermarks from the settings; a kernel from 4.6 on without its scale factor cannot be told.

    The boost of a moment (Linux 5.0) is not in them.
    """
    least, scale = machine.setting("vm.min_free_kbytes"), machine.setting("vm.watermark_scale_factor")
    is_old = not since(machine.version, (4, 6))
    if least is None or (scale is None and not is_old):
        return [None] * len(machine.zones)
    seen = [(zone.name, zone.usable, zone.min) for zone in machine.zones]
    zones = [reserves.SizedZone(zone.name, zone.usable) for zone in machine.zones]
    is_high = reserves.movable_counts_as_high(seen, machine.version)
    kib = machine.page_size // 1024
    return list(reserves.watermarks(zones, least, None if is_old else scale, page_kib=kib, movable_is_high=is_high))


def protections_of(machine: Machine) -> list[list[int] | None]:
    """Work out each zone's lowmem_reserve, node by node, in pages."""
    ratios = machine.numbers("vm.lowmem_reserve_ratio")
    found: list[list[int] | None] = []
    for zone in machine.zones:
        types = reserves.zone_types([each.name for each in machine.zones], len(zone.protection))
        managed = {each.name: each.usable for each in machine.zones if each.node == zone.node}
        if not ratios or zone.name not in types:
            found.append(None)
            continue
        rows = reserves.lowmem_reserve([managed.get(name, 0) for name in types], ratios)
        found.append(rows[types.index(zone.name)])
    return found


def limit_of(machine: Machine) -> int | None:
    """Give CommitLimit in bytes by the settings; by meminfo where these are not known."""
    ratio, kbytes = machine.setting("vm.overcommit_ratio"), machine.setting("vm.overcommit_kbytes") or 0
    info = machine.meminfo
    swap = swap_of(info).total
    if ratio is None or swap is None or "MemTotal" not in info:
        return info.get("CommitLimit")
    ram = info["MemTotal"]
    return commit_limit(ram, swap, hugetlb_pool(info) or 0, ratio, kbytes, page_size=machine.page_size)


def memory_of(machine: Machine) -> Memory:
    """Give what the overcommit rules go by. Raises Missing."""
    info, size = machine.meminfo, machine.page_size
    get, swap = machine.counters.get, swap_of(info)

    def pages(amount: int | None) -> int | None:
        return None if amount is None else amount // size

    return Memory(
        ram=machine.pages("MemTotal"),
        swap=pages(swap.total),
        committed=pages(info.get("Committed_AS")),
        limit=pages(limit_of(machine)),
        admin_reserve=(machine.setting("vm.admin_reserve_kbytes") or 0) * 1024 // size,
        user_reserve=(machine.setting("vm.user_reserve_kbytes") or 0) * 1024 // size,
        free=pages(info.get("MemFree")),
        file=get("nr_file_pages", _file_pages_by_meminfo(machine)),
        shmem=get("nr_shmem", info.get("Shmem", 0) // size),
        slab=pages(info.get("SReclaimable")),
        swap_free=pages(swap.free),
        total_reserve=trusted(machine).total_reserve,
    )


def _file_pages_by_meminfo(machine: Machine) -> int | None:
    """Undo what meminfo makes of nr_file_pages. Source: fs/proc/meminfo.c, meminfo_proc_show()."""
    info = machine.meminfo
    if not info.keys() >= {"Cached", "Buffers"}:
        return None
    return (info["Cached"] + info["Buffers"] + info.get("SwapCached", 0)) // machine.page_size


def available_of(machine: Machine) -> int | None:
    """Work out MemAvailable in bytes, None where the source tells too little."""
    low, reserve, rule = machine.low_watermarks, machine.total_reserve, machine.counts_from_low
    return available_by_meminfo(machine.meminfo, low, reserve, page_size=machine.page_size, from_low=rule)


def available_then(before: Machine, after: Machine) -> int | None:
    """Give MemAvailable in bytes of a machine that another becomes: what that tells, and what changes by the model.

    So what the source lacks, or counted at another moment, is no change.
    """
    told, was, will = before.meminfo.get("MemAvailable"), available_of(before), available_of(after)
    if told is None or was is None or will is None:
        return will
    return max(told + will - was, 0)


def dirtyable_range(machine: Machine) -> tuple[int, int] | None:
    """Give dirtyable_of() at the least and at the most: they differ where what zones keep is guessed.

    That is nothing, or high watermarks of 3/2 of 5 % of RAM, beyond which the kernel itself raises none
    (mm/khugepaged.c, set_recommended_min_free_kbytes()), and a 256th for each of two lower zones. High memory, where
    there is some, counts, or does not.
    """
    known = dirtyable_of(machine)
    if known is None or not machine.guesses_reserves:
        return None if known is None else (known, known)
    info, size = machine.meminfo, machine.page_size
    kept = info["MemTotal"] // size // 12
    if not machine.setting("vm.highmem_is_dirtyable"):
        kept += info.get("HighTotal", 0) // size
    return max(known - kept, 1), known + (machine.total_reserve or 0)


def dirtyable_of(machine: Machine) -> int | None:
    """Give the pages that dirty ratios are a share of, None where the source tells too little."""
    info, reserve, size = machine.meminfo, machine.total_reserve, machine.page_size
    if reserve is None or not info.keys() >= {"MemFree", "Active(file)", "Inactive(file)"}:
        return None
    file = (info["Active(file)"] + info["Inactive(file)"]) // size
    high = [
        HighZone(zone.free, zone.high, zone.usable, zone.protection, _file_pages(zone.counters))
        for zone in machine.zones
        if zone.name == "HighMem" and not machine.setting("vm.highmem_is_dirtyable")
    ]
    anon = info.get("Active(anon)", 0) + info.get("Inactive(anon)", 0)
    swappable = anon // size if info.get("SwapFree") else 0
    return dirtyable(info["MemFree"] // size, file, reserve, high, machine.version, swappable=swappable)


def _file_pages(counters: Mapping[str, int]) -> int:
    keys = ("nr_zone_active_file", "nr_zone_inactive_file", "nr_active_file", "nr_inactive_file")
    return sum(counters.get(key, 0) for key in keys)


def dirty_of(machine: Machine, memory: int | None = None) -> Thresholds | None:
    """Give the dirty thresholds of so much dirtyable ``memory``, or of what there is, in pages.

    None where the source tells too little.
    """
    memory = dirtyable_of(machine) if memory is None else memory
    numbers = [machine.setting(f"vm.{name}") for name in DirtySettings._fields]
    if memory is None or numbers[0] is None or numbers[1] is None:
        return None
    settings = DirtySettings._make(number or 0 for number in numbers)
    return thresholds(memory, settings, page_size=machine.page_size, version=machine.version)
