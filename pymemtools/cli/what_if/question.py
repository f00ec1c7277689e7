"""What the questions share: the machine that is supposed, and how an answer is printed."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

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
from pymemtools.cli.terminal import terminal_columns
from pymemtools.errors import UsageProblem
from pymemtools.models.release import parse_release
from pymemtools.readings.hidden import unread
from pymemtools.readings.machine import Machine, read_machine, trusted
from pymemtools.reports.tunable_values import assignments
from pymemtools.reports.what_if.supposed import assumed, supposed
from pymemtools.sources.base import Source

_SHARED = frozenset(("sets", "ram", "swap", "kernel", "source", "max_size", "partial", "strict", "style"))


class Asked(NamedTuple):
    """The machine as it is, and as it is supposed to be."""

    source: Source
    before: Machine
    machine: Machine
    settings: Mapping[str, str]  # those supposed


class Answer(NamedTuple):
    """Lines for people, and rows for programs, each with the ``rule`` it was worked out by and its ``error_bound``."""

    lines: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    notes: Sequence[str] = ()
    totals: Mapping[str, Any] | None = None
    rules: Sequence[str] = ()  # where people need others than those of the rows
    unreadable: int = 0  # processes
    seen: int = 0  # processes with memory, the unreadable ones among them


def question(
    name: str, assumes: Sequence[str] = (), *, zones: bool = False, of_zones: bool = False
) -> Callable[[Callable[..., Answer]], click.Command]:
    """Make a command of a function that takes what is asked, and its own options, and gives the answer.

    ``assumes`` are the settings that it needs, and ``zones`` whether it needs these: as the kernel would choose them
    where the source does not tell, or zones are not those of its memory; a question ``of_zones`` has these anyway.
    """

    def make(answer: Callable[..., Answer]) -> click.Command:
        @functools.wraps(answer)
        def run(
            ctx: click.Context,
            /,
            *,
            source: str | None,
            style: str,
            sets: tuple[str, ...],
            ram: int | None,
            swap: int | None,
            kernel: str | None,
            max_size: int,
            partial: bool,
            strict: bool,
            **own: Any,
        ) -> int:
            check_style(style)
            version = parse_release(kernel)
            if kernel is not None and version is None:
                raise UsageProblem(f"what-if {name}: --kernel: '{kernel}' is no version; write for example 5.10")
            settings = dict(assignments(sets, f"what-if {name}"))
            opened = open_from(ctx, source, partial=partial, max_size=max_size)
            machine = read_machine(opened)
            before = assumed(machine if of_zones else trusted(machine), assumes, version, zones=zones)
            found = answer(Asked(opened, before, supposed(before, settings, ram, swap, version), settings), **own)
            if found.unreadable:
                say(f"what-if {name}: {unread(opened, found.unreadable, found.seen)}")
                ctx.meta["incomplete"] = ctx.meta.get("incomplete", False) or strict
            _print(style, name, found._replace(notes=list(dict.fromkeys(found.notes))), opened)
            return exit_status(ctx)

        for option in (
            format_option,
            source_options,
            click.option("--kernel", metavar="VERSION", help="Go by the rules of this kernel."),
            click.option("--swap", type=SIZE, metavar="SIZE", help="Suppose this much swap."),
            click.option("--ram", type=SIZE, metavar="SIZE", help="Suppose this much RAM."),
            click.option("--set", "sets", multiple=True, metavar="vm.NAME=VALUE", help="Suppose another setting."),
        ):
            run = option(run)
        help_names = {"help_option_names": ["-h", "--help"]}
        command = click.command(name, cls=AbbreviatingCommand, context_settings=help_names)(click.pass_context(run))
        command.params.sort(key=lambda param: param.name in _SHARED)  # its own options are shown first
        return command

    return make


def _rules(rules: Sequence[str]) -> Iterator[str]:
    """Name the rules that the answer was worked out by, as wide as the terminal."""
    width = terminal_columns(sys.stdout, least=60)
    for rule in dict.fromkeys(rules):
        yield from click.wrap_text(f"Rule: {rule}.", width, subsequent_indent="      ").split("\n")


def _print(style: str, name: str, found: Answer, source: Source) -> None:
    if style == "text":
        for note in found.notes:
            say(f"what-if {name}: {note}")
        write_lines([*found.lines, "", *_rules(found.rules or [row["rule"] for row in found.rows])])
        return
    from pymemtools.render.machine import machine_lines

    fields = list(dict.fromkeys(key for row in found.rows for key in row))
    write_lines(
        machine_lines(
            style,
            f"what-if {name}",
            found.rows,
            fields=fields,
            source=facts_as_json(source.facts),
            totals=found.totals,
            unreadable=found.unreadable,
            notes=found.notes,
        )
    )
