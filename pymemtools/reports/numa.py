"""How much memory is on which node, whether it was wanted there, and where a process has its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.readings.doubt import read_meminfo
from pymemtools.readings.nodes import MemoryNode, Nodes, read_nodes, read_places
from pymemtools.report import Column, Report, table_of
from pymemtools.sources.base import Source
from pymemtools.units import human_size

COLUMNS = (
    Column("node", "Node", "the NUMA node", "count", 4),
    Column("mem_total", "Total", "its memory", "bytes", 10),
    Column("free", "Free", "of it free", "bytes", 10),
    Column("used", "Used", "of it not free", "bytes", 10),
    Column("page_cache", "File", "pages of files, shared memory included", "bytes", 10),
    Column("anonymous", "Anon", "anonymous memory", "bytes", 10),
    Column("shmem", "Shmem", "shared memory and tmpfs", "bytes", 10),
    Column("slab", "Slab", "the kernel's objects", "bytes", 9),
    Column("numa_hit", "Hit", "pages given here as wished, since the start", "pages", 11),
    Column("numa_miss", "Miss", "given here, though wished on another node", "pages", 11),
    Column("numa_foreign", "Foreign", "wished here, and given on another node", "pages", 11),
    Column("interleave_hit", "Interleave", "given here in turn, as wished", "pages", 11),
    Column("local_node", "Local", "given here to who ran here", "pages", 11),
    Column("other_node", "Other", "given here to who ran on another node", "pages", 11),
)
AMOUNTS = ("node", "mem_total", "free", "used", "page_cache", "anonymous", "shmem", "slab")
COUNTS = ("node", "numa_hit", "numa_miss", "numa_foreign", "interleave_hit", "local_node", "other_node")
PROCESS_COLUMNS = (
    Column("node", "Node", "the NUMA node", "count", 5),
    Column("huge", "Huge", "pages of hugetlbfs", "bytes", 12),
    Column("heap", "Heap", "the heap that brk gave", "bytes", 12),
    Column("stack", "Stack", "the main stack", "bytes", 12),
    Column("private", "Private", "all else that is mapped, shared or not, as numastat calls it", "bytes", 12),
    Column("total", "Total", "all of it: shared pages whole", "bytes", 12),
)


class NodePlaces(NamedTuple):
    """What a process has on a node, in bytes."""

    node: int
    huge: int
    heap: int
    stack: int
    private: int
    total: int


def numa_report(source: Source) -> Report:
    """Read the nodes. Raises Missing where the source tells of none."""
    found = read_nodes(source)
    rows = [_row(node) for node in found.nodes]
    table = table_of(COLUMNS, rows)
    notes = (*found.notes, *_of_the_host(source, found))
    return Report("numa", table, rows, facts=source.facts._asdict(), notes=notes, warnings=notes)


def _of_the_host(source: Source, found: Nodes) -> Iterator[str]:
    """Say where meminfo is of less than half of what nodes have: in a container nodes are those of its host."""
    try:
        total = read_meminfo(source).meminfo["MemTotal"]
    except (MemtoolsError, KeyError):
        return
    of_nodes = sum(node.meminfo.get("MemTotal", 0) for node in found.nodes)
    if total < of_nodes // 2:
        yield f"nodes have {human_size(of_nodes)}, but MemTotal is {human_size(total)}: they are the host's"


def _row(node: MemoryNode) -> dict[str, Any]:
    get = node.meminfo.get
    amounts = {
        "mem_total": get("MemTotal"),
        "free": get("MemFree"),
        "used": get("MemUsed"),
        "page_cache": get("FilePages"),
        "anonymous": get("AnonPages"),
        "shmem": get("Shmem"),
        "slab": get("Slab"),
    }
    return {"node": node.number, **amounts, **{key: node.counts.get(key) for key in COUNTS[1:]}}


def process_report(source: Source, pid: int) -> Report:
    """Say where the pages of a process are. Raises Missing or Denied."""
    places = read_places(source, pid)
    rows = [_places(node, sizes) for node, sizes in sorted(places.items())]
    totals = {column.key: sum(getattr(row, column.key) for row in rows) for column in PROCESS_COLUMNS[1:]}
    table = table_of(PROCESS_COLUMNS, rows)
    return Report("numa", table, rows, totals={"pid": pid, **totals}, facts=source.facts._asdict())


def _places(node: int, sizes: dict[str, int]) -> NodePlaces:
    huge, heap, stack, private = (sizes.get(kind, 0) for kind in ("huge", "heap", "stack", "private"))
    return NodePlaces(node, huge, heap, stack, private, huge + heap + stack + private)
