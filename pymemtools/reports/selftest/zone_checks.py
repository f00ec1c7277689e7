"""Checks of zoneinfo: watermarks and reserves against the settings, sizes against meminfo. Source: mm/page_alloc.c."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.models.release import since
from pymemtools.procfs.zoneinfo import Zone
from pymemtools.readings.machine import Machine
from pymemtools.reports.estimates import marks_of, protections_of
from pymemtools.reports.selftest.compared import Compared, around
from pymemtools.reports.selftest.evidence import Evidence, lacks

_FREED_BY_BOOT = 16 << 20  # its own code and the initramfs, after it has worked out watermarks and reserves
_PER_PROCESSOR_PAGES = 64  # what lists of free pages move at once
AS_BOOT_LEFT = "as boot left it, before all its memory was freed: exact after a write to {}"
BOOSTED = "fragmentation may have raised it for a while: told since Linux 6.1"


def managed(look: Evidence) -> Iterator[Compared]:
    """Compare MemTotal with what the zones manage, since 3.11 the same to the page."""
    zones = _zones(look)
    if any(zone.managed is None for zone in zones) or not since(look.version, (3, 11)):
        raise lacks("zones that count as MemTotal does: they do since Linux 3.11")
    expected = sum(zone.usable for zone in zones) * look.machine.page_size
    yield around("MemTotal", expected, look.figure("MemTotal"), 0)


def free(look: Evidence) -> Iterator[Compared]:
    """Compare MemFree with what zones have free; reading takes and frees some pages itself."""
    size = look.machine.page_size
    expected = sum(zone.free for zone in _zones(look)) * size
    lists = _PER_PROCESSOR_PAGES * (look.machine.cpus or 1) * size
    slack = max(look.between_files, lists)
    yield around("MemFree", expected, look.figure("MemFree"), slack)


def blocks(look: Evidence) -> Iterator[Compared]:
    """Compare what each zone has free with the blocks that buddyinfo counts, and what a guest has yet to accept."""
    size = look.machine.page_size
    slack = max(look.between_files, _PER_PROCESSOR_PAGES * (look.machine.cpus or 1) * size)
    if not look.blocks:
        raise lacks("buddyinfo")
    for zone in _zones(look):
        counts = look.blocks.get((zone.node, zone.name))
        if counts is not None and zone.usable:
            pages = sum(count << order for order, count in enumerate(counts))
            pages += zone.counters.get("nr_unaccepted", 0)
            yield around(_named(zone), pages * size, zone.free * size, slack)


def watermarks(look: Evidence) -> Iterator[Compared]:
    """Compare min, low and high of each zone with what the settings make of them."""
    machine = look.machine
    marks = marks_of(machine)
    zones = _zones(look)
    if not any(marks):
        raise lacks("sys/vm/min_free_kbytes or sys/vm/watermark_scale_factor")
    for zone, mark in zip(zones, marks):
        if mark is None or not zone.usable:
            continue
        seen = [each - (zone.boost or 0) for each in (zone.min, zone.low, zone.high)]
        differences = [each - expected for each, expected in zip(seen, mark)]
        excuse = _excuse(differences, zone, machine)
        for name, each, expected in zip(("min", "low", "high"), seen, mark):
            subject = f"{_named(zone)}, {name}"
            yield around(subject, expected * machine.page_size, each * machine.page_size, 0, excuse)


def _excuse(differences: list[int], zone: Zone, machine: Machine) -> str:
    """Say what a kernel may do that the settings do not tell: what boot left, and a boost of a moment."""
    least = (machine.setting("vm.min_free_kbytes") or 0) * 1024 // machine.page_size
    most = 2 * (least * _freed(machine) // max(_lowmem(machine), 1) + 1)
    if all(abs(pages) <= most for pages in differences):
        return AS_BOOT_LEFT.format("min_free_kbytes")
    is_same = len(set(differences)) == 1 and differences[0] > 0
    hides_boost = zone.boost is None and since(machine.version, (5, 0)) and not since(machine.version, (6, 1))
    return BOOSTED if is_same and hides_boost else ""


def reserves(look: Evidence) -> Iterator[Compared]:
    """Compare what each zone keeps from allocations for higher ones with vm.lowmem_reserve_ratio, added up."""
    machine = look.machine
    zones = _zones(look)
    if "vm.lowmem_reserve_ratio" not in machine.settings:
        raise lacks("sys/vm/lowmem_reserve_ratio")
    excuse, size = AS_BOOT_LEFT.format("lowmem_reserve_ratio"), machine.page_size
    ratios = machine.numbers("vm.lowmem_reserve_ratio")
    most = _freed(machine) // max(min(filter(None, ratios), default=1), 1) + 1
    for zone, rule in zip(zones, protections_of(machine)):
        if rule is None or not zone.usable or len(rule) != len(zone.protection):
            continue
        is_little = all(abs(one - other) <= most for one, other in zip(rule, zone.protection))
        yield around(_named(zone), sum(rule) * size, sum(zone.protection) * size, 0, excuse if is_little else "")


def _freed(machine: Machine) -> int:
    """Give the most pages that boot may have freed after it had worked out what the zones keep."""
    return min(_FREED_BY_BOOT // machine.page_size, _lowmem(machine) // 4)


def _lowmem(machine: Machine) -> int:
    return sum(zone.usable for zone in machine.zones if zone.name not in ("HighMem", "Movable"))


def _zones(look: Evidence) -> list[Zone]:
    if not look.machine.zones:
        raise lacks("zoneinfo")
    return list(look.machine.zones)


def _named(zone: Zone) -> str:
    return f"node {zone.node} {zone.name}"
