"""``pymemtools info``: what is known of the machine studied, and which commands a capture of it can answer."""

from __future__ import annotations

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
from pymemtools.render.escape import escape
from pymemtools.reports.info import Answer, Machine, answers, describe


@click.command("info", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, source: str | None, style: str, *, max_size: int, partial: bool, strict: bool) -> int:
    """Tell what a capture is: of which machine, taken when, and which commands it can answer."""
    check_style(style)
    opened = open_from(ctx, source, partial=partial, max_size=max_size)
    machine = describe(opened)
    found = answers(opened)
    if machine.unreadable and strict:
        ctx.meta["incomplete"] = True
    if style == "text":
        write_lines([*_about(machine), "", *_table(found)])
        return exit_status(ctx)
    from pymemtools.render.machine import machine_lines

    facts = {**facts_as_json(opened.facts), **machine._asdict()}
    fields = Answer._fields
    rows = [answer._asdict() for answer in found]
    write_lines(machine_lines(style, "info", rows, fields=fields, source=facts, unreadable=machine.unreadable))
    return exit_status(ctx)


def _about(machine: Machine) -> list[str]:
    threads = "" if machine.kernel_threads == 1 else "s"
    lines = (
        ("Source", machine.source),
        ("Host", machine.host),
        ("Machine", machine.machine),
        ("Kernel", machine.kernel),
        ("Page size", None if machine.page_size is None else f"{machine.page_size} bytes"),
        ("Taken at", machine.taken_at),
        ("Taken by", machine.tool),
        ("Memory", None if machine.memory is None else f"{machine.memory // 1024} KiB"),
        ("Swap", None if machine.swap is None else f"{machine.swap // 1024} KiB"),
        ("Processes", f"{machine.processes}, and {machine.kernel_threads} kernel thread{threads}"),
        ("Unreadable", f"{machine.unreadable}"),
    )
    return [f"{title + ':':<12}{escape(value) if value is not None else '-'}" for title, value in lines]


def _table(found: list[Answer]) -> list[str]:
    rows = [("Command", "Answer", "Without"), *((each.question, each.answer, " ".join(each.missing)) for each in found)]
    return [f"{question:<20}{answer:<10}{missing}".rstrip() for question, answer, missing in rows]
