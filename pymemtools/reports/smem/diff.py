"""``smem --diff OTHER``: what is new, gone, grown or shrunk since an earlier capture, largest change first."""

from __future__ import annotations

from pymemtools.report import Column, Report
from pymemtools.reports.changes import Change, changes
from pymemtools.reports.smem.report import Answer, sort_key, table_of_rows
from pymemtools.reports.smem.request import Plan, Request
from pymemtools.reports.smem.rows import Row

CHANGE = Column("change", "Change", "new, gone, grown or shrunk", "text", 6, right=False)
BEFORE, AFTER, DELTA = (
    Column(field, title, help, "bytes", 8, "sum")
    for field, title, help in (
        ("before", "Before", "the amount in the other source"),
        ("after", "After", "the amount in this one"),
        ("delta", "Delta", "by how much it grew"),
    )
)


def smem_difference(before: Report, after: Report, request: Request) -> Report:
    """Make a report of what changed between two, of which every row was read: --min and --top are of changes here."""
    now: Answer = after.answer
    plan = now.plan._replace(request=request)
    rows, unknown = _rows(before.answer, now, plan)
    notes = list(dict.fromkeys([*before.notes, *after.notes]))
    if unknown:
        notes.append(f"{unknown} rows could not be compared: one side does not tell their {plan.weight}")
    columns = _columns(plan)
    answer = now._replace(rows=rows, plan=plan._replace(columns=tuple(columns)), compared=plan.weight)
    return after._replace(
        table=table_of_rows(columns, rows),
        answer=answer,
        totals={column.key: total for column, total in zip(columns, answer.totals()) if column.total == "sum"},
        facts={**after.facts, "other": before.facts},
        notes=tuple(notes),
        warnings=(*after.warnings[: len(after.warnings) - len(after.notes)], *notes),
    )


def _columns(plan: Plan) -> list[Column]:
    """Say what a change is made of: whose it is, the figure compared, and the growth of other figures asked for."""
    kind = "bytes" if plan.weighed is None else plan.weighed.kind
    is_usual = tuple(column.key for column in plan.columns) == plan.request.view.shown
    return [
        *(column for column in plan.columns if column.kind == "text" or column.key == "pid"),
        CHANGE,
        *(column._replace(kind=kind) for column in (BEFORE, AFTER, DELTA)),
        *(
            column._replace(key=f"delta_{column.key}", title=f"+{column.title}")
            for column in plan.columns
            if column.total == "sum" and column.key != plan.weight and not is_usual
        ),
    ]


def _rows(before: Answer, after: Answer, plan: Plan) -> tuple[list[Row], int]:
    """Compare, and give the rows that changed enough, largest change first; and how many could not be told."""
    request, identity = plan.request, plan.request.view.identity
    found = changes(before.rows, after.rows, key=lambda row: tuple(row[key] for key in identity), field=plan.weight)
    least = request.least or 0
    changed = [(abs(change.delta() or 0), change) for change in found.rows]
    enough = [(size, change) for size, change in changed if size >= least]
    enough.sort(key=lambda each: (-each[0], sort_key(each[1].row[key] for key in identity)))
    rows = [_row(change, plan) for _, change in enough[: request.top]]
    return (rows[::-1] if request.reverse else rows), found.unknown


def _row(change: Change, plan: Plan) -> Row:
    deltas = {
        f"delta_{column.key}": change.delta(column.key)
        for column in plan.columns
        if column.total == "sum" and column.key != plan.weight
    }
    before = None if change.before is None else change.before[plan.weight]
    after = None if change.after is None else change.after[plan.weight]
    compared = {"change": change.kind, "before": before, "after": after, "delta": change.delta()}
    return {**change.row, **compared, **deltas}
