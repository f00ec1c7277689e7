"""``pymemtools tunables get``: values as sysctl prints them."""

from __future__ import annotations

import click

from pymemtools.cli import say
from pymemtools.cli.options import (
    AbbreviatingCommand,
    exit_status,
    open_from,
    source_options,
    write_lines,
)
from pymemtools.cli.tunables.names import offer_names
from pymemtools.errors import Denied, Missing, UsageProblem
from pymemtools.models.tunables import canonical
from pymemtools.readings.settings import value_of
from pymemtools.render.escape import escape


@click.command("get", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=offer_names)
@click.option("-n", "--values", is_flag=True, help="Print values only.")
@click.option("-N", "--names", "only_names", is_flag=True, help="Print names only.")
@source_options
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    source: str | None,
    *,
    values: bool,
    only_names: bool,
    max_size: int,
    partial: bool,
    strict: bool,
) -> int:
    """Print tunables as sysctl does: vm.swappiness = 60."""
    if values and only_names:
        raise UsageProblem("tunables get: --values and --names leave nothing")
    opened = open_from(ctx, source, partial=partial, max_size=max_size)
    lines, status = [], exit_status(ctx)
    for name in map(canonical, names):
        try:
            value = escape(value_of(opened, name))
        except (Missing, Denied) as error:
            say(str(error))
            status = 1
            continue
        lines.append(escape(name) if only_names else value if values else f"{escape(name)} = {value}")
    write_lines(lines)
    return status
