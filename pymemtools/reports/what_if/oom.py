"""Whom would the kernel kill?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.readings.hidden import invisible
from pymemtools.readings.machine import Machine
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.memory_groups.kill import Deaths, Hunt, deaths, hunt, weighed, with_newcomers
from pymemtools.reports.oom_scores.candidates import Candidate, Candidates, by_badness
from pymemtools.reports.oom_scores.columns import COLUMNS as CANDIDATE
from pymemtools.reports.swap_stores import costs, ram_of_swap
from pymemtools.reports.what_if.asked import Asked, reported

_RULE = (
    "the task with the most points is killed: RSS, swap and page tables, and oom_score_adj thousandths of RAM and "
    "swap (mm/oom_kill.c, oom_badness(), select_bad_process())"
)
_RULE_OF_GROUPS = (
    "the task with the most points of the group and of those below it is killed: RSS, swap and page tables, and "
    "oom_score_adj thousandths of the group's limit and its share of swap (mm/oom_kill.c, oom_badness(), "
    "constrained_alloc(); mm/memcontrol.c, mem_cgroup_scan_tasks(), mem_cgroup_get_oom_group())"
)
COLUMNS = (
    *CANDIDATE,
    Column("is_victim", "Victim", "it is chosen", "bool"),
    Column("is_killed", "Killed", "it dies, alone or with its group", "bool"),
)


class OomRequest(NamedTuple):
    """New processes (name, bytes), oom_score_adj by PID, and who asks for memory: a process, or a memory group."""

    allocations: Sequence[tuple[str, int]] = ()
    adjustments: Mapping[int, int] = {}
    pid: int | None = None
    group: str | None = None  # a path or a unit


class Kill(NamedTuple):
    """Whom the kernel kills: candidates as it ranks them, who dies, and where it looks."""

    candidates: Candidates
    where: Hunt
    dying: Deaths
    swap_in_ram: tuple[int, int] | None  # bytes of RAM that hold the victim's swap; None where no swap is in RAM
    panics: bool  # vm.panic_on_oom: nobody is killed
    waits: bool  # the group's OOM killer is off
    kills_who_asks: bool  # vm.oom_kill_allocating_task

    @property
    def ranked(self) -> list[Candidate]:
        """Give the processes, the first to be killed first."""
        return by_badness(self.candidates.rows, self.candidates.version)

    @property
    def rules(self) -> Sequence[str]:
        """Give the rule that the answer was worked out by."""
        return [self.rule] * bool(self.candidates.rows)

    @property
    def rule(self) -> str:
        """Give the rule for where the kernel looks."""
        return _RULE if self.where.level is None else _RULE_OF_GROUPS


def oom_report(asked: Asked, request: OomRequest) -> Report:
    """Rank processes as the OOM killer does, and name the one that it would kill first."""
    machine, found = asked.machine, _kill(asked, request)
    first = found.dying.chosen
    notes = [
        *invisible(asked.source),
        *machine.notes,
        *costs(machine.stores),
        *found.where.notes,
        *found.candidates.notes,
    ]
    cells = [_row(row, found) for row in found.ranked]
    least, most = found.swap_in_ram or (0, 0)
    totals = {
        "total_pages": found.candidates.total_pages,
        "score_scale": found.candidates.scale,
        "victim_pid": first.pid if first else None,
        "victim_name": first.name if first else None,
        "victim_score": first.oom_score if first else None,
        **({"victim_swap_in_ram_least": least, "victim_swap_in_ram_most": most} if found.swap_in_ram else {}),
        "cgroup": found.where.level.path if found.where.level else None,
        **found.dying.answer(),
        "rule": found.rule,
        "score_error_bound": 1,
    }
    unreadable = (found.candidates.unreadable, found.candidates.seen)
    return reported(asked, "oom", table_of(COLUMNS, cells), found, totals, notes, unreadable)


def _kill(asked: Asked, request: OomRequest) -> Kill:
    machine, source = asked.machine, asked.source
    where = hunt(source, machine, [size for _, size in request.allocations], request.pid, request.group)
    found = with_newcomers(weighed(source, machine, where), where, request.adjustments, request.allocations)
    dying = deaths(source, where, found)
    return Kill(found, where, dying, _swap_in_ram(dying.chosen, machine), *_settings(machine, where))


def _row(row: Candidate, found: Kill) -> dict[str, Any]:
    is_victim, is_killed = row == found.dying.chosen, row in found.dying.killed
    return {**row._asdict(), "is_victim": is_victim, "is_killed": is_killed}


def _swap_in_ram(first: Candidate | None, machine: Machine) -> tuple[int, int] | None:
    ratios = ram_of_swap(machine.stores)
    if ratios is None or first is None or not first.swap:
        return None
    least, most = (int(first.swap * ratio) for ratio in ratios)
    return least, most


def _settings(machine: Machine, where: Hunt) -> tuple[bool, bool, bool]:
    """Tell whether settings make the kernel panic, let who asks wait, or kill that one.

    In a group that is out of memory, only the value 2 panics, and the first is killed whoever asks. Source:
    mm/oom_kill.c, check_panic_on_oom(), out_of_memory(), Linux 6.1.
    """
    panics = (machine.setting("vm.panic_on_oom") or 0) > (0 if where.level is None else 1)
    waits = where.level is not None and where.level.never_kills
    return panics, waits, where.level is None and bool(machine.setting("vm.oom_kill_allocating_task"))
