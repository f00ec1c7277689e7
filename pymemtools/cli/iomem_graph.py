"""``pymemtools iomem-graph``: the physical address space."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from pymemtools.areas import Areas, with_holes
from pymemtools.cli.options import (
    AbbreviatingCommand,
    check_style,
    exit_status,
    facts_as_json,
    format_option,
    open_from,
    source_options,
    write_lines,
)
from pymemtools.cli.picture import (
    check_output,
    described,
    digits_of,
    drawn,
    look_of,
    look_options,
    save_picture,
    without_holes,
)
from pymemtools.errors import Denied, MemtoolsError, UsageProblem
from pymemtools.procfs.iomem import Region, is_hidden, parse_iomem
from pymemtools.reports.physical import KINDS, RegionRow, changed_rows, physical_areas, region_rows, totals
from pymemtools.sources.base import Facts
from pymemtools.units import brief_size

_HIDDEN = (
    "all addresses are 0, which is what the kernel shows to who lacks CAP_SYS_ADMIN in the initial user namespace: "
    "run as root outside of containers, or give a file that root saved"
)
_MARKS = {"new": "+", "gone": "-", "grown": "^", "shrunk": "v"}


@click.command("iomem-graph", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(readable=False))
@click.option("--table", is_flag=True, help="Show the table alone.")
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Show so many levels of regions in regions.")
@click.option("--diff", metavar="OTHER", help="Show what changed since OTHER: a saved iomem, a directory, an archive.")
@click.option("--legacy", is_flag=True, help="Draw as the course's phymap_iomem.sh does.")
@look_options("low")
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show the physical address space: RAM, reserved ranges and devices, as a table and as a picture.

    It is this machine's, or that of FILE, a saved /proc/iomem (- is standard input).
    """
    style = options["style"]
    check_style(style)
    check_output(options["output"], style)
    _check_combination(options)
    regions, facts = _read(ctx, options, options["file"], options["source"])
    if options["legacy"]:
        write_lines(_legacy(regions))
        return exit_status(ctx)
    if options["diff"] is None:
        rows = region_rows(regions, options["depth"])
    else:
        rows = changed_rows(_read_other(ctx, options), regions, options["depth"])
    if options["output"] is not None:
        _save(rows, regions, facts, options)
    elif style == "text":
        write_lines(_text(rows, regions, options))
    else:
        write_lines(_document(style, rows, regions, facts))
    return exit_status(ctx)


def _check_combination(options: dict[str, Any]) -> None:
    if options["file"] is not None and options["source"] is not None:
        raise UsageProblem("iomem-graph: FILE and --source are two answers to the same question")
    if options["diff"] == "-" and "-" in (options["file"], options["source"]):
        raise UsageProblem("iomem-graph: there is only one standard input")
    if options["legacy"] and (options["style"] != "text" or options["diff"] or options["output"]):
        raise UsageProblem("iomem-graph: --legacy has no --format, --diff or --output")
    if options["table"] and options["output"]:
        raise UsageProblem("iomem-graph: --table is the part that is no picture: it has no --output")


def _read(
    ctx: click.Context, options: dict[str, Any], file: str | None, source: str | None
) -> tuple[list[Region], Facts]:
    """Read a saved text, or what a source has. Raises MemtoolsError also when the kernel hid the addresses."""
    if file is not None:
        from pymemtools.sources.text_file import read_text_file

        text, where = read_text_file(file, options["max_size"]), file
        facts = Facts("file", file, None, None, None)
    else:
        opened = open_from(ctx, source, partial=options["partial"], max_size=options["max_size"])
        text, where, facts = opened.read("iomem"), "iomem", opened.facts
    if b"\0" in text[:512]:
        raise UsageProblem(f"iomem-graph: {where} is no text: if it is a capture, write --source {where}")
    if not text:
        raise MemtoolsError(f"{where}: empty: this machine does not tell what is where")
    regions = parse_iomem(text, where)
    if is_hidden(regions):
        raise Denied(f"{where}: {_HIDDEN}")
    return regions, facts


def _read_other(ctx: click.Context, options: dict[str, Any]) -> list[Region]:
    """Read what to compare with: a text if it starts as one, else a directory or an archive."""
    import os

    other = options["diff"]
    if other != "-" and not os.path.isdir(other):
        from pymemtools.sources.text_file import starts_as_text

        if not starts_as_text(other):
            return _read(ctx, options, None, other)[0]
        return _read(ctx, options, other, None)[0]
    return _read(ctx, options, other if other == "-" else None, other)[0]


def _text(rows: Sequence[RegionRow], regions: Sequence[Region], options: dict[str, Any]) -> Iterator[str]:
    from pymemtools.render.region_table import Line, region_lines

    yield from region_lines(
        [Line(_MARKS.get(row.change, ""), row.level, row.name, row.start, row.last, _remark(row)) for row in rows]
    )
    if not options["table"]:
        areas = _areas(rows, options)
        yield ""
        yield from drawn(areas, look_of(options), digits_of(areas))
    yield ""
    yield _sums(regions)


def _areas(rows: Sequence[RegionRow], options: dict[str, Any]) -> Areas:
    return without_holes(Areas(with_holes(physical_areas(rows), 0)), options["holes"])


def _remark(row: RegionRow) -> str:
    remarks = [f"reaches out of {row.parent}"] if row.parent is not None else []
    if row.change in ("grown", "shrunk"):
        remarks.append(f"{row.change} by {brief_size(abs(row.delta))}")
    return ", ".join(remarks)


def _sums(regions: Sequence[Region]) -> str:
    sums = totals(regions)
    within = f" ({brief_size(sums.reserved_ram)} of it reserved)" if sums.reserved_ram else ""
    return (
        f"RAM {brief_size(sums.ram)}{within}, reserved {brief_size(sums.reserved)}, "
        f"devices {brief_size(sums.device)}, holes {brief_size(sums.hole)}"
    )


def _legacy(regions: Sequence[Region]) -> Iterator[str]:
    from pymemtools.render.legacy_boxes import Row, iomem_lines

    return iomem_lines(
        [Row(region.start, region.last, region.name.decode("utf-8", "surrogateescape")) for region in regions]
    )


def _document(style: str, rows: Sequence[RegionRow], regions: Sequence[Region], facts: Facts) -> Iterable[str]:
    from pymemtools.render.machine import machine_lines

    table = [
        {**row._asdict(), "start": f"{row.start:08x}", "last": f"{row.last:08x}", "change": row.change or None}
        for row in rows
    ]
    return machine_lines(
        style,
        "iomem-graph",
        table,
        fields=RegionRow._fields,
        source=facts_as_json(facts),
        totals=totals(regions)._asdict(),
    )


def _save(rows: Sequence[RegionRow], regions: Sequence[Region], facts: Facts, options: dict[str, Any]) -> None:
    from pymemtools.render.address_svg import Sheet

    areas = _areas(rows, options)
    look = look_of(options)
    sheet = Sheet(
        "Physical address space",
        described(facts),
        [_sums(regions)],
        digits_of(areas),
        look.order == "high",
        KINDS,
    )
    save_picture(options["output"], areas, look, sheet, force=options["force"])
