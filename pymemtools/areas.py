"""A stretch of addresses: what reports find and pictures show."""

from __future__ import annotations

from typing import NamedTuple


class Inner(NamedTuple):
    """A region within an area, below another one or directly in it."""

    level: int  # 1: directly in it
    start: int
    end: int
    label: str
    change: str = ""  # as of an area
    delta: int = 0

    @property
    def size(self) -> int:
        """Give the length in bytes."""
        return self.end - self.start


class Area(NamedTuple):
    """One box of a picture; labels are untrusted text, with undecodable bytes as surrogates."""

    start: int
    end: int  # the first address behind it
    kind: str  # of reports.map_kinds or reports.physical, ``hole`` or ``NULL trap``; empty: unknown
    label: str = ""
    perms: str = ""  # as ``r-xp``; empty: unknown
    mappings: int = 1  # in it; 0: a hole
    mapped: int | None = None  # bytes of it that are mapped, where several stand in one with holes between them
    resident: int | None = None
    swapped: int | None = None
    change: str = ""  # ``new``, ``gone``, ``grown`` or ``shrunk``
    delta: int = 0  # bytes that it grew by
    inner: tuple[Inner, ...] = ()

    @property
    def size(self) -> int:
        """Give the bytes that are mapped in it, or the length of a hole."""
        return self.end - self.start if self.mapped is None else self.mapped

    @property
    def is_hole(self) -> bool:
        """Tell addresses that nothing is mapped at."""
        return not self.mappings

    @property
    def is_writable_code(self) -> bool:
        """Tell memory that may be written to and run: whoever can write there has the process."""
        return self.perms[1:3] == "wx"


def with_holes(areas: list[Area], first: int | None = None) -> list[Area]:
    """Put areas in order, and holes where nothing is between them; ``first`` is where the picture starts."""
    filled: list[Area] = []
    end = first
    for area in sorted(areas, key=lambda area: (area.start, area.end)):
        if end is not None and area.start > end:
            filled.append(Area(end, area.start, "hole", mappings=0))
        filled.append(area)
        end = area.end if end is None else max(end, area.end)
    return filled
