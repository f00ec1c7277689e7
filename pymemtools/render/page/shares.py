"""A bar of parts that add up, and a treemap: the larger the area, the more memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pymemtools.render.page.words import safe, short
from pymemtools.units import human_size

_WIDTH, _BAR = 960, 44
_LETTER, _LINE = 7.0, 15  # pixels
_TONES = 11  # colours, used in turn


class Part(NamedTuple):
    """One part of a whole, in bytes."""

    label: str
    size: int
    more: str = ""  # what else is to be said of it


class Box(NamedTuple):
    """Where a part is drawn."""

    part: Part
    x: float
    y: float
    width: float
    height: float


def bar_lines(title: str, parts: Sequence[Part]) -> Iterator[str]:
    """Draw parts side by side; those too small to see have a pixel."""
    whole = sum(part.size for part in parts) or 1
    yield f'<svg class="bar" viewBox="0 0 {_WIDTH} {_BAR}" role="img" preserveAspectRatio="none">'
    yield f"<title>{safe(title)}</title><desc>{_description(parts)}</desc>"
    x = 0.0
    for number, part in enumerate(parts):
        width = part.size * _WIDTH / whole
        if part.size:
            yield from _box(number, Box(part, x, 0, max(width, 1), _BAR))
        x += width
    yield "</svg>"


def legend_lines(parts: Sequence[Part]) -> Iterator[str]:
    """Name the parts of a bar, with their colours."""
    yield '<ul class="legend">'
    for number, part in enumerate(parts):
        if part.size:
            key = f'<span class="key c{number % _TONES}"></span>'
            yield f"<li>{key}{short(part.label)} <b>{human_size(part.size)}</b></li>"
    yield "</ul>"


def treemap_lines(title: str, parts: Sequence[Part], height: int = 360) -> Iterator[str]:
    """Draw parts as rectangles whose areas are their sizes, the largest first."""
    parts = sorted((part for part in parts if part.size > 0), key=lambda part: -part.size)
    yield f'<svg class="map" viewBox="0 0 {_WIDTH} {height}" role="img">'
    yield f"<title>{safe(title)}</title><desc>{_description(parts)}</desc>"
    for number, box in enumerate(squarified(parts, _WIDTH, height)):
        yield from _box(number, box)
    yield "</svg>"


def _description(parts: Sequence[Part]) -> str:
    return "; ".join(f"{short(part.label, 60)} {human_size(part.size)}" for part in parts[:20])


def _box(number: int, box: Box) -> Iterator[str]:
    part, size = box.part, human_size(box.part.size)
    more = f", {part.more}" if part.more else ""
    place = f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
    yield f'<g><title>{short(part.label)}: {size}{short(more)}</title><rect class="c{number % _TONES}" {place}/>'
    letters = int((box.width - 8) / _LETTER)
    if letters >= 3 and box.height >= _LINE + 3:
        yield f'<text x="{box.x + 4:.1f}" y="{box.y + 13:.1f}">{short(part.label, letters)}</text>'
        if box.height >= 2 * _LINE + 3 and letters >= len(size):
            yield f'<text class="s" x="{box.x + 4:.1f}" y="{box.y + 28:.1f}">{size}</text>'
    yield "</g>"


def squarified(parts: Sequence[Part], width: float, height: float) -> Iterator[Box]:
    """Lay parts, the largest first, out in rows along the shorter side, as near to squares as may be.

    Source: Bruls, Huizing, van Wijk, Squarified Treemaps, 2000.

    >>> [(box.width, box.height) for box in squarified([Part("a", 3), Part("b", 1)], 4, 1)]
    [(3.0, 1.0), (1.0, 1.0)]
    """
    x = y = 0.0
    left, whole = list(parts), sum(part.size for part in parts)
    scale = width * height / whole if whole else 0
    while left:
        side = min(width, height)
        row = [left.pop(0)]
        while left and _worst([*row, left[0]], side, scale) <= _worst(row, side, scale):
            row.append(left.pop(0))
        depth = sum(part.size for part in row) * scale / side if side else 0
        along = 0.0
        for part in row:
            length = part.size * scale / depth if depth else 0
            if width >= height:
                yield Box(part, x, y + along, depth, length)
            else:
                yield Box(part, x + along, y, length, depth)
            along += length
        if width >= height:
            x, width = x + depth, width - depth
        else:
            y, height = y + depth, height - depth


def _worst(row: Sequence[Part], side: float, scale: float) -> float:
    """Give how far the longest rectangle of a row is from a square."""
    areas = [part.size * scale for part in row]
    whole = sum(areas)
    if not whole or not side:
        return float("inf")
    return max(side**2 * max(areas) / whole**2, whole**2 / (side**2 * min(areas)))
