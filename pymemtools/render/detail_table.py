"""The wide table of ``pmap -X``: columns fitted to their content, a rule and sums below the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pymemtools.render.escape import pad, width
from pymemtools.units import KIB


class Texts(NamedTuple):
    """A column of escaped text."""

    title: str
    cells: Sequence[str]
    right: bool = True


class Numbers(NamedTuple):
    """A column of numbers: bytes, shown in KiB, or plain counts; unknown is ``-``."""

    title: str
    cells: Sequence[int | None]
    is_size: bool = True
    is_signed: bool = False  # growth: with a plus or a minus
    has_sum: bool = True


def detail_lines(columns: Sequence[Texts | Numbers], *, quiet: bool = False, unit: str = "KB") -> Iterator[str]:
    """Lay the columns out, one blank between them; the last one, if it is left-aligned text, as wide as it likes.

    ``quiet`` leaves out the header and the sums, and numbers are then no wider than they must be.
    """
    shown = [_Shown(column, quiet=quiet) for column in columns]
    last = columns[-1]
    if isinstance(last, Texts) and not last.right:
        shown[-1].columns = 0
    if not quiet:
        yield " ".join([*(column.header() for column in shown)])
    yield from map(" ".join, zip(*(column.cells() for column in shown)))
    if quiet:
        return
    summed = max((i for i, column in enumerate(shown, 1) if column.total is not None), default=0)
    if summed:
        yield "".join(f"{column.rule()} " for column in shown[:summed])
        yield "".join(f"{column.sum()} " for column in shown[:summed]) + f"{unit} "


class _Shown:
    """A column with its width."""

    def __init__(self, column: Texts | Numbers, *, quiet: bool) -> None:
        self._column = column
        self.total: str | None = None
        texts = ["" if quiet else column.title]
        if isinstance(column, Texts):
            texts += set(column.cells)
        else:
            self._texts = {value: _number(column, value) for value in set(column.cells)}
            if column.has_sum and not quiet:
                self.total = _sum(column)
                texts.append(self.total)
            texts += self._texts.values()
        self.columns = max(map(width, texts))

    def header(self) -> str:
        return pad(self._column.title, self.columns, right=self._right())

    def cells(self) -> Iterator[str]:
        """Yield the cells, padded; each distinct one is made once."""
        column = self._column
        if isinstance(column, Texts):
            texts = {text: pad(text, self.columns, right=column.right) for text in set(column.cells)}
            return map(texts.__getitem__, column.cells)
        numbers = {value: text.rjust(self.columns) for value, text in self._texts.items()}
        return map(numbers.__getitem__, column.cells)

    def rule(self) -> str:
        return ("=" if self.total is not None else " ") * self.columns

    def sum(self) -> str:
        return (self.total or "").rjust(self.columns)

    def _right(self) -> bool:
        return not isinstance(self._column, Texts) or self._column.right


def _number(column: Numbers, value: int | None) -> str:
    if value is None:
        return "-"
    if column.is_size:
        value = value // KIB if value >= 0 else -(-value // KIB)
    return f"{value:+d}" if column.is_signed and value else str(value)


def _sum(column: Numbers) -> str:
    known = [value for value in column.cells if value is not None]
    return _number(column, sum(known) if known or not column.cells else None)
