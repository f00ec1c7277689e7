"""From mappings to what is on the picture, and what is said below it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from pymemtools.areas import Area, Areas
from pymemtools.cli.picture import without_holes
from pymemtools.cli.vgraph.target import Target
from pymemtools.errors import MemtoolsError, UsageProblem
from pymemtools.reports.address_space import (
    Figures,
    areas_of,
    compared,
    figures,
    find,
    folded,
    whole,
    with_gone,
    without_small,
)
from pymemtools.units import brief_size

_ADDRESS = re.compile(r"0[xX]([0-9a-fA-F]{1,16})|([0-9a-fA-F]{8,16})", re.ASCII)


class Scene(NamedTuple):
    """What is drawn, in order of addresses."""

    target: Target
    areas: Areas
    found: frozenset[int]  # the starts of the areas to point at
    figures: Figures
    replaced: list[Area]  # gone since the earlier look, and something else is there now
    digits: int  # of an address

    @property
    def address(self) -> str:
        """Give the format of an address."""
        return f"0{self.digits}x"


def parse_address(text: str) -> int | None:
    """Read ``0x...``, or at least eight hexadecimal digits; None for what is a name."""
    match = _ADDRESS.fullmatch(text)
    return int(match[1] or match[2], 16) if match is not None else None


def scene_of(target: Target, options: dict[str, Any], earlier: Target | None = None) -> Scene:
    """Make areas of what was read, and choose and fold them as asked."""
    areas = areas_of(target.mappings, target.kinds, target.resident, target.swapped)
    replaced: list[Area] = []
    if earlier is not None:
        old = areas_of(earlier.mappings, earlier.kinds, earlier.resident, earlier.swapped)
        compared_areas, gone = compared(earlier.mappings, old, target.mappings, areas)
        compared_areas, replaced = with_gone(compared_areas, gone)
        areas = Areas(compared_areas)
    filled = whole(areas, target.null_trap)
    counted = figures(filled)
    if counted.resident is None and target.total is not None:
        counted = counted._replace(resident=target.total[0], swapped=target.total[1])
    if options["fold"]:
        areas = folded(areas)
    if options["min_size"]:
        areas = without_small(areas, options["min_size"])
    if options["fold"] or options["min_size"]:
        filled = whole(areas, target.null_trap)
    areas = without_holes(filled, options["holes"])
    return _found(Scene(target, areas, frozenset(), counted, replaced, _digits(target)), options)


def _digits(target: Target) -> int:
    """Give the hexadecimal digits of an address; the end of 32 bits has nine."""
    end = target.mappings.ends[-1]
    return 16 if end > 1 << 32 else max(8, len(f"{end:x}"))


def _found(scene: Scene, options: dict[str, Any]) -> Scene:
    """Keep what --find asks for."""
    what = options["find"]
    if what is None:
        return scene
    address = parse_address(what)
    if what.lower().startswith("0x") and address is None:
        raise UsageProblem(f"vgraph: '{what}' is no address")
    below, above = options["after"], options["before"]
    if options["order"] == "low":
        below, above = above, below
    areas, found = find(scene.areas, what, address, below, above)
    if not areas:
        raise MemtoolsError(f"vgraph: nothing {'at' if address is not None else 'is called'} {what}")
    return scene._replace(areas=Areas(areas), found=frozenset(found))


def footer(scene: Scene) -> list[str]:
    """Sum the picture up."""
    figures, most = scene.figures, scene.target.max_count
    count = figures.mappings if most is None else f"{figures.mappings} of {most}"
    parts = [f"{count} mapping{'' if count == 1 else 's'}", f"{brief_size(figures.mapped)} mapped"]
    if figures.resident is not None:
        parts += [f"{brief_size(figures.resident)} resident", f"{brief_size(figures.swapped or 0)} swapped"]
    parts += [f"largest hole {brief_size(figures.largest_hole)}", f"W+X {figures.writable_code}"]
    lines = [", ".join(parts)]
    if scene.replaced:
        lines.append("gone, with something else in their place:")
        lines += [f"  {area.start:0{scene.digits}x} {brief_size(area.size)} {area.label}" for area in scene.replaced]
    return lines
