"""What the experiments share: their options, what is said before, the lines as samples come, and the verdict."""

from __future__ import annotations

import functools
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pymemtools.cli import say
from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.explain import is_explained, no_more
from pymemtools.cli.file_options import output_option
from pymemtools.cli.options import check_style, format_option, open_from, write_lines
from pymemtools.cli.output import show
from pymemtools.cli.terminal import LEAST, on_page, takes_ascii_only, terminal_columns
from pymemtools.cli.types import SECONDS
from pymemtools.errors import UsageProblem
from pymemtools.lab.experiment import Experiment, why_not
from pymemtools.render.escape import escape
from pymemtools.report import Report
from pymemtools.reports.lab.laws import broken
from pymemtools.reports.lab.plan import CannotRun, Findings, Plan, refusal
from pymemtools.sources.base import Source
from pymemtools.units import KIB, human_size

if TYPE_CHECKING:
    from pymemtools.render.line_plot import Plot

Text = Callable[[Report], Iterable[str]]


class Ways(NamedTuple):
    """How one run is called for, whatever the experiment."""

    style: str
    seconds: float | None  # instead of the plan's
    forced: bool
    dry_run: bool
    output: str | None


class ExperimentCommand(AbbreviatingCommand):
    """A command that knows its experiment, for the list of them."""

    experiment: Experiment


def experiment(
    found: Experiment,
    text: Text | None = None,
    plot: Callable[[Report], Plot] | None = None,
    status: Callable[[Report], int] = lambda report: 0,
) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a command of a function that makes an experiment's request of its own options.

    ``text`` lays out what stands between the samples and the laws. With ``plot`` there is -o, and a chart on terminals.
    ``status`` is given where all laws hold.
    """

    def make(own: Callable[..., Any]) -> click.Command:
        @functools.wraps(own)
        @click.pass_context
        def run(ctx: click.Context, /, **options: Any) -> int:
            ways = Ways(*(options.pop(name, None) for name in Ways._fields))
            return _run(ctx, found, own(**options), ways, _Layout(text, plot, status))

        for option in _options(has_plot=plot is not None):
            run = option(run)
        settings = {"allow_interspersed_args": not found.patient}
        command = click.command(found.name, cls=ExperimentCommand, context_settings=settings)(run)
        command.experiment = found
        shared = {*Ways._fields, "explain", "width", "color"}
        command.params.sort(key=lambda param: param.name in shared)
        return command

    return make


class _Layout(NamedTuple):
    text: Text | None
    plot: Callable[[Report], Plot] | None
    status: Callable[[Report], int]


def _options(*, has_plot: bool) -> Iterator[Callable[[Any], Any]]:
    yield format_option
    if has_plot:
        yield output_option("Write the picture to FILE.svg.")
    yield click.option("--force", "forced", is_flag=True, help="Run though the machine is short of memory.")
    yield click.option(
        "--timeout", "seconds", type=SECONDS, metavar="SECONDS", help="End it after so long; else by its plan."
    )
    yield click.option("--dry-run", is_flag=True, help="Say what would happen, and start nothing.")


def _run(ctx: click.Context, found: Experiment, request: Any, ways: Ways, layout: _Layout) -> int:
    """Plan, say so, run, judge; give the exit status."""
    _check(ctx, found, ways)
    source = open_from(ctx, None)
    if obstacle := why_not(found, source):
        raise CannotRun(f"lab {found.name}: cannot run here: {obstacle}")
    plan = found.plan(source, request)
    plan = plan._replace(seconds=ways.seconds or plan.seconds)
    if is_explained() or ways.dry_run:
        _write(found, _explanation(plan, found))
        no_more()
    if reason := refusal(source, plan, _disk_free(plan), forced=ways.forced):
        raise CannotRun(f"lab {found.name}: will not run now: {reason}")
    if ways.dry_run:
        return 0
    report = _performed(found, request, plan, source, is_text=ways.style == "text")
    if ways.style == "text" and found.on_stderr:
        _write(found, _rest(report, found, layout))
    else:
        show(report, ways.style, lambda report: _rest(report, found, layout))
    _save(report, layout, ways)
    for law in broken(report.answer.laws):
        say(f"lab {found.name}: law broken: {law.name}: expected {law.expected}, seen {law.seen}")
    return 1 if broken(report.answer.laws) else layout.status(report)


def _check(ctx: click.Context, found: Experiment, ways: Ways) -> None:
    """Refuse what makes no sense, before anything is read. Raises UsageProblem, MemtoolsError for the output."""
    check_style(ways.style)
    if ctx.obj is True:
        raise UsageProblem(f"lab {found.name}: is for a live machine: a capture cannot be experimented with")
    if ways.dry_run and ways.style != "text":
        raise UsageProblem(f"lab {found.name}: --dry-run is for people: it has no --format")
    if ways.output is not None and not ways.output.endswith(".svg"):
        raise UsageProblem(f"lab {found.name}: {ways.output}: the chart is .svg")
    if ways.output is not None:
        from pymemtools.cli.new_file import check_new_file

        check_new_file(ways.output, force=ways.forced)


def _disk_free(plan: Plan) -> int | None:
    if not plan.directory:
        return None
    found = os.statvfs(plan.directory)
    return found.f_bavail * found.f_frsize


def _explanation(plan: Plan, found: Experiment) -> Iterator[str]:
    """Say what will happen, what it takes, and what the columns of its samples mean."""
    yield from map(escape, plan.happens)
    disk = f", {human_size(plan.disk)} of disk" if plan.disk else ""
    time = "as long as it takes" if plan.seconds == math.inf else f"{plan.seconds:g} s"
    yield f"It takes at most {human_size(plan.memory)} of memory{disk} and {time}."
    yield ""
    shown = [column for column in found.columns if column.title]
    width = max((len(column.title) for column in shown), default=0)
    for column in shown:
        unit = f", in {'KiB' if found.unit == KIB else 'bytes'}" if column.kind == "bytes" else ""
        yield f"{column.title:<{width}}  {column.help}{unit}"
    yield ""


def _performed(found: Experiment, request: Any, plan: Plan, source: Source, *, is_text: bool) -> Report:
    """Run it behind the guard, showing samples as they come, and judge what was seen."""
    from pymemtools.lab.guard import guarded
    from pymemtools.lab.keeper import Terms
    from pymemtools.lab.stage import Stage

    heard = _Heard(found, is_text=is_text)
    terms = Terms(plan.seconds, found.grace, found.patient, plan.claim)
    seen = guarded(lambda hear, owe: found.run(request, Stage(source, hear, owe, plan.predicted)), heard, terms)
    facts = source.facts._asdict()
    return found.report(Findings(request, plan.predicted, heard.rows, seen, facts, tuple(heard.notes)))


class _Heard:
    """Keeps what the experiment tells, and prints samples at once where people read them."""

    def __init__(self, found: Experiment, *, is_text: bool) -> None:
        self._found = found
        self._is_text = is_text
        self.rows: list[dict[str, Any]] = []
        self.notes: list[str] = []

    def __call__(self, kind: str, value: Any) -> None:
        if kind == "note":
            self.notes.append(value)
            return
        self.rows.append(value)
        if not self._is_text:
            return
        from pymemtools.render.lab_table import sample_header, sample_line

        lines = [sample_line(self._found.columns, value, self._found.unit)]
        if len(self.rows) == 1:
            lines.insert(0, sample_header(self._found.columns))
        _write(self._found, lines)


def _write(found: Experiment, lines: Iterable[str]) -> None:
    """Print at once, fitted to the terminal: to stdout, unless that is another program's."""
    lines = on_page(lines)
    if not found.on_stderr:
        write_lines(lines)
        sys.stdout.flush()
    elif sys.stderr is not None:
        sys.stderr.write("".join(f"{line}\n" for line in lines))
        sys.stderr.flush()


def _rest(report: Report, found: Experiment, layout: _Layout) -> Iterator[str]:
    """Give what follows the samples."""
    from pymemtools.render.lab_table import law_lines

    if layout.text is not None:
        yield ""
        yield from layout.text(report)
    stream = sys.stderr if found.on_stderr else sys.stdout
    if layout.plot is not None and stream is not None and stream.isatty():
        from pymemtools.render.line_plot import plot_lines

        is_ascii = takes_ascii_only(stream)
        yield ""
        yield from plot_lines(layout.plot(report), terminal_columns(stream, least=LEAST), is_ascii=is_ascii)
    yield ""
    yield from (f"Note: {note}" for note in report.notes)
    yield from law_lines(report.answer.laws)


def _save(report: Report, layout: _Layout, ways: Ways) -> None:
    if ways.output is None or layout.plot is None:
        return
    from pymemtools.cli.new_file import write_new_file
    from pymemtools.render.line_plot import plot_svg

    text = "".join(f"{line}\n" for line in plot_svg(layout.plot(report)))
    write_new_file(ways.output, text.encode(), force=ways.forced)
