"""How far are the memory zones from their watermarks, and why are these where they are?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.models import watermarks as model
from pymemtools.procfs.zoneinfo import Zone, parse_zoneinfo
from pymemtools.readings.free_blocks import read_free_blocks
from pymemtools.readings.machine import Machine, has_huge_pages, read_machine
from pymemtools.readings.page_size import page_size_of
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.estimates import marks_of, protections_of
from pymemtools.sources.base import Source


class ZoneRow(NamedTuple):
    """One zone; sizes in bytes, None where the source does not tell."""

    node: int
    zone: str
    free: int
    min: int
    low: int
    high: int
    boost: int | None
    promo: int | None
    managed: int | None
    present: int
    protection: tuple[int, ...]
    state: str
    model_min: int | None
    model_low: int | None
    model_high: int | None
    model_protection: tuple[int, ...] | None
    free_blocks: tuple[int, ...] | None  # of 1, 2, 4 ... pages
    largest_free_block: int | None

    @property
    def is_as_modelled(self) -> bool | None:
        """Tell whether the kernel's watermarks are the model's; None where there is no model."""
        if self.model_min is None:
            return None
        return (self.min, self.low, self.high) == (self.model_min, self.model_low, self.model_high)

    @property
    def protects_as_modelled(self) -> bool:
        """Tell whether the kernel's protection is the model's, as far as there is one."""
        return self.model_protection in (None, self.protection)


COLUMNS = (
    Column("node", "Node", "the NUMA node", "count"),
    Column("zone", "Zone", "DMA, DMA32, Normal, HighMem, Movable or Device", "text", right=False),
    Column("free", "Free", "what the zone has free", "bytes"),
    Column("min", "Min", "below this, allocations reclaim by themselves (direct reclaim)", "bytes"),
    Column("low", "Low", "below this, kswapd wakes", "bytes"),
    Column("high", "High", "above this, kswapd sleeps again", "bytes"),
    Column(
        "boost", "Boost", "what fragmentation adds to min, low and high for a while (told since Linux 6.1)", "bytes"
    ),
    Column("promo", "Promo", "the watermark of memory tiering", "bytes"),
    Column("managed", "Managed", "what the zone has to give (Linux 3.8)", "bytes"),
    Column("present", "Present", "what of the zone is there, that which boot kept included", "bytes"),
    Column("protection", "Protection", "what is kept from allocations that could use each higher zone: bytes", "list"),
    Column("state", "State", "what an allocation meets: ok, kswapd awake, direct reclaim ...", "text", right=False),
    Column("model_min", "Model min", "min by the model, after a write to vm.min_free_kbytes", "bytes"),
    Column("model_low", "Model low", "low by the model", "bytes"),
    Column("model_high", "Model high", "high by the model", "bytes"),
    Column("model_protection", "Model protection", "protection by vm.lowmem_reserve_ratio: bytes", "list"),
    Column("free_blocks", "Free blocks", "how many blocks of 1, 2, 4 ... pages are free", "list"),
    Column("largest_free_block", "Largest", "the largest of them", "bytes"),
)


class Reserves(NamedTuple):
    """All zones, and the setting behind their watermarks."""

    rows: list[ZoneRow]
    zones: list[Zone]
    page_size: int
    min_free_kbytes: int | None
    reason: str  # why min_free_kbytes is what it is
    notes: list[str]
    meminfo: Mapping[str, int]
    counters: Mapping[str, int]  # vmstat's, in pages; those of the zones where there is none

    @property
    def model_says(self) -> bool | None:
        """Tell whether the model gives all the watermarks that it can tell; None where it can tell none."""
        known = [row.is_as_modelled for row in self.rows if row.is_as_modelled is not None]
        return all(known) if known else None


class BootReserve(NamedTuple):
    """What a boot makes of a machine's memory, in bytes."""

    lowmem: int
    min_free: int


BOOT_COLUMNS = (
    Column("lowmem", "Lowmem", "memory that the kernel itself can use", "bytes"),
    Column("min_free", "min_free", "what it then keeps free: vm.min_free_kbytes by the square root rule", "bytes"),
)


_BAR = Column("bar", "0 to 2x high", "free, up to twice the high watermark; m, l, h: min, low and high", "text")


def zones_report(found: Reserves, facts: Mapping[str, Any]) -> Report:
    """Make a table of all zones; the reason of their watermarks is a note, for them together."""
    notes = (*found.notes, f"min_free_kbytes is {found.reason}")
    table = table_of(COLUMNS, found.rows)
    return Report("zones", table, found, facts=facts, notes=notes, warnings=tuple(found.notes), within=(_BAR,))


def boot_report(sizes: Iterable[int]) -> Report:
    """Say what the kernel keeps free by itself on machines with so many bytes of lowmem."""
    rows = [BootReserve(size, model.boot_min_free_kbytes(size // 1024) * 1024) for size in sizes]
    return Report("zones", table_of(BOOT_COLUMNS, rows), rows)


def reserves(source: Source) -> Reserves:
    """Read the zones and work out what the model makes of them. Raises Missing, Denied or ParseError."""
    machine = read_machine(source)
    zones = machine.zones or parse_zoneinfo(source.read("zoneinfo"))  # which says what is wrong with it
    page = page_size_of(source)
    free = read_free_blocks(source, zones)
    page_size, notes = page.size, [*page.notes, *free.notes]
    notes += [machine.doubt] if machine.doubt else []
    marks, protections = marks_of(machine), protections_of(machine)
    rows = [
        _row(zone, mark, protection, free.blocks.get((zone.node, zone.name)), page_size)
        for zone, mark, protection in zip(zones, marks, protections)
    ]
    least, counters = machine.setting("vm.min_free_kbytes"), machine.counters or _sums(zones)
    return Reserves(rows, list(zones), page_size, least, _reason(machine), notes, machine.meminfo, counters)


def _sums(zones: Iterable[Zone]) -> Mapping[str, int]:
    sums: dict[str, int] = {}
    for zone in zones:
        for key, value in (*zone.counters.items(), *zone.node_counters.items()):
            sums[key] = sums.get(key, 0) + value
    return sums


def _row(
    zone: Zone, mark: model.Marks | None, protection: list[int] | None, blocks: list[int] | None, page_size: int
) -> ZoneRow:
    boost = zone.boost or 0
    largest = None
    if blocks is not None:
        largest = max((page_size << order for order, count in enumerate(blocks) if count), default=0)
    return ZoneRow(
        node=zone.node,
        zone=zone.name,
        free=zone.free * page_size,
        min=zone.min * page_size,
        low=zone.low * page_size,
        high=zone.high * page_size,
        boost=None if zone.boost is None else zone.boost * page_size,
        promo=None if zone.promo is None else zone.promo * page_size,
        managed=None if zone.managed is None else zone.managed * page_size,
        present=zone.present * page_size,
        protection=tuple(pages * page_size for pages in zone.protection),
        state=state_of(zone),
        model_min=None if mark is None else (mark.min_pages + boost) * page_size,
        model_low=None if mark is None else (mark.low_pages + boost) * page_size,
        model_high=None if mark is None else (mark.high_pages + boost) * page_size,
        model_protection=None if protection is None else tuple(pages * page_size for pages in protection),
        free_blocks=None if blocks is None else tuple(blocks),
        largest_free_block=largest,
    )


def state_of(zone: Zone) -> str:
    """Say what an allocation that asks for this very zone meets. Source: mm/page_alloc.c, __zone_watermark_ok()."""
    if not zone.usable:
        return "empty"
    if zone.free > zone.low:
        return "ok"
    if zone.free > zone.min:
        return "kswapd awake"
    return "direct reclaim" if zone.free > zone.min - zone.min // 2 else "only for the desperate"


_FREED_BY_BOOT_KIB = 16 << 10


def _reason(machine: Machine) -> str:
    """Say which rule gave min_free_kbytes; that of the boot is known within a few percent only."""
    least = machine.setting("vm.min_free_kbytes")
    if least is None:
        return "the source does not tell min_free_kbytes"
    low = [zone for zone in machine.zones if zone.name not in ("HighMem", "Movable", "Device")]
    page_kib = machine.page_size // 1024
    managed = sum(zone.usable for zone in low)
    cap = model.min_free_cap_kbytes(machine.version)
    root = model.boot_min_free_kbytes(managed * page_kib, cap)

    def asked(zones: Sequence[Zone], pages: int) -> int:
        count = sum(bool(zone.present) for zone in zones)
        return model.huge_pages_min_free_kbytes(count, pages, machine.pageblock_pages, page_kib)

    # A twentieth of what was free above the high watermarks then: now these may be higher, and were 0 at first.
    above = sum(max(zone.usable - zone.high, 0) for zone in low)
    counted = (low, machine.zones)  # older kernels count HighMem and Movable, too
    if any(least > root and asked(zones, above) <= least <= asked(zones, managed) for zones in counted):
        off = "" if has_huge_pages(machine) else ", which are off now"
        return f"what transparent huge pages ask for{off} (the square root of lowmem would give about {root})"
    if least == cap == root:
        return f"the most that the kernel chooses by itself ({cap} kB)"
    # What boot frees after it has worked this out, its own code and the initramfs, is much of a small machine.
    lowmem = managed * page_kib
    fewest = model.boot_min_free_kbytes(lowmem - min(_FREED_BY_BOOT_KIB, lowmem // 4), cap)
    if min(fewest, root * 0.97) <= least <= root * 1.03:
        return f"four times the square root of lowmem in kB, worked out at boot (now it would be {root})"
    huge = f", huge pages ask for {asked(low, above)}" if "transparent_hugepage.enabled" in machine.settings else ""
    return f"set by hand or by another rule: the square root of lowmem would give {root}{huge}"
