"""Which groups of a tree are shown, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from pymemtools.report import Column
from pymemtools.reports.groups.rows import GroupRow

Parents = Sequence["int | None"]


def folded(rows: Sequence[GroupRow], parents: Parents) -> set[int]:
    """Give the places of the groups without processes and without memory, in which there is none with either.

    The first is the one that was asked for, and never folded.
    """
    is_kept = [not _is_empty(row) for row in rows]
    for place in range(len(rows) - 1, 0, -1):
        parent = parents[place]
        if is_kept[place] and parent is not None:
            is_kept[parent] = True
    return {place for place in range(1, len(rows)) if not is_kept[place]}


def _is_empty(row: GroupRow) -> bool:
    if row.current is None and row.processes is None:
        return False  # nobody knows
    return not (row.current or row.swap or row.processes or row.oom_kills)


def tree_order(rows: Sequence[GroupRow], parents: Parents, column: Column, *, is_reversed: bool) -> list[int]:
    """Sort groups within the one that they are in; each stays behind that."""
    children: dict[int | None, list[int]] = {}
    for place in _sorted(rows, range(len(rows)), column, is_reversed=is_reversed):
        children.setdefault(parents[place], []).append(place)
    order, waiting = [], children.get(None, [])[::-1]
    while waiting:
        place = waiting.pop()
        order.append(place)
        waiting += children.get(place, [])[::-1]
    return order


def flat_order(rows: Sequence[GroupRow], parents: Parents, column: Column, *, is_reversed: bool) -> list[int]:
    """Sort the groups that hold something themselves: that have processes of their own, or no group in them.

    The first, which holds all the others, is left out.
    """
    within = [0] * len(rows)
    has_children = set(parents)
    for place, parent in enumerate(parents):
        if parent is not None:
            within[parent] += rows[place].processes or 0
    own = [
        place
        for place in range(1 if len(rows) > 1 else 0, len(rows))
        if place not in has_children or (rows[place].processes or 0) > within[place]
    ]
    return _sorted(rows, own, column, is_reversed=is_reversed)


def _sorted(rows: Sequence[GroupRow], places: Sequence[int], column: Column, *, is_reversed: bool) -> list[int]:
    """Put the largest first, names in their order, and what is unknown last, whichever way round."""
    is_text = column.kind == "text"
    cells = {place: getattr(rows[place], column.key) for place in places}
    known = sorted((place for place in places if cells[place] is not None), key=lambda place: rows[place].cgroup)
    known.sort(key=cells.__getitem__, reverse=is_text == is_reversed)
    return [*known, *(place for place in places if cells[place] is None)]
