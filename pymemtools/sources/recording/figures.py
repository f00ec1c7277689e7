"""Figures of processes and groups over the samples of one block, packed so that reading a day takes no time.

Of each place there are the samples in which any of its figures changed, the block's first among them, and for each
figure its values then: in as few bytes as the largest needs, in units of a power of two that all are multiples of, or
once, where it is the same throughout.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Sequence
from functools import reduce
from operator import lt, or_

from pymemtools.sources.recording.damage import Damaged
from pymemtools.sources.recording.schema import BLOCK

PROCESS_FIGURES = ("pss", "uss", "rss", "swap", "anonymous", "vss", "minflt", "majflt")
GROUP_FIGURES = ("current", "anon", "file", "kernel", "swap", "limit", "pgfault", "pgmajfault")
COUNTS = frozenset(("minflt", "majflt", "pgfault", "pgmajfault"))  # the others are bytes
UNKNOWN = -1
WIDTH = len(PROCESS_FIGURES)
_CODES = ("B", "H", "I", "Q")
_SIZES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_FIGURE = struct.Struct("<BBq")  # bytes for each value, 0 where there is but one; bits shifted; what is added to each
_MOST_ROWS = 1 << 18  # of places that changed in one sample

Row = tuple[int, ...]  # a place, and its figures


def packed_course(offsets: Sequence[int], rows: Sequence[Sequence[int]]) -> bytes:
    """Pack the figures of one place: samples counted from the block's first, and the figures in each."""
    parts = [bytes((len(offsets) - 1,)), bytes(offsets)]
    for values in zip(*rows):
        least = min(values)
        above = [value - least for value in values]
        most, bits = max(above), reduce(or_, above)
        shift = (bits & -bits).bit_length() - 1 if bits else 0
        code = next(code for code in _CODES if most >> shift < 1 << 8 * array(code).itemsize)
        figures = array(code, [value >> shift for value in above] if most else [])
        if sys.byteorder == "big":
            figures.byteswap()
        parts += [_FIGURE.pack(figures.itemsize if most else 0, shift, least), figures.tobytes()]
    return b"".join(parts)


def unpacked_course(packed: bytes, wanted: Sequence[int], most: int = BLOCK) -> tuple[bytes, list[Sequence[int]]]:
    """Give the samples, counted from the block's first, and the values of some figures, by their places among all.

    Of more than ``most`` the first, and so many of the others, are chosen, evenly, with the last among them.
    Values are of 63 bits, or UNKNOWN. Raises Damaged.
    """
    count = packed[0] + 1 if packed else 0
    at = 1 + count
    offsets = packed[1:at]
    if not count or len(offsets) != count or not all(map(lt, offsets, offsets[1:])):
        raise _damaged()
    found: list[Sequence[int]] = [()] * len(wanted)
    for place in range(max(wanted, default=-1) + 1):
        if len(packed) < at + _FIGURE.size:
            raise _damaged()
        size, shift, least = _FIGURE.unpack_from(packed, at)
        at += _FIGURE.size
        if place in wanted:
            values = _values(packed[at : at + size * count], size, count) if size else array("B", bytes(count))
            if count > most:
                values = values[:1] + values[1:][:: count // -most][::-1]
            figures = [least + (value << shift) for value in values]
            if least < UNKNOWN or (least + (1 << 8 * size + shift) > 1 << 63 and max(figures) >= 1 << 63):
                raise _damaged()
            found[wanted.index(place)] = figures
        at += size * count
    return offsets if count <= most else offsets[:1] + offsets[1:][:: count // -most][::-1], found


def _values(packed: bytes, size: int, count: int) -> array[int]:
    if size not in _SIZES or len(packed) != size * count:
        raise _damaged()
    figures = array(_SIZES[size], packed)
    if sys.byteorder == "big":
        figures.byteswap()
    return figures


def packed_rows(rows: Sequence[Row]) -> bytes:
    """Pack the figures of the places that changed in one sample."""
    figures = array("q", [number for row in rows for number in row])
    if sys.byteorder == "big":
        figures.byteswap()
    return zlib.compress(figures.tobytes(), 1)


def unpacked_rows(packed: bytes, most: int = _MOST_ROWS) -> list[Row]:
    """Give them again: of at most so many places. Raises Damaged."""
    width = 8 * (1 + WIDTH)
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, (most + 1) * width)
    except (zlib.error, TypeError):
        raise _damaged() from None
    if not unpacker.eof or len(data) % width:
        raise _damaged()
    figures = array("q", data)
    if sys.byteorder == "big":
        figures.byteswap()
    numbers = figures.tolist()
    if min(numbers, default=0) < UNKNOWN:
        raise _damaged()
    return [tuple(numbers[at : at + 1 + WIDTH]) for at in range(0, len(numbers), 1 + WIDTH)]


def _damaged() -> Damaged:
    return Damaged("figures that are none")


assert len(GROUP_FIGURES) == WIDTH and BLOCK == 256  # noqa: S101 (a byte for each sample of a block)
