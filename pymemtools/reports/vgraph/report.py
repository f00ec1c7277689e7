"""The picture of an address space as a table: an area a row, holes included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymemtools.areas import Areas
from pymemtools.cells import Derived
from pymemtools.report import Column, Report, Table
from pymemtools.reports.vgraph.areas import Figures
from pymemtools.reports.vgraph.scene import Scene

COLUMNS = (
    Column("start", "Start", "the first address", "address"),
    Column("end", "End", "the first address behind it", "address"),
    Column("size", "Size", "length of the addresses; of several mappings as one: what is mapped", "bytes"),
    Column("kind", "Kind", "what it is for, or hole", "text", right=False),
    Column("label", "Label", "the file's path, the kernel's name, or what nameless memory is for", "text", right=False),
    Column("perms", "Perms", "r read, w write, x execute, s shared or p private (copy on write)", "text"),
    Column("mappings", "Mappings", "number of mappings; 0: a hole", "count"),
    Column("rss", "Resident", "pages in RAM", "bytes"),
    Column("swap", "Swapped", "memory swapped out", "bytes"),
    Column("change", "Change", "new, gone, grown or shrunk", "text", right=False),
    Column("delta_size", "Delta", "by how much it grew", "bytes"),
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
        totals={**_totals(scene.figures), **limits},
        facts=space.facts._asdict(),
        notes=() if space.note is None else (space.note,),
    )


def _totals(figures: Figures) -> dict[str, int | None]:
    """Give the figures below the picture by the names that such amounts have everywhere."""
    names = {"mapped": "vss", "resident": "rss", "swapped": "swap"}
    names |= {"holes": "hole_count", "writable_code": "writable_code_count"}  # as in rows these are no numbers
    return {names.get(field, field): value for field, value in figures._asdict().items()}


def _cells(areas: Areas, scene: Scene) -> dict[str, Sequence[Any]]:
    column = areas.column
    return {
        "start": column("start"),
        "end": column("end"),
        "size": areas.sizes(),
        **{field: Derived(_or_none, column(field)) for field in ("kind", "label", "perms", "change")},
        "mappings": column("mappings"),
        "rss": column("resident"),
        "swap": column("swapped"),
        "delta_size": Derived(_or_none, column("delta")),
        "writable_code": Derived(lambda perms: perms[1:3] == "wx", column("perms")),
        "found": Derived(scene.found.__contains__, column("start")),
    }


def _or_none(value: Any) -> Any:
    return value or None
