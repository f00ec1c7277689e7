"""How high the boxes of a picture are: by the logarithm of their size, by size, or all the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pymemtools.areas import Area

SCALES = ("log", "linear", "uniform")
_UNIT = 4096  # bytes; an ordinary page
_MOST = 9
_LARGE_HOLE = 1 << 30
_BUDGET = 100  # rows that a linear picture has for sizes, besides one for each label


class Height(NamedTuple):
    """The lines between the two borders of a box."""

    rows: int
    is_cut: bool = False  # it should be higher, which one more row says


_ONE = Height(1)


class Heights:
    """The rows of each box of one picture."""

    def __init__(self, areas: Iterable[Area], scale: str) -> None:
        self._scale = scale
        self._holes_too = False
        self._whole = 0
        if scale == "linear":
            mapped = holes = 0
            for area in areas:
                if area.is_hole:
                    holes += area.size
                else:
                    mapped += area.size
            self._holes_too = holes * 9 <= mapped  # a tenth of all: larger ones would leave no room for the rest
            self._whole = mapped + (holes if self._holes_too else 0)

    @property
    def note(self) -> str | None:
        """Say what is not to scale."""
        return "holes are not to scale" if self._scale == "linear" and not self._holes_too else None

    def of(self, area: Area) -> Height:
        """Give the height of one box."""
        if self._scale == "uniform":
            return _ONE
        if area.is_hole and not (self._scale == "linear" and self._holes_too):
            return _ONE if area.size < _LARGE_HOLE else Height(1, is_cut=True)
        if self._scale == "linear":
            return Height(max(1, round(area.size * _BUDGET / self._whole)))
        rows = log_rows(area.size)
        return Height(min(rows, _MOST), is_cut=rows >= _MOST)


def log_rows(size: int) -> int:
    """Give one row, and one more for each factor of 8 above a page: 4 KiB 1, 32 KiB 2, 256 KiB 3 ... 8 GiB 8.

    >>> [log_rows(n << 10) for n in (4, 28, 32, 256, 8 << 20)]
    [1, 1, 2, 3, 8]
    """
    return 1 + max(0, (size // _UNIT).bit_length() - 1) // 3
