"""The machine's zones, parsed once of a source that remembers."""

from __future__ import annotations

from pymemtools.procfs.zoneinfo import Zone, parse_zoneinfo
from pymemtools.readings.recalled import recalled
from pymemtools.sources.base import Source


def read_zones(source: Source) -> list[Zone]:
    """Read zoneinfo. Raises Missing, Denied or ParseError."""
    return recalled(source, _read_zones)


def _read_zones(source: Source) -> list[Zone]:
    return parse_zoneinfo(source.read("zoneinfo"))
