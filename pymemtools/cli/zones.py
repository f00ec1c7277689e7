"""``pymemtools zones``: the memory zones against their watermarks."""

from __future__ import annotations

import click

from pymemtools.cli import say
from pymemtools.cli.options import (
    SIZE,
    AbbreviatingCommand,
    check_style,
    exit_status,
    facts_as_json,
    format_option,
    open_from,
    source_options,
    write_lines,
)
from pymemtools.errors import UsageProblem
from pymemtools.render.watermark_gauge import watermark_gauge
from pymemtools.reports.zones import Reserves, ZoneRow, reserves


@click.command("zones", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--table", is_flag=True, help="Show the kernel's min_free_kbytes for machines of 16 MB to 16 GB.")
@click.option("--ram", type=SIZE, metavar="SIZE", help="Show it for a machine with so much lowmem.")
@click.option("--sysrq", is_flag=True, help="Show it as the kernel's Show Memory report does, without triggering one.")
@source_options
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    source: str | None,
    style: str,
    ram: int | None,
    *,
    table: bool,
    sysrq: bool,
    max_size: int,
    partial: bool,
    strict: bool,
) -> int:
    """Show each memory zone: free, its watermarks, its state, and what the model makes of it, in KiB."""
    check_style(style)
    if table or ram is not None:
        if sysrq or source is not None:
            raise UsageProblem("zones: --table and --ram are of no machine: they take neither --source nor --sysrq")
        if table and ram is not None:
            raise UsageProblem("zones: --table shows all sizes and --ram one")
        _print_table([ram] if ram is not None else [16 << 20 << power for power in range(11)], style)
        return 0
    opened = open_from(ctx, source, partial=partial, max_size=max_size)
    found = reserves(opened)
    if sysrq:
        if style != "text":
            raise UsageProblem("zones: --sysrq has no --format")
        from pymemtools.reports.show_memory import show_memory

        write_lines(show_memory(opened, found))
    elif style == "text":
        write_lines(_text(found))
    else:
        from pymemtools.render.machine import machine_lines

        notes = [*found.notes, f"min_free_kbytes is {found.reason}"]
        rows = [row._asdict() for row in found.rows]
        facts = facts_as_json(opened.facts)
        write_lines(machine_lines(style, "zones", rows, fields=ZoneRow._fields, source=facts, notes=notes))
    for note in found.notes:
        say(f"zones: {note}")
    return exit_status(ctx)


def _print_table(sizes: list[int], style: str) -> None:
    from pymemtools.models.watermarks import boot_min_free_kbytes

    rows = [{"lowmem": size, "min_free_kbytes": boot_min_free_kbytes(size // 1024)} for size in sizes]
    if style == "text":
        write_lines(f"{row['lowmem'] >> 20:6}MB: {row['min_free_kbytes']:8}k" for row in rows)
        return
    from pymemtools.render.machine import machine_lines

    write_lines(machine_lines(style, "zones", rows, fields=("lowmem", "min_free_kbytes"), source={}))


_TITLES = ("Free", "Min", "Low", "High", "Managed")
_WIDTHS = (9, 8, 8, 8, 9)  # at least


def _text(found: Reserves) -> list[str]:
    table = [
        list(map(_kib, (row.free, row.min, row.low, row.high, row.present if row.managed is None else row.managed)))
        for row in found.rows
    ]
    widths = [max(least, *(len(cells[place]) + 1 for cells in table)) for place, least in enumerate(_WIDTHS)]
    titles = "".join(f"{title:>{width}}" for title, width in zip(_TITLES, widths))
    lines = [f"Node {'Zone':<7}{titles}  {'0 to 2x high':<12}  State"]
    for row, cells in zip(found.rows, table):
        gauge = watermark_gauge(row.free, (row.min, row.low, row.high), 12) if row.state != "empty" else ""
        sizes = "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths))
        lines.append(f"{row.node:>4} {row.zone:<7}{sizes}  {gauge:<12}  {row.state}")
    lines += ["", *_about_marks(found), *_boosts(found), *_protections(found), *_blocks(found)]
    return lines


def _about_marks(found: Reserves) -> list[str]:
    setting = "-" if found.min_free_kbytes is None else str(found.min_free_kbytes)
    lines = [f"min_free_kbytes {setting}: {found.reason}"]
    known = [row for row in found.rows if row.model_min is not None]
    off = [row for row in known if (row.min, row.low, row.high) != (row.model_min, row.model_low, row.model_high)]
    if not known:
        lines.append("model: the source does not tell min_free_kbytes and watermark_scale_factor")
    elif not off:
        lines.append("model: gives the same watermarks")
    lines += [
        f"model: node {row.node} {row.zone} {_kib(row.model_min)}/{_kib(row.model_low)}/{_kib(row.model_high)}"
        " after a write to min_free_kbytes; boot left it as it is"
        for row in off
    ]
    return lines


def _boosts(found: Reserves) -> list[str]:
    """Show what fragmentation added to all watermarks for a while, and the watermark of memory tiering."""
    lines = [
        f"boost: node {row.node} {row.zone} {_kib(row.boost)}, which min, low and high include"
        for row in found.rows
        if row.boost
    ]
    promo = [f"node {row.node} {row.zone} {_kib(row.promo)}" for row in found.rows if row.promo and row.managed]
    return [*lines, f"promo: {', '.join(promo)}"] if promo else lines


def _protections(found: Reserves) -> list[str]:
    """Show what zones keep from allocations that may go elsewhere."""
    return [
        f"protection: node {row.node} {row.zone} {' '.join(_kib(size) for size in row.protection)}"
        + ("" if row.model_protection in (None, row.protection) else " (the model gives other values)")
        for row in found.rows
        if any(row.protection)
    ]


def _blocks(found: Reserves) -> list[str]:
    lines = []
    for row in found.rows:
        if row.free_blocks is None or row.largest_free_block is None or row.state == "empty":
            continue
        kib = found.page_size // 1024
        blocks = " ".join(f"{count}*{kib << order}kB" for order, count in enumerate(row.free_blocks))
        lines.append(f"free blocks: node {row.node} {row.zone} {blocks}, largest {_kib(row.largest_free_block)}kB")
    return lines


def _kib(size: int | None) -> str:
    return "-" if size is None else str(size // 1024)
