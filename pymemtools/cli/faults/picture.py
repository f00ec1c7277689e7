"""The course of paging as a picture: what disks give and take, faults, and those that wait for a disk by themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, timezone

from pymemtools.cli.terminal import LEAST, takes_ascii_only, terminal_columns
from pymemtools.render.panel_svg import panels_svg
from pymemtools.render.panel_text import panel_lines
from pymemtools.render.panels import Course, Panel, Panels
from pymemtools.render.time_axis import clock
from pymemtools.report import Report
from pymemtools.reports.faults.report import FaultCourse
from pymemtools.sources.base import CLOCKS_ARE_SET, since_1970

_ROUNDED = 1.0  # seconds that an interval may seem to begin before the end of the last


def draw(report: Report, *, is_ascii: bool, zone: int | None) -> Iterator[str]:
    """Draw it for the terminal."""
    is_ascii = is_ascii or takes_ascii_only(sys.stdout)
    return panel_lines(_panels(report, zone), terminal_columns(sys.stdout, least=LEAST), is_ascii=is_ascii)


def save(report: Report, path: str, *, force: bool, zone: int | None) -> None:
    """Write it as SVG. Raises MemtoolsError."""
    from pymemtools.cli.new_file import write_new_file

    text = "".join(f"{line}\n" for line in panels_svg(_panels(report, zone)))
    write_new_file(path, text.encode(), force=force)


def _panels(report: Report, zone: int | None) -> Panels:
    """Put major faults into a panel of their own: there are a thousand times as many minor ones."""
    course: FaultCourse = report.answer
    rows = [row for row in course.rows if row.read_at is not None]
    ends = [_seconds(row.read_at or "") for row in rows]
    intervals = _in_turn(ends, [row.interval_seconds or 0.0 for row in rows]) or [(0.0, 0.0)]
    panels = (
        Panel(
            "KiB/s",
            [
                Course("paged in", [_kib(row.paged_in_bytes_per_second) for row in rows]),
                Course("paged out", [_kib(row.paged_out_bytes_per_second) for row in rows]),
            ],
        ),
        Panel("a second", [Course("minor faults", [row.minor_faults_per_second for row in rows])]),
        Panel("a second", [Course("major faults", [row.major_faults_per_second for row in rows])]),
    )
    marks = [_seconds(start) for start in course.starts]
    span = intervals[-1][1] - intervals[0][0]
    return Panels(_title(report, ends), intervals, panels, marks, clock(span, zone), "machine started")


def _in_turn(ends: list[float], lengths: list[float]) -> list[tuple[float, float]]:
    """Give the intervals one after the other by the clock as it was last: it may have been set meanwhile.

    Where it was set back, or for the first time, what was before is moved to where it would have been.
    """
    shift, begin = 0.0, ends[-1] if ends else 0.0
    found = []
    for end, length in zip(reversed(ends), reversed(lengths)):
        if end + shift > begin + _ROUNDED or end + shift < CLOCKS_ARE_SET <= begin:
            shift = begin - end
        begin = end + shift - length
        found.append((begin, end + shift))
    return found[::-1]


def _title(report: Report, ends: list[float]) -> str:
    day = f", {_utc(ends[0]):%Y-%m-%d}" if ends else ""
    host, kernel = report.answer.host, report.facts["kernel"]
    return f"Paging and page faults{f' of {host}' if host else ''}{f', Linux {kernel}' if kernel else ''}{day}"


def _kib(rate: float | None) -> float | None:
    return None if rate is None else rate / 1024


def _seconds(read_at: str) -> float:
    """Take a time that has no zone as UTC: it is written back as it came."""
    return since_1970(read_at if read_at.endswith("Z") else f"{read_at}Z")


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
