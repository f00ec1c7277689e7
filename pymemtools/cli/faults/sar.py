"""``faults --compat sar``: what ``sar -B`` prints of the same moments."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable

from pymemtools.cli.faults.arguments import FaultsAsked
from pymemtools.cli.faults.source import is_measured, moments, paging_now
from pymemtools.errors import Missing
from pymemtools.readings.machine import processors_of
from pymemtools.readings.paging import PagingMoment, is_same_boot, start_of
from pymemtools.render.sar_paging import AVERAGE, SarLayout, sar_layout
from pymemtools.reports.faults.sar import SarMachine, sar_figures, sar_machine
from pymemtools.sources.base import Source, since_1970, utc

_ROWS = 3600 * 24  # between titles, where there is no terminal


def print_sar(source: Source, other: Source | None, asked: FaultsAsked) -> None:
    """Print what is measured as intervals end; of one capture the mean since the start, of two the interval between."""
    if other is not None:
        print_moments(source, map(paging_now, (other, source)))
    elif is_measured(source, asked):
        print_moments(source, moments(source, asked))
    else:
        _print_since_start(source, paging_now(source))


def print_moments(source: Source, moments: Iterable[PagingMoment]) -> None:
    """Print each interval, and their mean; Ctrl-C ends the measuring, and then the mean comes, too. Raises Missing."""
    printer = SarPrinter(machine_of(source), sar_layout(), _rows())
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for moment in moments:
            printer.feed(moment)
    except KeyboardInterrupt:
        sys.stdout.write("\n")
    printer.end()


def _print_since_start(source: Source, moment: PagingMoment) -> None:
    printer = SarPrinter(machine_of(source), sar_layout(), _rows())
    printer.feed(start_of(moment)._replace(read_at=moment.read_at))
    printer.feed(moment)


def machine_of(source: Source) -> SarMachine:
    """Tell what the first line says; of this machine as uname does, and counting processors that are off, too."""
    if source.is_live:
        return sar_machine(source, os.sysconf("SC_NPROCESSORS_CONF"), os.uname().machine)
    return sar_machine(source, processors_of(source), None)


def _rows() -> int:
    try:
        lines = os.get_terminal_size(1).lines
    except OSError:
        return _ROWS
    return lines - 2 if lines > 2 else _ROWS


class SarPrinter:
    """Prints moments as they come."""

    def __init__(self, machine: SarMachine, layout: SarLayout, rows: int) -> None:
        self._machine, self._layout, self._rows = machine, layout, rows
        self._first: PagingMoment | None = None  # of this boot
        self._last: PagingMoment | None = None
        self._printed = 0  # lines of it

    def feed(self, moment: PagingMoment) -> None:
        """Print the interval that ends with a moment; of the first one, what is on top. Raises Missing."""
        if moment.uptime_centiseconds is None:
            raise Missing("faults: sar reckons with uptime, and the source has none")
        layout, before = self._layout, self._last
        self._last = moment
        if before is None or self._first is None:
            self._first = moment
            _write([layout.machine(self._machine, moment.read_at)])
        elif is_same_boot(before, moment) is False:
            self.end(before)
            self._first, self._printed = moment, 0
            _write(layout.restart(_start(moment), self._machine.processors))
        else:
            titles = [] if self._printed % self._rows else layout.titles(layout.stamp(before.read_at))
            _write([*titles, layout.row(layout.stamp(moment.read_at), self._figures(before, moment))])
            self._printed += 1

    def end(self, last: PagingMoment | None = None) -> None:
        """Print the mean over all intervals of a boot."""
        last = last or self._last
        if self._first is not None and last is not None and self._printed:
            _write([self._layout.row(AVERAGE, self._figures(self._first, last))])

    def _figures(self, before: PagingMoment, after: PagingMoment) -> list[float]:
        return sar_figures(before, after, self._machine.bits)


def _start(moment: PagingMoment) -> str | None:
    """Give the time at which the machine was started."""
    if moment.read_at is None or moment.uptime_centiseconds is None:
        return None
    return utc(int(since_1970(moment.read_at) - moment.uptime_centiseconds / 100))


def _write(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
