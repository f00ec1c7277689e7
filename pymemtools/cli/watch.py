"""The loop of every mode that repeats: a sample, a pause, the next."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import click

from pymemtools.cli.types import SECONDS
from pymemtools.errors import UsageProblem
from pymemtools.sources.base import Source

_F = TypeVar("_F", bound=Callable[..., Any])

_LONGEST_SLEEP = 1e9  # seconds; more overflows C's time_t on some machines, and nobody waits 30 years
_REPEATABLE = ("text", "jsonl")
_ONE_TABLE = ("csv", "tsv")


def check_repeatable(command: str, style: str, *, alike: bool = True) -> None:
    """Refuse a format in which several samples would be several documents. Raises UsageProblem.

    Samples with other columns than the first (not ``alike``) are no one table of csv or tsv, either.
    """
    if style not in _REPEATABLE and not (alike and style in _ONE_TABLE):
        raise UsageProblem(
            f"{command}: samples again and again are not one document of {style}: use --format jsonl, "
            "whose rows have their moment"
        )


def is_still(source: Source) -> bool:
    """Tell whether a source never changes: an archive, or a moment of a recording; a directory may be copied anew."""
    return source.facts.kind in ("archive", "recording")


def check_changes(command: str, source: Source) -> None:
    """Refuse to read again and again what does not change. Raises UsageProblem."""
    if is_still(source):
        raise UsageProblem(f"{command}: a capture does not change: --watch is for a live machine")


def gap_between(style: str) -> str:
    """Give what stands between two samples: a blank line for people, nothing for programs."""
    return "\n" if style == "text" else ""


def samples(
    seconds: float | None, count: int | None = None, gap: str = "", *, redraws: bool = False, marks: bool = True
) -> Iterator[int]:
    """Number the samples: ``count`` of them or endlessly, ``seconds`` apart (1 s unless told otherwise).

    Before the next one ``gap`` is written, and all that is written is shown. Where the terminal ``redraws``, what is
    written of a sample is a page, in the place of the one before; it ``marks`` what changed, but in a picture.
    """
    pause = 1.0 if seconds is None else min(seconds, _LONGEST_SLEEP)
    if redraws:
        yield from _pages(pause, count, marks)
        return
    number = 0
    while True:
        yield number
        number += 1
        if number == count:
            return
        sys.stdout.write(gap)
        sys.stdout.flush()
        time.sleep(pause)


def _pages(seconds: float, count: int | None, marks: bool) -> Iterator[int]:
    """Number the samples until there are enough, or somebody has enough of them."""
    from pymemtools.cli.screen import Screen

    screen = Screen(seconds, marks=marks)
    try:
        number = 0
        while number != count:
            yield number
            number += 1
            screen.paint()
            if number != count and not screen.wait():
                return
    finally:
        screen.close()


def watch_option(function: _F) -> _F:
    """Add --watch."""
    return click.option("--watch", type=SECONDS, metavar="SECONDS", help="Report again and again.")(function)


def check_watch(command: str, options: Mapping[str, Any]) -> None:
    """Refuse --watch with a format that is one document. Raises UsageProblem."""
    if options["watch"] is not None:
        check_repeatable(command, options["style"])


def watched(command: str, source: Source, options: Mapping[str, Any]) -> Iterator[int | None]:
    """Number the samples of --watch; without it there is one, which has no number. Raises UsageProblem."""
    seconds, style = options["watch"], options["style"]
    if seconds is None:
        return iter((None,))
    check_changes(command, source)
    return samples(seconds, gap=gap_between(style), redraws=is_redrawn(style))


def is_redrawn(style: str) -> bool:
    """Tell whether samples are pages of a terminal: text, to somebody who has the keys, too."""
    if style != "text" or os.environ.get("TERM", "dumb") == "dumb":
        return False
    try:
        return os.isatty(0) and sys.stdout.isatty() and os.tcgetpgrp(0) == os.getpgrp()  # not in the background
    except OSError:
        return False
