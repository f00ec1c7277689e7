"""Mappings as columns: chosen fields of one or several processes, sorted, cut and summed alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pymemtools.cells import Derived, Memo
from pymemtools.procfs.maps import Mappings
from pymemtools.readings.mappings import ProcessMaps
from pymemtools.reports.map_names import base_name

Value = int | str | None
Cells = Sequence[Value]


def _decoded(names: Sequence[bytes], make: Callable[[bytes], bytes] = lambda name: name) -> Cells:
    """Make text of names, each distinct one once."""
    texts: Memo[bytes, str] = Memo(lambda name: make(name).decode("utf-8", "surrogateescape"))
    return Derived(texts.__getitem__, names)


_OF_MAPPINGS: Mapping[str, Callable[[Mappings], Cells]] = {
    "address": lambda mappings: Derived("{:08x}".format, mappings.starts),
    "perm": lambda mappings: _decoded(mappings.perms),
    "offset": lambda mappings: mappings.offsets,
    "device": lambda mappings: _decoded(mappings.devices),
    "inode": lambda mappings: mappings.inodes,
    "vmflags": lambda mappings: _decoded(mappings.vmflags),
    "mapping": lambda mappings: _decoded(mappings.names, base_name),
    "path": lambda mappings: _decoded(mappings.names),
}
# Fields that need no smaps.
OF_MAPS = frozenset((*_OF_MAPPINGS, "pid", "kind", "Size")) - {"vmflags"}
# Fields that are made of others.
MADE_OF = {"Dirty": ("Shared_Dirty", "Private_Dirty")}


def values_of(maps: ProcessMaps, field: str) -> Cells:
    """Give one field of all mappings; sizes in bytes, None where the kernel does not tell.

    Beside the kernel's own fields there is ``Dirty``, the dirty memory that ``pmap -x`` shows; and ``Size`` is known
    without smaps.
    """
    if field == "pid":
        return [maps.pid] * len(maps.mappings)
    if field == "kind":
        return maps.kinds
    if field in _OF_MAPPINGS:
        return _OF_MAPPINGS[field](maps.mappings)
    if field in maps.columns:
        return maps.columns[field]
    if field == "Size":
        return maps.mappings.sizes()
    if field in MADE_OF:
        left, right = (values_of(maps, part) for part in MADE_OF[field])
        return [a + b if isinstance(a, int) and isinstance(b, int) else None for a, b in zip(left, right)]
    return [None] * len(maps.mappings)


class Frame(NamedTuple):
    """Columns of equal length."""

    columns: dict[str, Cells]
    counts: frozenset[str]  # the columns whose numbers are no sizes

    @property
    def height(self) -> int:
        """Give the number of rows."""
        return len(next(iter(self.columns.values()), ()))

    def take(self, order: Sequence[int]) -> Frame:
        """Choose rows by their places."""
        return self._replace(columns={field: [cells[i] for i in order] for field, cells in self.columns.items()})

    def rows(self) -> Iterator[dict[str, Value]]:
        """Give the rows, each by field."""
        return (dict(zip(self.columns, row)) for row in zip(*self.columns.values()))


def frame_of(processes: Sequence[ProcessMaps], fields: Iterable[str]) -> Frame:
    """Make columns of the mappings of one or more processes."""
    columns: dict[str, Cells] = {}
    for field in fields:
        parts = [values_of(maps, field) for maps in processes]
        columns[field] = parts[0] if len(parts) == 1 else [value for part in parts for value in part]
    return Frame(columns, frozenset().union(*(maps.counts for maps in processes)))


def order_of(frame: Frame, field: str, *, reverse: bool = False, top: int | None = None) -> list[int]:
    """Give the places of rows in order: numbers from the largest, addresses and text from the least; unknown last.

    ``top`` keeps the first ones; ``reverse`` turns what is left round.
    """
    cells = frame.columns[field]
    if field == "address":
        cells = [-int(str(address), 16) for address in cells]
    known = [i for i, value in enumerate(cells) if value is not None]
    known.sort(key=lambda i: _sort_key(cells[i]))
    order = [*known, *(i for i, value in enumerate(cells) if value is None)][:top]
    return order[::-1] if reverse else order


def _sort_key(value: Value) -> tuple[int, str]:
    return (-value, "") if isinstance(value, int) else (0, value or "")


def group(frame: Frame, by: str, fields: Iterable[str]) -> Frame:
    """Sum ``fields`` over the rows that are equal in ``by``, and count them; an unnamed one is ``[anon]``."""
    places: dict[Value, list[int]] = {}
    for i, value in enumerate(frame.columns[by]):
        places.setdefault(value or "[anon]", []).append(i)
    columns: dict[str, Cells] = {"Count": [len(rows) for rows in places.values()]}
    for field in fields:
        if field == "Count":
            continue
        cells = frame.columns[field]
        columns[field] = [sum_of(cells[i] for i in rows) for rows in places.values()]
    return Frame({**columns, by: list(places)}, frame.counts | {"Count"})


def sum_of(values: Iterable[Value]) -> int | None:
    """Add up what is known; nothing known is not 0."""
    known = [value for value in values if isinstance(value, int)]
    return sum(known) if known else None
