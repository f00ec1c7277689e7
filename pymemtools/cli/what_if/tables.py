"""The tables and sentences that answers are made of."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import click

from pymemtools.cli.terminal import terminal_columns
from pymemtools.render.escape import escape
from pymemtools.render.fit import breakable
from pymemtools.units import human_size


def table(titles: Sequence[str], rows: Iterable[Sequence[object]], left: Sequence[int] = (0,)) -> list[str]:
    """Lay rows out below their titles; the columns ``left`` hold text, the others numbers."""
    import tabulate

    align = ["left" if place in left else "right" for place in range(len(titles))]
    cells = [[escape(str(cell)) for cell in row] for row in rows]
    text = tabulate.tabulate(cells, titles, "simple", disable_numparse=True, colalign=align if cells else None)
    return [line.rstrip() for line in text.split("\n")]


def sentence(text: str) -> list[str]:
    """Break a sentence, which is escaped, where the terminal ends."""
    width = terminal_columns(sys.stdout, least=60)
    return click.wrap_text(breakable(escape(text)), width, subsequent_indent="  ").split("\n")


def size(amount: int | None, unknown: str = "-") -> str:
    """Write bytes for people, negative ones, too."""
    if amount is None:
        return unknown
    return human_size(amount) if amount >= 0 else f"-{human_size(-amount)}"
