"""``pymemtools what-if pss``: what is a process's proportional share of memory?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from pymemtools.cli.types import SIZE
from pymemtools.cli.what_if.question import Question, question
from pymemtools.cli.what_if.tables import size, table
from pymemtools.errors import UsageProblem
from pymemtools.report import Report
from pymemtools.reports.what_if.pss import ProportionalSize, PssRequest, pss_report
from pymemtools.units import KIB


class SharedType(click.ParamType):  # type: ignore[type-arg, unused-ignore] # click before 8.4 has no generic one
    """A size and how many processes share it, as ``200K:2``."""

    name = "shared"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        amount, _, processes = str(value).partition(":")
        if not (processes.isascii() and processes.isdigit() and len(processes) < 8 and int(processes)):
            self.fail(f"{value!r}: write SIZE:N, for example 200K:2, where N processes share it", param, ctx)
        return SIZE.convert(amount, param, ctx), int(processes)


SHARED = SharedType()


@question("pss", pss_report)
@click.argument("pid", required=False, metavar="")
@click.option("--private", type=SIZE, metavar="SIZE", help="Memory that the process has alone.")
@click.option("--shared", type=SHARED, multiple=True, metavar="SIZE:N", help="Memory that N processes share, with it.")
def command(*, pid: str | None, private: int | None, shared: tuple[tuple[int, int], ...]) -> Question:
    """Work out RSS, PSS and USS of a process; without options, of the example in the kernel's documentation."""
    if pid is not None:
        meant = f"; a process's: pymemtools pmap --rollup {pid}" if pid.isdigit() else f", not with '{pid}'"
        raise UsageProblem(f"what-if pss: works with sizes that are supposed{meant}")
    return Question(PssRequest(private, shared), _lines)


def _lines(report: Report) -> Iterator[str]:
    found: ProportionalSize = report.answer
    cells = [(part.part, size(part.size), part.processes, size(round(part.share))) for part in found.parts]
    yield from table(("part", "size", "processes", "counts"), cells)
    yield ""
    yield f"RSS {size(found.rss)}, PSS {size(round(found.pss))}, USS {size(found.uss)}."
    if found.pss_by_the_kernel is not None:
        yield f"The kernel would print Rss {found.rss // KIB} kB and Pss {found.pss_by_the_kernel // KIB} kB."
