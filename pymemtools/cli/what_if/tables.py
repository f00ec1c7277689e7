"""Small tables of an answer, laid out by tabulate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pymemtools.render.escape import escape
from pymemtools.units import human_size


def table(titles: Sequence[str], rows: Iterable[Sequence[object]], left: Sequence[int] = (0,)) -> list[str]:
    """Lay rows out below their titles; the columns ``left`` hold text, the others numbers."""
    import tabulate

    align = ["left" if place in left else "right" for place in range(len(titles))]
    cells = [[escape(str(cell)) for cell in row] for row in rows]
    text = tabulate.tabulate(cells, titles, "simple", disable_numparse=True, colalign=align if cells else None)
    return [line.rstrip() for line in text.split("\n")]


def size(amount: int | None, unknown: str = "-") -> str:
    """Write bytes for people, negative ones, too."""
    if amount is None:
        return unknown
    return human_size(amount) if amount >= 0 else f"-{human_size(-amount)}"
