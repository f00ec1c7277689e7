"""``pymemtools what-if overcommit``: how much memory would the kernel promise?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from pymemtools.cli.what_if.question import Answer, Asked, question
from pymemtools.cli.what_if.tables import sentence, size, table
from pymemtools.errors import Missing
from pymemtools.models.overcommit import ALWAYS, HEURISTIC, NEVER, Caller, Memory, lacking, largest_mapping, rule, slack
from pymemtools.models.release import since
from pymemtools.readings.machine import Machine
from pymemtools.readings.processes import read_processes
from pymemtools.reports.estimates import memory_of
from pymemtools.reports.what_if.commitments import WANTS, Commitment, commitments, forks_of
from pymemtools.reports.what_if.supposed import OVERCOMMIT
from pymemtools.units import minus, times

_NAMES = {HEURISTIC: "0 heuristic", ALWAYS: "1 always", NEVER: "2 never more"}
_NO_FIGURE = {HEURISTIC: "?", ALWAYS: "no limit", NEVER: "?"}
_NAMED = 3  # processes that the summary names


@question("overcommit", OVERCOMMIT[1:])
@click.option("--processes", is_flag=True, help="Show what is committed to each process, and how often it could fork.")
def command(asked: Asked, *, processes: bool) -> Answer:
    """Show CommitLimit, and the largest mapping that root and others would be granted, in each mode."""
    machine = asked.machine
    memory = memory_of(machine)
    mode = asked.before.setting("vm.overcommit_memory")
    has_processes = bool(asked.source.pids())  # the limits need none
    rows, unreadable = commitments(read_processes(asked.source, WANTS)) if has_processes else ([], 0)
    notes = [*machine.notes]
    if estimates := sum(row.is_estimate for row in rows):
        notes.append(f"processes without readable VmFlags: {estimates}; theirs is estimated from VmData and VmStk")
    if mode is None:
        notes.append("the source does not tell overcommit_memory")
    if machine.cpus is None:
        notes.append("the number of processors is not known, and so is how far off the counter of mode 2 may be")
    if processes:
        if names := lacking(NEVER, memory, machine.version):
            raise Missing(f"what-if overcommit: meminfo: no {names[0]} field")
        return _of_processes(rows, memory, machine, notes)._replace(unreadable=unreadable, seen=len(rows) + unreadable)
    notes += _unknown(memory, machine)
    stuck = None
    if not lacking(NEVER, memory, machine.version):
        stuck = [row for row in rows if forks_of(row, memory, machine.page_size, machine.version) == 0]
    modes = [_of_mode(each, memory, machine, mode, stuck, notes) for each in _NAMES]
    return Answer(
        [_state(memory, machine), "", *_table(modes), "", *sentence(_summary(rows, stuck))],
        modes,
        notes,
        unreadable=unreadable,
        seen=len(rows) + unreadable,
    )


def _unknown(memory: Memory, machine: Machine) -> Iterator[str]:
    """Name what of meminfo the figures of mode 2 and of mode 0 since 5.2 go by, and is not there."""
    names = dict.fromkeys((*lacking(NEVER, memory, machine.version), *(("SwapTotal",) if memory.swap is None else ())))
    yield from (f"meminfo: no {name} field: what rests on it is not known" for name in names)
    if machine.doubt and not since(machine.version, (5, 2)):
        yield machine.doubt


def _of_mode(
    mode: int,
    memory: Memory,
    machine: Machine,
    current: int | None,
    stuck: Sequence[Commitment] | None,
    notes: list[str],
) -> dict[str, Any]:
    """Say what a mode allows a process that has hardly any memory yet; a note says what is not known."""
    page = machine.page_size
    root = user = None
    try:
        root, user = (largest_mapping(mode, memory, Caller(0, is_admin), machine.version) for is_admin in (True, False))
    except Missing as error:
        notes += [str(error)] if str(error).startswith("mode") else []
    return {
        "mode": mode,
        "is_current": None if current is None else mode == current,
        "commit_limit": times(memory.limit, page),
        "committed_as": times(memory.committed, page),
        "headroom": times(minus(memory.limit, memory.committed), page),
        "largest_mmap_root": times(root, page),
        "largest_mmap_user": times(user, page),
        "cannot_fork": 0 if mode != NEVER else None if stuck is None else len(stuck),
        "rule": rule(mode, machine.version),
        "error_bound": None if mode != ALWAYS and root is None else _error_bound(mode, memory, machine),
    }


def _error_bound(mode: int, memory: Memory, machine: Machine) -> int | None:
    if mode != NEVER:
        return 0
    return None if machine.cpus is None else slack(memory.ram, machine.cpus, NEVER, machine.version) * machine.page_size


def _state(memory: Memory, machine: Machine) -> str:
    limit, committed = (times(pages, machine.page_size) for pages in (memory.limit, memory.committed))
    if limit is None or committed is None:
        return f"Committed_AS is {size(committed, 'not known')}, and the CommitLimit is {size(limit, 'not known')}."
    rest = f"{size(limit - committed)} below" if limit >= committed else f"{size(committed - limit)} above"
    return f"Committed_AS is {size(committed)}, {rest} the CommitLimit of {size(limit)}."


def _table(modes: Sequence[dict[str, Any]]) -> list[str]:
    return table(
        ("vm.overcommit_memory", "largest mmap by root", "by others", "+-"),
        [
            (
                _NAMES[row["mode"]] + (" (now)" if row["is_current"] else ""),
                *(size(row[key], _NO_FIGURE[row["mode"]]) for key in ("largest_mmap_root", "largest_mmap_user")),
                size(row["error_bound"], "?"),
            )
            for row in modes
        ],
    )


def _summary(rows: Sequence[Commitment], stuck: Sequence[Commitment] | None) -> str:
    """Say who could not fork in mode 2, the largest first."""
    if stuck is None:
        return "How many processes could fork in mode 2 is not known."
    if not stuck:
        return f"In mode 2 each of {len(rows)} processes could fork."
    largest = sorted(stuck, key=lambda row: -row.charged_by_fork)[:_NAMED]
    names = ", ".join(f"{row.pid} {row.name} ({size(row.charged_by_fork)})" for row in largest)
    more = " ..." if len(stuck) > _NAMED else ""
    return f"In mode 2 {len(stuck)} of {len(rows)} processes could not fork: {names}{more}"


def _of_processes(rows: Sequence[Commitment], memory: Memory, machine: Machine, notes: Sequence[str]) -> Answer:
    found = [
        {
            **row._asdict(),
            "forks": forks_of(row, memory, machine.page_size, machine.version),
            "rule": "a fork is charged what is accounted of the parent (kernel/fork.c, dup_mmap())",
            "error_bound": _error_bound(NEVER, memory, machine),
        }
        for row in sorted(rows, key=lambda row: (-row.committed, row.pid))
    ]
    lines = table(
        ("PID", "user", "committed", "per fork", "address space", "forks", "name"),
        [
            (
                row["pid"],
                row["user"],
                *(size(row[key]) for key in ("committed", "charged_by_fork", "address_space")),
                "no limit" if row["forks"] is None else row["forks"],
                row["name"],
            )
            for row in found
        ],
        left=(1, 6),
    )
    return Answer(lines, found, notes)
