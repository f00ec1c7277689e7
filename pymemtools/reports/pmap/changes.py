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

_IDENTITY = ("pid", "address", "perm", "kind", "mapping")
Row = dict[str, Any]


def changes_report(earlier: Report | None, report: Report, request: PmapRequest) -> Report:
    """Compare two looks at one process by one figure: the column that --sort names, one of --columns, or Rss."""
    after: ProcessMaps = report.answer
    warnings = report.warnings
    if earlier is None:
        warnings = (*warnings, f"{after.pid}: not in the earlier look: all of it is new")
    table, unknown = _changed(after.take(()) if earlier is None else earlier.answer, after, request)
    if unknown:
        warnings = (*warnings, f"{after.pid}: {request.figure} is not known in both looks; left out: {unknown}")
    return report._replace(table=table, warnings=warnings)


def _changed(before: ProcessMaps, after: ProcessMaps, request: PmapRequest) -> tuple[Table, int]:
    figure = request.figure
    extra = ["Size"] if figure != "Size" else []
    keys = list(dict.fromkeys([*_IDENTITY, "path", figure, *extra]))
    old, new = mapping_table([before], keys), mapping_table([after], keys)
    if request.group:
        old, new = (grouped(table, request.group, [figure, *extra]) for table in (old, new))
        rows, same = (list(old.rows()), list(new.rows())), request.group
        identity: Sequence[str] = (request.group,)
    else:
        rows, same = _numbered(before, after, list(old.rows()), list(new.rows())), "place"
        identity = (*_IDENTITY[:-1], "path" if request.full else "mapping")
    check_known(new, (figure,))
    found, unknown = changes(*rows, key=lambda row: row[same], field=figure)
    found.sort(key=lambda change: -abs(change.delta() or 0))
    chosen = found[: request.top]
    if request.reverse:
        chosen.reverse()
    return _table(chosen, identity, extra), unknown


def _numbered(before: ProcessMaps, after: ProcessMaps, old: list[Row], new: list[Row]) -> tuple[list[Row], list[Row]]:
    """Give rows of the same mapping the same ``place``."""
    for place, (i, j) in enumerate(pair(before.mappings, after.mappings)):
        if i is not None:
            old[i]["place"] = place
        if j is not None:
            new[j]["place"] = place
    return old, new


def _table(chosen: Sequence[Change], identity: Sequence[str], extra: Sequence[str]) -> Table:
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
    return Table(tuple(map(column_of, cells)), cells)
