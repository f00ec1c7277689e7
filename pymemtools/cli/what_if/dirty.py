"""``pymemtools what-if dirty``: when does a writer have to wait, and when is its data safe?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import click

from pymemtools.cli.file_options import output_options
from pymemtools.cli.terminal import LEAST, ascii_option, takes_ascii_only, terminal_columns
from pymemtools.cli.types import RATE, SIZE
from pymemtools.cli.what_if.question import Question, question
from pymemtools.cli.what_if.tables import size, table
from pymemtools.errors import UsageProblem
from pymemtools.report import Report
from pymemtools.reports.what_if.dirty import NEEDS, Dirtying, DirtyRequest, Fact, dirty_report

if TYPE_CHECKING:
    from pymemtools.render.line_plot import Plot


@question("dirty", dirty_report, NEEDS)
@click.option("--write", type=RATE, required=True, metavar="RATE", help="How fast a program writes: 20M, or max.")
@click.option("--disk", type=RATE, required=True, metavar="RATE", help="How fast the disk takes it, each second.")
@click.option("--file", type=SIZE, metavar="SIZE", help="How much it writes; without, it never ends.")
@output_options("Write the picture to FILE.svg.")
@ascii_option
def command(
    *, write: float, disk: float, file: int | None, output: str | None, force: bool, is_ascii: bool
) -> Question:
    """Show the dirty thresholds, and what a program that writes sees over time."""
    if output is not None and not output.endswith(".svg"):
        raise UsageProblem(f"what-if dirty: {output}: the plot is .svg")
    save = None if output is None else partial(_save, output=output, force=force)
    is_ascii = is_ascii or takes_ascii_only(sys.stdout)
    return Question(DirtyRequest(write, disk, file), partial(_lines, is_ascii=is_ascii), save)


def _save(report: Report, *, output: str, force: bool) -> None:
    from pymemtools.cli.new_file import write_new_file
    from pymemtools.render.line_plot import plot_svg

    text = "".join(f"{line}\n" for line in plot_svg(_plot(report.answer)))
    write_new_file(output, text.encode(), force=force)


def _plot(found: Dirtying) -> Plot:
    from pymemtools.render.line_plot import Plot

    levels = [("background", found.background), ("dirty threshold", found.dirty)]
    return Plot("Dirty memory over time", found.corners, levels)


def _lines(report: Report, *, is_ascii: bool) -> Iterator[str]:
    from pymemtools.render.line_plot import plot_lines

    found: Dirtying = report.answer
    yield f"Thresholds are a share of {' to '.join(dict.fromkeys(map(size, found.dirtyable)))} of dirtyable memory."
    yield ""
    yield from table(("", "from", "to"), [(fact.title, *_ends(fact)) for fact in found.facts])
    yield ""
    yield from plot_lines(_plot(found), terminal_columns(sys.stdout, least=LEAST), is_ascii=is_ascii)


def _ends(fact: Fact) -> tuple[str, str]:
    if fact.unit == "s":
        return f"{fact.least:.1f} s", "perhaps never" if fact.most is None else f"{fact.most:.1f} s"
    least, most = (size(None if end is None else round(end), "as fast as memory") for end in (fact.least, fact.most))
    per = "/s" if fact.unit == "bytes/s" and fact.least is not None else ""
    return f"{least}{per}", "" if least == most else f"{most}{per}"
