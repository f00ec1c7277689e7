"""The physical address space as a table: regions as a tree, addresses, sizes in KB, MB and GB (of 1024)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pymemtools.render.escape import escape, pad, width

_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30


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
    kib, mib, gib = (
        max([least, *(len(_in(row, unit)) for row in rows)]) for least, unit in ((9, _KIB), (9, _MIB), (8, _GIB))
    )
    title = f"{'Region':<{columns}}  {'start':>{digits}}   {'end':>{digits}}"
    yield f"{'':{gutter}}{title}   {'KB':>{kib}} {'MB':>{mib}} {'GB':>{gib}}"
    for row, name in zip(rows, names):
        line = f"{row.mark:<{gutter}}{pad(name, columns)}  {row.start:0{digits}x} - {row.last:0{digits}x} : "
        line += f"{_in(row, _KIB):>{kib}} {_in(row, _MIB):>{mib}} {_in(row, _GIB):>{gib}}"
        yield f"{line.rstrip()}  {escape(row.remark)}".rstrip()


def _in(row: Line, unit: int) -> str:
    """Write the size in a unit; of MB and GB where it is at least one. A whole number is without decimals."""
    size = row.last - row.start + 1
    if size < unit and unit > _KIB:
        return ""
    return str(size // unit) if size % unit == 0 else f"{size / unit:.2f}"
