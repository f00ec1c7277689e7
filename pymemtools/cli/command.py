"""What every command has: unique beginnings of long options, and words for what was typed first."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import click

from pymemtools.errors import DeniedProcess, MemtoolsError, NoSuchProcess


class AbbreviatingCommand(click.Command):
    """Take unique beginnings of long options, as getopt_long and optparse do (``--tot`` for ``--totals``).

    ``beyond`` names options that the classic program lacks: they make no beginning ambiguous that was unique there.
    """

    def __init__(self, *args: Any, beyond: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._beyond = (*beyond, "--demo", "--at")

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what is wrong with a process it was given is said in its name, by whoever finds out."""
        try:
            return super().invoke(ctx)
        except (NoSuchProcess, DeniedProcess) as error:
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
        ctx.allow_extra_args = True  # what is left over is refused here, where it may be a source
        try:
            rest = super().parse_args(ctx, list(self._expanded(args, options, ctx)))
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # click's parser does not say which command was called wrongly
            if isinstance(error, click.BadParameter) and isinstance(error.param, click.Argument):
                meant = next((self._meant(arg) for arg in args if f"'{arg}'" in error.message), "")
                if meant:
                    raise click.BadParameter(f"{error.message}{meant}", ctx, error.param) from None
            if isinstance(error, click.NoSuchOption):
                meant = self._meant_option(error.option_name)
                if meant:
                    raise click.NoSuchOption(
                        error.option_name, f"{error.message.rstrip('.')}{meant}", ctx=ctx
                    ) from None
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

    def _meant_option(self, name: str) -> str:
        """Ask whether what other programs call an option is meant as one of ours, or as the operand that a PID is."""
        if name in ("-p", "--pid"):
            operands = [param for param in self.params if isinstance(param, click.Argument)]
            if any(param.name in ("pid", "pids") for param in operands):
                return "; a process is named by its number alone"
        meant = _MEANT.get(name, "")
        has_it = any(meant.split()[0] in param.opts for param in self.params) if meant else False
        return f"; did you mean {meant}?" if has_it else ""

    def _expanded(self, args: Iterable[str], options: Sequence[click.Option], ctx: click.Context) -> Iterable[str]:
        longs = [name for option in options for name in option.opts if name.startswith("--")]
        with_value = {name for option in options if _takes_value(option) for name in option.opts}
        # Of a short option click finds out first which long ones it is like, in 3 ms, and then takes it for what it is.
        longer = {short: long for option in options for short, *others in (option.opts,) for long in others[:1]}
        rest = iter(args)
        for arg in rest:
            if arg == "--" or not (arg.startswith("-") or ctx.allow_interspersed_args):
                yield arg
                break
            name, equals, value = arg.partition("=")
            if name.startswith("--"):
                name = self._whole_name(name, longs, ctx)
            following = list(islice(rest, 1)) if not equals and _wants_next(name, with_value) else []
            if name in longer and not equals and (following or name not in with_value):
                name = longer[name]
            yield f"{name}{equals}{value}"
            yield from following
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


def meant_source(text: str) -> str:
    """Ask whether what is no operand is meant as a source, as the end of a message: it is there, or named as one."""
    return f"; did you mean -S {text}?" if os.path.exists(text) or text.endswith(_SOURCES) else ""


_MEANT = {  # what other programs call it
    **dict.fromkeys(("--json", "-j"), "-f json"),
    "--csv": "-f csv",
    **dict.fromkeys(("-n", "--limit", "--head", "--count"), "--top N"),
    **dict.fromkeys(("-i", "--interval", "--delay", "--every"), "--watch SECONDS"),
    "--watch": "--every TIME",
    "-p": "--pid PID",
    "--since": "--from MOMENT",
    "--until": "--to MOMENT",
    "--input": "-S SOURCE",
}
_SOURCES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar.zst", ".rec")
