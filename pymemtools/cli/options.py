"""Options that reading commands share, and how they open their source and write their report."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pymemtools.cli import say
from pymemtools.cli.explain import explain_option, is_explained
from pymemtools.cli.offers import offer
from pymemtools.cli.terminal import is_watched, terminal_options
from pymemtools.cli.types import PATH, SIZE
from pymemtools.errors import TruncatedArchive, UsageProblem
from pymemtools.sources import open_source
from pymemtools.sources.base import Source

if TYPE_CHECKING:
    from pymemtools.sources.recording.moment import Moment

STYLES = ("text", "json", "jsonl", "csv", "tsv")
_BATCH = 1000  # lines written at once
_MOMENT = "pymemtools.moment"  # in a context: what --at says
_F = TypeVar("_F", bound=Callable[..., Any])


def _study_example(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.obj = True


def _remember_moment(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    ctx.meta[_MOMENT] = value


def _at_moment(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Name the moment of --at with the recording, as users may do themselves: ``a.rec@03:12``."""
    moment = ctx.meta.get(_MOMENT)
    if moment is None or value == "":
        return value
    if value is None:
        raise click.UsageError("--at is for a moment of a recording: say which with -S FILE", ctx)
    return f"{value}@{moment}"


# Where one types it first: the program itself has it, and says so.
demo_option = click.option(
    "--demo", is_flag=True, hidden=True, is_eager=True, expose_value=False, callback=_study_example
)


def source_options(function: _F) -> _F:
    """Add -S/--source and what goes with it."""
    for option in (
        demo_option,
        click.option("--strict", is_flag=True, help="Exit with 3 when anything could not be read."),
        click.option("--partial", is_flag=True, help="Use what was complete in a damaged archive; exit status 3."),
        click.option(
            "--max-size", type=SIZE, default="1G", metavar="SIZE", help="Refuse archives that unpack to more. [1G]"
        ),
        click.option(
            "-S",
            "--source",
            type=PATH,
            metavar="PATH",
            callback=_at_moment,
            help="Read a directory, a tar archive, a recording or - (an archive on stdin) instead of this machine.",
        ),
        click.option(
            "--at",
            metavar="MOMENT",
            is_eager=True,
            expose_value=False,
            callback=_remember_moment,
            shell_complete=offer("first", "last"),
            help="The moment of a recording: 03:12, -2h, 2026-11-28T03:12, first, last or a sample's number.",
        ),
    ):
        function = option(function)
    return function


def format_option(function: _F) -> _F:
    """Add -f/--format, and what is of text: --explain, --width and --color."""
    function = explain_option(terminal_options(function))
    return click.option(
        "-f",
        "--format",
        "style",
        default="text",
        metavar="FORMAT",
        shell_complete=offer(*STYLES, "github", "html", "latex", "rst"),
        help="text, json, jsonl, csv, tsv, or a format of tabulate's (github, html, latex ...).",
    )(function)


def span_options(last: str) -> Callable[[_F], _F]:
    """Add --from and --to, of a recording; ``last`` says what the latter is."""

    def add(function: _F) -> _F:
        for name, key, offered, text in (
            ("--to", "last", "last", last),
            ("--from", "first", "first", "From this moment of the recording on."),
        ):
            function = click.option(name, key, metavar="MOMENT", shell_complete=offer(offered), help=text)(function)
        return function

    return add


def until(command: str, source: str | None, last: str | None) -> str | None:
    """Name the moment of --to with the recording, as --at does. Raises UsageProblem for both, or without one."""
    if last is None:
        return source
    if source is None:
        raise UsageProblem(f"{command}: --to is for a moment of a recording: say which with -S FILE")
    if "@" in source and not os.path.lexists(source):
        raise UsageProblem(f"{command}: --to names the moment that is described, as --at does: give one of them")
    return f"{source}@{last}"


def open_from(ctx: click.Context, source: str | None, *, with_logs: bool = False) -> Source:
    """Open what -S or --diff names, as --partial and --max-size say; else --demo's example capture, or this machine.

    ``with_logs`` unpacks the logs of an archive, too. Raises UsageProblem for an empty name, else MemtoolsError.
    """
    if ctx.obj is True and source is None:
        from pymemtools.sources.example import open_example

        return open_example()
    if source == "":  # a script's variable that is not set
        raise UsageProblem("--source: the name is empty")
    try:
        with _told(source):
            asked = ctx.params  # of a command that takes no source it has none of these
            partial, max_size = asked.get("partial", False), asked.get("max_size", 0)
            opened = open_source(source, partial=partial, max_bytes=max_size, with_logs=with_logs)
    except TruncatedArchive as error:
        raise TruncatedArchive(f"{error}; --partial shows what was complete before that") from None
    damage = getattr(opened, "damage", None)
    if damage:
        say(f"{source}: {damage}; showing what was complete before that")
        ctx.meta["incomplete"] = True
    moment: Moment | None = getattr(opened, "moment", None)
    if moment is not None and ctx.params.get("style", "text") == "text":
        say(f"{opened.facts.path}: sample {moment.number}, taken {moment.local_time}")
    return opened if moment is not None else attended(opened)  # of a recording more is asked than of any source


def attended(source: Source) -> Source:
    """Tell who waits at a terminal when reading processes takes long."""
    if not is_watched():
        return source
    from pymemtools.cli.progress import progress
    from pymemtools.sources.attended import Attended

    return Attended(source, progress)


def _told(source: str | None) -> AbstractContextManager[None]:
    """Show on a terminal that a large archive is being read; this machine is read when it is asked."""
    if source is None:
        return nullcontext()
    from pymemtools.cli.progress import progress

    return progress(f"reading {source}")


def exit_status(ctx: click.Context) -> int:
    """Give 3 for a report known to be incomplete, where the user asked to be told by status."""
    return 3 if ctx.meta.get("incomplete") else 0


def write_lines(lines: Iterable[str]) -> None:
    """Write a report to stdout: at once, or a large one in pieces."""
    rest = iter(lines)
    text = "\n".join(islice(rest, _BATCH))
    sys.stdout.write(f"{text}\n" if text else "")
    while batch := list(islice(rest, _BATCH)):
        sys.stdout.write("\n".join(batch) + "\n")


def check_style(style: str) -> None:
    """Refuse a format that nobody knows, before anything is read."""
    if style != "text" and is_explained():
        command = click.get_current_context().command_path.partition(" ")[2]
        raise UsageProblem(f"{command}: --explain is for people: it has no --format")
    if style in STYLES:
        return
    import tabulate

    if style not in tabulate.tabulate_formats:
        raise UsageProblem(f"unknown format '{style}': text, json, jsonl, csv, tsv or one of tabulate's")
