"""``smem --diff OTHER``: what is new, gone, grown or shrunk since an earlier capture, largest change first."""

from __future__ import annotations

from collections.abc import Iterable

from pymemtools.cli.options import facts_as_json
from pymemtools.cli.smem.output import Layout, amount_format, table_lines, totals_of
from pymemtools.cli.smem.request import Request
from pymemtools.cli.smem.rows import Gathered
from pymemtools.render.columns import sort_key
from pymemtools.report import Column
from pymemtools.reports.changes import Change, changes
from pymemtools.reports.smem import Row
from pymemtools.sources.base import Source

CHANGE = Column("change", "Change", "new, gone, grown or shrunk", "text", 6, right=False)
BEFORE, AFTER, DELTA = (
    Column(field, title, help, "bytes", 8, "sum")
    for field, title, help in (
        ("before", "Before", "the amount in the other source"),
        ("after", "After", "the amount in this one"),
        ("delta", "Delta", "by how much it grew"),
    )
)


def lines_of_changes(
    before: Gathered, after: Gathered, source: Source, other: Source, layout: Layout
) -> tuple[Iterable[str], list[str]]:
    """Lay the changes out; give the lines and what to note about them."""
    request = after.request
    columns = _columns(request)
    rows, unknown = _rows(before, after)
    notes = list(dict.fromkeys([*before.notes, *after.notes]))
    if unknown:
        notes.append(f"{unknown} rows could not be compared: one side does not tell their {request.weight}")
    counted = [{**row, "before": row["before"] or 0, "after": row["after"] or 0} for row in rows]
    if layout.style == "text":
        cells = [[row[column.key] for column in columns] for row in rows]
        totals = totals_of(columns, counted, 1024) if layout.totals else None
        amount = amount_format(source, request.real, layout, compared=request.weight)
        return table_lines(columns, cells, totals, amount, layout), notes
    from pymemtools.render.machine import machine_lines

    totals_by_field = {
        column.key: total for column, total in zip(columns, totals_of(columns, counted)) if column.total == "sum"
    }
    lines = machine_lines(
        layout.style,
        "smem",
        [{column.key: row[column.key] for column in columns} for row in rows],
        fields=[column.key for column in columns],
        source={**facts_as_json(source.facts), "other": facts_as_json(other.facts)},
        totals=totals_by_field,
        unreadable=after.unreadable,
        notes=notes,
    )
    return lines, notes


def _columns(request: Request) -> list[Column]:
    """Say what a change is made of: whose it is, the figure compared, and the growth of other figures asked for."""
    weighed = request.view.column(request.weight)
    kind = "bytes" if weighed is None else weighed.kind
    columns = request.columns
    is_usual = tuple(column.key for column in columns) == request.view.shown
    return [
        *(column for column in columns if column.kind == "text" or column.key == "pid"),
        CHANGE,
        *(column._replace(kind=kind) for column in (BEFORE, AFTER, DELTA)),
        *(
            column._replace(key=f"delta_{column.key}", title=f"+{column.title}")
            for column in columns
            if column.total == "sum" and column.key != request.weight and not is_usual
        ),
    ]


def _rows(before: Gathered, after: Gathered) -> tuple[list[Row], int]:
    """Compare, and give the rows that changed enough, largest change first; and how many could not be told."""
    request = after.request
    key = request.view.key
    found = changes(before.rows, after.rows, key=lambda row: tuple(row[field] for field in key), field=request.weight)
    least = request.least or 0
    changed = [(abs(change.delta() or 0), change) for change in found.rows]
    chosen = [(size, change) for size, change in changed if size >= least]
    chosen.sort(key=lambda each: (-each[0], sort_key(each[1].row[field] for field in key)))
    rows = [_row(change, request) for _, change in chosen[: request.top]]
    return (rows[::-1] if request.reverse else rows), found.unknown


def _row(change: Change, request: Request) -> Row:
    deltas = {
        f"delta_{column.key}": change.delta(column.key)
        for column in request.columns
        if column.total == "sum" and column.key != request.weight
    }
    before = None if change.before is None else change.before[request.weight]
    after = None if change.after is None else change.after[request.weight]
    compared = {"change": change.kind, "before": before, "after": after, "delta": change.delta()}
    return {**change.row, **compared, **deltas}
