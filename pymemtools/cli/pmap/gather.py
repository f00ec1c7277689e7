"""From a source to the mappings that were asked for."""

from __future__ import annotations

import re
from typing import NamedTuple

from pymemtools.cli import say
from pymemtools.cli.pmap.request import Request
from pymemtools.errors import Denied, Missing, ParseError
from pymemtools.readings.mappings import ProcessMaps, read_maps, read_rollup
from pymemtools.reports.map_names import classic_names
from pymemtools.sources.base import Source

NOT_FOUND = 42  # procps's
FAILED = 1


class Found(NamedTuple):
    """What became of one PID; what is wrong with it has been said."""

    maps: ProcessMaps | None
    status: int  # its part of the exit status


def gather(source: Source, pid: int, request: Request) -> Found:
    """Read one process and choose from its mappings."""
    try:
        maps = read_rollup(source, pid) if request.rollup else read_maps(source, pid, request.wanted)
    except Missing:
        say(f"pmap: {pid}: no such process")
        return Found(None, NOT_FOUND)
    except (Denied, ParseError) as error:
        say(f"pmap: {error}")
        return Found(None, FAILED)
    if maps.problem is not None:
        say(f"pmap: {maps.pid}: {maps.problem}")
        return Found(maps, FAILED)
    if maps.note is not None:
        say(f"pmap: {maps.note}")
    return Found(_chosen(maps.told() if request.needs_kinds else maps, request), 0)


def _chosen(maps: ProcessMaps, request: Request) -> ProcessMaps:
    if request.addresses is not None:
        low, high = request.addresses
        edges = enumerate(zip(maps.mappings.starts, maps.mappings.ends))
        maps = maps.take(i for i, (start, end) in edges if end > low and start <= high)
    if request.name is not None:
        shown = classic_names(maps.mappings, maps.stack)
        maps = maps.take(i for i, names in enumerate(zip(maps.mappings.names, shown)) if _matches(request.name, names))
    return maps


def _matches(pattern: re.Pattern[str], names: tuple[bytes, bytes]) -> bool:
    """Tell whether the kernel's name or the one that is shown is a wanted one."""
    return any(pattern.search(name.decode("utf-8", "surrogateescape")) for name in names)
