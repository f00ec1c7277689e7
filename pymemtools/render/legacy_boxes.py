"""The boxes that the scripts of the course draw: vgraph.sh and phymap_iomem.sh of kaiwan/L2_kernel_trg, at aa76097."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from pymemtools.render.escape import escape, pad

_MASK = (1 << 64) - 1
_MOST = 10  # boxes are no higher than this


class Row(NamedTuple):
    """What the scripts know of a region."""

    start: int
    end: int  # the first address behind it; of physical memory: its last one, which phymap_iomem.sh takes for that
    label: str


def vgraph_lines(rows: Sequence[Row]) -> Iterator[str]:
    """Draw as vgraph.sh does, without its progress and its bold type.

    A box is (size / whole range) x 100 x S lines high, at most 10 with a mark, less the 2 of border and label. S
    depends on the number of regions. Holes do not show: the next box starts at a larger address.
    """
    yield "    <Header line>    "
    yield "vgraph.sh: Processing, pl wait ..."
    if not rows:
        return
    border, side = f"+{'-' * 54}+", f"|{' ' * 54}|"
    whole = (rows[-1].end - rows[0].start) & _MASK
    scale = 20 if len(rows) <= 5 else 10_000_000 if len(rows) <= 50 else 100_000_000
    for row in rows:
        size = row.end - row.start
        lines = _height(size, whole, scale, digits=12)
        yield f"{border} {row.start:x}"
        yield f"|{pad(escape(row.label) or ' [-unnamed-] ', 20, right=True)}  [{_vgraph_size(size)}]"
        for line in range(min(lines, _MOST) - 2):
            yield side
            if lines > _MOST and line == 3:
                yield "~ .       .       .       .       .       .        .   ~"
    yield f"{border} {rows[-1].end:x}"


def iomem_lines(rows: Sequence[Row]) -> Iterator[str]:
    """Draw as phymap_iomem.sh does: names end at a colon, sizes are a byte short, and nothing is inside another.

    The table that its header promises is not printed.
    """
    yield "                            /proc/iomem  ::  PHYSICAL ADDRESS SPACE        [embedded ver]"
    yield "      Region                                   Phy Addr [hex]                   Size"
    yield "                                         start       -       end   :       KB     MB     GB"
    whole = rows[-1].end - rows[0].start
    yield f" len={whole}"
    border, side = f"+{'-' * 36}+", f"|{' ' * 36}|"
    for row in rows:
        lines = _height(row.end - row.start, whole, 50, digits=9)
        label = " " + row.label.partition(":")[0]
        yield border
        yield f"|{pad(escape(label), 20)}  [{(row.end - row.start) // 1024} KB] "
        for line in range(min(lines, _MOST)):
            yield side
            if line == 4 and (lines > _MOST or (row is rows[0] and lines > 4)):
                yield "~ . . . . . . . . . . . . . . . . .  ~"
    yield border


def _height(size: int, whole: int, scale: int, *, digits: int) -> int:
    """Compute (size / whole) x 100 x scale as bc does, which cuts the quotient after so many digits, and printf."""
    one = 10**digits
    share = size * one // whole * 100 * scale if whole > 0 else 0
    if share < one:
        return 1
    return round(Fraction(share, one))  # half to even, as printf does


def _vgraph_size(size: int) -> str:
    kib = size // 1024
    text = f"{kib} KB"
    if kib <= 1024:
        return text
    hundredths = kib * 100 // 1024
    text += f"  {hundredths / 100:6.2f} MB"
    if hundredths > 102_400:
        text += f"  {hundredths // 1024 / 100:4.2f} GB"
    return text
