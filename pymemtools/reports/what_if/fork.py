"""Could a process fork, and what would its children cost?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pymemtools.errors import Missing, UsageProblem
from pymemtools.models import overcommit
from pymemtools.models.overcommit import HEURISTIC, NEVER, Caller, Memory
from pymemtools.readings.hidden import invisible
from pymemtools.readings.machine import Machine
from pymemtools.readings.process import ALIVE, Process
from pymemtools.readings.reader import read_process
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.estimates import memory_of
from pymemtools.reports.memory_groups.asking import asking
from pymemtools.reports.memory_groups.kill import NOBODY, Deaths, Hunt, deaths, weighed
from pymemtools.reports.memory_groups.room import FITS, GROUP_RULE, LIMIT_COLUMNS, MAY_NOT_FIT, REFUSED, Ruling, ruling
from pymemtools.reports.oom_scores.hypotheses import with_hypotheses
from pymemtools.reports.what_if.asked import Asked, Needs, reported
from pymemtools.reports.what_if.commitments import (
    OF_A_FORK,
    WANTS,
    Commitment,
    commitment,
    forks_of,
    private_memory,
    untold,
)
from pymemtools.reports.what_if.promises import lacking, mode_of, rule_of, slack_of, unsure
from pymemtools.reports.what_if.supposed import OVERCOMMIT
from pymemtools.units import plus, times

NEEDS = Needs(OVERCOMMIT)
_RULE = (
    "a fork is charged what is accounted of the parent, in every mode, and refused by the rule of the mode "
    "(kernel/fork.c, dup_mmap()); pages are copied when parent or child writes to them (mm/memory.c, do_wp_page())"
)
COLUMNS = (
    Column("pid", "PID", "process number of the parent", "count"),
    Column("name", "name", "the kernel's name of it", "text", right=False),
    Column("mode", "mode", "vm.overcommit_memory", "count"),
    Column("children", "children", "children that are asked for", "count"),
    Column("children_granted", "granted", "children that are granted; null: not known", "count"),
    Column("forks_in_mode_2", "possible", "children it could have in mode 2; null: without limit, or unknown", "count"),
    Column("charged_by_fork", "charge", "what each child is charged", "bytes"),
    Column("committed_as_before", "Committed_AS", "how much is promised", "bytes"),
    Column("committed_as_after", "then", "and with the children", "bytes"),
    Column("commit_limit", "CommitLimit", "how much is promised at most, in mode 2", "bytes"),
    Column("private_resident", "private", "what parent and child share until one writes", "bytes"),
    Column("copied_at_worst", "copied", "of all children, when so much of it is written", "bytes"),
    Column("page_tables", "page tables", "of all children", "bytes"),
    Column("available", "available", "MemAvailable", "bytes"),
)


class ForkRequest(NamedTuple):
    """A process that forks, how much of its memory is written, and in which memory group its children are."""

    pid: int
    dirty_percent: float = 100.0
    children: int = 1
    group: str | None = None  # a path or a unit; None: the process's


class Promise(NamedTuple):
    """What the kernel promises for children, and how many it grants; bytes, None is unknown."""

    pid: int
    name: str
    mode: int
    children: int
    children_granted: int | None
    forks_in_mode_2: int | None  # also where there is no limit
    charged_by_fork: int
    committed_as_before: int | None
    committed_as_after: int | None
    commit_limit: int | None


class Copying(NamedTuple):
    """What children take of memory when so much is written, in bytes, and what there is; None is unknown."""

    private_resident: int | None
    copied_at_worst: int | None  # of all children
    page_tables: int | None  # of all children
    available: int | None


class Fork(NamedTuple):
    """The answer."""

    request: ForkRequest
    promise: Promise
    copying: Copying
    is_limit_known: bool
    ruled: Ruling
    dying: Deaths
    outcome: str
    error_bound: int | None  # bytes
    mode_rule: str

    @property
    def rules(self) -> list[str]:
        """Give the rules that the answer was worked out by."""
        return [self.mode_rule, _RULE, *[GROUP_RULE] * bool(self.ruled.bounds)]

    @property
    def missing(self) -> int:
        """Give the bytes by which children are more than the limit that decides can let them have."""
        return 0 if self.ruled.decided is None else max(self.ruled.amount - self.ruled.decided.most, 0)


def fork_report(asked: Asked, request: ForkRequest) -> Report:
    """Say what the kernel is to promise for children of a process, whether it refuses, and what copying can cost."""
    if not 0 <= request.dirty_percent <= 100:  # NaN is in no range
        raise UsageProblem("what-if fork: --dirty: write a number from 0 to 100")
    process, row = _parent(asked, request.pid)
    found, machine = _fork(asked, request, process, row), asked.machine
    notes = [*invisible(asked.source), *machine.notes]
    if row.is_estimate:
        notes.append("no readable VmFlags: what is charged is estimated from VmData and VmStk")
    notes += [*_unknown(found, machine), *found.ruled.notes]
    cells = {**found.promise._asdict(), **found.copying._asdict()}
    report = reported(asked, "fork", table_of(COLUMNS, [cells]), found, _totals(found), notes)
    return report._replace(within=LIMIT_COLUMNS if found.ruled.bounds else ())


def _totals(found: Fork) -> dict[str, Any]:
    totals = {"outcome": found.outcome, **found.ruled.answer(), **found.dying.answer()}
    return {**totals, "rule": _RULE, "error_bound": found.error_bound}


def _parent(asked: Asked, pid: int) -> tuple[Process, Commitment]:
    process = read_process(asked.source, pid, WANTS | OF_A_FORK)
    if process.life != ALIVE:
        raise Missing(f"what-if fork: {pid} has no memory of its own")
    row = commitment(process)
    if row is None:
        raise untold(process)
    return process, row


def _fork(asked: Asked, request: ForkRequest, process: Process, row: Commitment) -> Fork:
    machine = asked.machine
    promise, copying = _promise(row, machine, request.children), _copying(process, machine, request)
    ruled = _ruling(asked, request, promise, copying)
    return Fork(
        request=request,
        promise=promise,
        copying=copying,
        is_limit_known=not lacking(machine, NEVER),
        ruled=ruled,
        dying=_deaths(asked, request, ruled),
        outcome=_outcome(promise, copying, ruled),
        error_bound=slack_of(machine, promise.mode),
        mode_rule=rule_of(machine, promise.mode),
    )


def _promise(row: Commitment, machine: Machine, children: int) -> Promise:
    """Say what the kernel promises, and how many children it grants."""
    memory, page, mode = memory_of(machine), machine.page_size, mode_of(machine)
    extremes = overcommit.extremes(memory)
    possible, most_possible = (forks_of(row, each, page, machine.version) for each in extremes)
    granted, most = (_granted(row, each, machine, children) for each in extremes)
    charged = row.charged_by_fork * granted if granted == most else None
    return Promise(
        pid=row.pid,
        name=row.name,
        mode=mode,
        children=children,
        children_granted=granted if granted == most else None,
        forks_in_mode_2=possible if possible == most_possible else None,
        charged_by_fork=row.charged_by_fork,
        committed_as_before=times(memory.committed, page),
        committed_as_after=plus(times(memory.committed, page), charged),
        commit_limit=times(memory.limit, page),
    )


def _granted(row: Commitment, memory: Memory, machine: Machine, children: int) -> int:
    """Say how many children the rule of the mode grants."""
    mode = mode_of(machine)
    if mode == NEVER:
        possible = forks_of(row, memory, machine.page_size, machine.version)
        return children if possible is None else min(children, possible)
    if mode == HEURISTIC:
        caller = Caller(row.address_space // machine.page_size, row.is_admin)
        largest = overcommit.largest_mapping(HEURISTIC, memory, caller, machine.version) or 0
        return children if row.largest_charge // machine.page_size <= largest else 0
    return children


def _copying(process: Process, machine: Machine, request: ForkRequest) -> Copying:
    resident, tables = private_memory(process)
    copied = None if resident is None else round(resident * request.dirty_percent / 100) * request.children
    tables = None if tables is None else tables * request.children
    return Copying(resident, copied, tables, machine.meminfo.get("MemAvailable"))


def _ruling(asked: Asked, request: ForkRequest, promise: Promise, copying: Copying) -> Ruling:
    """Ask the limits of the group of the process, or of another, what they make of its children's pages."""
    pages = (copying.copied_at_worst or 0) * (promise.children_granted != 0) + (copying.page_tables or 0)
    pid = None if request.group is not None else request.pid
    return ruling(asking(asked.source, pid, request.group), asked.machine, pages)


def _outcome(promise: Promise, copying: Copying, ruled: Ruling) -> str:
    """Name what comes of it: MemAvailable tells what the machine has, as well as the kernel knows."""
    if not promise.children_granted:
        return REFUSED if promise.children_granted == 0 else "may be refused"
    is_more = copying.available is not None and ruled.amount > copying.available
    return MAY_NOT_FIT if is_more and ruled.outcome == FITS else ruled.outcome


def _deaths(asked: Asked, request: ForkRequest, ruled: Ruling) -> Deaths:
    """Name whom the kernel kills in the group: a child has the parent's adjustment, and never more pages."""
    if ruled.fatal is None or ruled.fatal.never_kills:
        return NOBODY
    where = Hunt(ruled.asked, ruled.level)
    candidates = weighed(asked.source, asked.machine, where)
    if request.group is not None:
        candidates = with_hypotheses(candidates, {}, [(f"a child of {request.pid}", ruled.fatal.most)])
    return deaths(asked.source, where, candidates)


def _unknown(found: Fork, machine: Machine) -> Iterator[str]:
    """Name what is not there of what the answer rests on."""
    if found.promise.children_granted is None:
        yield unsure(machine)
    if names := ", ".join(lacking(machine, NEVER)):
        yield f"the source does not tell {names}: how often it could fork in mode 2 is not known"
