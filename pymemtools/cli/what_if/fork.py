"""``pymemtools what-if fork``: could a process fork, and what would its children cost?"""

from __future__ import annotations

from collections.abc import Iterator

import click

from pymemtools.cli.offers import offer_pids
from pymemtools.cli.what_if.group_limits import limit_lines, ruled_text
from pymemtools.cli.what_if.question import Question, question
from pymemtools.cli.what_if.tables import sentence, size
from pymemtools.cli.who_asks import group_option
from pymemtools.report import Report
from pymemtools.reports.oom_scores.verdict import together, who
from pymemtools.reports.what_if.fork import NEEDS, Fork, ForkRequest, fork_report


@question("fork", fork_report, NEEDS)
@click.argument("pid", type=click.IntRange(min=1), shell_complete=offer_pids)
@click.option(
    "--dirty", type=click.FloatRange(0, 100), default=100.0, metavar="PERCENT", help="How much is written. [100]"
)
@click.option("--count", type=click.IntRange(1, 1 << 22), default=1, metavar="N", help="So many children. [1]")
@group_option
def command(pid: int, *, dirty: float, count: int, group: str | None) -> Question:
    """Say what the kernel is to promise for children of a process, whether it refuses, and what copying can cost."""
    return Question(ForkRequest(pid, dirty, count, group), _lines)


def _lines(report: Report) -> Iterator[str]:
    found: Fork = report.answer
    for text in (*_promised(found), *_copied(found), *_limited(found)):
        yield from sentence(text)
    yield from limit_lines(found.ruled.bounds)


def _promised(found: Fork) -> Iterator[str]:
    promise, possible = found.promise, found.promise.forks_in_mode_2
    children = "a child" if promise.children == 1 else f"{promise.children} children"
    yield f"{promise.pid} ({promise.name}) forks {children}: {_verdict(found)} in mode {promise.mode}."
    yield (
        f"Each is charged {size(promise.charged_by_fork)}: Committed_AS {size(promise.committed_as_before)} -> "
        f"{size(promise.committed_as_after)}, CommitLimit {size(promise.commit_limit)}."
    )
    if found.is_limit_known:
        yield f"In mode 2 it could fork {'without limit' if possible is None else f'{possible} times'}."


def _verdict(found: Fork) -> str:
    granted = found.promise.children_granted
    if granted is None:
        return "granted or refused"
    if granted == found.promise.children:
        return "granted"
    return f"{granted} granted, then refused" if granted else "refused (ENOMEM)"


def _copied(found: Fork) -> Iterator[str]:
    copying, dirty = found.copying, found.request.dirty_percent
    if copying.copied_at_worst is not None:
        yield (
            f"Copied at worst, when {dirty:g} % of {size(copying.private_resident)} is written: "
            f"{size(copying.copied_at_worst)}."
        )
        yield f"Page tables: {size(copying.page_tables)}; available: {size(copying.available)}."


def _limited(found: Fork) -> Iterator[str]:
    if found.ruled.decided is None:
        return
    chosen = found.dying.chosen
    kills = f": the kernel would kill {who(chosen)}, score {chosen.oom_score}" if chosen else ""
    verdict = ruled_text(found.ruled, found.missing, kills)
    yield f"Copied and with page tables that is {size(found.ruled.amount)}; {verdict}."
    yield from together(found.dying)
