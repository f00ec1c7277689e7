"""pmap for programs: one row a mapping, all fields, sizes in bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pymemtools.cli.options import facts_as_json
from pymemtools.cli.pmap.columns import is_number
from pymemtools.cli.pmap.frames import frame_for
from pymemtools.cli.pmap.gather import FAILED, Found
from pymemtools.cli.pmap.request import Request
from pymemtools.readings.mappings import ProcessMaps
from pymemtools.render.machine import machine_lines
from pymemtools.reports.map_frame import Frame, sum_of
from pymemtools.sources.base import Source

_HEAD = ("pid", "address", "perm", "offset", "device", "inode", "Size")
_TAIL = ("vmflags", "kind", "mapping", "path")
_NOT_SUMMED = frozenset(("KernelPageSize", "MMUPageSize", "ProtectionKey"))  # though pmap -XX does


def document(style: str, found: Sequence[Found], request: Request, source: Source) -> Iterable[str]:
    """Lay the mappings of all processes out for programs."""
    processes = [each.maps for each in found if each.maps is not None]
    every = request if request.columns or request.group or request.rollup else _everything(processes, request)
    return frame_lines(style, frame_for(processes, every), found, source)


def frame_lines(
    style: str, frame: Frame, found: Sequence[Found], source: Source, other: Source | None = None
) -> Iterable[str]:
    """Lay a table out for programs."""
    summed = [field for field in frame.columns if is_number(field) and field not in _NOT_SUMMED]
    facts = facts_as_json(source.facts)
    return machine_lines(
        style,
        "pmap",
        frame.rows(),
        fields=list(frame.columns),
        source=facts if other is None else {**facts, "other": facts_as_json(other.facts)},
        totals={field: sum_of(frame.columns[field]) for field in summed},
        unreadable=sum(each.status == FAILED for each in found),
        notes=[each.maps.note for each in found if each.maps is not None and each.maps.note is not None],
    )


def _everything(processes: Sequence[ProcessMaps], request: Request) -> Request:
    keys = dict.fromkeys(key for maps in processes for key in maps.columns)
    return request._replace(columns=(*_HEAD, *(key for key in keys if key != "Size"), *_TAIL))
