"""A report's table for people, where no classic layout is to be kept: sizes with units, unknown is ``-``."""

from __future__ import annotations

from typing import Any

from pymemtools.render.escape import escape
from pymemtools.report import Column, Table
from pymemtools.units import human_size

_LONGEST = 60  # characters of a text


def plain_lines(table: Table) -> list[str]:
    """Lay all columns out; nothing where there is no row.

    >>> from pymemtools.report import table_of
    >>> plain_lines(table_of([Column("rss", "RSS", "", "bytes")], [{"rss": 4096}, {}]))
    ['    RSS', '-------', '4.0 KiB', '      -']
    """
    if not table.height:
        return []
    import tabulate

    titles = [escape(column.title) for column in table.columns]
    align = ["right" if column.right else "left" for column in table.columns]
    cells = [[plain_cell(column, row[column.key]) for column in table.columns] for row in table.rows()]
    text = tabulate.tabulate(cells, titles, "simple", disable_numparse=True, colalign=align)
    return [line.rstrip() for line in text.split("\n")]


def plain_cell(column: Column, value: Any) -> str:
    """Write one cell."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column.kind == "bytes" and isinstance(value, (int, float)):
        return human_size(int(value)) if value >= 0 else f"-{human_size(int(-value))}"
    if isinstance(value, float):
        return f"{value:.1f}" if column.kind == "percent" else f"{value:g}"
    text = escape(str(value))
    return text if len(text) <= _LONGEST or column.kind != "text" else text[: _LONGEST - 1] + "…"
