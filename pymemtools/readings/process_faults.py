"""Which process made how many page faults until now, and how large it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pymemtools.errors import NoSuchProcess
from pymemtools.readings.process import Process
from pymemtools.readings.processes import Sample, read_processes
from pymemtools.readings.reader import read_process
from pymemtools.readings.wants import Wants
from pymemtools.sources.base import Source

TICKS_A_SECOND = 100  # USER_HZ on all architectures that are in use but Alpha: include/asm-generic/param.h


class FaultsMoment(NamedTuple):
    """All processes, or those that were named, at one moment."""

    read_at: str | None  # ISO 8601, UTC
    seconds: float | None  # since the machine's start
    processes: list[Process]
    gone: tuple[int, ...] = ()  # of those that were named


def read_faults(source: Source, read_at: str | None, seconds: float | None, pids: Iterable[int] = ()) -> FaultsMoment:
    """Read the counters of processes: of those that are named, which may be gone, else of all, the kernel's, too."""
    pids = tuple(pids)
    if not pids:
        sample: Sample = read_processes(source, Wants())
        return FaultsMoment(read_at, seconds, sample.everybody)
    found, gone = [], []
    for pid in pids:
        try:
            found.append(read_process(source, pid, Wants()))
        except NoSuchProcess:
            gone.append(pid)
    return FaultsMoment(read_at, seconds, found, tuple(gone))
