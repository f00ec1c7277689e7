"""Findings on zones: who is below a watermark, what is kept back, what is free in pieces."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.procfs.zoneinfo import Zone
from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.finding import CRITICAL, NOTICE, WARNING, Rule, Seen
from pymemtools.units import human_size

_OF_RAM = 5  # percent that min_free_kbytes may well be
_CACHED = ", of which there is enough: page cache"
_ORDER = 3  # PAGE_ALLOC_COSTLY_ORDER: up to it the allocator tries for ever
_SCATTERED = 950  # permille of free memory in smaller blocks
_OF_OLD_DEVICES = 16 << 20  # bytes of a PC's ZONE_DMA; on boards it may be all memory that the kernel itself can use
_OF_PROGRAMS = ("HighMem", "Movable", "Device")  # from which neither drivers nor network allocate


def _below(evidence: Evidence) -> Iterator[Seen]:
    if evidence.machine.doubt:
        return  # they tell of other memory than the machine's
    cached = {(zone.node, zone.name) for zone in evidence.machine.zones if _has_cache(zone)}
    for zone in evidence.rows("zones"):
        if not zone["managed"] or zone["free"] > zone["low"]:
            continue
        has_cache = (zone["node"], zone["zone"]) in cached
        name, figure = f"{zone['zone']} of node {zone['node']}", f"{human_size(zone['free'])} free"
        if zone["free"] > zone["min"]:
            title = f"Zone {name} is below its low watermark: kswapd reclaims{_CACHED if has_cache else ''}"
            yield Seen(
                NOTICE if has_cache else WARNING,
                title,
                f"{figure}, low is {human_size(zone['low'])}",
                zone["free"],
                "bytes",
            )
        else:
            title = f"Zone {name} is below its min watermark: who allocates from it must reclaim itself"
            title += _CACHED if has_cache else ""
            yield Seen(
                WARNING if has_cache else CRITICAL,
                title,
                f"{figure}, min is {human_size(zone['min'])}",
                zone["free"],
                "bytes",
            )


def _has_cache(zone: Zone) -> bool:
    """Tell whether a tenth of a zone is page cache: then it is filled, as it is to be, and soon has more free."""
    names = ("nr_zone_active_file", "nr_zone_inactive_file")  # before Linux 4.8 nr_active_file, which was a zone's own
    files = sum(zone.counters.get(name, zone.counters.get(name.replace("zone_", ""), 0)) for name in names)
    return files * 10 >= zone.usable


def _proportion(evidence: Evidence) -> Iterator[Seen]:
    kept = evidence.machine.setting("vm.min_free_kbytes")
    ram = evidence.ram
    if kept is None or ram is None:
        return
    share = 100 * (kept << 10) / ram
    figure = f"{human_size(kept << 10)}, {share:.1f} % of RAM"
    if share > _OF_RAM:
        severity = WARNING if share > 2 * _OF_RAM else NOTICE
        title = "Much is kept free: the kernel reclaims, and kills, while that much is unused"
        yield Seen(severity, title, figure, kept << 10, "bytes")
    elif kept < 1024 and ram > 64 << 20:
        title = "So little is kept free that the machine may deadlock under load"
        yield Seen(CRITICAL, title, figure, kept << 10, "bytes")


def _fragmented(evidence: Evidence) -> Iterator[Seen]:
    size = evidence.machine.page_size
    small = {(zone.node, zone.name) for zone in evidence.machine.zones if zone.usable * size <= _OF_OLD_DEVICES}
    for row in evidence.rows("huge_pages"):
        if row["order"] != _ORDER or row["zone"] in _OF_PROGRAMS or (row["node"], row["zone"]) in small:
            continue
        unusable = row["unusable_permille"]
        if unusable is not None and unusable >= _SCATTERED and row["fragmentation_permille"] is not None:
            title = f"Free memory of zone {row['zone']}, node {row['node']}, is in small pieces"
            figure = f"{unusable / 10:.0f} % of it in blocks smaller than {human_size(row['size'])}"
            yield Seen(WARNING, title, figure, unusable / 10, "percent")


def _nodes(evidence: Evidence) -> Iterator[Seen]:
    sums: dict[int, list[int]] = {}
    for zone in evidence.rows("zones"):
        if zone["managed"]:
            node = sums.setdefault(zone["node"], [0, 0, 0])
            node[0] += zone["free"]
            node[1] += zone["low"]
            node[2] += zone["managed"]
    if len(sums) < 2 or evidence.machine.doubt:
        return
    short = [node for node, (free, low, _) in sums.items() if free < 2 * low]
    rich = [node for node, (free, _, managed) in sums.items() if free * 4 > managed]
    if short and rich:
        free = sums[short[0]][0]
        title = f"Node {short[0]} has nearly nothing free while node {rich[0]} has plenty"
        yield Seen(NOTICE, title, f"{human_size(free)} and {human_size(sums[rich[0]][0])}", free, "bytes")


RULES = (
    Rule(
        "zone-low",
        CRITICAL,
        "a zone's free pages are at or below its low watermark (critical: min); a tenth of it page cache: a level less",
        "mm/page_alloc.c, __zone_watermark_ok(), Linux 6.1; mm/vmscan.c, kswapd()",
        "pymemtools zones",
        "memory of this zone runs out: see what holds it; where only a low zone is short, drivers allocate from it",
        _below,
    ),
    Rule(
        "min-free",
        CRITICAL,
        f"vm.min_free_kbytes is more than {_OF_RAM} % of RAM (warning: {2 * _OF_RAM} %), or less than 1024",
        "Documentation/admin-guide/sysctl/vm.rst, min_free_kbytes; mm/page_alloc.c, calculate_min_free_kbytes()",
        "pymemtools what-if watermarks --set vm.min_free_kbytes=16384",
        "set it to what the kernel would choose: pymemtools zones --ram SIZE tells that",
        _proportion,
    ),
    Rule(
        "fragmented",
        WARNING,
        f"of a zone that drivers allocate from {_SCATTERED // 10} % of what is free is in blocks below order {_ORDER}, "
        "and none above is free",
        "mm/vmstat.c, unusable_free_index() and __fragmentation_index(), Linux 6.1; PAGE_ALLOC_COSTLY_ORDER",
        "pymemtools thp",
        "allocations of several pages (network, drivers) stall or fail: compact memory, keep more free",
        _fragmented,
    ),
    Rule(
        "node-imbalance",
        NOTICE,
        "a node has less than twice its low watermarks free, and another a quarter of its memory",
        "Documentation/admin-guide/mm/numa_memory_policy.rst",
        "pymemtools numa",
        "processes bound to the full node swap or die while memory is free elsewhere: look at their policy (numa PID)",
        _nodes,
    ),
)
