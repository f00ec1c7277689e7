"""How much memory would the kernel promise?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pymemtools.errors import Missing
from pymemtools.models.overcommit import ALWAYS, HEURISTIC, NEVER, Caller, Memory, largest_mapping
from pymemtools.models.release import since
from pymemtools.readings.hidden import invisible
from pymemtools.readings.machine import Machine
from pymemtools.readings.processes import read_processes
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.estimates import memory_of
from pymemtools.reports.what_if.asked import Asked, Needs, reported
from pymemtools.reports.what_if.commitments import WANTS, Commitment, commitments, forks_of
from pymemtools.reports.what_if.promises import lacking, rule_of, slack_of
from pymemtools.reports.what_if.supposed import OVERCOMMIT
from pymemtools.units import minus, times

NEEDS = Needs(OVERCOMMIT[1:])
_RULE_OF_FORKS = "a fork is charged what is accounted of the parent (kernel/fork.c, dup_mmap())"
COLUMNS = (
    Column("mode", "vm.overcommit_memory", "0 heuristic, 1 always, 2 never more", "count"),
    Column("is_current", "now", "it is the mode that is set", "bool"),
    Column("commit_limit", "CommitLimit", "how much is promised at most, in mode 2", "bytes"),
    Column("committed_as", "Committed_AS", "how much is promised", "bytes"),
    Column("headroom", "headroom", "commit_limit - committed_as", "bytes"),
    Column("largest_mmap_root", "largest mmap by root", "that is granted; unknown, or without limit: null", "bytes"),
    Column("largest_mmap_user", "by others", "likewise", "bytes"),
    Column("processes_that_cannot_fork", "cannot fork", "processes whose fork is refused", "count"),
    Column("rule", "rule", "the kernel's rule", "text", right=False),
    Column("error_bound", "+-", "how far off the counter of mode 2 may be", "bytes"),
)
PROCESS_COLUMNS = (
    Column("pid", "PID", "process number", "count"),
    Column("user", "user", "owner", "text", right=False),
    Column("name", "name", "the kernel's name of it", "text", right=False),
    Column("committed", "committed", "counted in Committed_AS, shared memory left out", "bytes"),
    Column("charged_by_fork", "per fork", "what a child is charged", "bytes"),
    Column("largest_charge", "largest charge", "of one mapping: in modes 0 and 1 each is tested alone", "bytes"),
    Column("vss", "address space", "all that is mapped", "bytes"),
    Column("is_admin", "admin", "it may take root's reserve", "bool"),
    Column("is_estimate", "estimate", "without VmFlags: by VmData and VmStk", "bool"),
    Column("forks_in_mode_2", "forks", "how often it could fork in mode 2; null: without limit", "count"),
)


class OvercommitRequest(NamedTuple):
    """Whether the question is of the modes, or of each process."""

    processes: bool = False
    counts_forks: bool = True  # who could not fork in mode 2, which is read of every process


class Mode(NamedTuple):
    """What a mode allows a process that has hardly any memory yet, in bytes; None is unknown, or without limit."""

    mode: int
    is_current: bool | None
    commit_limit: int | None
    committed_as: int | None
    headroom: int | None
    largest_mmap_root: int | None
    largest_mmap_user: int | None
    processes_that_cannot_fork: int | None
    rule: str
    error_bound: int | None


class Overcommit(NamedTuple):
    """What is promised and may be, in bytes, by mode, and to which processes."""

    commit_limit: int | None
    committed_as: int | None
    modes: list[Mode]  # none where the question is of processes
    processes: list[Commitment]  # as they are listed, or those that have most for a fork first
    forks: list[int | None]  # of each of them in mode 2, None: without limit
    is_limit_known: bool  # else nobody knows who could fork
    rules: Sequence[str]

    @property
    def stuck(self) -> list[Commitment]:
        """Give the processes that could not fork in mode 2, those that have most for it first."""
        rows = [row for row, forks in zip(self.processes, self.forks) if forks == 0]
        return sorted(rows, key=lambda row: -row.charged_by_fork)


def overcommit_report(asked: Asked, request: OvercommitRequest) -> Report:
    """Show CommitLimit, and the largest mapping that root and others would be granted, in each mode."""
    machine = asked.machine
    counts = request.processes or request.counts_forks
    has_processes = counts and bool(asked.source.pids())  # the limits need none
    rows, unread = commitments(read_processes(asked.source, WANTS)) if has_processes else ([], 0)
    notes = [*invisible(asked.source), *machine.notes, *_doubts(asked, rows)]
    unreadable = (unread, len(rows) + unread)
    if request.processes:
        found = _of_processes(rows, machine)
        cells = [_process_row(row, forks) for row, forks in zip(found.processes, found.forks)]
        totals = {"rule": _RULE_OF_FORKS, "error_bound": slack_of(machine, NEVER)}
        return reported(asked, "overcommit", table_of(PROCESS_COLUMNS, cells), found, totals, notes, unreadable)
    found, failures = _of_modes(asked, rows, are_known=counts and (bool(rows) or not unread))
    notes += [*_unknown(machine), *failures]
    return reported(asked, "overcommit", table_of(COLUMNS, found.modes), found, None, notes, unreadable)


def _doubts(asked: Asked, rows: Sequence[Commitment]) -> Iterator[str]:
    if estimates := sum(row.is_estimate for row in rows):
        yield f"processes without readable VmFlags: {estimates}; theirs is estimated from VmData and VmStk"
    if asked.before.setting("vm.overcommit_memory") is None:
        yield "the source does not tell overcommit_memory"
    if asked.machine.cpus is None:
        yield "the number of processors is not known, and so is how far off the counter of mode 2 may be"


def _unknown(machine: Machine) -> Iterator[str]:
    """Name what of meminfo the figures of mode 2 and of mode 0 since 5.2 go by, and is not there."""
    no_swap = ("SwapTotal",) if memory_of(machine).swap is None else ()
    for name in dict.fromkeys((*lacking(machine, NEVER), *no_swap)):
        yield f"meminfo: no {name} field: what rests on it is not known"
    if machine.doubt and not since(machine.version, (5, 2)):
        yield machine.doubt


def _of_modes(asked: Asked, rows: list[Commitment], *, are_known: bool) -> tuple[Overcommit, list[str]]:
    """Ask each mode; give also why one does not tell."""
    machine = asked.machine
    memory, page = memory_of(machine), machine.page_size
    is_known = are_known and not lacking(machine, NEVER)
    forks = [forks_of(row, memory, page, machine.version) for row in rows] if is_known else []
    stuck = forks.count(0) if is_known else None
    current = asked.before.setting("vm.overcommit_memory")
    asked_modes = [_mode(mode, memory, machine, stuck) for mode in (HEURISTIC, ALWAYS, NEVER)]
    modes = [found._replace(is_current=None if current is None else found.mode == current) for found, _ in asked_modes]
    limit, committed = times(memory.limit, page), times(memory.committed, page)
    rules = [mode.rule for mode in modes]
    found = Overcommit(limit, committed, modes, rows, forks, is_known, rules)
    return found, [failure for _, failure in asked_modes if failure.startswith("mode")]


def _mode(mode: int, memory: Memory, machine: Machine, stuck: int | None) -> tuple[Mode, str]:
    page, root, user, failure = machine.page_size, None, None, ""
    try:
        root, user = (largest_mapping(mode, memory, Caller(0, is_admin), machine.version) for is_admin in (True, False))
    except Missing as error:
        failure = str(error)
    found = Mode(
        mode=mode,
        is_current=None,
        commit_limit=times(memory.limit, page),
        committed_as=times(memory.committed, page),
        headroom=times(minus(memory.limit, memory.committed), page),
        largest_mmap_root=times(root, page),
        largest_mmap_user=times(user, page),
        processes_that_cannot_fork=stuck if mode == NEVER else 0,
        rule=rule_of(machine, mode),
        error_bound=None if mode != ALWAYS and root is None else slack_of(machine, mode),
    )
    return found, failure


def _of_processes(rows: Sequence[Commitment], machine: Machine) -> Overcommit:
    """Say how often each could fork, the largest first. Raises Missing."""
    if names := lacking(machine, NEVER):
        raise Missing(f"what-if overcommit: meminfo: no {names[0]} field")
    memory, page = memory_of(machine), machine.page_size
    largest = sorted(rows, key=lambda row: (-row.committed, row.pid))
    forks = [forks_of(row, memory, page, machine.version) for row in largest]
    limit, committed = times(memory.limit, page), times(memory.committed, page)
    return Overcommit(limit, committed, [], largest, forks, True, [_RULE_OF_FORKS] * bool(rows))


def _process_row(row: Commitment, forks: int | None) -> dict[str, Any]:
    return {**row._asdict(), "vss": row.address_space, "forks_in_mode_2": forks}
