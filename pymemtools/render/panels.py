"""Several courses over one time, each on a scale of its own, one below the other: in characters or as SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape as quoted
from math import ceil, floor
from typing import NamedTuple

from pymemtools.render.escape import escape

_MARKS = ("┊", ":")
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_LEFT = 10  # columns for the amounts at the side
_ROWS = 3  # of a course, in characters
_MOST_POINTS = 1000  # of a line as SVG, and for each its lowest and its highest figure
_LEFT_EDGE, _WIDE, _HIGH, _ABOVE = 90, 640, 130, 44  # of a panel, in units of SVG
STYLE = """\
svg{background:#fff}
text{font:12px sans-serif;fill:#222}
.one,.two{fill:none;stroke:#225588;stroke-width:1.5}
.two{stroke:#aa3377}
.dot.one,text.one{fill:#225588}
.dot.two,text.two{fill:#aa3377}
text.one,text.two{stroke:none}
.grid{stroke:#bbb}
.axis{stroke:#222}
.start{stroke:#222;stroke-dasharray:5 4}
@media (prefers-color-scheme:dark){
svg{background:#111}
text{fill:#ddd}
.axis,.start{stroke:#ddd}
.grid{stroke:#444}
.one{stroke:#99ddff}
.two{stroke:#ff99cc}
.dot.one,text.one{fill:#99ddff}
.dot.two,text.two{fill:#ff99cc}
}"""

Figures = Sequence[float | None]


class Course(NamedTuple):
    """One line: a figure for each interval, None where it is not known, which breaks the line."""

    name: str
    figures: Figures

    @property
    def known(self) -> list[float]:
        """Give the figures that are known."""
        return [figure for figure in self.figures if figure is not None]

    @property
    def summary(self) -> str:
        """Say in words what the line shows."""
        known = self.known
        if not known:
            return f"{self.name}: not known"
        return f"{self.name}: at most {_number(max(known))}, in the mean {_number(sum(known) / len(known))}"


class Panel(NamedTuple):
    """Lines that share a scale."""

    unit: str
    courses: Sequence[Course]
    scale: tuple[float, float] | None = None  # its ends, where it does not begin at 0

    @property
    def top(self) -> float:
        """Give the upper end of the scale, a round figure and never 0."""
        if self.scale is not None:
            return self.scale[1]
        most = max((figure for course in self.courses for figure in course.known), default=0.0)
        return _round_up(most or 1.0)

    @property
    def bottom(self) -> float:
        """Give the lower end of the scale."""
        return 0.0 if self.scale is None else self.scale[0]

    def height(self, figure: float) -> float:
        """Give where a figure is, from 0 to 1."""
        return (figure - self.bottom) / (self.top - self.bottom)


class Panels(NamedTuple):
    """A picture: intervals in ascending order, panels from top to bottom, and times at which something began."""

    title: str
    intervals: Sequence[tuple[float, float]]  # from when to when, in seconds; one at least
    panels: Sequence[Panel]
    marks: Sequence[float]
    clock: Callable[[float], str]  # writes a time for the axis
    marked: str = "begun"  # what the marks are
    words: Sequence[str] = ()  # what each of them is, where they are not all the same

    @property
    def span(self) -> tuple[float, float]:
        """Give the first time and the last one, which are not the same."""
        first, last = self.intervals[0][0], self.intervals[-1][1]
        return first, last if last > first else first + 1


def _round_up(most: float) -> float:
    """Give the next 1, 2 or 5 with zeros.

    >>> _round_up(3.2), _round_up(740), _round_up(0.04)
    (5.0, 1000.0, 0.05)
    """
    power = 1.0
    while power > most:
        power /= 10
    while power * 10 < most:
        power *= 10
    return next(float(f"{factor * power:.6g}") for factor in (1, 2, 5, 10) if factor * power >= most * 0.999999)


def scale_of(figures: Sequence[float]) -> tuple[float, float]:
    """Give round ends of a scale for figures whose change is to be seen, a 50th of the largest at least.

    >>> scale_of([203.2, 210.7]), scale_of([3.0, 380.0]), scale_of([])
    ((203.0, 211.0), (0.0, 400.0), (0.0, 1.0))
    """
    least, most = min(figures, default=0.0), max(figures, default=0.0)
    span = max(most - least, abs(most) / 50) or 1.0
    step = _round_up(span) / 10
    bottom = 0.0 if least < span else floor(least / step) * step
    return bottom, max(ceil((least + span) / step) * step, ceil(most / step) * step)


def _number(figure: float) -> str:
    """Write a figure in few characters.

    >>> _number(1234567.8), _number(12.34), _number(0.5), _number(0), _number(5e9)
    ('1234568', '12.3', '0.5', '0', '5e+09')
    """
    if figure >= 99_999_999.5:
        return f"{figure:.3g}"
    return f"{figure:.0f}" if figure >= 99.95 or figure == round(figure) else f"{figure:.3g}"


# In characters


def panel_lines(chart: Panels, columns: int, *, is_ascii: bool = False) -> Iterator[str]:
    """Draw each course as an area of its own, the highest figure of each column's time, and the times below."""
    room = max(columns - _LEFT - 2, 20)
    for panel in chart.panels:
        for course in panel.courses:
            yield f"{course.summary} {panel.unit}" if course.known else course.summary
            yield from _area(chart, panel._replace(courses=(course,)), room, is_ascii)
    first, last = chart.span
    labels = [chart.clock(first + (last - first) * share) for share in (0, 0.5, 1)]
    half = room // 2 - len(labels[1]) // 2
    yield f"{' ' * (_LEFT + 1)}{labels[0]:<{half}}{labels[1]:<{room - half - len(labels[2])}}{labels[2]}"
    if chart.marks:
        yield f"{' ' * (_LEFT + 1)}{_MARKS[is_ascii]} {chart.marked}"


def _area(chart: Panels, panel: Panel, room: int, is_ascii: bool) -> Iterator[str]:
    cells = _columns(chart, panel.courses[0].figures, room)
    starts = {_place(chart, mark, room) for mark in chart.marks}
    side, mark = "|" if is_ascii else "│", _MARKS[is_ascii]
    for row in range(_ROWS - 1, -1, -1):
        label = _number(panel.top) if row == _ROWS - 1 else ""
        shown = (None if cell is None else panel.height(cell) * _ROWS - row for cell in cells)
        text = "".join(mark if place in starts else _cell(height, is_ascii) for place, height in enumerate(shown))
        yield f"{label:>{_LEFT - 1}} {side}{text}".rstrip()
    corner, floor = ("+", "-") if is_ascii else ("└", "─")
    yield f"{_number(panel.bottom):>{_LEFT - 1}} {corner}{floor * room}"


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


# As SVG


def panels_svg(chart: Panels) -> Iterator[str]:
    """Write the picture as SVG, a panel below the other; the same chart gives the same bytes."""
    height = 60 + len(chart.panels) * (_HIGH + _ABOVE)
    title = quoted(escape(chart.title))
    size = f'width="860" height="{height}" viewBox="0 0 860 {height}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    yield f"<title>{title}</title>"
    summaries = (f"{course.summary} {panel.unit}" for panel in chart.panels for course in panel.courses)
    yield f"<desc>{quoted('; '.join(summaries))}</desc>"
    yield f"<style>{STYLE}</style>"
    yield f'<text x="{_LEFT_EDGE}" y="24" style="font-size:15px">{title}</text>'
    for number, panel in enumerate(chart.panels):
        yield from _panel(chart, panel, 30 + _ABOVE + number * (_HIGH + _ABOVE))
    first, last = chart.span
    for part in range(5):
        time = first + (last - first) * part / 4
        yield f'<text x="{_x(chart, time)}" y="{height - 12}" text-anchor="middle">{quoted(chart.clock(time))}</text>'
    yield "</svg>"


def _panel(chart: Panels, panel: Panel, top: int) -> Iterator[str]:
    floor, right = top + _HIGH, _LEFT_EDGE + _WIDE
    for part in (1.0, 0.5, 0.0):
        y, at = f"{floor - part * _HIGH:.1f}", panel.bottom + (panel.top - panel.bottom) * part
        yield f'<line class="{"grid" if part else "axis"}" x1="{_LEFT_EDGE}" x2="{right}" y1="{y}" y2="{y}"/>'
        yield f'<text x="{_LEFT_EDGE - 6}" y="{y}" dy="4" text-anchor="end">{_number(at)}</text>'
    yield f'<text x="{_LEFT_EDGE}" y="{top - 10}">{quoted(panel.unit)}</text>'
    for number, course in enumerate(panel.courses):
        kind = ("one", "two")[number % 2]
        yield f'<text class="{kind}" x="{right + 8}" y="{top + 12 + 16 * number}">{quoted(course.name)}</text>'
        for piece in _pieces(_thinned(_points(chart, course.figures))):
            points = [(_x(chart, time), f"{floor - panel.height(figure) * _HIGH:.1f}") for time, figure in piece]
            if len(points) == 1:
                yield f'<circle class="dot {kind}" cx="{points[0][0]}" cy="{points[0][1]}" r="2"/>'
            else:
                yield f'<polyline class="{kind}" points="{" ".join(f"{x},{y}" for x, y in points)}"/>'
    for mark, word in zip(chart.marks, chart.words or [chart.marked] * len(chart.marks)):
        yield f'<text x="{_x(chart, mark)}" y="{top - 10}" text-anchor="middle">{quoted(word)}</text>'
        yield f'<line class="start" x1="{_x(chart, mark)}" x2="{_x(chart, mark)}" y1="{top}" y2="{floor}"/>'


def _x(chart: Panels, time: float) -> str:
    first, last = chart.span
    return f"{_LEFT_EDGE + min(1.0, max(0.0, (time - first) / (last - first))) * _WIDE:.1f}"


def _points(chart: Panels, figures: Figures) -> list[tuple[float, float | None]]:
    """Give the corners of a line, at the ends of intervals; where an interval does not follow another, it is broken."""
    points: list[tuple[float, float | None]] = []
    end: float | None = None
    for (begin, next_end), figure in zip(chart.intervals, figures):
        if end is not None and begin - end > (next_end - begin) / 2:
            points.append((end, None))
        points.append((next_end, figure))
        end = next_end
    return points


def _thinned(points: list[tuple[float, float | None]]) -> list[tuple[float, float | None]]:
    """Leave of a long line the lowest and the highest figure of each stretch, in their order."""
    if len(points) <= 2 * _MOST_POINTS:
        return points
    stride = -(-len(points) // _MOST_POINTS)
    thinned: list[tuple[float, float | None]] = []
    for start in range(0, len(points), stride):
        stretch = points[start : start + stride]
        known = sorted((figure, place) for place, (_, figure) in enumerate(stretch) if figure is not None)
        places = sorted({known[0][1], known[-1][1]}) if known else [0]
        thinned += [stretch[place] for place in places]
    return thinned


def _pieces(points: Sequence[tuple[float, float | None]]) -> Iterator[list[tuple[float, float]]]:
    """Give the stretches without a gap."""
    piece: list[tuple[float, float]] = []
    for time, figure in points:
        if figure is not None:
            piece.append((time, figure))
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece
