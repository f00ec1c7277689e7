"""The question of groups: its request and its answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pymemtools.errors import MemtoolsError, UsageProblem
from pymemtools.readings.cgroup_path import Hierarchy, find_hierarchy, named_group
from pymemtools.readings.group_tree import GroupReading, GroupTree, read_tree
from pymemtools.readings.groups import Level, read_levels
from pymemtools.readings.hidden import invisible, unread
from pymemtools.readings.lost_pss import lost_pss
from pymemtools.readings.processes import Sample
from pymemtools.report import Column, Report, column_named, table_of
from pymemtools.reports.groups.columns import COLUMNS, OTHERS
from pymemtools.reports.groups.mapped import mapped_by, read_members
from pymemtools.reports.groups.order import flat_order, folded, tree_order
from pymemtools.reports.groups.rows import GroupRow, rows_of
from pymemtools.sources.base import Source


class GroupsRequest(NamedTuple):
    """Which groups, and what of them."""

    path: str | None = None  # with those below it; None: all
    with_pss: bool = True  # which reads smaps_rollup of every process in them
    shows_all: bool = False  # those without processes and memory, too
    top: int | None = None  # the largest, wherever they are in the tree
    sort: str = "current"
    is_reversed: bool = False
    columns: tuple[str, ...] | None = None  # keys


class Groups(NamedTuple):
    """The groups that are shown, in order."""

    rows: Sequence[GroupRow]
    folded: int  # left out: without processes and without memory
    request: GroupsRequest
    refused: int = 0  # of which something could not be read


_CHARGED = Column("charged", "Charged", "what is charged to the group and those in it, by its files", "bytes")


def column_of(name: str) -> Column:
    """Find a column by its name. Raises UsageProblem."""
    found = column_named(COLUMNS, name, OTHERS)
    if found is None:
        raise UsageProblem(f"groups: unknown column '{name}'; there are: {' '.join(column.key for column in COLUMNS)}")
    return found


def groups_report(source: Source, request: GroupsRequest) -> Report:
    """Answer the request. Raises Missing where there is no such group, or none at all."""
    hierarchy = find_hierarchy(source)
    top = _path(source, hierarchy, request.path)
    tree = read_tree(source, hierarchy, top)
    members = read_members(source, hierarchy, top, with_pss=request.with_pss)
    above, doubts = _above(source, hierarchy, top)
    mapped = mapped_by(source, hierarchy, tree.groups, members, with_pss=request.with_pss)
    rows = rows_of(tree.groups, above, mapped)
    hidden = set() if request.shows_all else folded(rows, [group.parent for group in tree.groups])
    shown = [rows[place] for place in _order(rows, tree, request) if place not in hidden][: request.top]
    table = table_of(COLUMNS, shown)
    warnings = (*_warnings(source, tree, members, request), *doubts)
    return Report(
        "groups",
        table if request.columns is None else table.only(request.columns),
        Groups(shown, len(hidden), request, tree.refused + tree.too_deep),
        totals={"cgroup_version": hierarchy.version, "groups": len(rows), "folded": len(hidden)},
        facts=source.facts._asdict(),
        notes=warnings,
        warnings=warnings,
        unreadable=members.unreadable,
        within=(_CHARGED,),
    )


def _path(source: Source, hierarchy: Hierarchy, name: str | None) -> str:
    return "/" if name is None else named_group(source, hierarchy, name)


def _above(source: Source, hierarchy: Hierarchy, top: str) -> tuple[Sequence[Level], list[str]]:
    """Read the groups above, whose limits hold, too."""
    if top == "/":
        return (), []
    try:
        return read_levels(source, hierarchy, top)[1:], []
    except MemtoolsError as error:
        return (), [f"the limits above {top} are not known: {error}"]


def _order(rows: Sequence[GroupRow], tree: GroupTree, request: GroupsRequest) -> list[int]:
    parents = [group.parent for group in tree.groups]
    ordered = tree_order if request.top is None else flat_order
    return ordered(rows, parents, column_of(request.sort), is_reversed=request.is_reversed)


def _stands_alone(tree: GroupTree, group: GroupReading) -> bool:
    """Tell whether a group with others in it counts without them, as those of version 1 may; the root never does."""
    parent = None if group.parent is None else tree.groups[group.parent]
    return parent is not None and parent.level.path != "/" and not parent.limits_children


def _warnings(source: Source, tree: GroupTree, members: Sample, request: GroupsRequest) -> Iterator[str]:
    yield from invisible(source)
    if request.with_pss and members.unreadable:
        yield unread(source, members.unreadable, members.seen, members.reason)
    if request.with_pss:
        yield from lost_pss(members.processes)
    if not any(group.level.stat or group.level.usage is not None for group in tree.groups):
        yield "the kernel counts the memory of none of these groups: their memory controller is off"
    if any(_stands_alone(tree, group) for group in tree.groups):
        yield "groups with use_hierarchy=0 count without the groups in them; their PSS and processes are with those"
    if tree.refused:
        yield f"{tree.refused} {'group' if tree.refused == 1 else 'groups'} could not be read whole ({tree.reason})"
    if tree.doubts:
        more = f", and {len(tree.doubts) - 1} more figures" if tree.doubts[1:] else ""
        yield f"{tree.doubts[0]}{more}"
    if tree.too_deep:
        yield f"groups left out, for their files' paths are longer than the kernel opens: {tree.too_deep}"
