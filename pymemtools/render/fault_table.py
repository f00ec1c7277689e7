"""The text of faults: a line an interval, as vmstat has it; or a table of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pymemtools.render.classic_table import classic_table
from pymemtools.render.escape import cut
from pymemtools.report import Column, Table
from pymemtools.reports.faults.rates import COLUMNS, FaultRates

_WIDTHS = {  # of the figures shown: 80 columns together with the time
    "minor_faults_per_second": 7,
    "major_faults_per_second": 6,
    "paged_in_bytes_per_second": 7,
    "paged_out_bytes_per_second": 7,
    "swapped_in_bytes_per_second": 6,
    "swapped_out_bytes_per_second": 6,
    "scanned_pages_per_second": 7,
    "stolen_pages_per_second": 7,
    "refaulted_pages_per_second": 8,
    "direct_reclaims_per_second": 6,
    "some_stalled_percent": 5,
}
_SHOWN = {column.key: column for column in COLUMNS if column.key in _WIDTHS}
_OF_A_PROCESS = ("pid", "minor_faults_per_second", "major_faults_per_second", "vss", "rss", "rss_percent", "command")
Clock = Callable[[str], str]


def title_line() -> str:
    """Give the header."""
    return f"{'time':<8}" + "".join(f"{_SHOWN[key].title:>{width}}" for key, width in _WIDTHS.items())


def rate_line(row: FaultRates, clock: Clock) -> str:
    """Lay an interval out: amounts in KiB a second, all else as it is; unknown is ``-``."""
    figures = row._asdict()
    cells = (f"{_text(_SHOWN[key], figures[key]):>{width}}" for key, width in _WIDTHS.items())
    return f"{'-' if row.read_at is None else clock(row.read_at):<8}" + "".join(cells)


def _text(column: Column, rate: float | None) -> str:
    """Write a rate in few characters: below ten with a decimal, unless that is 0."""
    if rate is None:
        return "-"
    scaled = rate / 1024 if column.kind == "bytes/s" else rate
    return f"{scaled:.0f}" if scaled >= 9.95 else f"{scaled:.1f}".removesuffix(".0")


def course_lines(rows: Sequence[FaultRates], clock: Clock) -> Iterator[str]:
    """Lay out a whole course."""
    yield title_line()
    for row in rows:
        yield rate_line(row, clock)


def process_lines(table: Table, width: int | None = None) -> list[str]:
    """Lay processes out; a command that is longer than the terminal is cut."""
    shown = table.only(_OF_A_PROCESS)
    columns = [column._replace(kind="text") if column.kind == "count/s" else column for column in shown.columns]
    rows = [
        [
            _text(column, cell) if column.kind in ("count/s", "percent") else cell
            for column, cell in zip(shown.columns, row)
        ]
        for row in zip(*(shown.cells[key] for key in _OF_A_PROCESS))
    ]
    lines = [line.rstrip() for line in classic_table(columns, rows)]
    return lines if width is None else [cut(line, width) for line in lines]
