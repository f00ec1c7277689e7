"""``pymemtools what-if oom``: whom would the kernel kill?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from pymemtools.cli.oom_layouts import adjustment, allocation, table_lines, verdict
from pymemtools.cli.what_if.question import Answer, Asked, question
from pymemtools.cli.what_if.tables import size
from pymemtools.reports.machine import Machine
from pymemtools.reports.oom_scores import Candidate, by_badness, candidates, on_another_machine, victim, with_hypotheses
from pymemtools.reports.swap_stores import costs, ram_of_swap

_RULE = (
    "the task with the most points is killed: RSS, swap and page tables, and oom_score_adj thousandths of RAM and "
    "swap (mm/oom_kill.c, oom_badness(), select_bad_process())"
)


@question("oom")
@click.option("--alloc", multiple=True, metavar="SIZE[:NAME]", help="Suppose a process of this size.")
@click.option("--set-adj", multiple=True, metavar="PID=ADJ", help="Suppose that a process had this oom_score_adj.")
@click.option("--top", type=click.IntRange(min=1), default=10, metavar="N", help="How many to show. [10]")
def command(asked: Asked, *, alloc: tuple[str, ...], set_adj: tuple[str, ...], top: int) -> Answer:
    """Rank processes as the OOM killer does, and name the one that it would kill first."""
    adjustments, allocations = dict(map(adjustment, set_adj)), list(map(allocation, alloc))
    machine = asked.machine
    found = candidates(asked.source)
    total = machine.pages("MemTotal") + machine.meminfo.get("SwapTotal", 0) // machine.page_size
    if (total, machine.version) != (found.total_pages, found.version):
        found = on_another_machine(found, total, machine.version)
    found = with_hypotheses(found, adjustments, allocations)
    first = victim(found)
    notes = [*machine.notes, *costs(machine.stores), *found.notes]
    ranked = by_badness(found.rows)
    rows = [{**row._asdict(), "is_victim": row == first, "rule": _RULE, "error_bound": 1} for row in ranked]
    swapped = _swap_in_ram(first, machine)
    lines = [*table_lines(ranked[:top], wide=False), "", verdict(found), *_swap_lines(swapped), *_settings(machine)]
    totals = {
        "total_pages": found.total_pages,
        "score_scale": found.scale,
        "victim_pid": first.pid if first else None,
        "victim_name": first.name if first else None,
        "victim_score": first.oom_score if first else None,
        **swapped,
    }
    return Answer(lines, rows, notes, totals, unreadable=found.unreadable)


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


def _settings(machine: Machine) -> list[str]:
    """Say which settings make the kernel do something else than kill the first."""
    lines = []
    if machine.setting("vm.panic_on_oom"):
        lines.append("But vm.panic_on_oom is set: the kernel panics, and kills nobody.")
    if machine.setting("vm.oom_kill_allocating_task"):
        lines.append("But vm.oom_kill_allocating_task is set: whoever asks for memory then is killed.")
    return lines
