"""free's tables: right-aligned figures behind a label, wider where a figure needs it, never cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

Amount = Callable[[int | None], str]
Row = tuple[str, Sequence[int | None]]


def free_table(titles: Sequence[str], rows: Iterable[Row], amount: Amount, *, label: int, cell: int) -> list[str]:
    """Lay out labels ``label`` columns wide and figures ``cell`` columns wide, with a blank before each figure.

    >>> free_table(["total", "used"], [("Mem:", [2048, 96])], str, label=6, cell=5)
    ['       total  used', 'Mem:    2048    96']
    """

    def line(name: str, cells: Iterable[str]) -> str:
        return f"{name:<{label}}" + "".join(f" {text:>{cell}}" for text in cells)

    return [line("", titles), *(line(name, map(amount, figures)) for name, figures in rows)]
