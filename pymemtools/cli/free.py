"""``pymemtools free``: used, cached, free and available memory."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

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
from pymemtools.errors import MemtoolsError, UsageProblem
from pymemtools.procfs.meminfo import parse_meminfo
from pymemtools.render.scale import Scale
from pymemtools.reports.free import FreeRow, Memory, memory
from pymemtools.sources.base import Source

_UNITS = (
    ("bytes", "-b", 0, 1024, "bytes"),
    ("kibi", "-k", 1, 1024, "KiB (the default)"),
    ("mebi", "-m", 2, 1024, "MiB"),
    ("gibi", "-g", 3, 1024, "GiB"),
    ("tebi", None, 4, 1024, "TiB"),
    ("pebi", None, 5, 1024, "PiB"),
    ("kilo", None, 1, 1000, "kB (1000)"),
    ("mega", None, 2, 1000, "MB"),
    ("giga", None, 3, 1000, "GB"),
    ("tera", None, 4, 1000, "TB"),
    ("peta", None, 5, 1000, "PB"),
)


def _unit_options(function: Any) -> Any:
    for long, short, _, _, help in reversed(_UNITS):
        names = [name for name in (short, f"--{long}") if name]
        function = click.option(*names, long, is_flag=True, help=f"Show {help}.")(function)
    return function


@click.command("free", cls=AbbreviatingCommand, context_settings={"help_option_names": ["--help"]})
@_unit_options
@click.option("-h", "--human", is_flag=True, help="Show three digits and a unit.")
@click.option("--si", is_flag=True, help="Use powers of 1000, not 1024.")
@click.option("-l", "--lohi", is_flag=True, help="Show low and high memory.")
@click.option("-L", "--line", is_flag=True, help="Show everything on one line.")
@click.option("-t", "--total", is_flag=True, help="Show the sum of memory and swap.")
@click.option("-v", "--committed", is_flag=True, help="Show committed memory and its limit.")
@click.option("-w", "--wide", is_flag=True, help="Show buffers and cache apart.")
@click.option("-s", "--seconds", metavar="N", help="Repeat every N seconds.")
@click.option("-c", "--count", metavar="N", help="Repeat N times.")
@source_options
@format_option
@click.version_option(None, "-V", "--version", package_name="pymemtools", message="free from pymemtools %(version)s")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Show used, cached, free and available memory, in KiB unless told otherwise."""
    check_style(options["style"])
    scale = _scale(options)
    source = open_from(ctx, options["source"], partial=options["partial"], max_size=options["max_size"])
    seconds = _seconds(options["seconds"])
    left = _count(options["count"])
    repeats = seconds is not None or left is not None
    while True:
        _sample(source, scale, options)
        if left is not None:
            left -= 1
        if not repeats or left == 0:
            break
        if not options["line"]:
            sys.stdout.write("\n")
        sys.stdout.flush()
        time.sleep(1.0 if seconds is None else seconds)
    return exit_status(ctx)


def _sample(source: Source, scale: Scale, options: dict[str, Any]) -> None:
    found = memory(parse_meminfo(source.read("meminfo")), _min_free(source))
    rows = _rows(found, options)
    if options["style"] == "text":
        write_lines([_line(found, scale)] if options["line"] else _table(rows, scale, wide=options["wide"]))
        return
    from pymemtools.render.machine import machine_lines

    notes = ["available is an estimate: the kernel gives no MemAvailable"] if found.is_available_estimated else []
    everything = [found.mem, found.low, found.high, found.swap, found.total, found.commit]
    write_lines(
        machine_lines(
            options["style"],
            "free",
            [row._asdict() for row in everything],
            fields=FreeRow._fields,
            source=facts_as_json(source.facts),
            notes=notes,
        )
    )


def _min_free(source: Source) -> int | None:
    try:
        return int(source.read("sys/vm/min_free_kbytes"))
    except (MemtoolsError, ValueError):
        return None


def _rows(found: Memory, options: dict[str, Any]) -> list[FreeRow]:
    rows = [found.mem]
    if options["lohi"]:
        rows += [found.low, found.high]
    rows.append(found.swap)
    if options["total"]:
        rows.append(found.total)
    if options["committed"]:
        rows.append(found.commit)
    return rows


def _table(rows: list[FreeRow], scale: Scale, *, wide: bool) -> list[str]:
    cache = ("buffers", "cache") if wide else ("buff/cache",)
    titles = ("total", "used", "free", "shared", *cache, "available")
    lines = [" " * 9 + " ".join(f"{title:>11}" for title in titles)]
    for row in rows:
        values = [row.total, row.used, row.free]
        if row.area == "Mem":
            values.append(row.shared)
            values += [row.buffers, row.cache] if wide else [row.buff_cache]
            values.append(row.available)
        lines.append(f"{row.area + ':':<9}" + " ".join(f"{scale.text(value):>11}" for value in values))
    return lines


def _line(found: Memory, scale: Scale) -> str:
    cells = (
        ("SwapUse", found.swap.used),
        ("CachUse", found.mem.buff_cache),
        (" MemUse", found.mem.used),
        ("MemFree", found.mem.free),
    )
    return "".join(f"{label} {scale.text(value):>11} " for label, value in cells)


def _scale(options: dict[str, Any]) -> Scale:
    chosen = [unit for unit in _UNITS if options[unit[0]]]
    if len(chosen) > 1:
        raise UsageProblem("free: Multiple unit options don't make sense.")
    _, _, power, base, _ = chosen[0] if chosen else _UNITS[1]
    if options["si"]:
        base = 1000
    return Scale(power, base, human=options["human"])


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    import re

    if not re.fullmatch(r"[ \t]*[+-]?[0-9]*[.,]?[0-9]*", text) or not text:
        raise UsageProblem(f"free: seconds argument failed: '{text}'")
    digits = text.strip().replace(",", ".")
    value = float(digits) if any(character.isdigit() for character in digits) else 0.0
    if value * 1e6 < 1:
        raise UsageProblem(f"free: seconds argument `{text}' is not positive number")
    return value


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    import re

    if not re.fullmatch(r"[ \t]*[+-]?[0-9]+", text):
        raise UsageProblem(f"free: failed to parse count argument: '{text}'")
    if int(text) < 1:
        raise UsageProblem(f"free: failed to parse count argument: '{text}': Numerical result out of range")
    return int(text)
