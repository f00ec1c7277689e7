"""``pymemtools status``: what a process's status says of its memory, and how near it is to the limit of mappings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from pymemtools.cli import say
from pymemtools.cli.options import (
    AbbreviatingCommand,
    check_style,
    exit_status,
    facts_as_json,
    format_option,
    offer_pids,
    open_from,
    source_options,
    write_lines,
)
from pymemtools.cli.pmap.arguments import process_number
from pymemtools.errors import Denied, Missing, UsageProblem
from pymemtools.readings.hidden import unread
from pymemtools.render.detail_table import Numbers, Texts, detail_lines
from pymemtools.render.escape import escape
from pymemtools.reports.status import Ratio, StatusRow, read_ratio, read_status, total_of
from pymemtools.sources.base import Source

_FAILED = 1


@click.command("status", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("pids", nargs=-1, metavar="[PID...]", shell_complete=offer_pids)
@click.option("--all", "everything", is_flag=True, help="Show how much of what all processes map is in memory.")
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show the memory figures of processes: address space, resident and peak, page tables, mappings and threads."""
    check_style(options["style"])
    if bool(options["pids"]) == options["everything"]:
        raise UsageProblem("status: name processes, or ask for --all")
    pids = [process_number("status", text) for text in options["pids"]]
    source = open_from(ctx, options["source"], partial=options["partial"], max_size=options["max_size"])
    if options["everything"]:
        ratio = read_ratio(source)
        if ratio.unreadable:
            ctx.meta["incomplete"] = ctx.meta.get("incomplete") or options["strict"]
        _show_ratio(ratio, source, options["style"])
        return exit_status(ctx)
    rows, status = _read(source, pids)
    if options["style"] == "text":
        _show(rows)
    else:
        _show_rows(rows, source, options["style"], unreadable=len(pids) - len(rows))
    return status or exit_status(ctx)


def _read(source: Source, pids: Sequence[int]) -> tuple[list[StatusRow], int]:
    rows = []
    status = 0
    for pid in pids:
        try:
            row = read_status(source, pid)
        except Missing as error:
            captured = not source.is_live and pid in source.pids()
            say(f"status: {error}" if captured else f"status: {pid}: no such process")
            status = _FAILED
        except Denied as error:
            say(f"status: {error}")
            status = _FAILED
        else:
            rows.append(row)
            if row.is_from_smaps:
                say(f"status: {row.pid}: the source has no status: sizes are sums over smaps")
            if row.is_near_limit:
                say(
                    f"status: {row.pid}: {row.maps} of {row.max_map_count} mappings ({row.maps_percent:.0f} %): "
                    "mmap fails at 100 % (vm.max_map_count)"
                )
    return rows, status


def _distinct(rows: Sequence[StatusRow]) -> list[StatusRow]:
    """Leave out a process named twice, as by a thread of it: a sum counts it once."""
    return list({row.pid: row for row in rows}.values())


def _keys(rows: Sequence[StatusRow]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row.sizes))


def _show(rows: Sequence[StatusRow]) -> None:
    """Print a column a process, and their sums."""
    if not rows:
        return
    keys = _keys(rows)
    labels = [*keys, "Threads", "Maps", "of max_map_count"]
    columns: list[Texts | Numbers] = [Texts("KiB", labels, right=False)]
    columns += [Texts(escape(f"{row.pid} {row.name}"), _cells(row, keys)) for row in rows]
    if len(rows) > 1:
        columns.append(Texts("Total", _totals(_distinct(rows), keys)))
    write_lines(detail_lines(columns))


def _cells(row: StatusRow, keys: Sequence[str]) -> list[str]:
    percent = row.maps_percent
    return [
        *(_kib(row.sizes.get(key)) for key in keys),
        _count(row.threads),
        _count(row.maps),
        "-" if percent is None else f"{percent:.1f} %",
    ]


def _totals(rows: Sequence[StatusRow], keys: Sequence[str]) -> list[str]:
    threads = sum(row.threads or 0 for row in rows)
    maps = sum(row.maps or 0 for row in rows)
    return [*(_kib(total_of(rows, key)) for key in keys), str(threads), str(maps), "-"]


def _kib(size: int | None) -> str:
    return "-" if size is None else str(size >> 10)


def _count(count: int | None) -> str:
    return "-" if count is None else str(count)


def _show_rows(rows: Sequence[StatusRow], source: Source, style: str, *, unreadable: int) -> None:
    from pymemtools.render.machine import machine_lines

    keys = _keys(rows)
    fields = ["pid", "name", *keys, "threads", "maps", "max_map_count", "maps_percent"]
    write_lines(
        machine_lines(
            style,
            "status",
            [
                {
                    "pid": row.pid,
                    "name": row.name,
                    **{key: row.sizes.get(key) for key in keys},
                    "threads": row.threads,
                    "maps": row.maps,
                    "max_map_count": row.max_map_count,
                    "maps_percent": row.maps_percent,
                }
                for row in rows
            ],
            fields=fields,
            source=facts_as_json(source.facts),
            totals={key: total_of(_distinct(rows), key) for key in keys},
            unreadable=unreadable,
        )
    )


def _show_ratio(ratio: Ratio, source: Source, style: str) -> None:
    """Print the three numbers of the one-liner, and then what they mean and what is right."""
    if ratio.unreadable:
        say(f"status: {unread(source, ratio.unreadable, ratio.seen, ratio.reason)}; PSS is without them")
    rows = [
        ("RSS", ratio.rss, ratio.vsz, ratio.rss_to_vsz, "shared pages counted once for each of their users"),
        ("PSS", ratio.pss, ratio.pss_vsz, ratio.pss_to_vsz, "every page counted once"),
    ]
    if style != "text":
        _show_ratio_rows(rows, ratio, source, style)
        return
    share = ratio.rss_to_vsz
    write_lines([f"{ratio.rss >> 10} {ratio.vsz >> 10} {'-' if share is None else f'{share:.6g}'}", ""])
    columns: list[Texts | Numbers] = [
        Texts("", [row[0] for row in rows], right=False),
        Numbers("KiB", [row[1] for row in rows], has_sum=False),
        Numbers("of VSZ", [row[2] for row in rows], has_sum=False),
        Texts("Ratio", ["-" if row[3] is None else f"{100 * row[3]:.2f} %" for row in rows]),
        Texts("", [row[4] for row in rows], right=False),
    ]
    write_lines(detail_lines(columns))


def _show_ratio_rows(rows: Sequence[tuple[Any, ...]], ratio: Ratio, source: Source, style: str) -> None:
    from pymemtools.render.machine import machine_lines

    fields = ["figure", "resident", "vsz", "ratio"]
    write_lines(
        machine_lines(
            style,
            "status",
            [dict(zip(fields, row)) for row in rows],
            fields=fields,
            source=facts_as_json(source.facts),
            unreadable=ratio.unreadable,
        )
    )
