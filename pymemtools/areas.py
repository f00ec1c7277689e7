"""A stretch of addresses: what reports find and pictures show."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice, repeat
from operator import lt, sub
from typing import Any, NamedTuple, overload

from pymemtools.cells import Derived, Integers, extended

_BATCH = 4096  # areas made into columns at once


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
    kind: str  # of models.map_kinds or reports.physical, ``hole`` or ``NULL trap``; empty: unknown
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


_MAKE = partial(tuple.__new__, Area)  # what Area._make() does, at a third of its cost
_FIELDS = Area._fields[2:]
_DEFAULTS = ("", *(Area._field_defaults[field] for field in _FIELDS[1:]))


class Areas(Sequence[Area]):
    """Areas kept as columns: a third of the room; a field that is the same default in all takes none."""

    def __init__(self, areas: Iterable[Area] = ()) -> None:
        self._starts: Integers = array("Q")
        self._ends: Integers = array("Q")
        self._columns: list[Sequence[Any] | None] = [None] * len(_FIELDS)
        rest = iter(areas)
        while batch := list(islice(rest, _BATCH)):
            starts, ends, *columns = zip(*batch)
            self._append(starts, ends, columns)

    @classmethod
    def of(cls, areas: Iterable[Area]) -> Areas:
        """Make columns of areas, unless they are that already."""
        return areas if isinstance(areas, cls) else cls(areas)

    @classmethod
    def of_columns(cls, starts: Integers, ends: Integers, **columns: Sequence[Any] | None) -> Areas:
        """Make areas of columns, which are kept as they are; those that are missing or None are the default."""
        made = cls()
        made._starts, made._ends = starts, ends
        made._columns = [columns.get(field) for field in _FIELDS]
        return made

    def _append(self, starts: Sequence[int], ends: Sequence[int], columns: Sequence[Sequence[Any]]) -> None:
        for i, (default, cells) in enumerate(zip(_DEFAULTS, columns)):
            column = self._columns[i]
            if column is None:
                if cells.count(default) == len(cells):
                    continue
                column = self._columns[i] = [default] * len(self._starts)
            column += cells  # type: ignore[operator]
        self._starts, self._ends = extended(self._starts, starts), extended(self._ends, ends)

    def column(self, field: str) -> Sequence[Any]:
        """Give one field of all areas; one that is the default in all takes no room."""
        if field in ("start", "end"):
            return self._starts if field == "start" else self._ends
        i = _FIELDS.index(field)
        column = self._columns[i]
        return Derived(lambda start: _DEFAULTS[i], self._starts) if column is None else column

    def sizes(self) -> Sequence[int]:
        """Give the size of each area."""
        if self._columns[_FIELDS.index("mapped")] is None:
            return extended(array("Q"), list(map(sub, self._ends, self._starts)))
        return [area.size for area in self]

    def values(self, field: str) -> Iterable[Any]:
        """Give one field of all areas."""
        i = _FIELDS.index(field)
        column = self._columns[i]
        return repeat(_DEFAULTS[i], len(self)) if column is None else column

    def given(self) -> list[str]:
        """Name the fields behind the addresses that are not the default in all areas."""
        return [field for field, column in zip(_FIELDS, self._columns) if column is not None]

    def _cells(self, *, backwards: bool = False) -> list[Iterable[Any]]:
        cells: list[Iterable[Any]] = []
        for default, column in zip(_DEFAULTS, self._columns):
            if column is None:
                cells.append(repeat(default, len(self)))
            else:
                cells.append(reversed(column) if backwards else column)
        return cells

    def holes(self, first: int | None = None) -> Iterator[tuple[int, Area]]:
        """Give the holes between areas in order of addresses, each beside the place of the area behind it."""
        end = first
        for place, (start, stop) in enumerate(self._extents()):
            if end is not None and start > end:
                yield place, Area(end, start, "hole", mappings=0)
            end = stop if end is None or stop > end else end

    def with_between(self, others: Iterable[tuple[int, Area]]) -> Areas:
        """Put others, such as holes, before the areas at some places, in ascending order; what is between is copied."""
        found = list(others)
        if not found:
            return self
        places = [place for place, _ in found]
        starts, ends, *columns = zip(*(other for _, other in found))
        made = Areas()
        made._starts = _spliced(self._starts, self._starts[:0], places, starts)
        made._ends = _spliced(self._ends, self._ends[:0], places, ends)
        for i, (default, column, cells) in enumerate(zip(_DEFAULTS, self._columns, columns)):
            if column is not None or cells.count(default) != len(cells):
                base = [default] * len(self) if column is None else column
                made._columns[i] = _spliced(base, [], places, cells)
        return made

    def ordered(self) -> Areas:
        """Put areas in order of addresses, which they mostly are."""
        if all(map(lt, self._starts, islice(self._starts, 1, None))):
            return self
        return Areas(sorted(self, key=lambda area: (area.start, area.end)))

    def _extents(self) -> Iterator[tuple[int, int]]:
        return zip(self._starts, self._ends)

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[Area]:
        return map(_MAKE, zip(self._starts, self._ends, *self._cells()))

    def __reversed__(self) -> Iterator[Area]:
        return map(_MAKE, zip(reversed(self._starts), reversed(self._ends), *self._cells(backwards=True)))

    @overload
    def __getitem__(self, place: int) -> Area: ...

    @overload
    def __getitem__(self, place: slice) -> Areas: ...

    def __getitem__(self, place: int | slice) -> Area | Areas:
        cells = [each if column is None else column[place] for each, column in zip(_DEFAULTS, self._columns)]
        if isinstance(place, int):
            return Area._make((self._starts[place], self._ends[place], *cells))
        columns = {field: cell for field, cell, column in zip(_FIELDS, cells, self._columns) if column is not None}
        return Areas.of_columns(self._starts[place], self._ends[place], **columns)


def with_holes(areas: Iterable[Area], first: int | None = None) -> Iterator[Area]:
    """Put areas in order, and holes where nothing is between them; ``first`` is where the picture starts."""
    ordered = Areas.of(areas).ordered()
    return iter(ordered.with_between(ordered.holes(first)))


def _spliced(column: Any, made: Any, places: Sequence[int], cells: Sequence[Any]) -> Any:
    """Append to ``made`` a column with other cells before those at some places."""
    at = 0
    for place, cell in zip(places, cells):
        if place > at:
            made += column[at:place]
            at = place
        made.append(cell)
    made += column[at:]
    return made


def without_holes(areas: Areas, least: int | None) -> Areas:
    """Leave out the holes of less than ``least`` bytes, or (None) all of them; the NULL trap is no small hole."""
    if least is None:
        return Areas(area for area in areas if not area.is_hole)
    return Areas(area for area in areas if area.kind != "hole" or area.size >= least) if least else areas
