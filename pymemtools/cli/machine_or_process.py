"""What commands share that show a machine, or, where a PID is named, one process of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import click

from pymemtools.cli.options import check_style, exit_status, open_from
from pymemtools.cli.output import Text, show
from pymemtools.cli.types import process_number
from pymemtools.cli.watch import check_watch, watched
from pymemtools.report import Report
from pymemtools.sources.base import Source


class Answers(NamedTuple):
    """The reports on the one and on the other, and how each is laid out."""

    of_machine: Callable[[Source], Report]
    machine_text: Text
    of_process: Callable[[Source, int], Report]
    process_text: Text


def show_machine_or_process(ctx: click.Context, command: str, answers: Answers) -> int:
    """Show what was asked for, once or again and again; give the exit status. Raises UsageProblem."""
    options = ctx.params
    check_style(options["style"])
    check_watch(command, options)
    pid = None if options["pid"] is None else process_number(command, options["pid"])
    source = open_from(ctx, options["source"])
    for sample in watched(command, source, options):
        if pid is None:
            show(answers.of_machine(source), options["style"], answers.machine_text, sample=sample)
        else:
            show(answers.of_process(source, pid), options["style"], answers.process_text, sample=sample)
    return exit_status(ctx)
