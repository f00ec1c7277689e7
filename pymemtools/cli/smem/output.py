"""Print one of smem's reports: the classic table, or a form for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pymemtools.cli.options import facts_as_json
from pymemtools.cli.smem.rows import Gathered
from pymemtools.cli.terminal import terminal_columns
from pymemtools.errors import MemtoolsError
from pymemtools.readings.doubt import read_meminfo
from pymemtools.render.columns import (
    Amount,
    Value,
    abbreviated,
    classic_table,
    fitted_widths,
    percent_of,
    plain_kib,
    total_of,
)
from pymemtools.report import Column
from pymemtools.reports.smem import Row
from pymemtools.sources.base import Source


class Layout(NamedTuple):
    """How the report is laid out."""

    style: str
    header: bool
    totals: bool
    autosize: bool
    abbreviate: bool
    percent: bool


def lines_of(gathered: Gathered, source: Source, layout: Layout) -> Iterable[str]:
    """Lay a report out."""
    if layout.style == "text":
        return _classic(gathered, source, layout)
    from pymemtools.render.machine import machine_lines

    columns = gathered.request.columns
    return machine_lines(
        layout.style,
        "smem",
        [{column.key: row[column.key] for column in columns} for row in gathered.rows],
        fields=[column.key for column in columns],
        source=facts_as_json(source.facts),
        totals={column.key: total for column, total in zip(columns, _totals(gathered)) if column.total == "sum"},
        unreadable=gathered.unreadable,
        notes=gathered.notes,
    )


def _classic(gathered: Gathered, source: Source, layout: Layout) -> list[str]:
    columns = gathered.request.columns
    rows = [_indented(row) if row.get("depth") else row for row in gathered.rows]
    cells = [[row[column.key] for column in columns] for row in rows]
    totals = _totals(gathered, 1024) if layout.totals else None
    return table_lines(columns, cells, totals, amount_format(source, gathered.request.real, layout), layout)


def _totals(gathered: Gathered, scale: int = 1) -> list[Value]:
    """Add up; of the machine's five parts, which make up its memory, all must be known (-W has a row for the rest)."""
    columns, request = gathered.request.columns, gathered.request
    totals = totals_of(columns, gathered.rows, scale)
    if request.report != "system" or request.detailed:
        return totals
    unknown = {column.key for column in columns for row in gathered.rows if row[column.key] is None}
    return [None if column.key in unknown else total for column, total in zip(columns, totals)]


def table_lines(
    columns: Sequence[Column],
    cells: Sequence[Sequence[Value]],
    totals: Sequence[Value] | None,
    amount: Amount,
    layout: Layout,
) -> list[str]:
    """Lay cells out as smem does, with its widths or fitted ones."""
    widths = None
    if layout.autosize:
        widths = fitted_widths(columns, cells, amount, header=layout.header, terminal=terminal_width())
    return classic_table(columns, cells, amount=amount, header=layout.header, totals=totals, widths=widths)


def _indented(row: Row) -> Row:
    """Show by blanks how deep in its tree a process is."""
    return row | {"command": "  " * min(int(row["depth"] or 0), 12) + str(row["command"])}


def totals_of(columns: Iterable[Column], rows: Sequence[Row], scale: int = 1) -> list[Value]:
    """Add up the rows; of trees only the roots, which hold all the others.

    ``scale`` is what each amount is rounded down to first, in bytes: the classic sums are of whole KiB.
    """
    roots = [row for row in rows if not row.get("depth")]
    return [
        total_of(column, [row[column.key] for row in (roots if column.total == "sum" else rows)], scale)
        for column in columns
    ]


_SWAP = frozenset(("swap", "swappss", "delta_swap", "delta_swappss"))


def amount_format(source: Source, real: int | None, layout: Layout, compared: str = "") -> Amount:
    """Choose how amounts are printed; -k wins over -p, as in smem.

    Percentages are of all memory, of swap space for swap; ``compared`` is what before, after and delta are of.
    """
    if layout.abbreviate:
        return abbreviated
    if not layout.percent:
        return plain_kib
    try:
        meminfo = read_meminfo(source).meminfo
    except MemtoolsError:
        meminfo = {}
    whole, swap = real or meminfo.get("MemTotal"), meminfo.get("SwapTotal")
    of_swap = _SWAP | {"before", "after", "delta"} if compared in _SWAP else _SWAP
    return percent_of(lambda column: swap if column.key in of_swap else whole)


def terminal_width() -> int:
    """Tell the width of the terminal on stdin, as smem does: stdout may be a pipe to a pager."""
    return terminal_columns(sys.__stdin__, least=40)
