"""``pymemtools what-if overcommit``: how much memory would the kernel promise?"""

from __future__ import annotations

from collections.abc import Iterator

import click

from pymemtools.cli.what_if.question import Question, question
from pymemtools.cli.what_if.tables import sentence, size, table
from pymemtools.report import Report
from pymemtools.reports.what_if.overcommit import NEEDS, Mode, Overcommit, OvercommitRequest, overcommit_report

_NAMES = ("0 heuristic", "1 always", "2 never more")
_NO_FIGURE = ("?", "no limit", "?")
_NAMED = 3  # processes that the summary names


@question("overcommit", overcommit_report, NEEDS)
@click.option("--processes", is_flag=True, help="Show what is committed to each process, and how often it could fork.")
def command(*, processes: bool) -> Question:
    """Show CommitLimit, and the largest mapping that root and others would be granted, in each mode."""
    return Question(OvercommitRequest(processes), _process_lines if processes else _lines)


def _lines(report: Report) -> Iterator[str]:
    found: Overcommit = report.answer
    yield _state(found)
    yield ""
    yield from table(("vm.overcommit_memory", "largest mmap by root", "by others", "+-"), map(_mode, found.modes))
    yield ""
    yield from sentence(_summary(found))


def _state(found: Overcommit) -> str:
    limit, committed = found.commit_limit, found.committed_as
    if limit is None or committed is None:
        return f"Committed_AS is {size(committed, 'not known')}, and the CommitLimit is {size(limit, 'not known')}."
    rest = f"{size(limit - committed)} below" if limit >= committed else f"{size(committed - limit)} above"
    return f"Committed_AS is {size(committed)}, {rest} the CommitLimit of {size(limit)}."


def _mode(mode: Mode) -> tuple[str, ...]:
    nothing = _NO_FIGURE[mode.mode]
    name = _NAMES[mode.mode] + (" (now)" if mode.is_current else "")
    return (
        name,
        size(mode.largest_mmap_root, nothing),
        size(mode.largest_mmap_user, nothing),
        size(mode.error_bound, "?"),
    )


def _summary(found: Overcommit) -> str:
    """Say who could not fork in mode 2, the largest first."""
    if not found.is_limit_known:
        return "How many processes could fork in mode 2 is not known."
    stuck, count = found.stuck, len(found.processes)
    if not stuck:
        return f"In mode 2 each of {count} processes could fork."
    names = ", ".join(f"{row.pid} {row.name} ({size(row.charged_by_fork)})" for row in stuck[:_NAMED])
    more = " ..." if len(stuck) > _NAMED else ""
    return f"In mode 2 {len(stuck)} of {count} processes could not fork: {names}{more}"


def _process_lines(report: Report) -> list[str]:
    found: Overcommit = report.answer
    cells = [
        (
            row.pid,
            row.user,
            *map(size, (row.committed, row.charged_by_fork, row.address_space)),
            "no limit" if forks is None else forks,
            row.name,
        )
        for row, forks in zip(found.processes, found.forks)
    ]
    return table(("PID", "user", "committed", "per fork", "address space", "forks", "name"), cells, left=(1, 6))
