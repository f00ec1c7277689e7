"""``pymemtools what-if watermarks``: what would the reserves of the zones be?"""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.cli.what_if.question import Question, question
from pymemtools.cli.what_if.tables import sentence, size, table
from pymemtools.report import Report
from pymemtools.reports.what_if.watermarks import NEEDS, Reserves, Watermarks, WatermarksRequest, watermarks_report


@question("watermarks", watermarks_report, NEEDS)
def command() -> Question:
    """Show each zone's min, low and high as they are and as the settings given with --set would make them."""
    return Question(WatermarksRequest(), _lines)


def _lines(report: Report) -> Iterator[str]:
    found: Watermarks = report.answer
    yield from sentence(", ".join(f"{name} {_change(*values)}" for name, values in found.settings.items()))
    yield ""
    yield from _table(found)
    yield ""
    yield from _summary(found.reserves)


def _change(old: str | None, new: str) -> str:
    return new if old == new else f"{'?' if old is None else old} -> {new}"


def _table(found: Watermarks) -> list[str]:
    """Lay out two lines for each zone, as it is and as it would be."""
    cells: list[tuple[str, ...]] = []
    for zone in found.zones:
        cells.append((f"{zone.node} {zone.zone}", "now", *map(size, zone.before)))
        cells.append(("", "then", *map(size, zone.then)))
    return table(("node zone", "", "managed", "min", "low", "high"), cells, left=(0, 1))


def _summary(found: Reserves) -> Iterator[str]:
    lost = found.no_longer_usable
    usable = f"{size(abs(lost))} {'less' if lost > 0 else 'more'} is usable" if lost else "no less is usable"
    yield f"Reserved: {size(found.reserve_before)} -> {size(found.reserve)}: {usable}."
    yield f"MemAvailable: {size(found.available_before)} -> {size(found.available)}."
    yield f"kswapd wakes below {size(found.low_before)} -> {size(found.low)} free, over all zones."
