"""``pymemtools tunables get``: values as sysctl prints them."""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli import say
from pymemtools.cli.options import (
    AbbreviatingCommand,
    exit_status,
    facts_as_json,
    open_from,
    source_options,
    write_lines,
)
from pymemtools.cli.tunables.names import offer_names
from pymemtools.errors import UsageProblem
from pymemtools.render.escape import escape
from pymemtools.reports.tunables import Values, values_report


@click.command("get", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=offer_names)
@click.option("-n", "--values", is_flag=True, help="Print values only.")
@click.option("-N", "--names", "only_names", is_flag=True, help="Print names only.")
@source_options
@click.pass_context
def command(ctx: click.Context, /, names: tuple[str, ...], *, values: bool, only_names: bool, **options: Any) -> int:
    """Print tunables as sysctl does: vm.swappiness = 60."""
    if values and only_names:
        raise UsageProblem("tunables get: --values and --names leave nothing")
    source = open_from(ctx, options["source"], partial=options["partial"], max_size=options["max_size"])
    found: Values = values_report(source, names, facts_as_json(source.facts)).answer
    for reason in found.refused:
        say(reason)
    pairs = [(escape(name), escape(value)) for name, value in found.values]
    write_lines(name if only_names else value if values else f"{name} = {value}" for name, value in pairs)
    return 1 if found.refused else exit_status(ctx)
