"""The classic table: columns of fixed or fitted widths, amounts in KiB, with units or in percent, a line of totals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from pymemtools.render.escape import cut, escape, pad, width
from pymemtools.report import Column

Value = int | float | str | None


Amount = Callable[[Column, int], str]


def plain_kib(column: Column, size: int) -> str:
    """Give an amount in whole KiB."""
    return str(_kib(size))


def _kib(size: int) -> int:
    return -(-size // 1024) if size < 0 else size // 1024


def abbreviated(column: Column, size: int) -> str:
    """Give an amount as smem -k does: one decimal and a binary unit, 0 without either.

    >>> abbreviated(None, 1048575 * 1024), abbreviated(None, -10240)
    ('1024.0M', '-10.0K')
    """
    if not size:
        return "0"
    scaled: float = abs(size // 1024 * 1024 if size > 0 else size)
    units = ["", "K", "M", "G", "T", "P", "E"]
    while scaled >= 1024 and len(units) > 1:
        scaled /= 1024
        units.pop(0)
    return f"{'-' if size < 0 else ''}{scaled:.1f}{units[0]}"


def percent_of(total: Callable[[Column], int | None]) -> Amount:
    """Make a formatter for amounts in percent of what ``total`` gives for the column; ``N/A`` of nothing."""

    def percent(column: Column, size: int) -> str:
        whole = total(column)
        return f"{100.0 * _kib(size) / (whole // 1024):.2f}%" if whole and whole >= 1024 else "N/A"

    return percent


def cell(column: Column, value: Value, amount: Amount) -> str:
    """Format one value, escaped; unknown is ``-``."""
    if value is None:
        return "-"
    if column.kind == "bytes" and isinstance(value, int):
        return amount(column, value)
    return escape(str(value))


def classic_table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Value]],
    *,
    amount: Amount = plain_kib,
    header: bool = True,
    totals: Sequence[Value] | None = None,
    widths: Sequence[int] | None = None,
) -> list[str]:
    """Lay a table out as smem does: every cell, the last one too, is followed by one blank."""
    widths = widths or [column.width for column in columns]
    titles = [pad(cut(c.title, w) if c.cut else c.title, w, right=c.right) for c, w in zip(columns, widths)]
    top = "".join(f"{title} " for title in titles)
    lines = [top] if header else []
    lines += _laid_out(columns, rows, widths, amount)
    if totals is not None:
        lines.append("-" * width(top))
        lines += _laid_out(columns, [totals], widths, amount)
    return lines


def _laid_out(
    columns: Sequence[Column], rows: Sequence[Sequence[Value]], widths: Sequence[int], amount: Amount
) -> Iterator[str]:
    """Lay rows out column by column, in which each distinct value is formatted once."""
    shown: list[Iterable[str]] = []
    for column, values, columns_wide in zip(columns, zip(*rows), widths):
        texts = {}
        for value in set(values):
            text = cell(column, value, amount)
            if column.cut:
                text = cut(text, columns_wide)
            texts[value] = pad(text, columns_wide, right=column.right)
        shown.append(map(texts.__getitem__, values))
    return (" ".join(cells) + " " for cells in zip(*shown))


def fitted_widths(
    columns: Sequence[Column], rows: Sequence[Sequence[Value]], amount: Amount, *, header: bool, terminal: int
) -> list[int]:
    """Fit widths to the content, as smem -a does: amounts with units or in percent always take 7.

    The one wide text column takes what the terminal has left, at least 10; a column shown twice counts once.
    """
    widths = []
    for i, column in enumerate(columns):
        if column.kind == "bytes" and amount is not plain_kib:
            texts = [7]
        else:
            texts = [width(cell(column, row[i], amount)) for row in rows]
        widths.append(max([1, len(column.title) if header else 1, *texts]))
    together = sum({column.key: each for column, each in zip(columns, widths)}.values())
    for i, column in enumerate(columns):
        if column.cut and column.key in ("command", "path", "group"):
            others = together - widths[i]
            widths[i] = min(widths[i], max(10, terminal - others - len(columns)))
    return widths
