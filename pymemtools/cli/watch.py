"""The loop of every mode that repeats: a sample, a pause, the next."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from pymemtools.errors import UsageProblem
from pymemtools.sources.base import Source

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


def check_changes(command: str, source: Source) -> None:
    """Refuse to read again and again what does not change; a directory may be copied anew. Raises UsageProblem."""
    if source.facts.kind in ("archive", "recording"):
        raise UsageProblem(f"{command}: a capture does not change: --watch is for a live machine")


def gap_between(style: str) -> str:
    """Give what stands between two samples: a blank line for people, nothing for programs."""
    return "\n" if style == "text" else ""


def samples(seconds: float | None, count: int | None = None, gap: str = "") -> Iterator[int]:
    """Number the samples: ``count`` of them or endlessly, ``seconds`` apart (1 s unless told otherwise).

    Before the next one ``gap`` is written, and all that is written is shown.
    """
    number = 0
    while True:
        yield number
        number += 1
        if number == count:
            return
        sys.stdout.write(gap)
        sys.stdout.flush()
        time.sleep(1.0 if seconds is None else min(seconds, _LONGEST_SLEEP))
