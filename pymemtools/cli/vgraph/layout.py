"""The texts of vgraph, and its pictures in files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from pymemtools.cli.address_picture import Look, described, drawn, save_picture
from pymemtools.render.escape import escape
from pymemtools.reports.vgraph.pages import PagesOf
from pymemtools.reports.vgraph.scene import Scene, footer
from pymemtools.units import brief_size


def scene_lines(scene: Scene, look: Look) -> Iterator[str]:
    """Draw the picture for the terminal."""
    title = [escape(scene.space.title)] if scene.space.title else []
    return chain(title, drawn(scene.areas, look, scene.digits, scene.found), map(escape, footer(scene)))


def save(scene: Scene, look: Look, path: str, *, force: bool) -> None:
    """Write the picture to a file."""
    from pymemtools.render.address_svg import Sheet

    facts = scene.space.facts
    title = scene.space.title or facts.path or ""
    sheet = Sheet(title, described(facts), footer(scene), scene.digits, look.order == "high", scene.meanings)
    save_picture(path, scene.areas, look, sheet, found=scene.found, force=force)


def pages_lines(answer: PagesOf, look: Look) -> Iterator[str]:
    """Draw the pages of one mapping as a grid of letters."""
    from pymemtools.render.page_grid import grid_lines

    area, pages = answer.area, answer.pages
    yield escape(answer.title)
    yield f"{area.start:x}-{area.end:x} {area.perms} {escape(area.label)}, {brief_size(area.size)}"
    shown = len(pages.states) * pages.page_size
    if shown < area.size:
        yield f"of it {brief_size(shown)} from {pages.first:x} on"
    letters = answer.letters
    yield from grid_lines(pages.states, letters, pages.first, pages.page_size, look.columns, is_ascii=look.is_ascii)
    counts = [f"{count} {name}" for name, count in answer.counts.items() if count]
    yield f"pages of {brief_size(pages.page_size)}: {', '.join(counts)}, {len(pages.states)} in all"
    if pages.flags is not None:
        yield f"mapped by nobody else: {pages.mapped_once}"
        yield "flags: " + ", ".join(f"{name} {count}" for name, count in pages.flags.items())
    elif answer.is_half_told:
        yield "what the pages are, and which of them is the zero page, the kernel tells to root only"
