"""``pymemtools what-if watermarks``: what would the reserves of the zones be?"""

from __future__ import annotations

from typing import Any

from pymemtools.cli.what_if.question import Answer, Asked, question
from pymemtools.cli.what_if.tables import sentence, size, table
from pymemtools.errors import Missing
from pymemtools.procfs.zoneinfo import Zone
from pymemtools.readings.machine import Machine, notes_of, trusted
from pymemtools.reports.estimates import available_of, available_then, marks_of
from pymemtools.reports.what_if.supposed import supposed

_RULE = (
    "min, low and high as a write to vm.min_free_kbytes leaves them, boost left out "
    "(mm/page_alloc.c, __setup_per_zone_wmarks())"
)
_SETTINGS = ("vm.min_free_kbytes", "vm.watermark_scale_factor", "vm.lowmem_reserve_ratio")


@question("watermarks", _SETTINGS[:2], zones=True, of_zones=True)
def command(asked: Asked) -> Answer:
    """Show each zone's min, low and high as they are and as the settings given with --set would make them."""
    before, after = asked.before, asked.machine
    if after.zones == before.zones:
        after = supposed(after, {name: before.settings[name] for name in _SETTINGS if name in before.settings})
    notes = [*notes_of(after)]
    if None in marks_of(after):
        notes.append("the source tells too few settings: watermarks are left as they are")
    rows = [_row(old, new, after.page_size) for old, new in zip(before.zones, after.zones) if new.usable or old.usable]
    if not rows:
        raise Missing("what-if watermarks: the source tells neither zones nor the size of RAM")
    totals = _totals(before, after)
    changes = [f"{name} {_change(before, after, name)}" for name in _SETTINGS if name in after.settings]
    lines = [*sentence(", ".join(changes)), "", *_table(rows), "", *_summary(totals)]
    return Answer(lines, rows, notes, totals)


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """Lay out two lines for each zone, as it is and as it would be."""
    cells = []
    for row in rows:
        for when, key in (("now", "_before"), ("then", "")):
            zone = f"{row['node']} {row['zone']}" if key else ""
            cells.append((zone, when, *(size(row[f"{mark}{key}"]) for mark in ("managed", "min", "low", "high"))))
    return table(("node zone", "", "managed", "min", "low", "high"), cells, left=(0, 1))


def _change(before: Machine, after: Machine, name: str) -> str:
    old, new = before.settings.get(name, "?"), after.settings[name]
    return new if old == new else f"{old} -> {new}"


def _row(old: Zone, new: Zone, page_size: int) -> dict[str, Any]:
    boost = old.boost or 0
    marks = {
        key: pages * page_size
        for key, pages in (
            ("min_before", old.min - boost),
            ("min", new.min),
            ("low_before", old.low - boost),
            ("low", new.low),
            ("high_before", old.high - boost),
            ("high", new.high),
        )
    }
    return {
        "node": new.node,
        "zone": new.name,
        "free": new.free * page_size,
        "managed_before": old.usable * page_size,
        "managed": new.usable * page_size,
        **marks,
        "protection": [pages * page_size for pages in new.protection],
        "rule": _RULE,
        "error_bound": 0,
    }


def _totals(before: Machine, after: Machine) -> dict[str, int | None]:
    """Say what zones keep for themselves, and how much of it is memory that programs no longer get."""
    old, new = ((machine.total_reserve or 0) * machine.page_size for machine in (before, after))
    return {
        "reserve_before": old,
        "reserve": new,
        "no_longer_usable": new - old,
        "available_before": before.meminfo.get("MemAvailable", available_of(trusted(before))),
        "available": _available(before, after),
        "low_before": sum(zone.low for zone in before.zones) * before.page_size,
        "low": sum(zone.low for zone in after.zones) * after.page_size,
    }


def _available(before: Machine, after: Machine) -> int | None:
    """Give MemAvailable then, which zones do not decide where they tell of other memory."""
    if before.doubt and before.zones == after.zones:
        return before.meminfo.get("MemAvailable")
    return available_then(trusted(before), trusted(after))


def _summary(totals: dict[str, int | None]) -> list[str]:
    lost = totals["no_longer_usable"] or 0
    usable = f"{size(abs(lost))} {'less' if lost > 0 else 'more'} is usable" if lost else "no less is usable"
    return [
        f"Reserved: {size(totals['reserve_before'])} -> {size(totals['reserve'])}: {usable}.",
        f"MemAvailable: {size(totals['available_before'])} -> {size(totals['available'])}.",
        f"kswapd wakes below {size(totals['low_before'])} -> {size(totals['low'])} free, over all zones.",
    ]
