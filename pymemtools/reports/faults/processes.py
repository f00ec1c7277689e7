"""Page faults a second by process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pymemtools.readings.process import Process
from pymemtools.readings.process_faults import TICKS_A_SECOND, FaultsMoment
from pymemtools.report import READ_AT, Column
from pymemtools.units import times

PROCESS_COLUMNS = (
    READ_AT,
    Column("interval_seconds", "s", "over which the rates are means", "seconds"),
    Column("pid", "PID", "process number", "count", 7),
    Column("name", "Name", "the kernel's name of the process", "text", 15, right=False),
    Column("minor_faults_per_second", "minor", "faults that no disk had to be waited for", "count/s", 9),
    Column("major_faults_per_second", "major", "faults that waited for a disk or for swap", "count/s", 8),
    Column("vss", "VSS", "all that is mapped", "bytes", 10),
    Column("rss", "RSS", "of that in RAM, as stat tells", "bytes", 9),
    Column("rss_percent", "RAM%", "of RAM", "percent", 5),
    Column("command", "Command", "command line", "text", 27, right=False),
)


class ProcessRates(NamedTuple):
    """The mean rates of one process, and its sizes in bytes."""

    read_at: str | None
    interval_seconds: float | None
    pid: int
    name: str
    minor_faults_per_second: float | None
    major_faults_per_second: float | None
    vss: int | None
    rss: int | None
    rss_percent: float | None
    command: str

    @property
    def is_active(self) -> bool:
        """Tell whether it made any fault."""
        return bool(self.minor_faults_per_second or self.major_faults_per_second)

    @property
    def cost(self) -> tuple[float, float]:
        """Order by what takes longest: a major fault waits for a disk."""
        return self.major_faults_per_second or 0.0, self.minor_faults_per_second or 0.0


class Machinery(NamedTuple):
    """What sizes are reckoned by."""

    page_size: int  # bytes
    ram: int | None


def process_rates(before: FaultsMoment | None, after: FaultsMoment, machine: Machinery) -> Iterator[ProcessRates]:
    """Give the rates between two moments, or without the first one since each process's own start.

    A process that was started meanwhile made all its faults in the interval; what one did that ended is lost.
    """
    known = {} if before is None else {(each.pid, each.starttime_ticks): each for each in before.processes}
    for process in after.processes:
        if before is None:
            yield _row(after, process, None, _age(process, after), machine)
        elif before.seconds is not None and after.seconds is not None and after.seconds > before.seconds:
            earlier = known.get((process.pid, process.starttime_ticks))
            yield _row(after, process, earlier, after.seconds - before.seconds, machine)
        else:
            yield _row(after, process, None, None, machine)


def costliest(rows: Sequence[ProcessRates], most: int) -> list[ProcessRates]:
    """Choose those with the most major faults, then with the most minor ones; never one without any."""
    return sorted((row for row in rows if row.is_active), key=lambda row: row.cost, reverse=True)[:most]


def _age(process: Process, at: FaultsMoment) -> float | None:
    if process.starttime_ticks is None or at.seconds is None:
        return None
    return max(at.seconds - process.starttime_ticks / TICKS_A_SECOND, 0) or None


def _row(
    at: FaultsMoment, process: Process, earlier: Process | None, seconds: float | None, machine: Machinery
) -> ProcessRates:
    rss = times(process.resident_pages, machine.page_size)
    return ProcessRates(
        read_at=at.read_at,
        interval_seconds=None if seconds is None else round(seconds, 3),
        pid=process.pid,
        name=process.name,
        minor_faults_per_second=_rate(0 if earlier is None else earlier.minor_faults, process.minor_faults, seconds),
        major_faults_per_second=_rate(0 if earlier is None else earlier.major_faults, process.major_faults, seconds),
        vss=process.address_space,
        rss=rss,
        rss_percent=None if rss is None or not machine.ram else round(100 * rss / machine.ram, 2),
        command=process.command,
    )


def _rate(before: int | None, after: int | None, seconds: float | None) -> float | None:
    if before is None or after is None or seconds is None or after < before:
        return None
    return round((after - before) / seconds, 3)
