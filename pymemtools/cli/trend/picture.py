"""The courses of what grows as a picture, each on a scale of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise

from pymemtools.cli.terminal import LEAST, terminal_columns
from pymemtools.models.blocks import value_at
from pymemtools.models.trend import GROWTH
from pymemtools.render.escape import escape
from pymemtools.render.panel_svg import panels_svg
from pymemtools.render.panel_text import panel_lines
from pymemtools.render.panels import Course, Panel, Panels, scale_of
from pymemtools.render.picture_page import page_lines
from pymemtools.render.time_axis import clock
from pymemtools.report import Report
from pymemtools.reports.trend.report import Followee, Trends

_MOST = 8  # courses of what grows, where it was not said how many
_FEW = 4  # where nothing grows
_CELLS = 240
_MIB = 1 << 20


def draw(report: Report, *, is_ascii: bool) -> Iterator[str]:
    """Draw it for the terminal."""
    return panel_lines(_panels(report.answer), terminal_columns(sys.stdout, least=LEAST), is_ascii=is_ascii)


def save(report: Report, path: str, *, force: bool) -> None:
    """Write it as SVG, or as HTML with the same SVG in it. Raises MemtoolsError."""
    from pymemtools.cli.new_file import write_new_file

    panels = _panels(report.answer)
    lines = panels_svg(panels) if path.endswith(".svg") else page_lines(panels.title, panels_svg(panels))
    write_new_file(path, "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace"), force=force)


def _panels(found: Trends) -> Panels:
    moments, times = found.times.moments, found.times
    begin, end = times.span
    edges = [begin + (end - begin) * i / _CELLS for i in range(_CELLS + 1)]
    panels = [_panel(row, found, edges) for row in _drawn(found)]
    starts = [times.when[first] for first, _ in times.runs[1:]]
    title = f"{found.figure} from {moments[0].local_time} to {moments[-1].local_time}"
    written = clock(end - begin, moments[-1].utc_offset_s)
    return Panels(title, list(pairwise(edges)), panels, starts, written, "recorded anew")


def _drawn(found: Trends) -> list[Followee]:
    """Choose what grows, or what was asked for, or what rose most."""
    if found.is_limited:
        return found.rows
    return [row for row in found.rows if row.trend.verdict == GROWTH][:_MOST] or found.rows[:_FEW]


def _panel(row: Followee, found: Trends, edges: list[float]) -> Panel:
    process = row.subject.processes[-1]
    who = escape(f"{process.pid} {process.name}" if found.by == "process" else row.subject.key)
    values = (value_at(row.subject.stretches, (a + b) / 2) for a, b in pairwise(edges))
    course = Course(f"{who}, {row.trend.verdict}", [None if value is None else value / _MIB for value in values])
    return Panel("MiB", [course], scale_of(course.known))
