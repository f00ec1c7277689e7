"""The low watermarks of all zones together, which old kernels' available memory is estimated with."""

from __future__ import annotations

from pymemtools.errors import MemtoolsError
from pymemtools.models.available import low_watermarks
from pymemtools.procfs.zoneinfo import parse_zoneinfo
from pymemtools.sources.base import Source
from pymemtools.units import whole_number


def read_low_watermarks(source: Source) -> int | None:
    """Give their sum in bytes: 5/4 of vm.min_free_kbytes, or else what zoneinfo tells; None where neither does."""
    try:
        least = whole_number(source.read("sys/vm/min_free_kbytes").strip())
    except MemtoolsError:
        least = None
    if least is not None:
        return least * 5 // 4 * 1024
    try:
        zones = parse_zoneinfo(source.read("zoneinfo"))
    except MemtoolsError:
        return None
    page_size = source.facts.page_size
    return page_size and low_watermarks([(zone.name, zone.usable, zone.low) for zone in zones]) * page_size
