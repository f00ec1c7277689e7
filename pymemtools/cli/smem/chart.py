"""``smem --pie FIELD`` and ``smem --bar FIELD``: a report as a picture, or as bars of characters."""

from __future__ import annotations

import sys
from typing import NamedTuple

from pymemtools.cli import say
from pymemtools.cli.new_file import write_new_file
from pymemtools.cli.options import write_lines
from pymemtools.cli.smem.layout import Layout, terminal_width
from pymemtools.cli.terminal import takes_ascii_only
from pymemtools.errors import MemtoolsError, UsageProblem
from pymemtools.render import charts
from pymemtools.render.text_bars import text_bars
from pymemtools.report import Column, Report
from pymemtools.reports.smem.report import Answer, with_known
from pymemtools.reports.smem.rows import Row


class Chart(NamedTuple):
    """What to draw, and where to."""

    kind: str  # "pie" or "bar"
    path: str | None
    force: bool


def draw(chart: Chart, report: Report, layout: Layout) -> None:
    """Write the chart to its file; bars go to the terminal where matplotlib is not installed."""
    answer: Answer = report.answer
    if not answer.rows:
        raise MemtoolsError("smem: there is nothing to draw")
    weight = answer.plan.weight
    known, left_out = with_known(answer.rows, weight)
    if not known:
        raise MemtoolsError(f"smem: the source tells the {weight} of nothing that could be drawn")
    if left_out:
        say(f"smem: {weight} is not known of {left_out} rows, which are not drawn")
    rows = [row for row, _ in sorted(known, key=lambda each: each[1], reverse=True)]
    path = chart.path or f"smem-{chart.kind}.svg"
    style = path.rpartition(".")[2].lower()
    if style not in charts.FORMATS:
        raise UsageProblem(f"smem: --output takes a name in .svg or .png, not '{path}'")
    if not charts.is_installed():
        if chart.kind == "pie" or chart.path is not None:
            raise MemtoolsError(f"smem: a {chart.kind} chart in a file needs matplotlib: {charts.INSTALL}")
        say(f"smem: bars of characters, for want of matplotlib: {charts.INSTALL} writes a picture")
        write_lines(_text(rows, answer, layout))
        return
    if chart.kind == "pie":
        slices, unused = _slices(rows, answer)
        picture = charts.pie(slices, unused, f"{_label_key(answer)} by {weight}", style)
    else:
        picture = _bars(rows, answer, style)
    write_new_file(path, picture, force=chart.force)
    say(f"smem: wrote {path}")


def _text(rows: list[Row], answer: Answer, layout: Layout) -> list[str]:
    weight, column = answer.plan.weight, answer.plan.weighed
    amount = layout.amount(answer)
    is_amount = column is not None and column.kind == "bytes"
    return text_bars(
        [
            (
                _label(row, answer),
                amount(column, _size(row, weight)) if column is not None and is_amount else str(_size(row, weight)),
                _size(row, weight),
            )
            for row in rows
        ],
        terminal_width(),
        "#" if takes_ascii_only(sys.stdout) else "█",
    )


def _slices(rows: list[Row], answer: Answer) -> tuple[list[tuple[str, int]], int]:
    """Fold small slices into one as smem does: all below 0.5 % of memory, and more up to 2 % together.

    Gives the slices and what of the memory is in none of them, in bytes.
    """
    slices = [(_label(row, answer), _size(row, answer.plan.weight)) for row in rows]
    used = sum(size for _, size in slices)
    total = answer.memory or used
    other = 0
    while slices and (other + slices[-1][1] < total * 0.02 or slices[-1][1] < total * 0.005):
        other += slices.pop()[1]
    return [*slices, *([("other", other)] if other else [])], max(total - used, 0)


def _bars(rows: list[Row], answer: Answer, style: str) -> bytes:
    columns = [column for column in answer.plan.columns if _is_drawn(column)]
    series = {
        column.title: [_size(row, column.key) / (1024 if column.kind == "bytes" else 1) for row in rows]
        for column in columns
    }
    if not series:
        raise UsageProblem("smem: none of the columns shown can be drawn as a bar")
    return charts.bars([_label(row, answer) for row in rows], series, f"smem by {_label_key(answer)}", "KiB", style)


def _is_drawn(column: Column) -> bool:
    return column.kind != "text" and column.key not in ("pid", "order", "depth")


def _label_key(answer: Answer) -> str:
    return "" if answer.plan.label is None else answer.plan.label.key


def _label(row: Row, answer: Answer) -> str:
    """Give the label as the table shows it, but for what the chart itself escapes."""
    column, value = answer.plan.label, row[_label_key(answer)]
    is_amount = column is not None and column.kind == "bytes" and isinstance(value, int)
    return "-" if value is None else str(int(value) // 1024 if is_amount else value)


def _size(row: Row, field: str) -> int:
    value = row[field]
    return value if isinstance(value, int) else 0
