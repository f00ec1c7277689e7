"""pmap for programs: one row a mapping, all fields, sizes in bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pymemtools.cli.options import facts_as_json
from pymemtools.cli.pmap.columns import OWN
from pymemtools.render.machine import machine_lines
from pymemtools.reports.map_fields import Value, values_of
from pymemtools.reports.maps import ProcessMaps
from pymemtools.sources.base import Source

Row = dict[str, Value]
_HEAD = ("pid", "address", "perm", "offset", "device", "inode", "Size")
_TAIL = ("vmflags", "mapping", "path")
_NOT_SUMMED = frozenset(("KernelPageSize", "MMUPageSize", "ProtectionKey"))  # though pmap -XX does


def fields_of(processes: Iterable[ProcessMaps]) -> list[str]:
    """Name all fields, the kernel's in its own order."""
    keys = dict.fromkeys(key for maps in processes for key in maps.columns)
    return [*_HEAD, *(key for key in keys if key != "Size"), *_TAIL]


def rows_of(processes: Iterable[ProcessMaps], fields: Sequence[str]) -> list[Row]:
    """Give the mappings of all processes as rows."""
    return [
        dict(zip(fields, values)) for maps in processes for values in zip(*(values_of(maps, field) for field in fields))
    ]


def document(
    style: str,
    rows: Sequence[Row],
    fields: Sequence[str],
    source: Source,
    *,
    unreadable: int = 0,
    notes: Sequence[str] = (),
) -> list[str]:
    """Lay rows out for programs."""
    summed = [field for field in fields if field not in _NOT_SUMMED and not (field in OWN and OWN[field].is_text)]
    return machine_lines(
        style,
        "pmap",
        rows,
        fields=fields,
        source=facts_as_json(source.facts),
        totals={field: _sum(row.get(field) for row in rows) for field in summed},
        unreadable=unreadable,
        notes=notes,
    )


def _sum(values: Iterable[Value]) -> int | None:
    known = [value for value in values if isinstance(value, int)]
    return sum(known) if known else None
