"""Where the picture goes: to the terminal, to programs, to a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pymemtools.areas import Area
from pymemtools.cli.options import facts_as_json, write_lines
from pymemtools.cli.picture import described, drawn, look_of, save_picture
from pymemtools.cli.vgraph.scene import Scene, footer
from pymemtools.render.escape import escape

_FIELDS = (
    *("start", "end", "size", "kind", "label", "perms", "mappings", "resident", "swapped", "change", "delta"),
    *("writable_code", "found"),
)


def show(scene: Scene, options: dict[str, Any]) -> None:
    """Put a picture out as asked."""
    if options["output"] is not None:
        _save(scene, options)
    elif options["style"] == "text":
        write_lines(_text(scene, options))
    else:
        write_lines(_document(scene, options["style"]))


def _text(scene: Scene, options: dict[str, Any]) -> Iterator[str]:
    if scene.target.title:
        yield escape(scene.target.title)
    yield from drawn(scene.areas, look_of(options), scene.digits, scene.found)
    yield from map(escape, footer(scene))


def _document(scene: Scene, style: str) -> Iterable[str]:
    from pymemtools.render.machine import machine_lines

    totals = {
        **scene.figures._asdict(),
        "max_map_count": scene.target.max_count,
        "mmap_min_addr": scene.target.min_address,
    }
    areas: Iterable[Area] = scene.areas
    if scene.replaced:
        areas = sorted([*scene.areas, *scene.replaced], key=lambda area: area.start)
    rows = (_row(area, scene) for area in areas)
    facts = facts_as_json(scene.target.facts)
    return machine_lines(style, "vgraph", rows, fields=_FIELDS, source=facts, totals=totals)


def _row(area: Area, scene: Scene) -> dict[str, Any]:
    return {
        "start": format(area.start, scene.address),
        "end": format(area.end, scene.address),
        "size": area.size,
        "kind": area.kind or None,
        "label": area.label,
        "perms": area.perms or None,
        "mappings": area.mappings,
        "resident": area.resident,
        "swapped": area.swapped,
        "change": area.change or None,
        "delta": area.delta,
        "writable_code": area.is_writable_code,
        "found": area.start in scene.found,
    }


def _save(scene: Scene, options: dict[str, Any]) -> None:
    from pymemtools.models.map_kinds import KINDS
    from pymemtools.render.address_svg import Sheet

    look = look_of(options)
    title = scene.target.title or scene.target.facts.path or ""
    about = described(scene.target.facts)
    sheet = Sheet(title, about, footer(scene), scene.digits, look.order == "high", KINDS)
    save_picture(options["output"], scene.areas, look, sheet, found=scene.found, force=options["force"])
