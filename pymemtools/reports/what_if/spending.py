"""Where memory that is touched comes from, and what is left of the machine's afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pymemtools.models.allocation import Supply, Yield, ZoneLevels, supply, zones_after
from pymemtools.models.group_charge import FITS, MAY_NOT_FIT, OOM, supplied
from pymemtools.procfs import zoneinfo
from pymemtools.readings.machine import Machine
from pymemtools.reports.estimates import available_of, available_then
from pymemtools.reports.memory_groups.asking import Asking, asking
from pymemtools.reports.memory_groups.room import Ruling, ruling
from pymemtools.reports.what_if.asked import Asked
from pymemtools.reports.what_if.pools import pools
from pymemtools.reports.zones import state_of


class Taken(NamedTuple):
    """What one source of memory gives, in bytes."""

    source: str
    least: int
    most: int
    taken: int
    error_bound: int


class ZoneAfter(NamedTuple):
    """A zone afterwards, in bytes, and its state as the kernel sees it."""

    node: int
    zone: str
    free_before: int
    free: int
    min: int
    low: int
    high: int
    state: str


class Left(NamedTuple):
    """Free and available memory before and afterwards, in bytes, if all that can be reclaimed is; None is unknown."""

    free_before: int | None
    free_after: int | None
    available_before: int | None
    available_after: int | None


class Spending(NamedTuple):
    """Where memory comes from, what is missing of it, what limits make of it, and what is left; in bytes."""

    sources: list[Taken]
    missing_least: int
    missing_most: int
    ruled: Ruling
    left: Left
    zones: list[ZoneAfter]  # none where they tell of other memory

    @property
    def outcome(self) -> str:
        """Name what comes of it, once it is granted."""
        if self.ruled.decided is not None:
            return self.ruled.outcome
        if not self.missing_most:
            return FITS
        return OOM if self.missing_least else MAY_NOT_FIT

    @property
    def there(self) -> tuple[int, int]:
        """Give what all sources can give together: surely, and at the most; in bytes."""
        return sum(each.least for each in self.sources), sum(each.most for each in self.sources)


def spend(asked: Asked, pages: int, pid: int | None, group: str | None) -> Spending:
    """Take so many pages for a process (None: a new one), or for one of a memory group."""
    machine, page = asked.machine, asked.machine.page_size
    zones = [_zone(zone) for zone in machine.zones]
    found, ruled = _supply(asked, pages, zones, asking(asked.source, pid, group))
    return Spending(
        [_taken(each, page) for each in found.yields],
        found.missing_at_least * page,
        found.missing_at_most * page,
        ruled,
        _left(found, machine),
        [] if machine.doubt else _zones_after(zones, found, machine),
    )


def _zone(zone: zoneinfo.Zone) -> ZoneLevels:
    return ZoneLevels(zone.name, zone.free, zone.min, zone.low, max(zone.protection, default=0))


def _supply(asked: Asked, pages: int, zones: Sequence[ZoneLevels], asks: Asking) -> tuple[Supply, Ruling]:
    """Say where pages come from: of the machine, as far as the limits of the group that asks let them be taken."""
    machine, page = asked.machine, asked.machine.page_size
    stocks = pools(machine, asks.kept.get("/", 0))
    found = supply(pages, zones, *stocks, knows_marks=machine.doubt is None)
    room = (pages - found.missing_at_least) * page if found.missing_at_least else None
    ruled = ruling(asks, machine, pages * page, room)
    if ruled.pressed is not None and (room is None or ruled.decided is not None):  # or else the machine is short first
        within = supply(ruled.pressed.free // page, zones, *stocks, knows_marks=machine.doubt is None)
        found = supplied(within, ruled.pressed, ruled.fatal, pages, page)
    return found, ruled


def _taken(each: Yield, page_size: int) -> Taken:
    least, most, taken = (pages * page_size for pages in (each.least, each.most, each.taken))
    return Taken(each.source, least, most, taken, most - least)


def _left(found: Supply, machine: Machine) -> Left:
    """Give the state of memory afterwards, if all that can be reclaimed is."""
    page, info = machine.page_size, machine.meminfo
    taken = {each.source: each.taken * page for each in found.yields}
    free = taken["free"] + taken["free below the low watermarks"]
    after = {**info, **({"MemFree": max(info["MemFree"] - free, 0)} if "MemFree" in info else {})}
    file = taken["clean file pages"] + taken["dirty file pages, once written"]
    for key in ("Inactive(file)", "Active(file)"):
        if key in info:
            after[key] = info[key] - min(info[key], file)
            file -= info[key] - after[key]
    slab = "KReclaimable" if "KReclaimable" in info else "SReclaimable"
    if slab in info:
        after[slab] = info[slab] - taken["reclaimable slab"]
    available = info.get("MemAvailable", available_of(machine))
    then = available_then(machine, machine._replace(meminfo=after))
    return Left(info.get("MemFree"), after.get("MemFree"), available, then)


def _zones_after(zones: Sequence[ZoneLevels], found: Supply, machine: Machine) -> list[ZoneAfter]:
    """Give each zone afterwards, as state_of() puts it."""
    spent = sum(each.taken for each in found.yields if each.source.startswith("free"))
    return [
        _zone_after(zone, free, machine.page_size)
        for zone, free in zip(machine.zones, zones_after(zones, spent))
        if zone.usable
    ]


def _zone_after(zone: zoneinfo.Zone, free: int, page_size: int) -> ZoneAfter:
    before, after, least, low, high = (pages * page_size for pages in (zone.free, free, zone.min, zone.low, zone.high))
    return ZoneAfter(zone.node, zone.name, before, after, least, low, high, state_of(zone._replace(free=free)))
