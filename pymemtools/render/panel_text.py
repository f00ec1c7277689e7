"""Courses over time in characters."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.render.fit import fitted
from pymemtools.render.panels import Figures, Panel, Panels, brief_number

_MARKS = ("┊", ":")
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_LEFT = 10  # columns for the amounts at the side
_ROWS = 3  # of a course


def panel_lines(chart: Panels, columns: int, *, is_ascii: bool = False) -> Iterator[str]:
    """Draw each course as an area of its own, the highest figure of each column's time, and the times below."""
    room = max(columns - _LEFT - 2, 20)
    for panel in chart.panels:
        for course in panel.courses:
            yield from fitted(f"{course.summary} {panel.unit}" if course.known else course.summary, columns)
            yield from _area(chart, panel._replace(courses=(course,)), room, is_ascii)
    yield f"{' ' * (_LEFT + 1)}{_times(chart, room)}"
    if chart.marks:
        yield f"{' ' * (_LEFT + 1)}{_MARKS[is_ascii]} {chart.marked}"


def _times(chart: Panels, room: int) -> str:
    """Write the times at both ends, and the one in the middle where there is room for it."""
    first, last = chart.span
    begin, middle, end = (chart.clock(first + (last - first) * share) for share in (0, 0.5, 1))
    half = room // 2 - len(middle) // 2
    if half <= len(begin) or room - half - len(middle) <= len(end):
        return f"{begin:<{room - len(end)}}{end}"
    return f"{begin:<{half}}{middle:<{room - half - len(end)}}{end}"


def _area(chart: Panels, panel: Panel, room: int, is_ascii: bool) -> Iterator[str]:
    cells = _columns(chart, panel.courses[0].figures, room)
    starts = {_place(chart, mark, room) for mark in chart.marks}
    side, mark = "|" if is_ascii else "│", _MARKS[is_ascii]
    for row in range(_ROWS - 1, -1, -1):
        label = brief_number(panel.top) if row == _ROWS - 1 else ""
        shown = (None if cell is None else panel.height(cell) * _ROWS - row for cell in cells)
        text = "".join(mark if place in starts else _cell(height, is_ascii) for place, height in enumerate(shown))
        yield f"{label:>{_LEFT - 1}} {side}{text}".rstrip()
    corner, floor = ("+", "-") if is_ascii else ("└", "─")
    yield f"{brief_number(panel.bottom):>{_LEFT - 1}} {corner}{floor * room}"


def _columns(chart: Panels, figures: Figures, room: int) -> list[float | None]:
    """Give each column the highest figure of the intervals that are in it, or that it is in."""
    cells: list[float | None] = [None] * room
    for (begin, end), figure in zip(chart.intervals, figures):
        first, last = _place(chart, begin, room), _place(chart, end, room)
        for place in range(first if cells[first] is None else min(first + 1, last), last + 1):
            known = cells[place]
            cells[place] = figure if known is None else max(known, figure or 0.0)
    return cells


def _place(chart: Panels, time: float, room: int) -> int:
    first, last = chart.span
    return min(room - 1, max(0, int((time - first) / (last - first) * room)))


def _cell(height: float | None, is_ascii: bool) -> str:
    if height is None:
        return " "
    if is_ascii:
        return "#" if height >= 0.5 else "." if height > 0 else " "
    return _EIGHTHS[min(8, max(0, round(height * 8) or (height > 0)))]
