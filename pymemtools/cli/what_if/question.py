"""What the questions share: the options that suppose another machine, and how an answer is printed."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.options import check_style, exit_status, format_option, open_from, source_options
from pymemtools.cli.output import note_incomplete, show
from pymemtools.cli.terminal import terminal_columns
from pymemtools.cli.tunables.names import offer_settings
from pymemtools.cli.types import LARGE
from pymemtools.report import Report
from pymemtools.reports.tunables.values import assignments
from pymemtools.reports.what_if.asked import NOTHING, Asked, Needs, Supposition, ask, kernel_version

_SUPPOSITIONS = (
    click.option("--kernel", metavar="VERSION", help="Go by the rules of this kernel."),
    click.option("--swap", type=LARGE, metavar="SIZE", help="Suppose this much swap."),
    click.option("--ram", type=LARGE, metavar="SIZE", help="Suppose this much RAM."),
    click.option(
        "--set",
        "sets",
        multiple=True,
        metavar="vm.NAME=VALUE",
        shell_complete=offer_settings,
        help="Suppose another setting.",
    ),
)
_Request = TypeVar("_Request")
_SHARED = frozenset(("sets", "ram", "swap", "kernel", "source", "max_size", "partial", "strict", "style"))
_SHOWN_LAST = _SHARED | {"at", "demo", "explain", "width", "color"}  # which no command is given


class Question(NamedTuple):
    """What a question's own options come to: its request, and what is done with the report."""

    request: Any
    text: Callable[[Report], Iterable[str]]  # lays the answer out
    save: Callable[[Report], None] | None = None  # writes a file of it


def question(
    name: str, report_on: Callable[[Asked, _Request], Report], needs: Needs = NOTHING
) -> Callable[[Callable[..., Question]], click.Command]:
    """Make a command of a function that makes a question of its own options.

    ``report_on`` answers it, of a machine for which ``needs`` are filled in where the source does not tell.
    """

    def make(own: Callable[..., Question]) -> click.Command:
        @functools.wraps(own)
        @click.pass_context
        def run(ctx: click.Context, /, **options: Any) -> int:
            check_style(options["style"])
            supposition = _supposition(options, f"what-if {name}")
            asked = own(**{key: value for key, value in options.items() if key not in _SHARED})
            source = open_from(ctx, options["source"])
            report = report_on(ask(source, supposition, needs), asked.request)
            _print(ctx, report, asked)
            return exit_status(ctx)

        for option in (format_option, source_options, *_SUPPOSITIONS):
            run = option(run)
        command = click.command(name, cls=AbbreviatingCommand)(run)
        command.params.sort(key=lambda param: param.name in _SHOWN_LAST)  # its own options are shown first
        return command

    return make


def _supposition(options: Mapping[str, Any], asked_as: str) -> Supposition:
    """Read what is supposed of the machine. Raises UsageProblem."""
    version = kernel_version(options["kernel"], asked_as)
    return Supposition(dict(assignments(options["sets"], asked_as)), options["ram"], options["swap"], version)


def _print(ctx: click.Context, report: Report, asked: Question) -> None:
    """Write the file that is asked for, and print the answer; what programs find in its notes, people are told."""
    if asked.save is not None:
        asked.save(report)
    style = ctx.params["style"]
    if style == "text":
        report = report._replace(warnings=(*report.warnings, *report.notes))
    show(report, style, lambda found: _with_rules(asked.text(found), found))
    note_incomplete(ctx, report)


def _with_rules(lines: Iterable[str], report: Report) -> Iterator[str]:
    """Name the rules that the answer was worked out by below it, as wide as the terminal."""
    yield from lines
    yield ""
    yield from _rules(report.answer.rules)


def _rules(rules: Sequence[str]) -> Iterator[str]:
    width = terminal_columns(sys.stdout, least=60)
    for rule in dict.fromkeys(rules):
        yield from click.wrap_text(f"Rule: {rule}.", width, subsequent_indent="      ").split("\n")
