"""The physical address space as boxes of a picture, with what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pymemtools.areas import Area, Inner
from pymemtools.reports.physical import RegionRow


def physical_areas(rows: Sequence[RegionRow]) -> list[Area]:
    """Make the boxes of a picture: one for each region at the top, with the others in it.

    A driver that has all of its device shares the device's line.
    """
    areas: list[Area] = []
    outside: list[Area] = []
    inner: list[Inner] = []
    for row in rows:
        if row.level == 0:
            _close(areas, inner)
            inner = []
            areas.append(
                Area(row.start, row.last + 1, row.kind, row.name, change=row.change, delta=row.delta),
            )
            continue
        inner.append(Inner(row.level, row.start, row.last + 1, row.name, row.change, row.delta))
        outside += _outside(row, areas[-1])
    _close(areas, inner)
    return sorted([*areas, *outside], key=lambda area: (area.start, area.end))


def _outside(row: RegionRow, area: Area) -> Iterator[Area]:
    """Give the parts of a region that lie beside the one it is in, as they are no holes."""
    label = f"{row.name}, the part out of {area.label}"
    if row.start < area.start:
        yield Area(row.start, min(row.last + 1, area.start), row.kind, label, change=row.change, delta=row.delta)
    if row.last >= area.end:
        yield Area(max(row.start, area.end), row.last + 1, row.kind, label, change=row.change, delta=row.delta)


def _close(areas: list[Area], inner: Sequence[Inner]) -> None:
    """Put into the last area what is in it."""
    if areas and inner:
        areas[-1] = areas[-1]._replace(inner=tuple(_merged(inner)))


def _merged(inner: Sequence[Inner]) -> list[Inner]:
    """Join a region with the one below it that is of the same extent; what follows moves up a level with it.

    They stay apart where something else became of one than of the other.
    """
    merged: list[Inner] = []
    levels: list[int] = []  # of the regions above the current one: the level each is shown at
    for each in inner:
        del levels[each.level - 1 :]
        shown = levels[-1] + 1 if levels else 1
        last = merged[-1] if merged else None
        if last and levels and last._replace(label="") == each._replace(level=levels[-1], label=""):
            merged[-1] = last._replace(label=f"{last.label} > {each.label}")
            shown = last.level
        else:
            merged.append(each._replace(level=shown))
        levels.append(shown)
    return merged
