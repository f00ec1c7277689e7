"""Memory groups on paper: figures on the left, the tree on the right, and below it what needs attention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pymemtools.procfs.cgroup_names import label_of, short_path
from pymemtools.render.escape import escape, pad, width
from pymemtools.render.fit import wrapped
from pymemtools.report import Column
from pymemtools.reports.groups.columns import COLUMNS
from pymemtools.reports.groups.report import Groups
from pymemtools.reports.groups.rows import NEAR, GroupRow
from pymemtools.units import brief_size

_WIDTH = 79
_DEEPEST = 8  # levels that are shown by indentation
_MOST_SAID = 10  # groups near their limits, one by one
_MAPPED = {"current": "pss", "anonymous": "pss_anon", "page_cache": "pss_file", "shmem": "pss_shmem"}
_OF_THE_TREE = ("cgroup", "depth")


def tree_lines(found: Groups, columns: Sequence[Column]) -> Iterator[str]:
    """Lay out the groups, a line each."""
    columns = [column for column in columns if column.key not in _OF_THE_TREE]
    titles = [column.title for column in columns]
    rows = [[_cell(column, getattr(row, column.key)) for column in columns] for row in found.rows]
    widths = [max(map(width, cells)) for cells in zip(titles, *rows)]
    names = [escape(short_path(row.cgroup)) if found.request.top is not None else _branch(row) for row in found.rows]
    for cells, name in zip([titles, *rows], ["Group", *names]):
        figures = [pad(cell, wide, right=column.right) for cell, wide, column in zip(cells, widths, columns)]
        yield " ".join([*figures, name])


def _branch(row: GroupRow) -> str:
    """Indent a group's name by its depth; further down than there is room for, the depth is a number."""
    name = escape(label_of(row.cgroup))
    return f"{'  ' * row.depth}{name}" if row.depth <= _DEEPEST else f"{'  ' * _DEEPEST}({row.depth}) {name}"


def detail_lines(row: GroupRow) -> Iterator[str]:
    """Say all that is known of one group, a figure a line, and what is not known.

    What is charged to it stands beside what its processes have mapped of the same kind.
    """
    yield from wrapped(escape(row.cgroup), _WIDTH) or [""]
    has_pss = row.pss is not None
    yield f"{'':<18}{'Charged':>9}{'PSS' if has_pss else '':>9}".rstrip()
    unknown = []
    for column in COLUMNS:
        value = getattr(row, column.key)
        if column.key in _OF_THE_TREE or (has_pss and column.key in _MAPPED.values()):
            continue
        if value is None:
            unknown.append(column.key)
        else:
            mapped = _cell(column, getattr(row, _MAPPED[column.key])) if has_pss and column.key in _MAPPED else ""
            yield from _detail(column, _cell(column, value), mapped)
    if unknown:
        yield from wrapped(
            f"none, or not told: {', '.join(unknown)}", _WIDTH, initial_indent="  ", subsequent_indent="    "
        )


def _detail(column: Column, cell: str, mapped: str) -> list[str]:
    """Lay out one figure with what it means, or a name."""
    if not column.right:
        return wrapped(f"  {column.key:<16} {cell}", _WIDTH, subsequent_indent=" " * 19, break_on_hyphens=False)
    head = f"  {column.key:<16}{cell:>9}{mapped:>9}  "
    return wrapped(head + column.help, _WIDTH, subsequent_indent=" " * len(head), break_on_hyphens=False)


def said_lines(found: Groups) -> Iterator[str]:
    """Say in words which groups are near their limits, and what was left out."""
    near = [row for row in found.rows if row.state is not None]
    near.sort(key=lambda row: row.state != NEAR)
    for row in near[:_MOST_SAID]:
        yield from wrapped(_near(row), _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    if len(near) > _MOST_SAID:
        yield f"... and {len(near) - _MOST_SAID} more groups: see column state"
    if found.folded:
        plural = "group" if found.folded == 1 else "groups"
        yield f"{found.folded} {plural} without processes and memory not shown: see --all"


def _near(row: GroupRow) -> str:
    is_high = row.high is not None and (row.limit is None or row.high < row.limit)
    limit = (row.high if is_high else row.limit) or 0
    left = brief_size(max(limit - (row.current or 0), 0))
    kind = "limit" if not is_high else "memory.high"
    more = f", and {brief_size(row.reclaimable)} could be reclaimed" if row.reclaimable else ""
    return f"{escape(short_path(row.cgroup))}: {row.state}: {left} left of its {kind} of {brief_size(limit)}{more}"


def _cell(column: Column, value: Any) -> str:
    """Write one figure in five characters where that can be, and what is unknown as ``-``."""
    if value is None:
        return "-"
    if column.kind == "bytes":
        return brief_size(value).replace(" ", "").removesuffix("B").removesuffix("i")
    if column.kind in ("percent", "seconds"):
        return f"{value:.2f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape(str(value))
