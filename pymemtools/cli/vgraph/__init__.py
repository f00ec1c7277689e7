"""``pymemtools vgraph``: a picture of the address space of a process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import click

from pymemtools.areas import Areas
from pymemtools.cli.options import (
    SECONDS,
    SIZE,
    AbbreviatingCommand,
    check_style,
    exit_status,
    format_option,
    offer_pids,
    open_from,
    source_options,
    write_lines,
)
from pymemtools.cli.picture import check_output, look_options
from pymemtools.cli.vgraph.output import show
from pymemtools.cli.vgraph.scene import scene_of
from pymemtools.cli.vgraph.target import Target, process_number, read_target
from pymemtools.cli.watch import samples
from pymemtools.errors import Missing, UsageProblem
from pymemtools.sources.base import Source

_MODES = {"pages": "--pages", "csv_file": "--csv", "legacy": "--legacy", "watch": "--watch", "diff": "--diff"}


@click.command("vgraph", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("target", metavar="TARGET", type=click.Path(readable=False, allow_dash=True), shell_complete=offer_pids)
@click.option("--rss", is_flag=True, help="Show what is resident and swapped, from smaps, which disturbs the process.")
@click.option("--fold", is_flag=True, help="Draw one box for neighbouring arenas, thread stacks, parts of a file.")
@click.option("--min-size", type=SIZE, metavar="SIZE", help="Draw one box for neighbours that are smaller.")
@click.option("--find", metavar="ADDR|NAME", help="Show only what holds an address (0x...), or is called so.")
@click.option("-A", "--after", type=click.IntRange(0, 10_000), default=1, metavar="N", help="And N boxes below. [1]")
@click.option("-B", "--before", type=click.IntRange(0, 10_000), default=1, metavar="N", help="And N boxes above. [1]")
@click.option("--diff", metavar="OTHER", help="Mark what changed since OTHER: a file, a directory, an archive.")
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
    style = options["style"]
    check_style(style)
    check_output(options["output"], style)
    _check_combination(ctx, options)

    @cache
    def opened() -> Source:
        return open_from(ctx, options["source"], partial=options["partial"], max_size=options["max_size"])

    def read() -> Target:
        return read_target(options["target"], opened, rss=options["rss"], max_size=options["max_size"])

    if options["pages"] is not None:
        from pymemtools.cli.vgraph.pages import show_pages

        pid = process_number(options["target"])
        assert pid is not None  # noqa: S101 (checked)
        show_pages(pid, read, options)
        return exit_status(ctx)
    target = read()
    if options["csv_file"] is not None:
        _write_csv(target, options["csv_file"], force=options["force"])
    elif options["legacy"]:
        write_lines(_legacy(target))
    elif options["watch"] is not None:
        _watch(target, read, options)
    else:
        earlier = None if options["diff"] is None else _read_other(ctx, options)
        show(scene_of(target, options, earlier), options)
    return exit_status(ctx)


def _read_other(ctx: click.Context, options: dict[str, Any]) -> Target:
    """Read what to compare with: a text if it starts as one, else the same process of a directory or an archive."""
    from pymemtools.sources.text_file import starts_as_text

    other = options["diff"]
    rss, max_size = options["rss"], options["max_size"]

    def opened() -> Source:
        return open_from(ctx, other, partial=options["partial"], max_size=max_size)

    is_process = process_number(options["target"]) is not None
    is_source = is_process and not starts_as_text(other)
    return read_target(options["target"] if is_source else other, opened, rss=rss, max_size=max_size)


def _watch(target: Target, read: Callable[[], Target], options: dict[str, Any]) -> None:
    """Show all there is, and then what changed, again and again until the process is gone."""
    for sample in samples(options["watch"]):
        if not sample:
            show(scene_of(target, options), options)
            continue
        try:
            earlier, target = target, read()
        except Missing:
            return
        scene = scene_of(target, {**options, "find": None}, earlier)
        changed = Areas(area for area in scene.areas if area.change)
        if changed or scene.replaced:
            sys.stdout.write("\n")
            show(scene._replace(areas=changed), options)


def _check_combination(ctx: click.Context, options: dict[str, Any]) -> None:
    modes = [name for key, name in _MODES.items() if options[key] not in (None, False)]
    if len(modes) > 1:
        raise UsageProblem(f"vgraph: {modes[0]} and {modes[1]}: one at a time")
    is_process = process_number(options["target"]) is not None
    if options["source"] is not None and not is_process:
        raise UsageProblem("vgraph: --source holds processes: TARGET must be a PID then")
    if options["diff"] == "-" and "-" in (options["target"], options["source"]):
        raise UsageProblem("vgraph: there is only one standard input")
    is_live = is_process and options["source"] is None and not ctx.obj
    if options["watch"] is not None and (not is_live or options["output"]):
        raise UsageProblem("vgraph: --watch is for a process of this machine, on the terminal")
    if options["pages"] is not None and not is_live:
        raise UsageProblem("vgraph: --pages is for a process of this machine: no capture has its pagemap")
    if modes in (["--csv"], ["--legacy"]) and (options["style"] != "text" or options["output"]):
        raise UsageProblem(f"vgraph: {modes[0]} has no --format and no --output")
    if options["pages"] is not None and options["output"]:
        raise UsageProblem("vgraph: --pages has no --output")


def _write_csv(target: Target, path: str, *, force: bool) -> None:
    from pymemtools.procfs.map_csv import map_csv_lines

    lines = (line + b"\n" for line in map_csv_lines(target.mappings))
    if path == "-":
        sys.stdout.flush()
        sys.stdout.buffer.writelines(lines)
        return
    from pymemtools.cli.new_file import new_file

    with new_file(path, force=force) as file:
        file.writelines(lines)


def _legacy(target: Target) -> Iterator[str]:
    from pymemtools.procfs.map_csv import for_scripts
    from pymemtools.render.legacy_boxes import Row, vgraph_lines

    return vgraph_lines(
        [
            Row(mapping.start, mapping.end, mapping.name.decode("utf-8", "surrogateescape"))
            for mapping in for_scripts(target.mappings)
        ]
    )
