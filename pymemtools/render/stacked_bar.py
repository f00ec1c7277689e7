"""One bar for parts of a whole, told apart by shape and not by colour, and a legend with the figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Part(NamedTuple):
    """A part of the whole."""

    label: str
    amount: str  # the size as the legend shows it
    size: int | None  # unknown is not drawn
    block: str  # the character it is drawn with


def stacked_bar(parts: Sequence[Part], columns: int) -> list[str]:
    """Draw the bar, ``columns`` wide, and below it the legend, in as many lines as it needs.

    >>> print("\\n".join(stacked_bar([Part("programs", "3G", 3, "#"), Part("free", "1G", 1, ".")], 40)))
    ##############################..........
    # programs 3G (75%)  . free 1G (25%)
    """
    whole = sum(part.size or 0 for part in parts)
    legend = _wrapped([_entry(part, whole) for part in parts], columns)
    if not whole:
        return legend
    bar, seen = "", 0
    for part in parts:
        seen += part.size or 0
        bar += part.block * (round(columns * seen / whole) - len(bar))  # borders are rounded, so the sum is exact
    return [bar, *legend]


def _entry(part: Part, whole: int) -> str:
    percent = f" ({100 * part.size / whole:.0f}%)" if part.size is not None and whole else ""
    return f"{part.block} {part.label} {part.amount}{percent}"


def _wrapped(entries: Sequence[str], columns: int) -> list[str]:
    lines = [""]
    for entry in entries:
        longer = f"{lines[-1]}  {entry}" if lines[-1] else entry
        if len(longer) <= columns or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(entry)
    return lines
