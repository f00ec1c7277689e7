"""Mappings as columns: chosen fields of one or several processes, sorted, cut and summed alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from pymemtools.cells import Derived, Memo
from pymemtools.procfs.maps import Mappings
from pymemtools.readings.mappings import ProcessMaps
from pymemtools.report import Column, Table
from pymemtools.reports.pmap.columns import column_of
from pymemtools.reports.pmap.names import base_name

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


def values_of(maps: ProcessMaps, key: str) -> Cells:
    """Give one field of all mappings; sizes in bytes, None where the kernel does not tell.

    Beside the kernel's own fields there is ``Dirty``, the dirty memory that ``pmap -x`` shows; and ``Size`` is known
    without smaps.
    """
    if key == "pid":
        return [maps.pid] * len(maps.mappings)
    if key == "kind":
        return maps.kinds
    if key in _OF_MAPPINGS:
        return _OF_MAPPINGS[key](maps.mappings)
    if key in maps.columns:
        return maps.columns[key]
    if key == "Size":
        return maps.mappings.sizes()
    if key in MADE_OF:
        left, right = (values_of(maps, part) for part in MADE_OF[key])
        return [a + b if isinstance(a, int) and isinstance(b, int) else None for a, b in zip(left, right)]
    return [None] * len(maps.mappings)


def mapping_table(processes: Sequence[ProcessMaps], keys: Iterable[str]) -> Table:
    """Make columns of the mappings of one or more processes."""
    counts = frozenset().union(*(maps.counts for maps in processes))
    cells: dict[str, Cells] = {}
    for key in keys:
        parts = [values_of(maps, key) for maps in processes]
        cells[key] = parts[0] if len(parts) == 1 else [value for part in parts for value in part]
    return Table(tuple(column_of(key, is_count=key in counts) for key in cells), cells)


def order_of(table: Table, key: str, *, reverse: bool = False, top: int | None = None) -> list[int]:
    """Give the places of rows in order: numbers from the largest, addresses and text from the least; unknown last.

    ``top`` keeps the first ones; ``reverse`` turns what is left round.
    """
    cells = table.cells[key]
    if key == "address":
        cells = [-int(str(address), 16) for address in cells]
    known = [i for i, value in enumerate(cells) if value is not None]
    known.sort(key=lambda i: _sort_key(cells[i]))
    order = [*known, *(i for i, value in enumerate(cells) if value is None)][:top]
    return order[::-1] if reverse else order


def _sort_key(value: Value) -> tuple[int, str]:
    return (-value, "") if isinstance(value, int) else (0, value or "")


def grouped(table: Table, by: str, keys: Iterable[str]) -> Table:
    """Sum the columns ``keys`` over the rows that are equal in ``by``, and count them; an unnamed one is ``[anon]``."""
    places: dict[Value, list[int]] = {}
    for i, value in enumerate(table.cells[by]):
        places.setdefault(value or "[anon]", []).append(i)
    sums: dict[str, Cells] = {"Count": [len(rows) for rows in places.values()]}
    for key in keys:
        if key == "Count":
            continue
        cells = table.cells[key]
        sums[key] = [sum_of(cells[i] for i in rows) for rows in places.values()]
    sums[by] = list(places)
    columns = {column.key: column for column in table.columns}
    return Table(tuple(columns.get(key) or column_of(key) for key in sums), sums)


def put_together(tables: Sequence[Table]) -> Table:
    """Make one table of several that have the same columns."""
    columns: tuple[Column, ...] = tables[0].columns if tables else ()
    return Table(columns, {each.key: [cell for table in tables for cell in table.cells[each.key]] for each in columns})


def sum_of(values: Iterable[Value]) -> int | None:
    """Add up what is known; nothing known is not 0."""
    known = [value for value in values if isinstance(value, int)]
    return sum(known) if known else None
