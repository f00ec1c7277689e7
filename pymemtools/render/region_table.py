"""The physical address space as a table: regions as a tree, addresses, sizes in KB, MB and GB (of 1024)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pymemtools.render.escape import escape, pad, width

_KIB = 1024


class Line(NamedTuple):
    """One region."""

    mark: str  # what became of it; empty where nothing is compared
    level: int
    name: str
    start: int
    last: int
    remark: str


def region_lines(rows: Sequence[Line]) -> Iterator[str]:
    """Lay the table out."""
    names = [f"{'  ' * row.level}{escape(row.name)}" for row in rows]
    columns = max([6, *map(width, names)])
    digits = max([8, *(len(f"{row.last:x}") for row in rows)])
    gutter = 2 if any(row.mark for row in rows) else 0
    kib = max([9, *(len(_kib(row)) for row in rows)])
    title = f"{'Region':<{columns}}  {'start':>{digits}}   {'end':>{digits}}"
    yield f"{'':{gutter}}{title}   {'KB':>{kib}} {'MB':>9} {'GB':>8}"
    for row, name in zip(rows, names):
        size = row.last - row.start + 1
        line = f"{row.mark:<{gutter}}{pad(name, columns)}  {row.start:0{digits}x} - {row.last:0{digits}x} : "
        line += f"{_kib(row):>{kib}} {_in(size, 1 << 20):>9} {_in(size, 1 << 30):>8}"
        yield f"{line.rstrip()}  {escape(row.remark)}".rstrip()


def _kib(row: Line) -> str:
    size = row.last - row.start + 1
    return str(size // _KIB) if size % _KIB == 0 else f"{size / _KIB:.2f}"


def _in(size: int, unit: int) -> str:
    """Write a size in a unit where it is at least one; a whole number without decimals."""
    if size < unit:
        return ""
    return str(size // unit) if size % unit == 0 else f"{size / unit:.2f}"
