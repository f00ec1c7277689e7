"""The wide layouts: -X, -XX and --columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pymemtools.cli.pmap.columns import OWN
from pymemtools.cli.pmap.layouts import Style
from pymemtools.render.detail_table import Numbers, Texts, detail_lines
from pymemtools.render.escape import escape
from pymemtools.reports.map_fields import values_of
from pymemtools.reports.maps import ProcessMaps

_HEAD = ("address", "perm", "offset", "device", "inode")
# What -X leaves out, and -XX shows.
_DROPPED = frozenset(
    (
        "AnonHugePages",
        "KernelPageSize",
        "MMUPageSize",
        "Shared_Dirty",
        "Private_Dirty",
        "Shared_Clean",
        "Private_Clean",
    )
)


def usual_fields(maps: ProcessMaps, *, everything: bool) -> list[str]:
    """Name the columns of -X, or of -XX: whatever the kernel printed."""
    fields = [*_HEAD, *(key for key in maps.columns if everything or key not in _DROPPED)]
    if everything and any(mapping.vmflags for mapping in maps.mappings):
        fields.append("vmflags")
    return [*fields, "mapping"]


def wide_lines(maps: ProcessMaps, fields: Sequence[str], style: Style) -> Iterator[str]:
    """Lay out as ``pmap -X`` does; nothing at all for a process without mappings."""
    if not maps.mappings:
        return iter(())
    return detail_lines([_column(maps, field, style) for field in fields], quiet=style.quiet)


def _column(maps: ProcessMaps, field: str, style: Style) -> Texts | Numbers:
    own = OWN.get(field)
    if own is None or not own.is_text:
        title = field if own is None else own.title
        numbers = [value if isinstance(value, int) else None for value in values_of(maps, field)]
        return Numbers(title, numbers, is_size=field not in maps.counts)
    values = values_of(maps, "path" if field == "mapping" and style.full else field)
    shown = {value: escape(f"{value:{own.format}}") for value in set(values)}
    return Texts(own.title, [shown[value] for value in values], right=own.right)
