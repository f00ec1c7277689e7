"""The classic table of smem's reports."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import NamedTuple

from pymemtools.cli.terminal import terminal_columns
from pymemtools.render.classic_table import Amount, abbreviated, classic_table, fitted_widths, percent_of, plain_kib
from pymemtools.report import Report
from pymemtools.reports.smem.report import Answer
from pymemtools.reports.smem.rows import Row


class Layout(NamedTuple):
    """How the report is laid out."""

    header: bool
    totals: bool
    autosize: bool
    abbreviate: bool
    percent: bool

    def lines(self, report: Report) -> Iterable[str]:
        """Lay a report out as smem does, with its widths or fitted ones."""
        answer: Answer = report.answer
        columns, amount = answer.plan.columns, self.amount(answer)
        rows = [_indented(row) if row.get("depth") else row for row in answer.rows]
        cells = [[row[column.key] for column in columns] for row in rows]
        totals = answer.totals(1024) if self.totals else None
        widths = None
        if self.autosize:
            widths = fitted_widths(columns, cells, amount, header=self.header, terminal=terminal_width())
        return classic_table(columns, cells, amount=amount, header=self.header, totals=totals, widths=widths)

    def amount(self, answer: Answer) -> Amount:
        """Choose how amounts are printed; -k wins over -p, as in smem.

        Percentages are of all memory, of swap space for swap.
        """
        if self.abbreviate:
            return abbreviated
        if not self.percent:
            return plain_kib
        of_swap = _SWAP | {"before", "after", "delta"} if answer.compared in _SWAP else _SWAP
        return percent_of(lambda column: answer.swap_space if column.key in of_swap else answer.memory)


_SWAP = frozenset(("swap", "swap_pss", "delta_swap", "delta_swap_pss"))


def _indented(row: Row) -> Row:
    """Show by blanks how deep in its tree a process is."""
    return row | {"command": "  " * min(int(row["depth"] or 0), 12) + str(row["command"])}


def terminal_width() -> int:
    """Tell the width of the terminal on stdin, as smem does: stdout may be a pipe to a pager."""
    return terminal_columns(sys.__stdin__, least=40)
