"""How much may be read into the page cache without that anything else has to go."""

from __future__ import annotations

from pymemtools.errors import MemtoolsError
from pymemtools.probes.page_cache import PAGE
from pymemtools.procfs.zoneinfo import parse_zoneinfo
from pymemtools.sources.base import Source


def room_to_load(source: Source) -> int:
    """Give the bytes free above the high watermarks, below which kswapd would go on; none where that is not told."""
    try:
        zones = parse_zoneinfo(source.read("zoneinfo"))
    except MemtoolsError:
        return 0
    return sum(max(zone.free - zone.high, 0) for zone in zones) * PAGE
