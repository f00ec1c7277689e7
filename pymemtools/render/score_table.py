"""The text of oom-scores: its own table, the well-known script's, and lines of words."""

from __future__ import annotations

from collections.abc import Sequence

from pymemtools.models.oom import ADJ_NEVER
from pymemtools.render.classic_table import Value, cell, classic_table, plain_kib
from pymemtools.render.escape import cut, escape, width
from pymemtools.report import Column, Report, Table, table_of
from pymemtools.reports.oom_scores.candidates import Candidate
from pymemtools.reports.oom_scores.columns import COLUMNS, SHOWN, SHOWN_WIDE
from pymemtools.reports.oom_scores.report import Comparison, Ranking
from pymemtools.reports.oom_scores.safer import Safer

_KILLS = {True: "yes", False: "never", None: None}


def ranking_lines(report: Report, room: int | None, *, is_wide: bool) -> list[str]:
    """Lay out the table, no wider than ``room`` columns where there is an end to it, and who is killed."""
    found: Ranking = report.answer
    return [*_table_lines(report.table, SHOWN_WIDE if is_wide else SHOWN, room), *map(escape, found.said)]


def candidate_lines(rows: Sequence[Candidate], room: int | None) -> list[str]:
    """Lay candidates out as the table of oom-scores."""
    return _table_lines(table_of(COLUMNS, rows), SHOWN, room)


def _table_lines(table: Table, keys: Sequence[str], room: int | None) -> list[str]:
    """Lay out some columns, no wider than ``room`` columns of characters."""
    shown = table.only(keys)
    cells = {**shown.cells, "killable": [_KILLS[killable] for killable in shown.cells["killable"]]}
    rows = list(zip(*(cells[key] for key in keys)))
    widths = [column.width for column in shown.columns]
    lines = [line.rstrip() for line in classic_table(shown.columns, rows, amount=plain_kib, widths=widths)]
    if room is None or all(width(line) <= room for line in lines):
        return lines
    # What figures do not need is the command line's: of who is killed next more than a folder should be seen.
    widths = [min(own, _needed(column, row)) for own, column, row in zip(widths, shown.columns, zip(*rows))]
    lines = [line.rstrip() for line in classic_table(shown.columns, rows, amount=plain_kib, widths=widths)]
    texts = ["Command", *(escape(str(row[-1])) for row in rows)]  # the last column: numbers are never cut
    return [cut(line, max(room, len(line) - len(text) + 7)).rstrip() for line, text in zip(lines, texts)]


def _needed(column: Column, values: Sequence[Value]) -> int:
    """Tell how wide a column's title and values are."""
    return max(width(column.title), *(width(cell(column, value, plain_kib)) for value in values))


def classic_lines(report: Report) -> list[str]:
    """Print the bytes of the well-known script: every process with a score, sort -k 2nr."""
    found: Ranking = report.answer
    lines = [
        (row.oom_score, f"{row.pid}\t{row.oom_score}\t\t{row.oom_score_adj or 0}\t{escape(row.name)}")
        for row in found.rows
        if row.oom_score
    ]
    return [
        "PID\tOOM Score\tOOM Adj\tCommand",
        *(line for _, line in sorted(lines, key=lambda each: (-each[0], each[1]))),
    ]


def comparison_lines(report: Report) -> list[str]:
    """Say where the kernel's scores and the model's differ."""
    found: Comparison = report.answer
    lines = [
        f"{row.pid} {escape(row.name)}: the kernel says {row.oom_score}, the model {row.oom_score_computed}"
        for row in found.differing
    ]
    count = f"{len(found.rows)} processes, {len(found.differing)} differ"
    return [*lines, f"{count}; scores are those of Linux {found.scale} and later"]


def safer_lines(report: Report) -> list[str]:
    """Say which oom_score_adj makes one process safer than another."""
    found: Safer = report.answer
    a, b, adj = found.one.pid, found.other.pid, found.one.oom_score_adj or 0
    if found.one.badness_pages is None:
        return [f"{a} is never killed."]
    if found.is_safer:
        return [f"{a} is safer than {b} already, with oom_score_adj {adj}."]
    if found.other.badness_pages is None:
        return [f"{b} is never killed: only oom_score_adj -1000 makes {a} as safe."]
    if found.needed_adj == ADJ_NEVER:
        return [f"No oom_score_adj but -1000 makes {a} safer than {b}."]
    return [f"oom_score_adj {found.needed_adj} or less makes {a} safer than {b}."]
