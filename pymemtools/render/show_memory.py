"""The memory part of the kernel's Show Memory report (SysRq m), put together from /proc without asking for one.

Source: mm/show_mem.c, show_free_areas() and __show_mem() of Linux 6.x. Lines whose figures /proc does not have are left
out, and so are the letters of migrate types.
"""

from __future__ import annotations

from pymemtools.procfs.zoneinfo import Zone
from pymemtools.reports.zones import Reserves

_GLOBAL = (
    (("active_anon", "inactive_anon", "isolated_anon"), ("nr_active_anon", "nr_inactive_anon", "nr_isolated_anon")),
    (("active_file", "inactive_file", "isolated_file"), ("nr_active_file", "nr_inactive_file", "nr_isolated_file")),
    (("unevictable", "dirty", "writeback"), ("nr_unevictable", "nr_dirty", "nr_writeback")),
    (("slab_reclaimable", "slab_unreclaimable"), ("nr_slab_reclaimable", "nr_slab_unreclaimable")),
    (("mapped", "shmem", "pagetables"), ("nr_mapped", "nr_shmem", "nr_page_table_pages")),
    (("sec_pagetables", "bounce"), ("nr_sec_page_table_pages", "nr_bounce")),
    (("kernel_misc_reclaimable",), ("nr_kernel_misc_reclaimable",)),
    (("free", "free_cma"), ("nr_free_pages", "nr_free_cma")),
)
_OF_NODE = (
    *(("active_anon", "nr_active_anon"), ("inactive_anon", "nr_inactive_anon")),
    *(("active_file", "nr_active_file"), ("inactive_file", "nr_inactive_file"), ("unevictable", "nr_unevictable")),
    *(("isolated(anon)", "nr_isolated_anon"), ("isolated(file)", "nr_isolated_file"), ("mapped", "nr_mapped")),
    *(("dirty", "nr_dirty"), ("writeback", "nr_writeback"), ("shmem", "nr_shmem")),
    *(("writeback_tmp", "nr_writeback_temp"), ("pagetables", "nr_page_table_pages")),
    ("sec_pagetables", "nr_sec_page_table_pages"),
)
_OF_ZONE = (
    ("active_anon", "nr_zone_active_anon"),
    ("inactive_anon", "nr_zone_inactive_anon"),
    ("active_file", "nr_zone_active_file"),
    ("inactive_file", "nr_zone_inactive_file"),
    ("unevictable", "nr_zone_unevictable"),
    ("writepending", "nr_zone_write_pending"),
)


def show_memory(found: Reserves) -> list[str]:
    """Compose the report."""
    kib = found.page_size // 1024
    zones = [zone for zone in found.zones if zone.present]
    counters = found.counters
    lines = ["Mem-Info:"]
    for names, keys in _GLOBAL:
        pairs = [f"{name}:{counters[key]}" for name, key in zip(names, keys) if key in counters]
        if pairs:
            lines.append(f"{'' if len(lines) == 1 else ' '}{' '.join(pairs)}")
    lines += [_node_line(zone, kib) for zone in found.zones if zone.node_counters]
    is_numa = any(key.startswith("numa_") for key in counters)
    for zone in zones:
        lines.append(f"{_place(zone.node, zone.name, is_numa=is_numa)} {_zone_line(zone, kib)}")
        lines.append(f"lowmem_reserve[]: {' '.join(map(str, zone.protection))}")
    lines += _buddies(found, kib, is_numa=is_numa)
    lines += _totals(found)
    return lines


def _place(node: int, zone: str, *, is_numa: bool) -> str:
    """Name a zone, with its node where the kernel was built for more than one. Source: show_node()."""
    return f"Node {node} {zone}" if is_numa else zone


def _node_line(zone: Zone, kib: int) -> str:
    """Show a node, whose counters are those of its first zone (Linux 4.8)."""
    counters = zone.node_counters
    figures = " ".join(f"{name}:{counters[key] * kib}kB" for name, key in _OF_NODE if key in counters)
    return f"Node {zone.node} {figures}"


def _zone_line(zone: Zone, kib: int) -> str:
    boost = [] if zone.boost is None else [("boost", zone.boost)]
    marks = [("free", zone.free), *boost, ("min", zone.min), ("low", zone.low), ("high", zone.high)]
    lists = [(name, zone.counters[key]) for name, key in _OF_ZONE if key in zone.counters]
    sizes = [("present", zone.present), *([] if zone.managed is None else [("managed", zone.managed)])]
    others = [("mlocked", "nr_mlock"), ("bounce", "nr_bounce"), ("free_cma", "nr_free_cma")]
    rest = [(name, zone.counters[key]) for name, key in others if key in zone.counters]
    return " ".join(f"{name}:{pages * kib}kB" for name, pages in (*marks, *lists, *sizes, *rest))


def _buddies(found: Reserves, kib: int, *, is_numa: bool) -> list[str]:
    lines = []
    for row in found.rows:
        if row.free_blocks is None or not row.present:
            continue
        blocks = " ".join(f"{count}*{kib << order}kB" for order, count in enumerate(row.free_blocks))
        whole = sum(count * (kib << order) for order, count in enumerate(row.free_blocks))
        lines.append(f"{_place(row.node, row.zone, is_numa=is_numa)}: {blocks} = {whole}kB")
    return lines


def _totals(found: Reserves) -> list[str]:
    meminfo, counters, page = found.meminfo, found.counters, found.page_size
    lines = []
    if "nr_file_pages" in counters:
        lines.append(f"{counters['nr_file_pages']} total pagecache pages")
    if "SwapCached" in meminfo:
        lines.append(f"{meminfo['SwapCached'] // page} pages in swap cache")
    lines += [f"{label} = {meminfo[key] // 1024}kB" for label, key in _SWAP if key in meminfo]
    present = sum(zone.present for zone in found.zones)
    # Despite the label, movable memory counts only where it is taken from high memory: is_highmem().
    is_high = any(zone.name == "HighMem" and zone.present for zone in found.zones)
    high = sum(zone.present for zone in found.zones if is_high and zone.name in ("HighMem", "Movable"))
    lines += [f"{present} pages RAM", f"{high} pages HighMem/MovableOnly"]
    if all(zone.managed is not None for zone in found.zones):
        lines.append(f"{present - sum(zone.managed or 0 for zone in found.zones)} pages reserved")
    for key, label in (("CmaTotal", "cma reserved"), ("HardwareCorrupted", "hwpoisoned")):
        if key in meminfo:
            lines.append(f"{meminfo[key] // page} pages {label}")
    return lines


_SWAP = (("Free swap ", "SwapFree"), ("Total swap", "SwapTotal"))
