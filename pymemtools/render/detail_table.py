"""The wide table of ``pmap -X``: columns fitted to their content, a rule and sums below the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

from pymemtools.cells import Memo
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
    shown = []
    for i, column in enumerate(columns, 1):
        is_open = i == len(columns) and isinstance(column, Texts) and not column.right
        shown.append(_of_texts(column, quiet, is_open) if isinstance(column, Texts) else _of_numbers(column, quiet))
    if not quiet:
        yield " ".join(pad(column.title, column.width, right=column.right) for column in shown)
    yield from map(" ".join, zip(*(column.cells for column in shown)))
    summed = max((i for i, column in enumerate(shown, 1) if column.total is not None), default=0)
    if summed:
        rules = ["=" * column.width if column.total is not None else " " * column.width for column in shown[:summed]]
        sums = [(column.total or "").rjust(column.width) for column in shown[:summed]]
        yield "".join(f"{rule} " for rule in rules)
        yield "".join(f"{sum} " for sum in sums) + f"{unit} "


class _Shown(NamedTuple):
    """A column with its width, and its cells padded to it."""

    title: str
    width: int
    right: bool
    cells: Iterable[str]
    total: str | None = None


def _of_texts(column: Texts, quiet: bool, is_open: bool) -> _Shown:
    cells = column.cells
    is_plain = all(map(str.isascii, cells))
    widest = 0 if is_open else max(map(len if is_plain else width, cells), default=0)
    columns = widest if quiet or is_open else max(widest, width(column.title))
    padded: Iterable[str] = cells
    if not is_open and is_plain:
        padded = map(str.rjust if column.right else str.ljust, cells, repeat(columns))
    elif not is_open:
        padded = (pad(text, columns, right=column.right) for text in cells)
    return _Shown(column.title, columns, column.right, padded)


def _of_numbers(column: Numbers, quiet: bool) -> _Shown:
    """Make each distinct cell once; the widest one is the largest, the least, or what is unknown."""
    cells = column.cells
    known = [value for value in cells if value is not None]
    total = None
    if column.has_sum and not quiet:  # nothing known is not 0
        total = _number(column, sum(known) if known or not cells else None)
    longest = {min(known), max(known)} if known else set()
    shown = [*longest, None] if len(known) < len(cells) else [*longest]
    widest = max((len(_number(column, value)) for value in shown), default=0)
    columns = widest if quiet else max(widest, len(column.title), len(total or ""))
    padded: Memo[int | None, str] = Memo(lambda value: _number(column, value).rjust(columns))
    return _Shown(column.title, columns, True, map(padded.__getitem__, cells), total)


def _number(column: Numbers, value: int | None) -> str:
    if value is None:
        return "-"
    if column.is_size:
        value = value // KIB if value >= 0 else -(-value // KIB)
    return f"{value:+d}" if column.is_signed and value else str(value)
