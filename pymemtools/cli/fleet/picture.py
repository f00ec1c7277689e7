"""An answer about a fleet as a picture, to a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymemtools.errors import MemtoolsError, UsageProblem
from pymemtools.report import Report

_PICTURES = (".svg", ".html")


def check_output(options: Mapping[str, Any], command: str) -> None:
    """Raise UsageProblem for a picture that cannot be: it has a kind, and no format for programs."""
    path = options.get("output")
    if path is None:
        return
    if options["style"] != "text":
        raise UsageProblem(f"fleet {command}: a picture has no --format")
    if not path.endswith(_PICTURES):
        raise UsageProblem(f"fleet {command}: {path}: pictures are .svg or .html")


def save(report: Report, path: str, *, force: bool) -> None:
    """Write it as SVG, or as HTML with the same SVG in it. Raises MemtoolsError."""
    from pymemtools.cli.new_file import write_new_file
    from pymemtools.render.fleet_picture import fleet_svg, picture_title
    from pymemtools.render.picture_page import page_lines

    if not report.table.height:
        raise MemtoolsError(f"{report.command}: there is nothing to draw")
    svg = fleet_svg(report)
    lines = svg if path.endswith(".svg") else page_lines(picture_title(report), svg)
    write_new_file(path, "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace"), force=force)
