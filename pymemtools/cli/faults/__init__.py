"""``pymemtools faults``: page faults, and what goes with them, a second; of the machine or of processes."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.faults.arguments import checked
from pymemtools.cli.faults.machine import show_day, show_machine
from pymemtools.cli.faults.source import open_sadf, open_whole
from pymemtools.cli.file_options import diff_option, output_options
from pymemtools.cli.offers import offer_pids
from pymemtools.cli.options import exit_status, format_option, open_from, source_options, span_options, until
from pymemtools.cli.output import note_incomplete
from pymemtools.cli.terminal import ascii_option
from pymemtools.cli.types import DURATION
from pymemtools.cli.watch import is_still
from pymemtools.errors import UsageProblem


@click.command("faults", cls=AbbreviatingCommand)
@click.argument("pids", nargs=-1, metavar="[PID]...", shell_complete=offer_pids)
@click.option("--every", type=DURATION, metavar="TIME", help="Measure over so long, again and again. [1s]")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="So many times; without --every and this, once.")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Show the N processes that make most of them.")
@diff_option("Between OTHER, an earlier capture of the machine, and the source.")
@span_options("Up to this moment of the recording.")
@click.option("--plot", is_flag=True, help="Draw the course.")
@output_options("Write the picture to FILE.svg.")
@ascii_option
@click.option("--compat", type=click.Choice(["sar"]), help="Print what sar -B prints, byte for byte.")
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show page faults, paging, swapping, reclaim and stalls a second: of the machine, or of processes. In KiB.

    Of this machine they are measured. A capture has the means since its start; two of them (--diff) those in between.
    The PATH of -S may be what sadf -j printed.
    """
    asked = checked(options)
    day, is_span = open_sadf(options["source"]), options["first"] is not None or options["last"] is not None
    if day is not None and not is_span:
        show_day(day, asked, options["source"])
        return exit_status(ctx)
    open_path = partial(open_from, ctx)
    path = until("faults", options["source"], options["last"])
    whole = None if asked.diff is not None else open_whole(path, options["max_size"])
    source = whole or open_path(path)
    if is_span and (source.facts.kind != "recording" or asked.diff is not None):
        raise UsageProblem("faults: --from and --to are of one recording: -S FILE names it")
    if asked.is_repeated and is_still(source):
        raise UsageProblem("faults: a capture does not change: --every and --count are for a live machine")
    other = None if asked.diff is None else open_path(asked.diff)
    if source.facts.kind == "recording" and other is None:
        from pymemtools.cli.faults.recorded import show_recorded

        shown = show_recorded(source, asked, is_named=whole is None and not is_span, first=options["first"])
        if shown is not None:
            note_incomplete(ctx, shown)
    elif asked.is_sar:
        from pymemtools.cli.faults.sar import print_sar

        print_sar(source, other, asked)
    elif asked.is_of_processes:
        from pymemtools.cli.faults.processes import show_processes

        for report in show_processes(source, other, asked):
            note_incomplete(ctx, report)
    else:
        show_machine(source, other, asked)
    return exit_status(ctx)
