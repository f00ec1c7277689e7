"""Read the processes that were named, and no others."""

from __future__ import annotations

from collections.abc import Iterable

from pymemtools.errors import Missing, NoSuchProcess
from pymemtools.readings.processes import Sample
from pymemtools.readings.reader import read_process
from pymemtools.readings.wants import Wants
from pymemtools.sources.base import Source


def read_named(source: Source, pids: Iterable[int], wants: Wants) -> tuple[Sample, tuple[int, ...]]:
    """Read these processes; give beside them those that are not there. Raises NoSuchProcess where none is."""
    found, gone = [], []
    for pid in dict.fromkeys(pids):
        try:
            found.append(read_process(source, pid, wants))
        except Missing:
            gone.append(pid)
    if gone and not found:
        raise NoSuchProcess(gone[-1])
    return Sample(found), tuple(gone)
