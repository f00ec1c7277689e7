"""The list of experiments."""

from __future__ import annotations

from collections.abc import Iterable

import click

from pymemtools.cli import COMMANDS
from pymemtools.cli.lab import MAP
from pymemtools.cli.lab.experiment import ExperimentCommand
from pymemtools.cli.options import check_style, open_from
from pymemtools.cli.output import show
from pymemtools.errors import UsageProblem
from pymemtools.lab.experiment import why_not
from pymemtools.report import Report
from pymemtools.reports.lab.listing import Listed, listing


def show_list(ctx: click.Context, style: str) -> int:
    """Print the experiments, a line each, and why one cannot run here."""
    check_style(style)
    if ctx.obj is True:
        raise UsageProblem("lab: is for a live machine: a capture cannot be experimented with")
    source = open_from(ctx, None)
    group = ctx.command
    found = []
    for experiments in MAP.values():
        for name, shows in experiments.items():
            command = group.get_command(ctx, name) if isinstance(group, click.Group) else None
            assert isinstance(command, ExperimentCommand), COMMANDS["lab"]  # noqa: S101 (a programming error)
            obstacle = why_not(command.experiment, source)
            found.append(Listed(name, shows, not obstacle, obstacle or None))
    show(listing(found, source.facts._asdict()), style, _lines)
    return 0


def _lines(report: Report) -> Iterable[str]:
    found: list[Listed] = report.answer
    width = max(len(each.experiment) for each in found)
    for each in found:
        yield f"{each.experiment:<{width}}  {each.shows}"
        if each.obstacle is not None:
            yield f"{'':<{width}}  cannot run here: {each.obstacle}"
