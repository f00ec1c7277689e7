"""/proc/pressure/memory and memory.pressure of a control group: the share of time lost waiting."""

from __future__ import annotations

import re
from typing import NamedTuple

from pymemtools.errors import ParseError, excerpt

_PERCENT = r"([0-9]{1,3}(?:\.[0-9]{1,6})?)"
_LINE = re.compile(
    rf"([a-z]{{1,20}}) avg10={_PERCENT} avg60={_PERCENT} avg300={_PERCENT} total=([0-9]{{1,20}})(?: .*)?".encode()
)


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
        match = _LINE.fullmatch(line)
        if match is None:
            raise ParseError(file, number, f"expected averages and a total, got {excerpt(line)}")
        stalls[match[1]] = Stall(float(match[2]), float(match[3]), float(match[4]), int(match[5]) / 1_000_000)
    return Pressure(stalls.get(b"some", Stall()), stalls.get(b"full", Stall()))
