"""``pymemtools vgraph``: a picture of the address space of a process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import click

from pymemtools.cli.address_picture import Look, look_of, look_options
from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.file_options import diff_option
from pymemtools.cli.offers import offer_pids
from pymemtools.cli.options import (
    check_style,
    exit_status,
    format_option,
    open_from,
    source_options,
    write_lines,
)
from pymemtools.cli.output import show
from pymemtools.cli.types import SECONDS, SIZE
from pymemtools.cli.vgraph.arguments import Asked, checked
from pymemtools.cli.vgraph.layout import save, scene_lines
from pymemtools.cli.vgraph.target import read_target
from pymemtools.cli.watch import check_repeatable, gap_between, is_redrawn, samples
from pymemtools.errors import Missing
from pymemtools.readings.address_space import AddressSpace
from pymemtools.render.tones import MARKS
from pymemtools.reports.vgraph.report import vgraph_report
from pymemtools.reports.vgraph.scene import Scene, changes_of, scene_of
from pymemtools.sources.base import Source


@click.command("vgraph", cls=AbbreviatingCommand)
@click.argument("target", metavar="TARGET", type=click.Path(readable=False, allow_dash=True), shell_complete=offer_pids)
@click.option("--rss", is_flag=True, help="Show what is resident and swapped, from smaps, which disturbs the process.")
@click.option("--fold", is_flag=True, help="Draw one box for neighbouring arenas, thread stacks, parts of a file.")
@click.option("--min-size", type=SIZE, metavar="SIZE", help="Draw one box for neighbours that are smaller.")
@click.option("--find", metavar="ADDR|NAME", help="Show only what holds an address (0x...), or is called so.")
@click.option("-A", "--after", type=click.IntRange(0, 10_000), default=1, metavar="N", help="And N boxes below. [1]")
@click.option("-B", "--before", type=click.IntRange(0, 10_000), default=1, metavar="N", help="And N boxes above. [1]")
@diff_option("Mark what changed since OTHER: a file, a directory, an archive.")
@click.option("--watch", type=SECONDS, metavar="SECONDS", help="Show the picture, then changes as they come.")
@click.option("--pages", metavar="ADDR", help="Show which pages of the mapping that holds an address are there.")
@click.option("--legacy", is_flag=True, help="Draw as the course's vgraph.sh does.")
@click.option("--csv", "csv_file", metavar="OUT", help="Write start,end,label of each mapping to a file (- is stdout).")
@look_options("high")
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Draw the address space of a process: mappings and holes, with the address at every boundary.

    TARGET is a PID, a saved maps or smaps, a CSV file (start,end,label), or - for any of these on standard input.
    """
    check_style(options["style"])
    if options["watch"] is not None:
        check_repeatable("vgraph", options["style"])
    asked = checked(options, is_demo=bool(ctx.obj))
    open_path = partial(open_from, ctx)
    opened = cache(lambda: open_path(options["source"]))
    read = partial(read_target, asked.target, opened, rss=asked.rss, max_size=asked.max_size)
    look = partial(look_of, options)
    if asked.pages is not None:
        _show_pages(asked, read, look)
        return exit_status(ctx)
    space = read()
    if asked.csv_file is not None:
        _write_csv(space, asked.csv_file, force=asked.force)
    elif asked.legacy:
        write_lines(_legacy(space))
    elif asked.watch is not None:
        _watch(asked, space, read, look)
    else:
        earlier = None if asked.diff is None else _read_other(asked, asked.diff, open_path)
        _show(scene_of(space, asked.request, earlier), asked, look)
    return exit_status(ctx)


def _read_other(asked: Asked, other: str, open_path: Callable[[str], Source]) -> AddressSpace:
    """Read what to compare with: a text if it starts as one, else the same process of a directory or an archive."""
    from pymemtools.sources.text_file import starts_as_text

    is_source = asked.pid is not None and not starts_as_text(other)
    target = asked.target if is_source else other
    return read_target(target, lambda: open_path(other), rss=asked.rss, max_size=asked.max_size)


def _show(scene: Scene, asked: Asked, look: Callable[[], Look], sample: int | None = None) -> None:
    """Put a picture out as asked."""
    if asked.output is not None:
        save(scene, look(), asked.output, force=asked.force)
    else:
        tones = MARKS if asked.diff or sample else None
        text = lambda report: scene_lines(report.answer, look())
        show(vgraph_report(scene), asked.style, text, sample=sample, tones=tones)


def _watch(asked: Asked, space: AddressSpace, read: Callable[[], AddressSpace], look: Callable[[], Look]) -> None:
    """Show all there is, and then what changed, until the process is gone; on a terminal always all."""
    redraws = is_redrawn(asked.style) and asked.output is None
    for sample in samples(asked.watch, redraws=redraws):
        try:
            earlier, space = space, read() if sample else space
        except Missing:
            return
        if redraws or not sample:
            _show(scene_of(space, asked.request), asked, look, sample)
            continue
        changed = changes_of(scene_of(space, asked.request._replace(find=None), earlier))
        if changed is not None:
            sys.stdout.write(gap_between(asked.style))
            _show(changed, asked, look, sample)


def _show_pages(asked: Asked, read: Callable[[], AddressSpace], look: Callable[[], Look]) -> None:
    """Draw the pages of the mapping that holds an address."""
    from pymemtools.cli.vgraph.layout import pages_lines
    from pymemtools.readings.mapping_pages import read_pages
    from pymemtools.reports.vgraph.pages import pages_report

    assert asked.pid is not None and asked.pages is not None  # noqa: S101 (checked)
    report = pages_report(*read_pages(asked.pid, read, asked.pages))
    show(report, asked.style, lambda report: pages_lines(report.answer, look()))


def _write_csv(space: AddressSpace, path: str, *, force: bool) -> None:
    from pymemtools.readings.course_csv import map_csv_lines

    lines = (line + b"\n" for line in map_csv_lines(space.mappings))
    if path == "-":
        sys.stdout.flush()
        sys.stdout.buffer.writelines(lines)
        return
    from pymemtools.cli.new_file import new_file

    with new_file(path, force=force) as file:
        file.writelines(lines)


def _legacy(space: AddressSpace) -> Iterator[str]:
    from pymemtools.readings.course_csv import for_scripts
    from pymemtools.render.legacy_boxes import Row, vgraph_lines

    return vgraph_lines(
        [
            Row(mapping.start, mapping.end, mapping.name.decode("utf-8", "surrogateescape"))
            for mapping in for_scripts(space.mappings)
        ]
    )
