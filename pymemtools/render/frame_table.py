"""The text of pages: a table of types beside counters, sums, and what differences are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pymemtools.render.classic_table import classic_table
from pymemtools.render.escape import cut, escape, pad
from pymemtools.render.fit import wrapped
from pymemtools.report import Report
from pymemtools.reports.pages.columns import FLAG_COLUMNS, PROCESS_SHOWN, SHOWN, TypeRow
from pymemtools.reports.pages.machine import Frames
from pymemtools.reports.pages.process import ProcessPages
from pymemtools.reports.pages.unexplained import Unexplained, not_told, still_unexplained
from pymemtools.units import human_size

_AREA = 36  # characters
_MARKS = {"none": "*", "part": "-", "whole": "="}


def frame_lines(report: Report) -> list[str]:
    """Lay the types out in KiB; those without a frame, and without a counter that says more, are left out."""
    found: Frames = report.answer
    rows = [
        row for row in found.rows if row.present or row.counted or (row.present is None and row.counted is not None)
    ]
    return [*_table(report, SHOWN, rows), *_sums(found), *_reasons(rows)]


def process_lines(report: Report) -> list[str]:
    """Lay out what the pages of a process are, in KiB."""
    found: ProcessPages = report.answer
    rows = [row for row in found.rows if row.present or row.counted]
    table = _table(report, PROCESS_SHOWN, rows)
    return [f"{(report.totals or {})['pid']}: {escape(found.title)}", "", *table, *_reasons(rows)]


def _table(report: Report, keys: tuple[str, ...], rows: list[TypeRow]) -> Iterator[str]:
    columns = report.table.only(keys).columns
    cells = [_cells(row, keys) for row in rows]
    yield from (line.rstrip() for line in classic_table(columns, cells))


def _cells(row: TypeRow, keys: tuple[str, ...]) -> list[Any]:
    """Give the cells; those of a counter stand only where it is the first time."""
    is_first = row.counted is not None
    values = [getattr(row, key) for key in keys]
    return [
        ("" if key != "counter" else '"' if row.counter else "") if not is_first and key in keys[3:] else value
        for key, value in zip(keys, values)
    ]


def _sums(found: Frames) -> Iterator[str]:
    if found.present is None:
        return
    yield ""
    zones = "" if found.zones_present is None else f" of {found.zones_present >> 10} that zones say are present"
    yield f"{found.present >> 10} KiB{zones}"
    if found.holes:
        yield f"{found.holes >> 10} KiB of addresses are holes, without memory"
    if found.zones_present not in (None, found.present):
        difference = found.present - (found.zones_present or 0)
        yield f"the difference is {human_size(abs(difference))}: memory that iomem does not call System RAM, or offline"


def _reasons(rows: list[TypeRow]) -> Iterator[str]:
    told = [row for row in rows if row.reason]
    if told:
        yield ""
    for row in told:
        yield from wrapped(f"{row.type}: {row.reason}", 79, subsequent_indent="  ")


def flag_lines(report: Report) -> list[str]:
    """Lay out a line for each combination of flags."""
    keys = [column.key for column in FLAG_COLUMNS]
    rows = [[*(row[key] for key in keys[:-1]), " ".join(row["flag_names"])] for row in report.answer]
    return [line.rstrip() for line in classic_table(FLAG_COLUMNS, rows)]


def unexplained_lines(report: Report) -> list[str]:
    """Lay out the subtraction, and below it who may have what is left, in KiB."""
    found: Unexplained = report.answer
    lines = [_part(" ", "MemTotal", found.mem_total)]
    lines += [_part("-", part.area, part.used, part.counter) for part in found.counted if part.used]
    lines.append(_part("=", "what no counter explains", found.unexplained))
    still = still_unexplained(found)
    if found.named and still is not None:
        lines.append(_part(" ", "without those below marked *", still))
    missing = list(not_told(found))
    lines += wrapped(f"Not told, and in what is left: {', '.join(missing)}.", 79) if missing else []
    return [*lines, *_candidates(found)]


def _part(mark: str, area: str, size: int | None, counter: str | None = None) -> str:
    amount = "-" if size is None else str(size // 1024)
    return f"{mark} {pad(cut(escape(area), _AREA), _AREA)} {amount:>11}  {counter or ''}".rstrip()


def _candidates(found: Unexplained) -> Iterator[str]:
    """Lay candidates out: * is counted nowhere else, - above in part, = above as a whole."""
    if not found.candidates:
        return
    yield ""
    yield "Who may have it: * counted nowhere above, - in part, = only told apart here"
    for part in found.candidates:
        yield _part(_MARKS[part.overlap or ""], part.area, part.used, part.counter)
        yield from wrapped(escape(part.reason or ""), 79, initial_indent=" " * 4, subsequent_indent=" " * 4)
