"""How a machine's memory went over a recording: curves below each other, with what happened marked in all of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from pymemtools.models.blocks import value_at
from pymemtools.models.trend import GROWTH
from pymemtools.readings.recorded import Recorded
from pymemtools.render.escape import escape
from pymemtools.render.page.tables import table_lines
from pymemtools.render.page.words import region, safe
from pymemtools.render.panel_svg import panels_svg
from pymemtools.render.panels import Course, Panel, Panels
from pymemtools.render.time_axis import clock
from pymemtools.reports.machine_page import Page
from pymemtools.reports.trend.report import Followee, Trends
from pymemtools.sources.recording.moment import local_time

_CELLS = 240
_DRAWN, _GROWING = 5, 3  # processes whose course is drawn, and of these some that grow
_MARKS = 30  # that are drawn; the list below has more
_LISTED = 100
_MIB = 1 << 20
_TREND = ("pid", "user", "name", "trend", "last_size", "rise_per_hour_low", "rise_per_hour_high")

_TITLES = {"rise_per_hour_low": "an hour, at least", "rise_per_hour_high": "at most"}


def course_lines(page: Page) -> Iterator[str]:
    """Draw what a recording tells of its span; nothing of what is none, or has one moment only."""
    recorded = page.evidence.recorded
    if recorded is None or len(recorded.moments) < 2:
        return
    first, last = recorded.moments[0], recorded.moments[-1]
    yield f"<p>{len(recorded.moments)} samples from {first.local_time} to {last.local_time}.</p>"
    yield f'<div class="curves wide" {region("Memory over time")}>'
    yield from (line for line in panels_svg(_panels(page, recorded)) if not line.startswith("<style>"))
    yield "</div>"
    if recorded.events:
        yield "<ul>"
        for event in recorded.events[-_LISTED:]:
            at = local_time(event.at_s, last.utc_offset_s)
            yield f"<li>{safe(at)}: {_SAID[event.what]}</li>"
        yield "</ul>"
    growing = page.evidence.growing
    if growing is not None:
        places = [i for i, size in enumerate(growing.table.cells["last_size"]) if size is not None][:20]
        table = growing.table.take(places)
        titled = tuple(column._replace(title=_TITLES.get(column.key, column.title)) for column in table.columns)
        yield from table_lines("growing", "What grows (trend), the first", table._replace(columns=titled), _TREND)


_SAID = {
    "kill": "by then the kernel had killed for want of memory",
    "restart": "the machine was up again",
    "gap": "recorded again, after a gap",
}


def _panels(page: Page, recorded: Recorded) -> Panels:
    moments = recorded.moments
    times = recorded.times
    begin, end = times.span
    edges = [begin + (end - begin) * i / _CELLS for i in range(_CELLS + 1)]
    cells = list(pairwise(edges))
    runs = [(times.when[a], times.when[b - 1]) for a, b in times.runs]
    of_machine = _Cells(cells, runs, [(times.when_of(moment), info) for moment, info in recorded.meminfo])
    panels = [
        Panel("MiB", [_amount(of_machine, "available", _available), _amount(of_machine, "swap used", _swapped)]),
        Panel("MiB", [_amount(of_machine, "anonymous", _anonymous), _amount(of_machine, "page cache", _cached)]),
    ]
    if recorded.pressure:
        stalls = _Cells(cells, runs, [(times.when_of(moment), stall) for moment, stall in recorded.pressure])
        some = Course("somebody waits", stalls.values(lambda each: each.some.avg60))
        full = Course("all wait", stalls.values(lambda each: each.full.avg60))
        panels.append(Panel("% of a minute", [some, full]))
    growing = page.evidence.growing
    if growing is not None:
        followed = [_process(row, cells) for row in _chosen(growing.answer)]
        panels += [panel for panel in followed if panel.courses[0].known]
    events = recorded.events[-_MARKS:]
    marks, words = [event.at_s for event in events], [event.what for event in events]
    written = clock(end - begin, moments[-1].utc_offset_s)
    return Panels("Memory over time", cells, panels, marks, written, words=words)


class _Cells:
    """What was told at some moments, brought to equal cells of time; None where nothing was recorded."""

    def __init__(
        self,
        cells: Sequence[tuple[float, float]],
        runs: Sequence[tuple[float, float]],
        told: Sequence[tuple[float, object]],
    ) -> None:
        self._cells = cells
        self._runs = runs
        self._told = told
        self._times = [at for at, _ in told]

    def values(self, figure_of: Callable[..., float | None]) -> list[float | None]:
        """Give the figure that held at the end of each cell."""
        return [self._value(begin, end, figure_of) for begin, end in self._cells]

    def _value(self, begin: float, end: float, figure_of: Callable[..., float | None]) -> float | None:
        if not any(first <= end and last >= begin for first, last in self._runs):
            return None
        place = bisect_right(self._times, end) - 1
        return None if place < 0 else figure_of(self._told[place][1])


def _amount(cells: _Cells, name: str, figure_of: Callable[[dict[str, int]], int | None]) -> Course:
    known = cells.values(lambda info: figure_of(info))
    return Course(name, [None if value is None else value / _MIB for value in known])


def _available(info: dict[str, int]) -> int | None:
    return info.get("MemAvailable", info.get("MemFree"))


def _swapped(info: dict[str, int]) -> int | None:
    return info["SwapTotal"] - info["SwapFree"] if info.keys() >= {"SwapTotal", "SwapFree"} else None


def _anonymous(info: dict[str, int]) -> int | None:
    return info.get("AnonPages")


def _cached(info: dict[str, int]) -> int | None:
    return info.get("Cached")


def _chosen(found: Trends) -> list[Followee]:
    """Choose the largest, and before them the few that grow fastest, as a finding leads here."""
    there = [row for row in found.rows if row.subject.size]
    growing = [row for row in there if row.trend.verdict == GROWTH][:_GROWING]
    largest = sorted(there, key=lambda row: -(row.subject.size or 0))
    return [*growing, *(row for row in largest if row not in growing)][:_DRAWN]


def _process(row: Followee, cells: Sequence[tuple[float, float]]) -> Panel:
    process = row.subject.processes[-1]
    values = (value_at(row.subject.stretches, (a + b) / 2) for a, b in cells)
    name = escape(f"{process.pid} {process.name}")[:24]
    return Panel(
        f"MiB of PSS: {name}, {row.trend.verdict}",
        [Course("PSS", [None if value is None else value / _MIB for value in values])],
    )
