"""The free blocks of each zone, where buddyinfo and zoneinfo tell of the same memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.procfs.buddyinfo import parse_buddyinfo
from pymemtools.procfs.zoneinfo import Zone
from pymemtools.readings.zones import read_zones
from pymemtools.sources.base import Source

_SLACK = 256  # pages: the counter of a zone lags behind by what each processor has not added yet


class FreeBlocks(NamedTuple):
    """The number of free blocks of 1, 2, 4 ... pages by node and zone, and what of it is not believed."""

    blocks: Mapping[tuple[int, str], list[int]]
    notes: tuple[str, ...]


def read_free_blocks(source: Source, zones: Sequence[Zone] | None = None) -> FreeBlocks:
    """Read buddyinfo; a zone whose blocks make up less than 3/4 of what zoneinfo has free is left out, and said.

    Its lines are cut, or tell of another moment.
    """
    try:
        blocks = parse_buddyinfo(source.read("buddyinfo"))
    except MemtoolsError as error:
        return FreeBlocks({}, (f"no free blocks: {error}",))
    free = {(zone.node, zone.name): zone.free for zone in (_zones(source) if zones is None else zones)}
    kept, notes = {}, []
    for place, counts in blocks.items():
        held = sum(count << order for order, count in enumerate(counts))
        if place in free and held + _SLACK < free[place] * 3 // 4:
            where = f"node {place[0]}, zone {place[1]}"
            notes.append(
                f"buddyinfo: {held} pages free in {where}, in zoneinfo {free[place]}: its blocks are taken as unknown"
            )
        else:
            kept[place] = counts
    return FreeBlocks(kept, tuple(notes))


def _zones(source: Source) -> Sequence[Zone]:
    try:
        return read_zones(source)
    except MemtoolsError:
        return ()
