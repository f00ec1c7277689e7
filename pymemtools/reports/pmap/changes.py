"""What changed between two looks at a process: mappings that are new, gone, grown or shrunk, largest change first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymemtools.readings.mappings import ProcessMaps
from pymemtools.report import Report, Table
from pymemtools.reports.changes import Change, changes
from pymemtools.reports.map_diff import pair
from pymemtools.reports.pmap.columns import check_known, column_of
from pymemtools.reports.pmap.request import PmapRequest
from pymemtools.reports.pmap.table import Cells, grouped, mapping_table

_IDENTITY = ("pid", "start", "perms", "kind")
Row = dict[str, Any]


def changes_report(earlier: Report | None, report: Report, request: PmapRequest) -> Report:
    """Compare two looks at one process by one figure: the column that --sort names, one of --columns, or Rss."""
    after: ProcessMaps = report.answer
    warnings = report.warnings
    if earlier is None:
        warnings = (*warnings, f"{after.pid}: not in the earlier look: all of it is new")
    table, unknown = _changed(after.take(()) if earlier is None else earlier.answer, after, request)
    if unknown:
        figure = column_of(request.figure, after.columns).title
        warnings = (*warnings, f"{after.pid}: {figure} is not known in both looks; left out: {unknown}")
    return report._replace(table=table, warnings=warnings)


def _changed(before: ProcessMaps, after: ProcessMaps, request: PmapRequest) -> tuple[Table, int]:
    request = request.among([*before.columns, *after.columns])
    figure = request.figure
    extra = ["size"] if figure != "size" else []
    keys = list(dict.fromkeys([*_IDENTITY, "mapping", "path", figure, *extra]))
    old, new = mapping_table([before], keys), mapping_table([after], keys)
    if request.group:
        old, new = (grouped(table, request.group, [figure, *extra]) for table in (old, new))
        rows, same = (list(old.rows()), list(new.rows())), request.group
        identity: Sequence[str] = (request.group,)
    else:
        rows, same = _numbered(before, after, list(old.rows()), list(new.rows())), "place"
        identity = (*_IDENTITY, "path" if request.full or request.everything else "mapping")
    check_known(new, (figure,))
    kind = next(column.kind for column in new.columns if column.key == figure)
    found, unknown = changes(*rows, key=lambda row: row[same], field=figure)
    found.sort(key=lambda change: -abs(change.delta() or 0))
    chosen = found[: request.top]
    if request.reverse:
        chosen.reverse()
    return _table(chosen, identity, extra, kind), unknown


def _numbered(before: ProcessMaps, after: ProcessMaps, old: list[Row], new: list[Row]) -> tuple[list[Row], list[Row]]:
    """Give rows of the same mapping the same ``place``."""
    for place, (i, j) in enumerate(pair(before.mappings, after.mappings)):
        if i is not None:
            old[i]["place"] = place
        if j is not None:
            new[j]["place"] = place
    return old, new


def _table(chosen: Sequence[Change], identity: Sequence[str], extra: Sequence[str], kind: str) -> Table:
    cells: dict[str, Cells] = {
        "change": [change.kind for change in chosen],
        "before": [None if change.before is None else change.before[change.field] for change in chosen],
        "after": [None if change.after is None else change.after[change.field] for change in chosen],
        "delta": [change.delta() for change in chosen],
    }
    for key in extra:
        cells[f"delta_{key}"] = [change.delta(key) for change in chosen]
    for key in identity:
        cells[key] = [change.row[key] for change in chosen]
    amounts = {key: column_of(key)._replace(kind=kind) for key in ("before", "after", "delta")}
    return Table(tuple(amounts.get(key) or column_of(key) for key in cells), cells)
