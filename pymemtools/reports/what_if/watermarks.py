"""What would the reserves of the zones be?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pymemtools.errors import Missing
from pymemtools.procfs import zoneinfo
from pymemtools.readings.machine import Machine, notes_of, trusted
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.estimates import available_of, available_then, marks_of
from pymemtools.reports.what_if.asked import Asked, Needs, reported
from pymemtools.reports.what_if.supposed import supposed

_RULE = (
    "min, low and high as a write to vm.min_free_kbytes leaves them, boost left out "
    "(mm/page_alloc.c, __setup_per_zone_wmarks())"
)
_SETTINGS = ("vm.min_free_kbytes", "vm.watermark_scale_factor", "vm.lowmem_reserve_ratio")
NEEDS = Needs(_SETTINGS[:2], zones=True, of_zones=True)
COLUMNS = (
    Column("node", "node", "NUMA node", "count"),
    Column("zone", "zone", "name of the zone", "text", right=False),
    Column("free", "free", "free in the zone", "bytes"),
    Column("managed_before", "managed", "memory of the zone", "bytes"),
    Column("managed", "managed", "and as supposed", "bytes"),
    Column("min_before", "min", "below which allocations wait for memory to be reclaimed", "bytes"),
    Column("min", "min", "and as supposed", "bytes"),
    Column("low_before", "low", "below which kswapd wakes", "bytes"),
    Column("low", "low", "and as supposed", "bytes"),
    Column("high_before", "high", "up to which kswapd reclaims", "bytes"),
    Column("high", "high", "and as supposed", "bytes"),
    Column("protection", "protection", "kept from allocations that a higher zone could serve, by that zone", "list"),
)


class WatermarksRequest(NamedTuple):
    """Nothing: the question is what is supposed of the machine."""


class Marks(NamedTuple):
    """A zone's size and watermarks, in bytes."""

    managed: int
    min: int
    low: int
    high: int


class ZoneThen(NamedTuple):
    """A zone as it is and as it would be, in bytes."""

    node: int
    zone: str
    free: int
    before: Marks
    then: Marks
    protection: list[int]


class Reserves(NamedTuple):
    """What zones keep for themselves, in bytes; how much less programs may use, and when kswapd wakes."""

    reserve_before: int
    reserve: int
    no_longer_usable: int
    available_before: int | None
    available: int | None
    low_before: int
    low: int


class Watermarks(NamedTuple):
    """The answer: settings before and afterwards by name (None is unknown), zones, and all together."""

    settings: dict[str, tuple[str | None, str]]
    zones: list[ZoneThen]
    reserves: Reserves
    rules: Sequence[str] = (_RULE,)


def watermarks_report(asked: Asked, _request: WatermarksRequest) -> Report:
    """Show each zone's min, low and high as they are and as what is supposed would make them."""
    before, after = asked.before, asked.machine
    if after.zones == before.zones:
        after = supposed(after, {name: before.settings[name] for name in _SETTINGS if name in before.settings})
    notes = [*notes_of(after)]
    if None in marks_of(after):
        notes.append("the source tells too few settings: watermarks are left as they are")
    page = after.page_size
    zones = [_zone(old, new, page) for old, new in zip(before.zones, after.zones) if new.usable or old.usable]
    if not zones:
        raise Missing("what-if watermarks: the source tells neither zones nor the size of RAM")
    names = [name for name in _SETTINGS if name in after.settings]
    settings = {name: (before.settings.get(name), after.settings[name]) for name in names}
    found = Watermarks(settings, zones, _reserves(before, after))
    totals = {**found.reserves._asdict(), "rule": _RULE, "error_bound": 0}
    return reported(asked, "watermarks", table_of(COLUMNS, map(_row, zones)), found, totals, notes)


def _zone(old: zoneinfo.Zone, new: zoneinfo.Zone, page_size: int) -> ZoneThen:
    boost = old.boost or 0
    before = (old.usable, old.min - boost, old.low - boost, old.high - boost)
    then = (new.usable, new.min, new.low, new.high)
    return ZoneThen(
        new.node,
        new.name,
        new.free * page_size,
        Marks._make(pages * page_size for pages in before),
        Marks._make(pages * page_size for pages in then),
        [pages * page_size for pages in new.protection],
    )


def _row(zone: ZoneThen) -> dict[str, Any]:
    before = {f"{key}_before": amount for key, amount in zone.before._asdict().items()}
    return {**zone._asdict(), **before, **zone.then._asdict()}


def _reserves(before: Machine, after: Machine) -> Reserves:
    """Say what zones keep for themselves, and how much of it is memory that programs no longer get."""
    old, new = ((machine.total_reserve or 0) * machine.page_size for machine in (before, after))
    return Reserves(
        old,
        new,
        new - old,
        before.meminfo.get("MemAvailable", available_of(trusted(before))),
        _available(before, after),
        sum(zone.low for zone in before.zones) * before.page_size,
        sum(zone.low for zone in after.zones) * after.page_size,
    )


def _available(before: Machine, after: Machine) -> int | None:
    """Give MemAvailable then, which zones do not decide where they tell of other memory."""
    if before.doubt and before.zones == after.zones:
        return before.meminfo.get("MemAvailable")
    return available_then(trusted(before), trusted(after))
