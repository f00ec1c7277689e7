"""Processes that belong together: the same program, control group or unit, or a process with its descendants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pymemtools.procfs.cgroup import unit_of
from pymemtools.readings.process import Process, program_of
from pymemtools.reports.smem.rows import Figures, Row, add_up, figures_of, owner_of, sum_of

GROUPINGS: Mapping[str, Callable[[Process], str | None]] = {
    "command": lambda process: program_of(process.command) or process.name,
    "cgroup": lambda process: process.cgroup,
    "unit": lambda process: unit_of(process.cgroup),
}


def group_rows(processes: Sequence[Process], by: str, figures: Figures) -> list[Row]:
    """Sum processes by one of GROUPINGS; those without a control group or unit have a row of their own."""
    name_of = GROUPINGS[by]
    groups: dict[str | None, list[Process]] = {}
    for process in processes:
        groups.setdefault(name_of(process), []).append(process)
    return [{"group": name, "processes": len(members), **sum_of(members, figures)} for name, members in groups.items()]


def tree_rows(
    processes: Sequence[Process],
    figures: Figures,
    order: Callable[[Row], Any],
    *,
    reverse: bool = False,
    numeric: bool = False,
) -> list[Row]:
    """Sum each process with its descendants, children below their parents and siblings sorted by ``order``.

    A process whose parent is not among ``processes`` is a root, so the roots add up to the whole.
    """
    children = _children(processes)
    rows: dict[int, Row] = {}
    counts: dict[int, int] = {}
    sums: dict[int, dict[str, int | None]] = {}
    for process, depth in reversed(list(_walk(children))):
        pid, user = process.pid, owner_of(process, numeric=numeric)
        below = [child.pid for child in children.get(pid, ())]
        sums[pid] = add_up([process.sums, *(sums[child] for child in below)])
        counts[pid] = 1 + sum(counts[child] for child in below)
        who: Row = {"pid": pid, "depth": depth, "user": user, "command": process.command, "processes": counts[pid]}
        rows[pid] = {**who, **figures_of(sums[pid], figures)}
    for siblings in children.values():
        siblings.sort(key=lambda process: order(rows[process.pid]), reverse=reverse)
    return [rows[process.pid] for process, _ in _walk(children)]


def _walk(children: Mapping[int | None, list[Process]]) -> Iterator[tuple[Process, int]]:
    """Yield each process with its depth, parents first; without recursion, since a tree may be 10,000 deep."""
    todo = [(process, 0) for process in reversed(children.get(None, []))]
    while todo:
        process, depth = todo.pop()
        yield process, depth
        todo += [(child, depth + 1) for child in reversed(children.get(process.pid, []))]


def _children(processes: Sequence[Process]) -> dict[int | None, list[Process]]:
    """Sort processes under their parents' PIDs, roots under None."""
    pids = {process.pid for process in processes}
    parents = {process.pid: process.ppid if process.ppid in pids else None for process in processes}
    _break_cycles(parents)
    children: dict[int | None, list[Process]] = {}
    for process in processes:
        children.setdefault(parents[process.pid], []).append(process)
    return children


def _break_cycles(parents: dict[int, int | None]) -> None:
    """Make a root of one process in each ring of parents, which only a damaged or hostile capture holds."""
    known: set[int] = set()
    for pid in parents:
        path: dict[int, None] = {}
        at: int | None = pid
        while at is not None and at not in known and at not in path:
            path[at] = None
            at = parents[at]
        if at is not None and at in path:
            parents[at] = None
        known.update(path)
