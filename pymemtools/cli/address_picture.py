"""What the commands that draw address spaces share: how a picture looks, and where it goes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from pymemtools.areas import Area, Areas
from pymemtools.cli.file_options import output_options
from pymemtools.cli.terminal import LEAST, ascii_option, is_coloured, takes_ascii_only, terminal_columns
from pymemtools.errors import UsageProblem
from pymemtools.render.area_scale import SCALES
from pymemtools.sources.base import Facts

if TYPE_CHECKING:
    from pymemtools.render.address_svg import Sheet

_F = TypeVar("_F", bound=Callable[..., Any])
FILES = (".svg", ".html")
HOLES = {"all": 0, "big": 1 << 20, "none": None}  # the smallest that is drawn


class Look(NamedTuple):
    """How a picture is drawn."""

    columns: int
    is_ascii: bool
    is_coloured: bool
    scale: str
    order: str


def look_options(order: str) -> Callable[[_F], _F]:
    """Add the options that say how a picture looks, and -o; ``order`` is the default of --order."""

    def add(function: _F) -> _F:
        for option in (
            output_options("Write the picture to FILE.svg or FILE.html."),
            ascii_option,
            click.option(
                "--holes", type=click.Choice(list(HOLES)), default="all", help="Which holes to draw; big: from 1 MiB."
            ),
            click.option(
                "--order", type=click.Choice(["low", "high"]), default=order, help=f"The address on top. [{order}]"
            ),
            click.option(
                "--scale", type=click.Choice(SCALES), default="log", help="What the height of a box follows. [log]"
            ),
        ):
            function = option(function)
        return function

    return add


def look_of(options: dict[str, Any]) -> Look:
    """Gather what the options say of the look."""
    return Look(
        terminal_columns(sys.stdout, least=LEAST),
        options["is_ascii"] or takes_ascii_only(sys.stdout),
        is_coloured(),
        options["scale"],
        options["order"],
    )


def check_output(output: str | None, style: str) -> None:
    """Refuse a file that cannot become a picture, before anything is read."""
    if output is None:
        return
    if style != "text":
        raise UsageProblem("-o writes a picture: it has no --format")
    if not output.endswith(FILES):
        raise UsageProblem(f"{output}: pictures are .svg or .html (a browser or rsvg-convert makes PNG of them)")


def drawn(areas: Areas, look: Look, digits: int, found: frozenset[int] = frozenset()) -> Iterator[str]:
    """Draw a picture for the terminal."""
    from pymemtools.render.address_picture import ASCII, UNICODE, Page, picture_lines
    from pymemtools.render.area_scale import Heights

    heights = Heights(areas, look.scale)
    page = Page(look.columns, ASCII if look.is_ascii else UNICODE, look.is_coloured, digits, look.order == "high")
    return chain(picture_lines(areas, heights, page, found), [heights.note] if heights.note else [])


def digits_of(areas: Sequence[Area], least: int = 8) -> int:
    """Give the hexadecimal digits that addresses take: 8 up to 32 bits."""
    return max([least, *(len(f"{area.end:x}") for area in areas[-1:])])


def save_picture(
    path: str, areas: Areas, look: Look, sheet: Sheet, *, found: frozenset[int] = frozenset(), force: bool
) -> None:
    """Write a picture to a file, as SVG or HTML."""
    from pymemtools.cli.new_file import new_file
    from pymemtools.render.area_scale import Heights

    heights = Heights(areas, look.scale)
    if heights.note:
        sheet = sheet._replace(footer=[*sheet.footer, heights.note])
    if path.endswith(".svg"):
        from pymemtools.render.address_svg import svg_lines as lines_of
    else:
        from pymemtools.render.address_html import html_lines as lines_of
    with new_file(path, force=force) as file:
        file.writelines(f"{line}\n".encode() for line in lines_of(areas, heights, sheet, found))


def described(facts: Facts) -> str:
    """Say where a picture comes from, for whoever finds the file."""
    parts = [f"{facts.kind} {os.path.basename(facts.path)}" if facts.path else facts.kind]
    parts += [f"Linux {facts.kernel}"] if facts.kernel else []
    parts += [f"taken at {facts.taken_at}"] if facts.taken_at else []
    return "Drawn by pymemtools from: " + ", ".join(parts)
