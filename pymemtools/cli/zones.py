"""``pymemtools zones``: the memory zones against their watermarks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.explain import of_one_moment
from pymemtools.cli.options import (
    check_style,
    exit_status,
    format_option,
    open_from,
    source_options,
)
from pymemtools.cli.output import show
from pymemtools.cli.types import LARGE
from pymemtools.cli.watch import check_watch, watch_option, watched
from pymemtools.errors import UsageProblem
from pymemtools.render.tones import ZONES
from pymemtools.report import Report
from pymemtools.reports.zones import boot_report, reserves, zones_report
from pymemtools.sources.base import Source

if TYPE_CHECKING:
    from pymemtools.reports.formulas import Formula


class ZonesRequest(NamedTuple):
    """What is asked: of a machine, or what a boot would choose for these amounts of lowmem, in bytes."""

    style: str
    boots: tuple[int, ...] = ()
    as_kernel: bool = False  # in the layout of its Show Memory report


@click.command("zones", cls=AbbreviatingCommand)
@click.option("--table", is_flag=True, help="Show the kernel's min_free_kbytes for machines of 16 MB to 16 GB.")
@click.option("--ram", type=LARGE, metavar="SIZE", help="Show it for a machine with so much lowmem.")
@click.option("--sysrq", is_flag=True, help="Show it as the kernel's Show Memory report does, without triggering one.")
@watch_option
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show each memory zone: free, its watermarks, its state, and what the model makes of it, in KiB."""
    asked = _checked(options)
    if asked.boots:
        show(boot_report(asked.boots), asked.style, _boot_text)
        return 0
    source = open_from(ctx, options["source"])
    text = _kernel_text if asked.as_kernel else _text
    is_kernels = asked.as_kernel  # whose lines are as long as in its log
    for sample in watched("zones", source, options):
        studied = of_one_moment(source)
        report, formulas = zones_report(reserves(studied), source.facts._asdict()), partial(_formulas, studied)
        show(report, asked.style, text, sample=sample, formulas=formulas, is_classic=is_kernels, tones=ZONES)
    return exit_status(ctx)


def _checked(options: Mapping[str, Any]) -> ZonesRequest:
    """Turn the options into what they ask for. Raises UsageProblem."""
    table, ram, sysrq = options["table"], options["ram"], options["sysrq"]
    check_style(options["style"])
    check_watch("zones", options)
    if options["watch"] is not None and (table or ram is not None):
        raise UsageProblem("zones: --table and --ram are of no machine: there is nothing to --watch")
    if sysrq and options["style"] != "text":
        raise UsageProblem("zones: --sysrq is a layout of text: it has no --format, which has every figure without it")
    if not table and ram is None:
        return ZonesRequest(options["style"], as_kernel=sysrq)
    if sysrq or options["source"] is not None:
        raise UsageProblem("zones: --table and --ram are of no machine: they take neither --source nor --sysrq")
    if table and ram is not None:
        raise UsageProblem("zones: --table shows all sizes and --ram one")
    return ZonesRequest(options["style"], tuple(16 << 20 << power for power in range(11)) if ram is None else (ram,))


def _formulas(source: Source, report: Report) -> Iterator[Formula]:
    from pymemtools.reports.formulas import of_zones

    return of_zones(source)


def _text(report: Report) -> list[str]:
    from pymemtools.render.zone_table import zone_lines

    return zone_lines(report.answer)


def _kernel_text(report: Report) -> list[str]:
    from pymemtools.render.show_memory import show_memory

    return show_memory(report.answer)


def _boot_text(report: Report) -> list[str]:
    from pymemtools.render.zone_table import boot_lines

    return boot_lines(report.answer)
