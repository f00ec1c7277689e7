"""``pymemtools what-if oom``: whom would the kernel kill?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from pymemtools.cli.group_answers import deaths_answer, group_option, pid_option, together
from pymemtools.cli.oom_scores.layouts import adjustment, allocation, table_lines, verdict
from pymemtools.cli.what_if.question import Answer, Asked, question
from pymemtools.cli.what_if.tables import sentence, size
from pymemtools.readings.machine import Machine
from pymemtools.reports.memory_groups.kill import Hunt, deaths, hunt, weighed, with_newcomers
from pymemtools.reports.oom_scores.candidates import Candidate, by_badness
from pymemtools.reports.swap_stores import costs, ram_of_swap

_RULE = (
    "the task with the most points is killed: RSS, swap and page tables, and oom_score_adj thousandths of RAM and "
    "swap (mm/oom_kill.c, oom_badness(), select_bad_process())"
)
_RULE_OF_GROUPS = (
    "the task with the most points of the group and of those below it is killed: RSS, swap and page tables, and "
    "oom_score_adj thousandths of the group's limit and its share of swap (mm/oom_kill.c, oom_badness(), "
    "constrained_alloc(); mm/memcontrol.c, mem_cgroup_scan_tasks(), mem_cgroup_get_oom_group())"
)


@question("oom")
@click.option("--alloc", multiple=True, metavar="SIZE[:NAME]", help="Suppose a process of this size.")
@click.option("--set-adj", multiple=True, metavar="PID=ADJ", help="Suppose that a process had this oom_score_adj.")
@click.option("--top", type=click.IntRange(min=1), default=10, metavar="N", help="How many to show. [10]")
@pid_option
@group_option
def command(
    asked: Asked, *, alloc: tuple[str, ...], set_adj: tuple[str, ...], top: int, pid: int | None, group: str | None
) -> Answer:
    """Rank processes as the OOM killer does, and name the one that it would kill first."""
    adjustments, allocations = dict(map(adjustment, set_adj)), list(map(allocation, alloc))
    machine, source = asked.machine, asked.source
    where = hunt(source, machine, [size for _, size in allocations], pid, group)
    found = with_newcomers(weighed(source, machine, where), where, adjustments, allocations)
    dying = deaths(source, where, found)
    first = dying.chosen
    notes = [*machine.notes, *costs(machine.stores), *where.notes, *found.notes]
    ranked = by_badness(found.rows)
    rule = _RULE if where.level is None else _RULE_OF_GROUPS
    rows = [
        {**row._asdict(), "is_victim": row == first, "is_killed": row in dying.killed, "rule": rule, "error_bound": 1}
        for row in ranked
    ]
    said = [verdict(found, where.level), *together(dying)]
    words = [line for text in said for line in sentence(text)] if where.level or dying.group else said
    swapped = _swap_in_ram(first, machine)
    said = [*words, *_swap_lines(swapped), *_settings(machine, where)]
    lines = [*table_lines(ranked[:top], wide=False), "", *said]
    totals = {
        "total_pages": found.total_pages,
        "score_scale": found.scale,
        "victim_pid": first.pid if first else None,
        "victim_name": first.name if first else None,
        "victim_score": first.oom_score if first else None,
        **swapped,
        "group": where.level.path if where.level else None,
        **deaths_answer(dying),
    }
    return Answer(lines, rows, notes, totals, unreadable=found.unreadable, seen=found.seen)


def _swap_in_ram(first: Candidate | None, machine: Machine) -> dict[str, int]:
    """Give the RAM that holds the victim's swap, in bytes; nothing where no swap is in RAM."""
    ratios = ram_of_swap(machine.stores)
    if ratios is None or first is None or not first.swap:
        return {}
    least, most = (int(first.swap * ratio) for ratio in ratios)
    return {"victim_swap_in_ram_least": least, "victim_swap_in_ram_most": most}


def _swap_lines(swapped: Mapping[str, int]) -> Iterator[str]:
    amounts = list(dict.fromkeys(map(size, swapped.values())))
    if amounts:
        yield f"Its swap takes {' to '.join(amounts)} of RAM, which is free then, too."


def _settings(machine: Machine, where: Hunt) -> list[str]:
    """Say which settings make the kernel do something else than kill the first.

    In a group that is out of memory, only the value 2 panics, and the first is killed whoever asks. Source:
    mm/oom_kill.c, check_panic_on_oom(), out_of_memory(), Linux 6.1.
    """
    lines = []
    if (machine.setting("vm.panic_on_oom") or 0) > (0 if where.level is None else 1):
        lines.append("But vm.panic_on_oom is set: the kernel panics, and kills nobody.")
    if where.level is not None and where.level.never_kills:
        lines.append("But memory.oom_control has oom_kill_disable: whoever asks waits, and nobody is killed.")
    if where.level is None and machine.setting("vm.oom_kill_allocating_task"):
        lines.append("But vm.oom_kill_allocating_task is set: whoever asks for memory then is killed.")
    return lines
