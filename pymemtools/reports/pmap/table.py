"""Mappings as columns: chosen fields of one or several processes, sorted, cut and summed alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pymemtools.cells import Derived, Memo
from pymemtools.procfs.maps import Mappings
from pymemtools.procfs.smaps.fields import key_of
from pymemtools.readings.mappings import ProcessMaps
from pymemtools.report import Column, Table
from pymemtools.reports.pmap.columns import column_of
from pymemtools.reports.pmap.names import base_name

Value = int | str | tuple[str, ...] | None
Cells = Sequence[Any]
UNNAMED = b"[anon]"


def _decoded(names: Sequence[bytes], make: Callable[[bytes], bytes] = lambda name: name) -> Cells:
    """Make text of names, each distinct one once."""
    texts: Memo[bytes, str] = Memo(lambda name: make(name).decode("utf-8", "surrogateescape"))
    return Derived(texts.__getitem__, names)


def _flags(vmflags: Sequence[bytes]) -> Cells:
    """Make lists of flags; where the kernel told none (before Linux 3.8, or without smaps) they are unknown."""
    lists: Memo[bytes, tuple[str, ...] | None] = Memo(
        lambda text: tuple(text.decode("utf-8", "surrogateescape").split()) or None
    )
    return Derived(lists.__getitem__, vmflags)


_OF_MAPPINGS: Mapping[str, Callable[[Mappings], Cells]] = {
    "start": lambda mappings: mappings.starts,
    "end": lambda mappings: mappings.ends,
    "perms": lambda mappings: _decoded(mappings.perms),
    "offset": lambda mappings: mappings.offsets,
    "device": lambda mappings: _decoded(mappings.devices),
    "inode": lambda mappings: mappings.inodes,
    "vm_flags": lambda mappings: _flags(mappings.vmflags),
    "mapping": lambda mappings: _decoded(mappings.names, lambda name: base_name(name) if name else UNNAMED),
    "path": lambda mappings: _decoded(mappings.names, lambda name: name or UNNAMED),
}
# Fields that need no smaps.
OF_MAPS = frozenset((*_OF_MAPPINGS, "pid", "kind", "size")) - {"vm_flags"}
# Fields that are made of others.
MADE_OF = {"dirty": ("shared_dirty", "private_dirty")}


def values_of(maps: ProcessMaps, key: str) -> Cells:
    """Give one field of all mappings; sizes in bytes, None where the kernel does not tell.

    Beside the kernel's own fields there is ``dirty``, the dirty memory that ``pmap -x`` shows; and ``size`` is known
    without smaps.
    """
    if key == "pid":
        return [maps.pid] * len(maps.mappings)
    if key == "kind":
        return maps.kinds
    if key in _OF_MAPPINGS:
        return _OF_MAPPINGS[key](maps.mappings)
    field = next((field for field in maps.columns if key_of(field) == key), None)
    if field is not None:
        return maps.columns[field]
    if key == "size":
        return maps.mappings.sizes()
    if key in MADE_OF:
        left, right = (values_of(maps, part) for part in MADE_OF[key])
        return [a + b if isinstance(a, int) and isinstance(b, int) else None for a, b in zip(left, right)]
    return [None] * len(maps.mappings)


def kernel_names(processes: Sequence[ProcessMaps], *, full: bool) -> Cells:
    """Name mappings as ``pmap -X`` does: what has no name stays empty."""
    names = [name for maps in processes for name in maps.mappings.names]
    return _decoded(names) if full else _decoded(names, base_name)


def fields_of(processes: Sequence[ProcessMaps]) -> list[str]:
    """Give the kernel's names of the numbers that were read, in its order."""
    return list(dict.fromkeys(field for maps in processes for field in maps.columns))


def mapping_table(processes: Sequence[ProcessMaps], keys: Iterable[str]) -> Table:
    """Make columns of the mappings of one or more processes."""
    fields = fields_of(processes)
    counts = frozenset().union(*(maps.counts for maps in processes))
    cells: dict[str, Cells] = {}
    for key in keys:
        parts = [values_of(maps, key) for maps in processes]
        cells[key] = parts[0] if len(parts) == 1 else [value for part in parts for value in part]
    return Table(tuple(column_of(key, fields, counts) for key in cells), cells)


def order_of(table: Table, key: str, *, reverse: bool = False, top: int | None = None) -> list[int]:
    """Give the places of rows in order: numbers from the largest, addresses and text from the least; unknown last.

    ``top`` keeps the first ones; ``reverse`` turns what is left round.
    """
    cells = table.cells[key]
    is_address = column_of(key).kind == "address"
    known = [i for i, value in enumerate(cells) if value is not None]
    known.sort(key=cells.__getitem__ if is_address else lambda i: _sort_key(cells[i]))
    order = [*known, *(i for i, value in enumerate(cells) if value is None)][:top]
    return order[::-1] if reverse else order


def _sort_key(value: Value) -> tuple[int, str]:
    if isinstance(value, int):
        return -value, ""
    return 0, " ".join(value) if isinstance(value, tuple) else value or ""


def grouped(table: Table, by: str, keys: Iterable[str]) -> Table:
    """Sum the columns ``keys`` over the rows that are equal in ``by``, and count them."""
    places: dict[Value, list[int]] = {}
    for i, value in enumerate(table.cells[by]):
        places.setdefault(value or UNNAMED.decode(), []).append(i)
    sums: dict[str, Cells] = {"mappings": [len(rows) for rows in places.values()]}
    for key in keys:
        if key == "mappings":
            continue
        cells = table.cells[key]
        sums[key] = [sum_of(cells[i] for i in rows) for rows in places.values()]
    sums[by] = list(places)
    columns = {column.key: column for column in table.columns}
    return Table(tuple(columns.get(key) or column_of(key) for key in sums), sums)


def with_sizes_summed(table: Table) -> Table:
    """Call the size of what is no single mapping by the name of the sum."""
    columns = tuple(column_of("vss") if column.key == "size" else column for column in table.columns)
    return Table(columns, {new.key: table.cells[old.key] for old, new in zip(table.columns, columns)})


def put_together(tables: Sequence[Table]) -> Table:
    """Make one table of several that have the same columns."""
    columns: tuple[Column, ...] = tables[0].columns if tables else ()
    return Table(columns, {each.key: [cell for table in tables for cell in table.cells[each.key]] for each in columns})


def sum_of(values: Iterable[Value]) -> int | None:
    """Add up what is known; nothing known is not 0."""
    known = [value for value in values if isinstance(value, int)]
    return sum(known) if known else None
