"""What ``sar -B`` prints, byte for byte: a line on the machine, titles, a line an interval, the mean of all."""

from __future__ import annotations

import locale
import os
import time
from collections.abc import Callable, Sequence

from pymemtools.render.escape import escape
from pymemtools.reports.faults.sar import TITLES, SarMachine
from pymemtools.sources.base import since_1970

AVERAGE = "Average:"


class SarLayout:
    """How times, dates and decimals are written: as the locale has them, or ISO by S_TIME_FORMAT."""

    def __init__(self, is_iso: bool, point: str) -> None:
        self._date, self._time = ("%Y-%m-%d", "%H:%M:%S") if is_iso else ("%x", "%X")
        self._point = point

    def machine(self, machine: SarMachine, read_at: str | None) -> str:
        """Give the first line."""
        date = "?/?/?" if read_at is None else time.strftime(self._date, time.localtime(since_1970(read_at)))
        kernel, host, kind = (escape(text or "?") for text in machine[:3])
        return f"Linux {kernel} ({host}) \t{date} \t_{kind}_\t({machine.processors or 1} CPU)"

    def stamp(self, read_at: str | None) -> str:
        """Write the time of day, in our time zone."""
        return "" if read_at is None else time.strftime(self._time, time.localtime(since_1970(read_at)))

    def titles(self, stamp: str) -> list[str]:
        """Give an empty line and the titles, which have the moment at which the first interval began."""
        return ["", _first(stamp) + "".join(f" {title:>9}" for title in TITLES)]

    def row(self, stamp: str, figures: Sequence[float]) -> str:
        """Write the figures of an interval."""
        text = "".join(f" {figure:9.2f}" for figure in figures)
        return _first(stamp) + (text if self._point == "." else text.replace(".", self._point))

    def restart(self, read_at: str | None, processors: int | None) -> list[str]:
        """Say that the machine was started."""
        return ["", f"{_first(self.stamp(read_at))}  LINUX RESTART\t({processors or 1} CPU)"]


def _first(stamp: str) -> str:
    return stamp + " " * (11 - len(stamp.encode()))


def sar_layout(environment: Callable[[str], str | None] = os.environ.get) -> SarLayout:
    """Follow the locale as C programs do: what is not there is C."""
    for category in (locale.LC_TIME, locale.LC_NUMERIC):
        try:
            locale.setlocale(category, "")
        except locale.Error:
            pass
    return SarLayout(environment("S_TIME_FORMAT") == "ISO", str(locale.localeconv()["decimal_point"]))
