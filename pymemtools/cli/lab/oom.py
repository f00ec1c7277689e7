"""``pymemtools lab oom``: grow until the kernel kills."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.cli.types import SIZE
from pymemtools.errors import UsageProblem
from pymemtools.lab.oom import EXPERIMENT
from pymemtools.report import Report
from pymemtools.reports.lab.oom import LIMITS, TOUCHES, WAYS, OomRequest, killed, of_what
from pymemtools.units import human_size

if TYPE_CHECKING:
    from pymemtools.render.line_plot import Plot

_LEAST = 8 << 20


def _lines(report: Report) -> Iterator[str]:
    from pymemtools.cli.terminal import page_columns, terminal_columns
    from pymemtools.render.kill_text import kill_lines

    found = report.answer.findings
    seen, rows = found.seen, found.rows
    if seen["ending"] == "SIGKILL":
        asked = human_size(rows[-1]["allocated"]) if rows else "nothing"
        yield f"Killed, after {asked}, for its {of_what(rows) or 'memory'}."
        told = killed(found)
        if told is not None:
            yield ""
            width, is_cut = terminal_columns(sys.stdout, least=60), page_columns() is not None
            yield from kill_lines(told, width, cuts_table=is_cut, is_named=False, is_whole=False)
    elif seen["within"] == "addresses":
        yield f"Not killed, after {human_size(rows[-1]['allocated'])}: {seen['ending']}."
        yield "A limit of addresses (RLIMIT_AS) is not of memory: who is refused lives on,"
        yield "and may handle it; the OOM killer has no part in it."
    else:
        yield f"Not killed: {seen['ending']}."


def _plot(report: Report) -> Plot:
    from pymemtools.render.line_plot import Plot

    found = report.answer.findings
    begin = found.rows[0]["seconds"]
    key, title = (
        ("vss", "Its addresses") if found.seen["within"] == "addresses" else ("charged", "What the group is charged")
    )
    corners = [(row["seconds"] - begin, row[key] or 0) for row in found.rows]
    return Plot(title, corners, [("limit", found.seen["limit"])])


@experiment(EXPERIMENT, text=_lines, plot=_plot)
@click.option("--touch", type=click.Choice(TOUCHES), default="write", help="What it does to each page. [write]")
@click.option("--via", type=click.Choice(WAYS), default="malloc", help="How it asks for memory. [malloc]")
@click.option("--limit", type=SIZE, default="64M", metavar="SIZE", help="Of its memory, or addresses. [64M]")
@click.option("--within", type=click.Choice(LIMITS), help="What is limited. [its memory group, if one can be made]")
def command(*, touch: str, via: str, limit: int, within: str | None) -> OomRequest:
    """Let a program grow in a group with a limit until the kernel kills it, and explain the kill.

    Where no group can be made, its addresses are limited instead: it is refused, and nobody is killed.
    """
    if limit < _LEAST:
        raise UsageProblem(f"lab oom: --limit: at least {human_size(_LEAST)}")
    return OomRequest(touch, via, limit >> 20 << 20, within)
