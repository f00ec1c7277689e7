"""The picture of an address space as a table: an area a row, holes included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymemtools.areas import Areas
from pymemtools.cells import Derived
from pymemtools.report import Column, Report, Table
from pymemtools.reports.vgraph.scene import Scene

COLUMNS = (
    Column("start", "Start", "the first address", "text"),
    Column("end", "End", "the first address behind it", "text"),
    Column("size", "Size", "length of the addresses; of several mappings as one: what is mapped", "bytes"),
    Column("kind", "Kind", "what it is for, or hole", "text", right=False),
    Column("label", "Label", "the file's path, or what the memory is called", "text", right=False),
    Column("perms", "Perms", "r read, w write, x execute, s shared or p private (copy on write)", "text"),
    Column("mappings", "Mappings", "number of mappings; 0: a hole", "count"),
    Column("resident", "Resident", "pages in RAM", "bytes"),
    Column("swapped", "Swapped", "memory swapped out", "bytes"),
    Column("change", "Change", "new, gone, grown or shrunk", "text", right=False),
    Column("delta", "Delta", "by how much it grew", "bytes"),
    Column("writable_code", "W+X", "may be written to and run", "bool"),
    Column("found", "Found", "is what was to be found", "bool"),
)


def vgraph_report(scene: Scene) -> Report:
    """Make a table of all areas; those that something else replaced are among them."""
    areas = scene.areas
    if scene.replaced:
        areas = Areas([*areas, *scene.replaced]).ordered()
    space = scene.space
    limits = {"max_map_count": space.max_count, "mmap_min_addr": space.min_address}
    return Report(
        "vgraph",
        Table(COLUMNS, _cells(areas, scene)),
        scene,
        totals={**scene.figures._asdict(), **limits},
        facts=space.facts._asdict(),
        notes=() if space.note is None else (space.note,),
    )


def _cells(areas: Areas, scene: Scene) -> dict[str, Sequence[Any]]:
    address = f"{{:0{scene.digits}x}}".format
    same = ("label", "mappings", "resident", "swapped", "delta")
    starts = areas.column("start")
    return {
        "start": Derived(address, starts),
        "end": Derived(address, areas.column("end")),
        "size": areas.sizes(),
        **{field: Derived(_or_none, areas.column(field)) for field in ("kind", "perms", "change")},
        **{field: areas.column(field) for field in same},
        "writable_code": Derived(lambda perms: perms[1:3] == "wx", areas.column("perms")),
        "found": Derived(scene.found.__contains__, starts),
    }


def _or_none(text: str) -> str | None:
    return text or None
