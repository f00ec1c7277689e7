"""How wide is the terminal, and what is fitted to it?"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, TextIO, TypeVar

import click

LEAST = 40  # columns
_F = TypeVar("_F", bound=Callable[..., Any])
_WIDTH, _COLOR = "pymemtools.width", "pymemtools.color"


def terminal_options(function: _F) -> _F:
    """Add --width and --color, which every layout goes by."""
    function = click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        expose_value=False,
        callback=_remember(_COLOR),
        help="Colour what matters; auto: on a terminal, unless NO_COLOR is set.",
    )(function)
    return click.option(
        "--width",
        type=click.IntRange(LEAST, 1000),
        metavar="N",
        expose_value=False,
        callback=_remember(_WIDTH),
        help="Columns to fit text to; the terminal's, in a pipe as many as lines take.",
    )(function)


def ascii_option(function: _F) -> _F:
    """Add --ascii, for pictures of characters."""
    return click.option("--ascii", "is_ascii", is_flag=True, help="Draw with ASCII characters.")(function)


def takes_ascii_only(stream: TextIO) -> bool:
    """Tell whether pictures on a stream are to be of ASCII characters, by its encoding."""
    return not (stream.encoding or "").lower().startswith("utf")


def _remember(key: str) -> Callable[[click.Context, click.Parameter, object], None]:
    return lambda ctx, param, value: ctx.meta.update({key: value})


def is_coloured() -> bool:
    """Tell whether stdout is to be coloured: as --color says, else on a terminal unless NO_COLOR is set."""
    ctx = click.get_current_context(silent=True)
    choice = "auto" if ctx is None else ctx.meta.get(_COLOR, "auto")
    if choice == "auto":
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return bool(choice == "always")


def is_watched() -> bool:
    """Tell whether somebody may be waiting at a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def chosen_width() -> int | None:
    """Give --width."""
    ctx = click.get_current_context(silent=True)
    return None if ctx is None else ctx.meta.get(_WIDTH)


def terminal_columns(stream: TextIO | None, *, least: int) -> int:
    """Give --width, or tell the width of the terminal behind a stream, unless COLUMNS tells another; 80 without any.

    What is no sensible number in COLUMNS is ignored: a width of 10^19 is no terminal's, and a line of it is no line.
    """
    chosen = chosen_width()
    if chosen is not None:
        return max(least, chosen)
    given = _given_columns()
    if given is not None:
        return max(least, given)
    try:
        return max(least, os.get_terminal_size(stream.fileno() if stream else -1).columns or 80)
    except (OSError, ValueError):
        return 80


def _given_columns() -> int | None:
    """Give COLUMNS, which a shell keeps to itself: where a program sees it, somebody has exported it."""
    given = os.environ.get("COLUMNS", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 6 and given[0] != "0" else None


def page_columns() -> int | None:
    """Tell how wide lines may be: as --width or COLUMNS has it, of a terminal as it is, else as they like (None)."""
    if chosen_width() is None and _given_columns() is None and not sys.stdout.isatty():
        return None
    return terminal_columns(sys.stdout, least=LEAST)


def on_page(lines: Iterable[str]) -> Iterable[str]:
    """Fit lines to the terminal; in a pipe they stay whole, unless --width or COLUMNS was given."""
    columns = page_columns()
    if columns is None:
        return lines
    from pymemtools.render.fit import fitted

    return (each for block in lines for line in block.split("\n") for each in fitted(line, columns))
