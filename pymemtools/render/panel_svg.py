"""Courses over time as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape as quoted

from pymemtools.render.escape import escape
from pymemtools.render.panels import Figures, Panel, Panels, brief_number

_MOST_POINTS = 1000  # of a line as SVG, and for each its lowest and its highest figure
_LEFT_EDGE, _WIDE, _HIGH, _ABOVE = 90, 640, 130, 44  # of a panel, in units of SVG
_WORDS = 26  # from a panel up to the words above marks: the unit stands between
_LEAST_WIDTH, _LETTER = 860, 7  # of the picture, and of a letter of the names at its right
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


def panels_svg(chart: Panels) -> Iterator[str]:
    """Write the picture as SVG, a panel below the other; the same chart gives the same bytes."""
    height = 60 + len(chart.panels) * (_HIGH + _ABOVE)
    title = quoted(escape(chart.title))
    longest = max((len(course.name) for panel in chart.panels for course in panel.courses), default=0)
    width = max(_LEAST_WIDTH, _LEFT_EDGE + _WIDE + 16 + _LETTER * longest)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
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
        yield f'<text x="{_LEFT_EDGE - 6}" y="{y}" dy="4" text-anchor="end">{brief_number(at)}</text>'
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
    for x, word in _words(chart):
        yield f'<text x="{x:.1f}" y="{top - _WORDS}" text-anchor="middle">{quoted(word)}</text>'
    for mark in chart.marks:
        yield f'<line class="start" x1="{_x(chart, mark)}" x2="{_x(chart, mark)}" y1="{top}" y2="{floor}"/>'


def _words(chart: Panels) -> list[tuple[float, str]]:
    """Give the words above marks, and where their middle is; of marks whose words would overlap, one word each."""
    found: list[tuple[float, list[str]]] = []
    for mark, word in zip(chart.marks, chart.words or [chart.marked] * len(chart.marks)):
        x = _at(chart, mark)
        if found and x - found[-1][0] < _LETTER * (len(", ".join(found[-1][1])) + len(word)) / 2 + _LETTER:
            if word not in found[-1][1]:
                found[-1][1].append(word)
        else:
            found.append((x, [word]))
    return [(x, ", ".join(words)) for x, words in found]


def _at(chart: Panels, time: float) -> float:
    first, last = chart.span
    return _LEFT_EDGE + min(1.0, max(0.0, (time - first) / (last - first))) * _WIDE


def _x(chart: Panels, time: float) -> str:
    return f"{_at(chart, time):.1f}"


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
