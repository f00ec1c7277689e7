"""The nodes of a machine, and where the pages of a process are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from pymemtools.errors import Denied, DeniedProcess, MemtoolsError, Missing, ParseError
from pymemtools.procfs.numa_maps import parse_numa_maps
from pymemtools.procfs.stat import Stat
from pymemtools.procfs.zoneinfo import Zone, parse_zoneinfo
from pymemtools.readings.doubt import read_meminfo
from pymemtools.readings.page_size import page_size_of
from pymemtools.readings.steady import read_steadily
from pymemtools.sources.base import ProcessFiles, Source
from pymemtools.sysfs.node import parse_node_meminfo, parse_node_numastat

_FOLDER = "/sys/devices/system/node"
_NODE = re.compile(r"node([0-9]{1,6})")
_HUGE = 2 << 20  # where neither numa_maps, before Linux 3.12, nor meminfo tells the size of a huge page
_OF_ZONES = {  # meminfo's fields, by zoneinfo's
    "FilePages": ("nr_file_pages",),
    "AnonPages": ("nr_anon_pages",),
    "Shmem": ("nr_shmem",),
    "Slab": ("nr_slab_reclaimable", "nr_slab_unreclaimable"),
}
_COUNTS = ("numa_hit", "numa_miss", "numa_foreign", "numa_interleave", "numa_local", "numa_other")
_NUMASTAT = {"numa_interleave": "interleave_hit", "numa_local": "local_node", "numa_other": "other_node"}


class MemoryNode(NamedTuple):
    """One node."""

    number: int
    meminfo: Mapping[str, int]  # bytes
    counts: Mapping[str, int]  # pages since the start


class Nodes(NamedTuple):
    """All of them."""

    nodes: list[MemoryNode]
    notes: tuple[str, ...] = ()


def read_nodes(source: Source) -> Nodes:
    """Read them, or take what zoneinfo tells of them. Raises Missing for a source without either."""
    found, notes = [], []

    def read(path: str, parse: Callable[[bytes, str], dict[str, int]]) -> dict[str, int]:
        try:
            return parse(source.read(path), path)
        except (Missing, Denied):
            return {}
        except ParseError as error:
            notes.append(str(error))
            return {}

    for name in source.names(_FOLDER):
        match = _NODE.fullmatch(name)
        if match is not None:
            meminfo = read(f"{_FOLDER}/{name}/meminfo", parse_node_meminfo)
            counts = read(f"{_FOLDER}/{name}/numastat", parse_node_numastat)
            if meminfo or counts:
                found.append(MemoryNode(int(match[1]), meminfo, counts))
    if found:
        return Nodes(sorted(found), tuple(notes))
    return _by_zones(source)


def _by_zones(source: Source) -> Nodes:
    try:
        zones = parse_zoneinfo(source.read("zoneinfo"))
    except MemtoolsError as error:
        raise Missing(f"numa: no {_FOLDER}, and {error}") from None
    size = page_size_of(source)
    numbers = sorted({zone.node for zone in zones})
    nodes = [_by_its_zones([zone for zone in zones if zone.node == number], size.size) for number in numbers]
    return Nodes(nodes, (f"no {_FOLDER}: figures are those of zoneinfo", *size.notes))


def _by_its_zones(zones: list[Zone], page_size: int) -> MemoryNode:
    """Add up what the zones of a node tell; some counters were the zones', and are the nodes' from Linux 4.8 on."""
    sums: dict[str, int] = {}
    for zone in zones:
        for key, value in (*zone.counters.items(), *zone.node_counters.items()):
            sums[key] = sums.get(key, 0) + value
    total, free = sum(zone.usable for zone in zones) * page_size, sum(zone.free for zone in zones) * page_size
    meminfo = {"MemTotal": total, "MemFree": free}
    if free <= total:
        meminfo["MemUsed"] = total - free
    for field, keys in _OF_ZONES.items():
        if all(key in sums for key in keys):
            meminfo[field] = sum(sums[key] for key in keys) * page_size
    counts = {_NUMASTAT.get(key, key): sums[key] for key in _COUNTS if key in sums}
    return MemoryNode(zones[0].node, meminfo, counts)


def read_places(source: Source, pid: int) -> dict[int, dict[str, int]]:
    """Give the bytes of a process by node and kind: huge, heap, stack, private. Raises MemtoolsError."""

    def read(files: ProcessFiles, _: Stat | None) -> dict[int, dict[str, int]]:
        places: dict[int, dict[str, int]] = {}
        for kind, node, size in _amounts(_text(files, source, pid), pid, page_size, huge):
            on_node = places.setdefault(node, {})
            on_node[kind] = on_node.get(kind, 0) + size
        return places

    page_size = page_size_of(source).size
    huge = _huge_page_size(source)
    return read_steadily(source, pid, read)


def _huge_page_size(source: Source) -> int:
    try:
        return read_meminfo(source).meminfo.get("Hugepagesize", _HUGE)
    except MemtoolsError:
        return _HUGE


def _text(files: ProcessFiles, source: Source, pid: int) -> bytes:
    try:
        return files.read("numa_maps")
    except Denied as error:
        raise DeniedProcess(pid, str(error).removeprefix(f"{pid}/")) from None
    except Missing:
        if source.is_live:
            raise
        raise Missing(f"numa: {pid}: no numa_maps in this source: 'capture --numa-maps' takes it") from None


def _amounts(text: bytes, pid: int, page_size: int, huge: int) -> Iterator[tuple[str, int, int]]:
    for mapping in parse_numa_maps(text, f"{pid}/numa_maps"):
        size = mapping.page_size or (huge if mapping.kind == "huge" else page_size)
        for node, pages in mapping.pages.items():
            yield mapping.kind, node, pages * size
