"""``pymemtools oom-scores``: whom would the kernel kill next, and what would change that?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.offers import offer
from pymemtools.cli.options import check_style, exit_status, format_option, open_from, source_options
from pymemtools.cli.output import Text, note_incomplete, show
from pymemtools.cli.terminal import page_columns
from pymemtools.cli.types import REGEX, adjustment, allocation
from pymemtools.cli.watch import check_watch, watch_option, watched
from pymemtools.cli.who_asks import group_option, pid_option
from pymemtools.errors import UsageProblem
from pymemtools.render.score_table import classic_lines, comparison_lines, ranking_lines, safer_lines
from pymemtools.render.tones import KILLS
from pymemtools.report import Report, column_named
from pymemtools.reports.oom_scores.columns import COLUMNS, SHOWN
from pymemtools.reports.oom_scores.report import Ranking, ScoresRequest, scores_report
from pymemtools.sources.base import Source

if TYPE_CHECKING:
    from pymemtools.reports.formulas import Formula


@click.command("oom-scores", cls=AbbreviatingCommand)
@click.option("--classic", is_flag=True, help="Print PID, score, adjustment and name as the well-known script does.")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.option(
    "-P", "--processfilter", type=REGEX, metavar="REGEX", help="Only processes whose name or command matches."
)
@click.option("-U", "--userfilter", type=REGEX, metavar="REGEX", help="Only processes of users whose name matches.")
@click.option("-s", "--sort", metavar="COLUMN", shell_complete=offer(*SHOWN), help="Column to sort by, not badness.")
@click.option("-r", "--reverse", is_flag=True, help="Sort the other way round.")
@click.option("--wide", is_flag=True, help="Show parent, threads, nice, state, CPU time, MEM% and I/O, too.")
@click.option("--verify", is_flag=True, help="Compare the kernel's scores with the model's.")
@click.option("--set-adj", multiple=True, metavar="PID=ADJ", help="What if a process had this oom_score_adj?")
@click.option("--alloc", multiple=True, metavar="SIZE[:NAME]", help="What if there were a process of this size?")
@pid_option
@group_option
@click.option("--safer-than", nargs=2, type=int, metavar="A B", help="Which oom_score_adj makes A safer than B?")
@watch_option
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show each process's OOM score and what it is made of; the first is killed first. In KiB."""
    request = _checked(options)
    style, is_classic = options["style"], options["classic"]
    source = open_from(ctx, options["source"])
    numbers = watched("oom-scores", source, options)
    _check_source(source, request)
    for sample in numbers:
        report = scores_report(source, request)
        note_incomplete(ctx, report)
        if style == "text" and isinstance(report.answer, Ranking) and not is_classic:
            report = report._replace(warnings=(*report.warnings, *report.answer.doubts))
        text = _text(request, is_classic=is_classic)
        show(report, style, text, sample=sample, formulas=_formulas, is_classic=is_classic, tones=KILLS)
    return exit_status(ctx)


def _checked(options: Mapping[str, Any]) -> ScoresRequest:
    """Turn the options into what they ask for. Raises UsageProblem."""
    check_style(options["style"])
    check_watch("oom-scores", options)
    if options["classic"] and (options["style"] != "text" or options["wide"] or options["verify"]):
        raise UsageProblem("oom-scores: --classic has its own columns: no --format, --wide and --verify")
    adjustments, allocations = dict(map(adjustment, options["set_adj"])), list(map(allocation, options["alloc"]))
    sort = None if options["sort"] is None else _column(options["sort"])
    return ScoresRequest(
        adjustments=adjustments,
        allocations=allocations,
        pid=options["pid"],
        group=options["group"],
        verifies=options["verify"],
        safer_than=options["safer_than"],
        process=options["processfilter"],
        user=options["userfilter"],
        sort=sort,
        is_reversed=options["reverse"],
        top=options["top"],
        is_wide=options["wide"],
    )


def _formulas(report: Report) -> Iterator[Formula]:
    from pymemtools.reports.formulas import of_scores

    return of_scores(getattr(report.answer, "rows", ()), report.totals or {}, report.facts)


def _column(name: str) -> str:
    """Give the key of the column that a name means. Raises UsageProblem."""
    found = column_named(COLUMNS, name)
    if found is None or found.key not in SHOWN:
        raise UsageProblem(f"oom-scores: unknown column '{name}'; there are: {' '.join(SHOWN)}")
    return found.key


def _check_source(source: Source, request: ScoresRequest) -> None:
    """Refuse what the source cannot tell. Raises UsageProblem."""
    if request.is_wide and not source.is_live:
        raise UsageProblem("oom-scores: --wide shows what only a live machine tells")
    if request.verifies and (request.pid is not None or request.group is not None):
        raise UsageProblem(
            "oom-scores: the kernel's scores are of the whole machine: no --pid and --group for --verify"
        )


def _text(request: ScoresRequest, *, is_classic: bool) -> Text:
    """Choose the layout."""
    if request.safer_than is not None:
        return safer_lines
    if request.verifies:
        return comparison_lines
    return classic_lines if is_classic else partial(ranking_lines, room=page_columns(), is_wide=request.is_wide)
