"""``pymemtools what-if fork``: could a process fork, and what would its children cost?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from pymemtools.cli.group_answers import (
    GROUP_RULE,
    deaths_answer,
    group_option,
    limit_lines,
    ruled_text,
    together,
    who,
)
from pymemtools.cli.options import offer_pids
from pymemtools.cli.what_if.question import Answer, Asked, question
from pymemtools.cli.what_if.tables import sentence, size
from pymemtools.errors import Missing, UsageProblem
from pymemtools.models import overcommit
from pymemtools.models.group_charge import FITS, MAY_NOT_FIT, REFUSED
from pymemtools.models.overcommit import HEURISTIC, NEVER, Caller, Memory
from pymemtools.readings.machine import Machine
from pymemtools.readings.process import ALIVE
from pymemtools.readings.processes import read_process
from pymemtools.reports.estimates import memory_of
from pymemtools.reports.memory_groups.asking import asking
from pymemtools.reports.memory_groups.kill import Deaths, Hunt, deaths, weighed
from pymemtools.reports.memory_groups.room import Ruling, ruling
from pymemtools.reports.oom_scores.candidates import with_hypotheses
from pymemtools.reports.what_if.commitments import (
    OF_A_FORK,
    WANTS,
    Commitment,
    commitment,
    forks_of,
    private_memory,
    untold,
)
from pymemtools.reports.what_if.supposed import OVERCOMMIT
from pymemtools.units import plus, times

_RULE = (
    "a fork is charged what is accounted of the parent, in every mode, and refused by the rule of the mode "
    "(kernel/fork.c, dup_mmap()); pages are copied when parent or child writes to them (mm/memory.c, do_wp_page())"
)


@question("fork", OVERCOMMIT)
@click.argument("pid", type=click.IntRange(min=1), shell_complete=offer_pids)
@click.option(
    "--dirty", type=click.FloatRange(0, 100), default=100.0, metavar="PERCENT", help="How much is written. [100]"
)
@click.option("--count", type=click.IntRange(1, 1 << 22), default=1, metavar="N", help="So many children. [1]")
@group_option
def command(asked: Asked, pid: int, *, dirty: float, count: int, group: str | None) -> Answer:
    """Say what the kernel is to promise for children of a process, whether it refuses, and what copying can cost."""
    if dirty != dirty:  # NaN, which is in no range and outside of none
        raise UsageProblem("what-if fork: --dirty: write a number from 0 to 100")
    process = read_process(asked.source, pid, WANTS | OF_A_FORK)
    if process.life != ALIVE:
        raise Missing(f"what-if fork: {pid} has no memory of its own")
    row = commitment(process)
    if row is None:
        raise untold(process)
    machine = asked.machine
    notes = [*machine.notes]
    if row.is_estimate:
        notes.append("no readable VmFlags: what is charged is estimated from VmData and VmStk")
    found = _charged(row, machine, count)
    notes += _unknown(found, machine)
    resident, tables = private_memory(process)
    found |= {
        "private_resident": resident,
        "copied_at_worst": None if resident is None else round(resident * dirty / 100) * count,
        "page_tables": None if tables is None else tables * count,
        "available": machine.meminfo.get("MemAvailable"),
        "rule": _RULE,
        "error_bound": _error_bound(found["mode"], machine),
    }
    rules = [overcommit.rule(found["mode"], machine.version), _RULE]
    ruled = _ruling(asked, pid, group, found)
    dying = _deaths(asked, pid, ruled, is_elsewhere=group is not None)
    totals = {"outcome": _outcome(found, ruled), **ruled.answer(), **deaths_answer(dying)}
    is_limit_known = not overcommit.lacking(NEVER, memory_of(machine), machine.version)
    texts = [*_sentences(found, dirty, is_limit_known=is_limit_known), *_limited(ruled, dying)]
    lines = [*(line for text in texts for line in sentence(text)), *limit_lines(ruled.bounds)]
    return Answer(lines, [found], [*notes, *ruled.notes], totals, [*rules, *[GROUP_RULE] * bool(ruled.bounds)])


def _ruling(asked: Asked, pid: int, group: str | None, found: dict[str, Any]) -> Ruling:
    """Ask the limits of the group of the process, or of another, what they make of its children's pages."""
    children = (found["copied_at_worst"] or 0) * (found["granted"] != 0) + (found["page_tables"] or 0)
    return ruling(asking(asked.source, None if group is not None else pid, group), asked.machine, children)


def _outcome(found: dict[str, Any], ruled: Ruling) -> str:
    """Name what comes of it: MemAvailable tells what the machine has, as well as the kernel knows."""
    if not found["granted"]:
        return REFUSED if found["granted"] == 0 else "may be refused"
    is_more = found["available"] is not None and ruled.amount > found["available"]
    return MAY_NOT_FIT if is_more and ruled.outcome == FITS else ruled.outcome


def _deaths(asked: Asked, pid: int, ruled: Ruling, *, is_elsewhere: bool) -> Deaths:
    """Name whom the kernel kills in the group: a child has the parent's adjustment, and never more pages."""
    if ruled.fatal is None or ruled.fatal.never_kills:
        return Deaths(None, [])
    where = Hunt(ruled.asked, ruled.level)
    candidates = weighed(asked.source, asked.machine, where)
    if is_elsewhere:
        candidates = with_hypotheses(candidates, {}, [(f"a child of {pid}", ruled.fatal.most)])
    return deaths(asked.source, where, candidates)


def _limited(ruled: Ruling, dying: Deaths) -> Iterator[str]:
    if ruled.decided is None:
        return
    kills = f": the kernel would kill {who(dying.chosen)}, score {dying.chosen.oom_score}" if dying.chosen else ""
    missing = max(ruled.amount - ruled.decided.most, 0)
    yield f"Copied and with page tables that is {size(ruled.amount)}; {ruled_text(ruled, missing, kills)}."
    yield from together(dying)


def _charged(row: Commitment, machine: Machine, count: int) -> dict[str, Any]:
    """Say what the kernel promises, and how many children it grants."""
    memory, page = memory_of(machine), machine.page_size
    mode = machine.setting("vm.overcommit_memory") or HEURISTIC
    extremes = overcommit.extremes(memory)
    possible, most_possible = (forks_of(row, each, page, machine.version) for each in extremes)
    granted, most = (_granted(row, each, machine, mode, count) for each in extremes)
    charged = row.charged_by_fork * granted if granted == most else None
    return {
        "pid": row.pid,
        "name": row.name,
        "mode": mode,
        "count": count,
        "granted": granted if granted == most else None,
        "possible_in_mode_2": possible if possible == most_possible else None,
        "charge": row.charged_by_fork,
        "committed_before": times(memory.committed, page),
        "committed_after": plus(times(memory.committed, page), charged),
        "commit_limit": times(memory.limit, page),
    }


def _granted(row: Commitment, memory: Memory, machine: Machine, mode: int, count: int) -> int:
    """Say how many children the rule of the mode grants."""
    if mode == NEVER:
        possible = forks_of(row, memory, machine.page_size, machine.version)
        return count if possible is None else min(count, possible)
    if mode == HEURISTIC:
        caller = Caller(row.address_space // machine.page_size, row.is_admin)
        largest = overcommit.largest_mapping(HEURISTIC, memory, caller, machine.version) or 0
        return count if row.largest_charge // machine.page_size <= largest else 0
    return count


def _unknown(found: dict[str, Any], machine: Machine) -> Iterator[str]:
    """Name what is not there of what the answer rests on."""
    memory = memory_of(machine)
    if found["granted"] is None:
        names = ", ".join(overcommit.lacking(found["mode"], memory, machine.version))
        yield f"the source does not tell whether it is granted: {names} would"
    if names := ", ".join(overcommit.lacking(NEVER, memory, machine.version)):
        yield f"the source does not tell {names}: how often it could fork in mode 2 is not known"


def _error_bound(mode: int, machine: Machine) -> int | None:
    if mode != NEVER:
        return 0
    if machine.cpus is None:
        return None
    return overcommit.slack(machine.pages("MemTotal"), machine.cpus, NEVER, machine.version) * machine.page_size


def _sentences(found: dict[str, Any], dirty: float, *, is_limit_known: bool) -> Iterator[str]:
    count, granted, possible = found["count"], found["granted"], found["possible_in_mode_2"]
    children = "a child" if count == 1 else f"{count} children"
    verdict = "granted" if granted == count else f"{granted} granted, then refused" if granted else "refused (ENOMEM)"
    verdict = "granted or refused" if granted is None else verdict
    yield f"{found['pid']} ({found['name']}) forks {children}: {verdict} in mode {found['mode']}."
    yield (
        f"Each is charged {size(found['charge'])}: Committed_AS {size(found['committed_before'])} -> "
        f"{size(found['committed_after'])}, CommitLimit {size(found['commit_limit'])}."
    )
    if is_limit_known:
        yield f"In mode 2 it could fork {'without limit' if possible is None else f'{possible} times'}."
    if found["copied_at_worst"] is not None:
        yield (
            f"Copied at worst, when {dirty:g} % of {size(found['private_resident'])} is written: "
            f"{size(found['copied_at_worst'])}."
        )
        yield f"Page tables: {size(found['page_tables'])}; available: {size(found['available'])}."
