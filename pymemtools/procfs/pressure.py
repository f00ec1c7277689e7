"""/proc/pressure/memory and memory.pressure of a control group: the share of time lost waiting."""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.errors import ParseError, excerpt


class Stall(NamedTuple):
    """How long somebody, or everybody, waited: percent of the last 10, 60 and 300 seconds, and seconds in all."""

    avg10: float | None = None
    avg60: float | None = None
    avg300: float | None = None
    seconds: float | None = None


class Pressure(NamedTuple):
    """Of some: at least one of those that could have run waited; full: all of them."""

    some: Stall = Stall()
    full: Stall = Stall()


def parse_pressure(text: bytes, file: str = "memory.pressure") -> Pressure:
    r"""Read both lines. Raises ParseError.

    >>> parse_pressure(b"some avg10=1.50 avg60=0.20 avg300=0.00 total=2500000\n").some.seconds
    2.5

    Source: kernel/sched/psi.c, psi_show(); Linux 4.20. total is in microseconds.
    """
    stalls: dict[bytes, Stall] = {}
    for number, line in enumerate(text.splitlines(), 1):
        kind, *fields = line.split()
        try:
            given = {key: float(amount) for key, _, amount in (field.partition(b"=") for field in fields)}
            stalls[kind] = Stall(given[b"avg10"], given[b"avg60"], given[b"avg300"], given[b"total"] / 1_000_000)
        except (KeyError, ValueError):
            raise ParseError(file, number, f"expected averages and a total, got {excerpt(line)}") from None
    return Pressure(stalls.get(b"some", Stall()), stalls.get(b"full", Stall()))
