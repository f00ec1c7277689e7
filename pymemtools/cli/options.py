"""Options that reading commands share, and how they open their source and write their report."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pymemtools.cli import say
from pymemtools.cli.explain import explain_option, is_explained
from pymemtools.cli.terminal import is_watched, terminal_options
from pymemtools.errors import MemtoolsError, NoSuchProcess, UsageProblem
from pymemtools.sources import open_source
from pymemtools.sources.base import Facts, Source
from pymemtools.units import parse_size

STYLES = ("text", "json", "jsonl", "csv", "tsv")
_BATCH = 1000  # lines written at once
_F = TypeVar("_F", bound=Callable[..., Any])


if TYPE_CHECKING:
    _IntType = click.ParamType[int]
    _FloatType = click.ParamType[float]
    _RegexType = click.ParamType[re.Pattern[str]]
else:  # click before 8.4 has no generic ParamType
    _IntType = _FloatType = _RegexType = click.ParamType


class SizeType(_IntType):
    """A size in bytes, as ``64K`` or ``1.5G``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return parse_size(value)
        except ValueError:
            self.fail(f"{value!r} is no size; write for example 512K, 1.5M or 4G", param, ctx)


class KibType(SizeType):
    """A size in bytes, of which a number alone is KiB, as the table is that it is compared with."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        is_alone = isinstance(value, str) and value.strip().isdecimal()
        return super().convert(f"{value.strip()}K" if is_alone else value, param, ctx)


class SecondsType(_FloatType):
    """A time to wait, in seconds, at most a year."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= 366 * 86400:
            self.fail(f"{value!r} is no time; write seconds, for example 2 or 0.5", param, ctx)
        return seconds


class RegexType(_RegexType):
    """A regular expression."""

    name = "regex"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> re.Pattern[str]:
        if isinstance(value, re.Pattern):
            return value
        try:
            return re.compile(value)
        except (re.error, RecursionError, OverflowError) as error:
            self.fail(f"bad regular expression '{value}': {error}", param, ctx)


class CachesType(_IntType):
    """Which caches to drop: a number as the kernel takes it, or a name."""

    name = "caches"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = CACHES.get(str(value), value)
        if str(number) not in map(str, CACHES.values()):
            self.fail(f"'{value}' is none of 1 (pagecache), 2 (slab) and 3 (all)", param, ctx)
        return int(number)


CACHES = {"pagecache": 1, "slab": 2, "all": 3}
DROPPED = CachesType()
SIZE = SizeType()
KIB_SIZE = KibType()
REGEX = RegexType()
SECONDS = SecondsType()


class AbbreviatingCommand(click.Command):
    """Take unique beginnings of long options, as getopt_long and optparse do (``--tot`` for ``--totals``).

    ``beyond`` names options that the classic program lacks: they make no beginning ambiguous that was unique there.
    """

    def __init__(self, *args: Any, beyond: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._beyond = (*beyond, "--demo")

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; that a process it was given is not there is said in its name, by whoever finds out."""
        try:
            return super().invoke(ctx)
        except NoSuchProcess as error:
            error.args = (f"{ctx.command_path.removeprefix('pymemtools ')}: {error}",)
            raise
        except MemtoolsError as error:
            error.args = (f"{error}{self._meant_by_operands(ctx)}",)
            raise

    def _meant_by_operands(self, ctx: click.Context) -> str:
        """Ask whether an operand, which is no number and no name of a file here, is meant as a source."""
        if ctx.params.get("source", "") is not None:  # it takes none, or has one
            return ""
        for param in self.params:
            if isinstance(param, click.Argument) and not isinstance(param.type, click.Path):
                value = ctx.params[str(param.name)]
                for text in value if isinstance(value, tuple) else (value,):
                    if isinstance(text, str) and not text.isdigit() and meant_source(text):
                        return meant_source(text)
        return ""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        longs = [name for option in options for name in option.opts if name.startswith("--")]
        with_value = {name for option in options if _takes_value(option) for name in option.opts}
        ctx.allow_extra_args = True  # what is left over is refused here, where it may be a source
        try:
            rest = super().parse_args(ctx, list(self._expanded(args, longs, with_value, ctx)))
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # click's parser does not say which command was called wrongly
            if isinstance(error, click.BadParameter) and isinstance(error.param, click.Argument):
                meant = next((self._meant(arg) for arg in args if f"'{arg}'" in error.message), "")
                if meant:
                    raise click.BadParameter(f"{error.message}{meant}", ctx, error.param) from None
            raise
        if rest and not ctx.resilient_parsing:
            extra = f"Got unexpected extra argument{'s' if len(rest) > 1 else ''} ({' '.join(rest)})"
            raise click.UsageError(f"{extra}{self._meant(rest[0])}", ctx)
        return rest

    def _meant(self, text: str) -> str:
        """Ask whether what is no operand is meant as a source, or as a file to be written where none is read."""
        options = {param.name for param in self.params}
        if "source" in options:
            return meant_source(text)
        return f"; did you mean -o {text}?" if "output" in options and "." in text else ""

    def _expanded(
        self, args: Iterable[str], longs: list[str], with_value: set[str], ctx: click.Context
    ) -> Iterable[str]:
        rest = iter(args)
        for arg in rest:
            if arg == "--":
                yield arg
                break
            name, equals, value = arg.partition("=")
            if name.startswith("--"):
                name = self._whole_name(name, longs, ctx)
            yield f"{name}{equals}{value}"
            if not equals and _wants_next(name, with_value):
                yield from islice(rest, 1)
        yield from rest

    def _whole_name(self, name: str, longs: list[str], ctx: click.Context) -> str:
        fits = [name] if name in longs else [long for long in longs if long.startswith(name)]
        classic = [long for long in fits if long not in self._beyond]
        if len(fits) > 1 and len(classic) != 1:
            raise click.UsageError(f"option '{name}' is ambiguous: {', '.join(sorted(fits))}", ctx)
        return (classic or fits or [name])[0]


def _takes_value(option: click.Option) -> bool:
    return not (option.is_flag or option.count or option._flag_needs_value)


def _wants_next(arg: str, with_value: set[str]) -> bool:
    """Tell whether the next argument is the value of this one, a long option or a cluster of short ones."""
    if arg.startswith("--") or not arg.startswith("-"):
        return arg in with_value
    place = next((i for i, letter in enumerate(arg) if i and f"-{letter}" in with_value), 0)
    return place == len(arg) - 1 > 0


Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def offer(*names: str) -> Completer:
    """Complete one of some fixed names."""
    return lambda ctx, param, incomplete: [name for name in names if name.startswith(incomplete)]


def offer_pids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the PIDs of the source named so far: numbers, never names that another user chose."""
    from pymemtools.readings.processes import pids_in_user_space

    try:
        source = _named_so_far(ctx)
        pids = [] if source is None else pids_in_user_space(source)
    except MemtoolsError:
        return []
    return [str(pid) for pid in pids if str(pid).startswith(incomplete)]


def offer_groups(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the path of a control group of the source named so far, level by level."""
    from pymemtools.readings.cgroup_path import groups_beginning

    try:
        source = _named_so_far(ctx)
        return [] if source is None else groups_beginning(source, incomplete or "/")
    except MemtoolsError:
        return []


def _named_so_far(ctx: click.Context) -> Source | None:
    """Open what a command line that is not complete is about; nothing for stdin, which is the terminal."""
    path = ctx.params.get("source")
    if path == "-":
        return None
    if (ctx.obj is True or ctx.find_root().params.get("demo")) and not path:
        from pymemtools.sources.example import open_example

        return open_example()
    return open_source(path and os.path.expanduser(path))


def offer_in_list(names: Callable[[click.Context], Iterable[str]]) -> Completer:
    """Complete the last of several names with commas between them."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        plus = "+" if last.startswith("+") else ""
        return [
            f"{before}{comma}{plus}{name}" for name in sorted(names(ctx)) if name.startswith(last.removeprefix("+"))
        ]

    return complete


def meant_source(text: str) -> str:
    """Ask whether what is no operand is meant as a source, as the end of a message."""
    return f"; did you mean -S {text}?" if os.path.exists(text) else ""


def _study_example(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.obj = True


def source_options(function: _F) -> _F:
    """Add -S/--source and what goes with it."""
    for option in (
        click.option("--demo", is_flag=True, hidden=True, is_eager=True, expose_value=False, callback=_study_example),
        click.option("--strict", is_flag=True, help="Exit with 3 when anything could not be read."),
        click.option("--partial", is_flag=True, help="Use the complete part of a damaged archive; exit status 3."),
        click.option(
            "--max-size", type=SIZE, default="1G", metavar="SIZE", help="Refuse archives that unpack to more. [1G]"
        ),
        click.option(
            "-S",
            "--source",
            type=click.Path(readable=False),
            metavar="PATH",
            help="Read a directory, a tar archive or - (an archive on stdin) instead of this machine.",
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


def open_from(
    ctx: click.Context, source: str | None, *, partial: bool, max_size: int, with_logs: bool = False
) -> Source:
    """Open what -S names, or the example capture for --demo, or this machine."""
    if ctx.obj is True and source is None:
        from pymemtools.sources.example import open_example

        return open_example()
    if source == "":  # a script's variable that is not set
        raise UsageProblem("--source: the name is empty")
    with _told(source):
        opened = open_source(source, partial=partial, max_bytes=max_size, with_logs=with_logs)
    damage = getattr(opened, "damage", None)
    if damage:
        say(f"{source}: {damage}; showing what was complete before that")
        ctx.meta["incomplete"] = True
    return attended(opened)


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


def facts_as_json(facts: Facts) -> Mapping[str, Any]:
    """Give a source's facts under their field names."""
    return facts._asdict()


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
