"""``pymemtools what-if oom``: whom would the kernel kill?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import click

from pymemtools.cli.terminal import page_columns
from pymemtools.cli.types import adjustment, allocation
from pymemtools.cli.what_if.question import Question, question
from pymemtools.cli.what_if.tables import sentence, size
from pymemtools.cli.who_asks import group_option, pid_option
from pymemtools.render.escape import escape
from pymemtools.render.score_table import candidate_lines
from pymemtools.report import Report
from pymemtools.reports.oom_scores.verdict import together, verdict
from pymemtools.reports.what_if.oom import Kill, OomRequest, oom_report


@question("oom", oom_report)
@click.option("--alloc", multiple=True, metavar="SIZE[:NAME]", help="Suppose a process of this size.")
@click.option("--set-adj", multiple=True, metavar="PID=ADJ", help="Suppose that a process had this oom_score_adj.")
@click.option("--top", type=click.IntRange(min=1), default=10, metavar="N", help="How many to show. [10]")
@pid_option
@group_option
def command(
    *, alloc: tuple[str, ...], set_adj: tuple[str, ...], top: int, pid: int | None, group: str | None
) -> Question:
    """Rank processes as the OOM killer does, and name the one that it would kill first."""
    request = OomRequest(list(map(allocation, alloc)), dict(map(adjustment, set_adj)), pid, group)
    return Question(request, partial(_lines, top=top))


def _lines(report: Report, *, top: int) -> Iterator[str]:
    found: Kill = report.answer
    yield from candidate_lines(found.ranked[:top], page_columns())
    yield ""
    level = found.where.level
    for text in (verdict(found.candidates, level), *together(found.dying)):
        yield from sentence(text) if level or found.dying.group else [escape(text)]
    if found.swap_in_ram is not None:
        amounts = " to ".join(dict.fromkeys(map(size, found.swap_in_ram)))
        yield f"Its swap takes {amounts} of RAM, which is free then, too."
    if found.panics:
        yield "But vm.panic_on_oom is set: the kernel panics, and kills nobody."
    if found.waits:
        yield "But memory.oom_control has oom_kill_disable: whoever asks waits, and nobody is killed."
    if found.kills_who_asks:
        yield "But vm.oom_kill_allocating_task is set: whoever asks for memory then is killed."
