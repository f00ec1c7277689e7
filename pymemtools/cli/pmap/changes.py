"""``pmap --diff`` and ``--watch``: mappings that are new, gone, grown or shrunk, largest change first."""

from __future__ import annotations

from collections.abc import Sequence

from pymemtools.cli import say
from pymemtools.cli.pmap.columns import check_known
from pymemtools.cli.pmap.request import Request
from pymemtools.readings.mappings import ProcessMaps
from pymemtools.reports.changes import Change, changes
from pymemtools.reports.map_diff import pair
from pymemtools.reports.map_frame import Frame, Value, frame_of, group

_IDENTITY = ("pid", "address", "perm", "kind", "mapping")
Row = dict[str, Value]


def changed(before: ProcessMaps, after: ProcessMaps, request: Request) -> Frame:
    """Compare two looks at one process by one figure: the column that --sort names, one of --columns, or Rss."""
    field = request.figure
    extra = ["Size"] if field != "Size" else []
    fields = list(dict.fromkeys([*_IDENTITY, "path", field, *extra]))
    old, new = frame_of([before], fields), frame_of([after], fields)
    if request.group:
        old, new = (group(frame, request.group, [field, *extra]) for frame in (old, new))
        rows, key = (list(old.rows()), list(new.rows())), request.group
        identity: Sequence[str] = (request.group,)
    else:
        rows, key = _numbered(before, after, list(old.rows()), list(new.rows())), "place"
        identity = (*_IDENTITY[:-1], "path" if request.style.full else "mapping")
    check_known(new, (field,))
    found, unknown = changes(*rows, key=lambda row: row[key], field=field)
    if unknown:
        say(f"pmap: {after.pid}: {field} is not known in both looks; left out: {unknown}")
    found.sort(key=lambda change: -abs(change.delta() or 0))
    chosen = found[: request.top]
    if request.reverse:
        chosen.reverse()
    return _frame(chosen, identity, extra)


def _numbered(before: ProcessMaps, after: ProcessMaps, old: list[Row], new: list[Row]) -> tuple[list[Row], list[Row]]:
    """Give rows of the same mapping the same ``place``."""
    for place, (i, j) in enumerate(pair(before.mappings, after.mappings)):
        if i is not None:
            old[i]["place"] = place
        if j is not None:
            new[j]["place"] = place
    return old, new


def _frame(chosen: Sequence[Change], identity: Sequence[str], extra: Sequence[str]) -> Frame:
    columns: dict[str, Sequence[Value]] = {
        "change": [change.kind for change in chosen],
        "before": [None if change.before is None else change.before[change.field] for change in chosen],
        "after": [None if change.after is None else change.after[change.field] for change in chosen],
        "delta": [change.delta() for change in chosen],
    }
    for field in extra:
        columns[f"delta_{field}"] = [change.delta(field) for change in chosen]
    for field in identity:
        columns[field] = [change.row[field] for change in chosen]
    return Frame(columns, frozenset())


def joined(frames: Sequence[Frame]) -> Frame:
    """Put the changes of several processes into one table."""
    fields = frames[0].columns if frames else ()
    return Frame(
        {field: [value for frame in frames for value in frame.columns[field]] for field in fields}, frozenset()
    )
