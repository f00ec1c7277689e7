"""From an address space to what is on the picture, and what is said below it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pymemtools.areas import Area, Areas, without_holes
from pymemtools.errors import MemtoolsError
from pymemtools.readings.address_space import AddressSpace
from pymemtools.reports.vgraph.areas import (
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


class Wanted(NamedTuple):
    """What --find asks for: an address, or a text within names; and how many neighbours of each find."""

    text: str
    address: int | None
    below: int
    above: int


class VgraphRequest(NamedTuple):
    """What is drawn of an address space."""

    fold: bool = False
    min_size: int = 0  # bytes; smaller neighbours are drawn as one
    least_hole: int | None = 0  # bytes of the smallest hole that is drawn; None: none is
    find: Wanted | None = None


class Scene(NamedTuple):
    """What is drawn, in order of addresses."""

    space: AddressSpace
    areas: Areas
    found: frozenset[int]  # the starts of the areas to point at
    figures: Figures
    replaced: list[Area]  # gone since the earlier look, and something else is there now
    digits: int  # of an address

    @property
    def meanings(self) -> Mapping[str, str]:
        """Say what each kind of area is."""
        from pymemtools.models.map_kinds import KINDS

        return KINDS


def scene_of(space: AddressSpace, request: VgraphRequest, earlier: AddressSpace | None = None) -> Scene:
    """Make areas of what was read, and choose and fold them as asked."""
    areas = areas_of(space.mappings, space.kinds, space.resident, space.swapped)
    replaced: list[Area] = []
    if earlier is not None:
        old = areas_of(earlier.mappings, earlier.kinds, earlier.resident, earlier.swapped)
        compared_areas, gone = compared(earlier.mappings, old, space.mappings, areas)
        compared_areas, replaced = with_gone(compared_areas, gone)
        areas = Areas(compared_areas)
    filled = whole(areas, space.null_trap)
    counted = figures(filled)
    if counted.resident is None and space.total is not None:
        counted = counted._replace(resident=space.total[0], swapped=space.total[1])
    if request.fold:
        areas = folded(areas)
    if request.min_size:
        areas = without_small(areas, request.min_size)
    if request.fold or request.min_size:
        filled = whole(areas, space.null_trap)
    scene = Scene(space, without_holes(filled, request.least_hole), frozenset(), counted, replaced, _digits(space))
    return scene if request.find is None else _found(scene, request.find)


def scene_within(space: AddressSpace, most: int, least_hole: int) -> Scene:
    """Fold an address space, and draw ever larger neighbours as one until there are no more than ``most`` areas."""
    scene = scene_of(space, VgraphRequest(fold=True, least_hole=least_hole))
    areas, size = without_holes(scene.areas, None), 4096
    while len(scene.areas) > most and size < 1 << 40:
        size *= 4
        shown = whole(without_small(areas, size), space.null_trap)
        scene = scene._replace(areas=without_holes(shown, least_hole))
    return scene


def _digits(space: AddressSpace) -> int:
    """Give the hexadecimal digits of an address; the end of 32 bits has nine."""
    end = space.mappings.ends[-1]
    return 16 if end > 1 << 32 else max(8, len(f"{end:x}"))


def _found(scene: Scene, wanted: Wanted) -> Scene:
    """Keep what was to be found."""
    areas, found = find(scene.areas, wanted.text, wanted.address, wanted.below, wanted.above)
    if not areas:
        raise MemtoolsError(f"vgraph: nothing {'at' if wanted.address is not None else 'is called'} {wanted.text}")
    return scene._replace(areas=Areas(areas), found=frozenset(found))


def changes_of(scene: Scene) -> Scene | None:
    """Keep what changed since the earlier look; None where nothing did."""
    changed = Areas(area for area in scene.areas if area.change)
    return scene._replace(areas=changed) if changed or scene.replaced else None


def footer(scene: Scene) -> list[str]:
    """Sum the picture up."""
    figures, most = scene.figures, scene.space.max_count
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
