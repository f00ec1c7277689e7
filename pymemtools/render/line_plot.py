"""A line over time, in characters or as SVG: how much of something there is, beside the levels that matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape as quoted
from typing import NamedTuple

from pymemtools.units import human_size

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_STYLE = """\
svg{background:#fff}
text{font:12px sans-serif;fill:#222}
.area{fill:#77aadd;opacity:.6}
.line{fill:none;stroke:#225588;stroke-width:2}
.level{stroke:#aa3377;stroke-dasharray:5 4}
.axis{stroke:#222}
@media (prefers-color-scheme:dark){
svg{background:#111}
text{fill:#ddd}
.axis{stroke:#ddd}
.line{stroke:#99ddff}
}"""
_LEFT = 12  # columns for the amounts at the side
_LINE = 14  # what a line of text takes in SVG


class Plot(NamedTuple):
    """Corners of the line (seconds, bytes), and named levels in bytes."""

    title: str
    corners: Sequence[tuple[float, float]]
    levels: Sequence[tuple[str, float]]

    @property
    def most(self) -> float:
        """Give the bytes at the top, which is never 0."""
        return max([1.0, *(y for _, y in self.corners), *(level for _, level in self.levels)]) * 1.05

    @property
    def peak(self) -> float:
        """Give the bytes at the highest corner, which stand beside it where no level is near."""
        return max(y for _, y in self.corners)

    @property
    def seconds(self) -> float:
        """Give the seconds at the right end, which is never 0."""
        return max(self.corners[-1][0], 1e-9)

    def at(self, x: float) -> float:
        """Give the bytes at a time."""
        for (x0, y0), (x1, y1) in zip(self.corners, self.corners[1:]):
            if x0 <= x <= x1:
                return y1 if x1 == x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)
        return self.corners[-1][1]


def plot_lines(plot: Plot, columns: int, rows: int = 10, *, is_ascii: bool = False) -> Iterator[str]:
    """Draw the area below the line, with the levels across and the seconds below."""
    room = max(columns - _LEFT - 2, 20)
    heights = [plot.at(plot.seconds * (column + 0.5) / room) / plot.most * rows for column in range(room)]
    marked: dict[int, list[str]] = {}
    amounts = {}
    for name, level in plot.levels:
        row = int(level / plot.most * rows)
        marked.setdefault(row, []).append(name)
        amounts[row] = human_size(round(level))
    amounts.setdefault(int(plot.peak / plot.most * rows), human_size(round(plot.peak)))
    blank, side = ("-", "|") if is_ascii else ("┄", "│")
    for row in range(rows - 1, -1, -1):
        cells = "".join(_cell(height - row, is_ascii, blank if row in marked else " ") for height in heights)
        label = ", ".join(marked.get(row, []))
        if label and cells.endswith(blank * (len(label) + 1)):
            cells = f"{cells[: -len(label) - 1]} {label}"
        yield f"{amounts.get(row, ''):>{_LEFT - 1}} {side}{cells}".rstrip()
    corner, floor = ("+", "-") if is_ascii else ("└", "─")
    yield f"{'0':>{_LEFT - 1}} {corner}{floor * room}"
    middle, end = (_seconds(part * plot.seconds) for part in (0.5, 1))
    half = room // 2 - len(middle) // 2
    yield f"{' ' * (_LEFT + 1)}{'0 s':<{half}}{middle:<{room - half - len(end)}}{end}"


def _cell(height: float, is_ascii: bool, blank: str) -> str:
    """Fill a cell as far as the line is above its floor."""
    if height <= 0.05:
        return blank
    if is_ascii:
        return "#" if height >= 0.5 else "."
    return _EIGHTHS[min(8, max(1, round(height * 8)))]


def plot_svg(plot: Plot) -> Iterator[str]:
    """Write the same picture as SVG; the same plot gives the same bytes."""
    left, top, wide, high = 90, 50, 640, 260
    x = [f"{left + seconds / plot.seconds * wide:.1f}" for seconds, _ in plot.corners]
    y = [f"{top + high - amount / plot.most * high:.1f}" for _, amount in plot.corners]
    points = " ".join(f"{a},{b}" for a, b in zip(x, y))
    title = quoted(plot.title)
    yield '<svg xmlns="http://www.w3.org/2000/svg" width="860" height="360" viewBox="0 0 860 360" role="img">'
    yield f"<title>{title}</title>"
    yield f"<style>{_STYLE}</style>"
    yield f'<text x="{left}" y="24" style="font-size:15px">{title}</text>'
    yield f'<polygon class="area" points="{x[0]},{top + high} {points} {x[-1]},{top + high}"/>'
    yield f'<polyline class="line" points="{points}"/>'
    for name, level in plot.levels:
        at = f"{top + high - level / plot.most * high:.1f}"
        yield f'<line class="level" x1="{left}" x2="{left + wide}" y1="{at}" y2="{at}"/>'
        yield f'<text x="{left + wide + 6}" y="{at}" dy="4">{quoted(name)}</text>'
        yield f'<text x="{left - 6}" y="{at}" dy="4" text-anchor="end">{human_size(round(level))}</text>'
    if all(abs(plot.peak - level) / plot.most * high > _LINE for _, level in plot.levels):
        at = f"{top + high - plot.peak / plot.most * high:.1f}"
        yield f'<text x="{left - 6}" y="{at}" dy="4" text-anchor="end">{human_size(round(plot.peak))}</text>'
    yield f'<line class="axis" x1="{left}" x2="{left + wide}" y1="{top + high}" y2="{top + high}"/>'
    yield f'<line class="axis" x1="{left}" x2="{left}" y1="{top}" y2="{top + high}"/>'
    for part in range(5):
        at = f"{left + wide * part / 4:.1f}"
        yield f'<text x="{at}" y="{top + high + 18}" text-anchor="middle">{_seconds(plot.seconds * part / 4)}</text>'
    yield "</svg>"


def _seconds(seconds: float) -> str:
    """Write a time of an axis: three figures, but never a power of ten.

    >>> _seconds(14.75), _seconds(1011.4)
    ('14.8 s', '1011 s')
    """
    return f"{seconds:.3g} s" if seconds < 999.5 else f"{seconds:.0f} s"
