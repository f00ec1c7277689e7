"""What a machine tells of paging at one moment; two of them make rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from pymemtools.errors import MemtoolsError
from pymemtools.procfs.pressure import Pressure, Stall, parse_pressure
from pymemtools.procfs.uptime import parse_uptime
from pymemtools.procfs.vmstat import parse_vmstat
from pymemtools.readings.page_size import page_size_of
from pymemtools.sources.base import Source, since_1970

_T = TypeVar("_T")


class PagingMoment(NamedTuple):
    """Counters and clocks, as they were read."""

    read_at: str | None  # ISO 8601, UTC
    counters: Mapping[str, int]  # vmstat
    uptime_centiseconds: int | None = None
    clock: float | None = None  # seconds since the start, finer; of a live machine
    boot_id: bytes | None = None
    pressure: Pressure = Pressure()
    page_size: int = 4096  # bytes


def read_paging(source: Source, read_at: str | None = None, clock: float | None = None) -> PagingMoment:
    """Read vmstat, and of the rest what there is; of a live machine the caller gives the time. Raises Missing."""
    return PagingMoment(
        read_at or source.facts.taken_at,
        parse_vmstat(source.read("vmstat")),
        uptime_of(source),
        clock,
        _optional(source, "sys/kernel/random/boot_id", bytes.strip) or None,
        _optional(source, "pressure/memory", parse_pressure) or Pressure(),
        page_size_of(source).size,
    )


def uptime_of(source: Source) -> int | None:
    """Give the time since the machine's start in hundredths of a second, where the source tells it."""
    return _optional(source, "uptime", parse_uptime)


def _optional(source: Source, path: str, parse: Callable[[bytes], _T]) -> _T | None:
    try:
        return parse(source.read(path))
    except MemtoolsError:
        return None


def start_of(moment: PagingMoment) -> PagingMoment:
    """Give the moment at which the machine was started: all counters and clocks were 0."""
    none = Stall(seconds=0.0)
    return moment._replace(
        read_at=None,
        counters=dict.fromkeys(moment.counters, 0),
        uptime_centiseconds=0,
        clock=None if moment.clock is None else 0.0,
        pressure=Pressure(none, none),
    )


def is_same_boot(before: PagingMoment, after: PagingMoment) -> bool | None:
    """Tell whether the machine ran on in between; None where neither boot id nor uptime tells."""
    if before.boot_id is not None and after.boot_id is not None:
        return before.boot_id == after.boot_id
    if before.uptime_centiseconds is None or after.uptime_centiseconds is None:
        return None
    return after.uptime_centiseconds >= before.uptime_centiseconds


def seconds_between(before: PagingMoment, after: PagingMoment) -> float | None:
    """Give the time between two moments of one boot, by the finest clock that both have; None where none went on."""
    if before.clock is not None and after.clock is not None:
        seconds = after.clock - before.clock
    elif before.uptime_centiseconds is not None and after.uptime_centiseconds is not None:
        seconds = (after.uptime_centiseconds - before.uptime_centiseconds) / 100
    elif before.read_at is not None and after.read_at is not None:
        seconds = since_1970(after.read_at) - since_1970(before.read_at)
    else:
        return None
    return seconds if seconds > 0 else None
