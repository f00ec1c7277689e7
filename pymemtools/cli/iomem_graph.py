"""``pymemtools iomem-graph``: the physical address space."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import click

from pymemtools.areas import Areas, with_holes, without_holes
from pymemtools.cli.address_picture import (
    HOLES,
    Look,
    check_output,
    described,
    digits_of,
    drawn,
    look_of,
    look_options,
    save_picture,
)
from pymemtools.cli.command import AbbreviatingCommand, meant_source
from pymemtools.cli.file_options import diff_option
from pymemtools.cli.options import (
    check_style,
    exit_status,
    format_option,
    open_from,
    source_options,
)
from pymemtools.cli.output import show
from pymemtools.cli.types import PATH
from pymemtools.errors import UsageProblem
from pymemtools.render.tones import MARKS
from pymemtools.reports.physical import KINDS, PhysicalSpace, RegionRow, Regions, Totals, physical_report, regions_of
from pymemtools.reports.physical_areas import physical_areas
from pymemtools.sources.base import Facts
from pymemtools.units import brief_size

_MARKS = {"new": "+", "gone": "-", "grown": "^", "shrunk": "v"}


class IomemRequest(NamedTuple):
    """What is asked: of which text or source, compared with which other, and how it is shown."""

    style: str
    file: str | None
    source: str | None
    other: str | None
    depth: int | None
    table: bool  # alone, without a picture
    legacy: bool
    output: str | None  # a file for the picture
    force: bool
    holes: str
    look: Look
    max_size: int


@click.command("iomem-graph", cls=AbbreviatingCommand)
@click.argument("file", required=False, metavar="[FILE]", type=PATH)
@click.option("--table", is_flag=True, help="Show the table alone.")
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Show so many levels of regions in regions.")
@diff_option("Show what changed since OTHER: a saved iomem, a directory, an archive.")
@click.option("--legacy", is_flag=True, help="Draw as the course's phymap_iomem.sh does.")
@look_options("low")
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show the physical address space: RAM, reserved ranges and devices, as a table and as a picture.

    It is this machine's, or that of FILE, a saved /proc/iomem (- is standard input).
    """
    asked = _checked(options)
    regions, facts = _read(ctx, asked, asked.file, asked.source)
    before = None if asked.other is None else _read_other(ctx, asked, asked.other)
    report = physical_report(regions, before, asked.depth, facts._asdict())
    if asked.output is not None:
        _save(report.answer, facts, asked, asked.output)
        return exit_status(ctx)
    text = (lambda report: _legacy(regions)) if asked.legacy else (lambda report: _text(report.answer, asked))
    show(report, asked.style, text, is_classic=True, tones=None if before is None else MARKS)
    return exit_status(ctx)


def _checked(options: Mapping[str, Any]) -> IomemRequest:
    """Turn the options into what they ask for. Raises UsageProblem for those that do not go together."""
    check_style(options["style"])
    check_output(options["output"], options["style"])
    file, source, other, legacy = (options[name] for name in ("file", "source", "diff", "legacy"))
    if file is not None and source is not None:
        raise UsageProblem("iomem-graph: FILE and --source are two answers to the same question")
    if file is not None and os.path.isdir(file):
        raise UsageProblem(f"iomem-graph: {file} is a directory{meant_source(file)}")
    if other == "-" and "-" in (file, source):
        raise UsageProblem("iomem-graph: there is only one standard input")
    if legacy and (options["style"] != "text" or other or options["output"]):
        raise UsageProblem("iomem-graph: --legacy has no --format, --diff or --output")
    if options["table"] and options["output"]:
        raise UsageProblem("iomem-graph: --table is the part that is no picture: it has no --output")
    given = {name: options[name] for name in IomemRequest._fields if name in options}
    return IomemRequest(**given, other=other, look=look_of(dict(options)))


def _read(ctx: click.Context, asked: IomemRequest, file: str | None, source: str | None) -> tuple[Regions, Facts]:
    """Read a saved text, or what a source has. Raises MemtoolsError."""
    if file is not None:
        from pymemtools.sources.text_file import read_text_file

        return regions_of(read_text_file(file, asked.max_size), file), Facts("file", file, None, None, None)
    opened = open_from(ctx, source)
    return regions_of(opened.read("iomem"), "iomem"), opened.facts


def _read_other(ctx: click.Context, asked: IomemRequest, other: str) -> Regions:
    """Read what to compare with: a text if it starts as one, else a directory or an archive."""
    if other != "-" and not os.path.isdir(other):
        from pymemtools.sources.text_file import starts_as_text

        if not starts_as_text(other):
            return _read(ctx, asked, None, other)[0]
        return _read(ctx, asked, other, None)[0]
    return _read(ctx, asked, other if other == "-" else None, other)[0]


def _text(found: PhysicalSpace, asked: IomemRequest) -> Iterator[str]:
    from pymemtools.render.region_table import Line, region_lines

    yield from region_lines(
        [Line(_MARKS.get(row.change, ""), row.level, row.name, row.start, row.last, _remark(row)) for row in found.rows]
    )
    if not asked.table:
        areas = _areas(found, asked)
        yield ""
        yield from drawn(areas, asked.look, digits_of(areas))
    yield ""
    yield _sums(found.sums)


def _areas(found: PhysicalSpace, asked: IomemRequest) -> Areas:
    return without_holes(Areas(with_holes(physical_areas(found.rows), 0)), HOLES[asked.holes])


def _remark(row: RegionRow) -> str:
    remarks = [f"reaches out of {row.parent}"] if row.parent is not None else []
    if row.change in ("grown", "shrunk"):
        remarks.append(f"{row.change} by {brief_size(abs(row.delta))}")
    return ", ".join(remarks)


def _sums(sums: Totals) -> str:
    within = f" ({brief_size(sums.reserved_ram)} of it reserved)" if sums.reserved_ram else ""
    return (
        f"RAM {brief_size(sums.ram)}{within}, reserved {brief_size(sums.reserved)}, "
        f"devices {brief_size(sums.devices)}, holes {brief_size(sums.holes)}"
    )


def _legacy(regions: Regions) -> Iterator[str]:
    from pymemtools.render.legacy_boxes import Row, iomem_lines

    return iomem_lines(
        [Row(region.start, region.last, region.name.decode("utf-8", "surrogateescape")) for region in regions]
    )


def _save(found: PhysicalSpace, facts: Facts, asked: IomemRequest, path: str) -> None:
    from pymemtools.render.address_svg import Sheet

    areas = _areas(found, asked)
    sheet = Sheet(
        "Physical address space",
        described(facts),
        [_sums(found.sums)],
        digits_of(areas),
        asked.look.order == "high",
        KINDS,
    )
    save_picture(path, areas, asked.look, sheet, force=asked.force)
