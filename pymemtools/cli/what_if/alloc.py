"""``pymemtools what-if alloc``: would the kernel grant so much memory, and where would it come from?"""

from __future__ import annotations

from collections.abc import Iterator

import click

from pymemtools.cli.types import SIZE
from pymemtools.cli.what_if.group_limits import limit_lines, ruled_text
from pymemtools.cli.what_if.question import Question, question
from pymemtools.cli.what_if.tables import sentence, size, table
from pymemtools.cli.who_asks import group_option, pid_option
from pymemtools.report import Report
from pymemtools.reports.oom_scores.verdict import together, who
from pymemtools.reports.what_if.alloc import NEEDS, Allocation, AllocRequest, alloc_report


@question("alloc", alloc_report, NEEDS)
@click.argument("amount", type=SIZE, metavar="SIZE")
@click.option("--count", type=click.IntRange(1, 1 << 22), default=1, metavar="N", help="So many requests. [1]")
@click.option(
    "--touch", type=click.Choice(["none", "read", "write"]), default="write", help="What is done with it. [write]"
)
@pid_option
@group_option
def command(*, amount: int, count: int, touch: str, pid: int | None, group: str | None) -> Question:
    """Say whether a private mapping of SIZE is granted, and where its memory comes from when it is touched."""
    return Question(AllocRequest(amount, count, touch, pid, group), _lines)


def _lines(report: Report) -> Iterator[str]:
    found: Allocation = report.answer
    for text in _verdict(found):
        yield from sentence(text)
    if not found.touched:
        return
    for text in together(found.dying):
        yield from sentence(text)
    yield ""
    yield from _table(found)
    yield from limit_lines(found.spent.ruled.bounds)
    yield ""
    yield from _state(found)


def _verdict(found: Allocation) -> Iterator[str]:
    """Say it in words."""
    yield _grant_line(found)
    if not found.grant.most:
        return
    if not found.touched:
        yield "Nothing is touched, so no memory is taken."
        return
    spent, killed = found.spent, found.dying.chosen
    score = "" if killed is None or killed.oom_score is None else f", score {killed.oom_score}"
    kills = f": the kernel would kill {who(killed)}{score}" if killed else ""
    if spent.ruled.decided is not None:
        yield f"Touched, it takes {size(found.touched)}; {ruled_text(spent.ruled, spent.missing_least, kills)}."
    elif not spent.missing_most:
        yield f"Touched, it takes {size(found.touched)}, and it fits."
    elif not spent.missing_least:
        yield f"Touched, it takes {size(found.touched)}; it may end in OOM{kills}."
    else:
        yield f"Touched, it is out of memory with {size(spent.missing_least)} missing{kills}."


def _grant_line(found: Allocation) -> str:
    request, grant = found.request, found.grant
    what = f"{request.times} x {size(found.size)}" if request.times > 1 else size(found.size)
    root, user = (_granted(granted, request.times) for granted in (grant.root, grant.user))
    if request.pid is not None:
        return f"{what} for {request.pid}: {root}."
    return f"{what}: {user}." if grant.root == grant.user else f"{what}: root is {root}, others {user}."


def _granted(grant: tuple[int, int], count: int) -> str:
    least, granted = grant
    if least != granted:
        return f"granted or refused, {least} to {granted} of {count}" if count > 1 else "granted or refused"
    if granted == count:
        return "granted"
    return f"granted {granted} of {count}" if granted else "refused (ENOMEM)"


def _table(found: Allocation) -> list[str]:
    shown = [each for each in found.spent.sources if each.most or each.taken]
    cells = [(each.source, size(each.least), size(each.most), size(each.taken)) for each in shown]
    return table(("from", "surely there", "at most", "taken"), cells)


def _state(found: Allocation) -> Iterator[str]:
    left = found.spent.left
    yield f"Free: {size(left.free_before)} -> {size(left.free_after)}"
    yield f"Available: {size(left.available_before)} -> {size(left.available_after)}"
    for zone in found.spent.zones:
        yield (
            f"Node {zone.node} {zone.zone}: free {size(zone.free_before)} -> {size(zone.free)}, "
            f"low {size(zone.low)}: {zone.state}"
        )
