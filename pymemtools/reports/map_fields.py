"""The fields of a mapping, those of its first line and those that the kernel counts, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pymemtools.procfs.maps import Mapping as Area
from pymemtools.reports.map_names import base_name
from pymemtools.reports.maps import ProcessMaps

Value = int | str | None


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


_OF_AREA: Mapping[str, Callable[[Area], Value]] = {
    "address": lambda area: f"{area.start:08x}",
    "perm": lambda area: area.perms.decode("ascii"),
    "offset": lambda area: area.offset,
    "device": lambda area: area.device.decode("ascii"),
    "inode": lambda area: area.inode,
    "vmflags": lambda area: _text(area.vmflags),
    "mapping": lambda area: _text(base_name(area.name)),
    "path": lambda area: _text(area.name),
}


def values_of(maps: ProcessMaps, field: str) -> Sequence[Value]:
    """Give one field of all mappings; sizes in bytes, None where the kernel does not tell.

    Beside the kernel's own fields there is ``Dirty``, the dirty memory that ``pmap -x`` shows; and ``Size`` is known
    without smaps.
    """
    if field == "pid":
        return [maps.pid] * len(maps.mappings)
    if field in _OF_AREA:
        return list(map(_OF_AREA[field], maps.mappings))
    if field in maps.columns:
        return maps.columns[field]
    if field == "Size":
        return [area.size for area in maps.mappings]
    if field == "Dirty":
        return _sum(values_of(maps, "Shared_Dirty"), values_of(maps, "Private_Dirty"))
    return [None] * len(maps.mappings)


def _sum(left: Sequence[Value], right: Sequence[Value]) -> list[Value]:
    return [a + b if isinstance(a, int) and isinstance(b, int) else None for a, b in zip(left, right)]
