"""An answer about a fleet as bars, one row below the other, in SVG of our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape as quoted
from typing import NamedTuple

from pymemtools.render.escape import cut, escape, width
from pymemtools.report import Column, Report
from pymemtools.units import human_size

_STYLE = """\
svg{background:#fff}
text{font:12px sans-serif;fill:#222}
.bar{fill:#4477aa}
.more{fill:#4477aa;opacity:.3}
@media (prefers-color-scheme:dark){
svg{background:#111}
text{fill:#ddd}
.bar,.more{fill:#77aadd}
}"""
_MOST_ROWS = 60
_WIDE, _LEFT, _ROOM, _LINE, _TOP = 860, 290, 450, 22, 60  # pixels
_LABEL = 40  # characters


class Drawn(NamedTuple):
    """What of an answer is drawn, by keys: what each row is called, how long its bar is, and a paler one behind it."""

    label: Sequence[str]
    figure: str
    more: str | None = None


_DRAWN = {
    "fleet hosts": Drawn(("host",), "mem_available", "mem_total"),
    "fleet grew": Drawn(("thing", "label"), "median_per_hour", "most_per_hour"),
    "fleet risk": Drawn(("host", "risk"), "percent"),
    "fleet top": Drawn(("name",), "pss"),
    "fleet tunables": Drawn(("tunable", "value"), "hosts"),
    "fleet what-if alloc": Drawn(("host", "outcome"), "headroom_least", "headroom_most"),
}


def picture_title(report: Report) -> str:
    """Say what a picture is of."""
    totals = report.totals or {}
    return f"{report.command}: {totals['hosts']} machines, {totals['captures']} captures"


def fleet_svg(report: Report) -> Iterator[str]:
    """Draw the rows in their order; of very many the first. The same answer gives the same bytes."""
    drawn, title = _DRAWN[report.command], picture_title(report)
    rows = list(report.table.rows())
    shown = rows[:_MOST_ROWS]
    columns = {column.key: column for column in report.table.columns}
    keys = [drawn.figure, *([drawn.more] if drawn.more else [])]
    most = max((row[key] or 0 for row in shown for key in keys), default=0) or 1
    high = _TOP + _LINE * (len(shown) + 2)
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE}" height="{high}" viewBox="0 0 {_WIDE} {high}" '
    yield f'role="img"><title>{quoted(escape(title))}</title>'
    yield f"<style>{_STYLE}</style>"
    yield f'<text x="12" y="24" style="font-size:15px">{quoted(escape(title))}</text>'
    for number, row in enumerate(shown):
        yield from _bar(row, drawn, columns[drawn.figure], _TOP + number * _LINE, most)
    said = f"{columns[drawn.figure].title}: {columns[drawn.figure].help}"
    if drawn.more:
        said += f"; paler: {columns[drawn.more].help}"
    if len(rows) > len(shown):
        said += f"; and {len(rows) - len(shown)} more"
    yield f'<text x="12" y="{_TOP + _LINE * len(shown) + 18}">{quoted(said)}</text>'
    yield "</svg>"


def _bar(row: dict[str, object], drawn: Drawn, column: Column, top: int, most: float) -> Iterator[str]:
    label = escape(" ".join(str(row[key]) for key in drawn.label if row[key] is not None))
    if width(label) > _LABEL:
        label = f"{cut(label, _LABEL - 1)}…"
    value, more = row[drawn.figure], row[drawn.more] if drawn.more else None
    lengths = [max(each if isinstance(each, (int, float)) else 0, 0) / most * _ROOM for each in (value, more)]
    yield f'<text x="{_LEFT - 8}" y="{top + 14}" text-anchor="end">{quoted(label)}</text>'
    for name, length in (("more", lengths[1]), ("bar", lengths[0])):
        if length > 0:
            yield f'<rect class="{name}" x="{_LEFT}" y="{top + 2}" width="{max(length, 1):.1f}" height="{_LINE - 6}"/>'
    yield f'<text x="{_LEFT + max(lengths) + 6:.1f}" y="{top + 14}">{quoted(_said(value, column.kind))}</text>'


def _said(value: object, kind: str) -> str:
    if not isinstance(value, (int, float)):
        return "?"
    if kind == "bytes":
        return human_size(round(value)) if value >= 0 else f"-{human_size(round(-value))}"
    return f"{value:.1f} %" if kind == "percent" else f"{value:g}"
