"""/proc/spl/kstat/zfs/arcstats: the cache of ZFS, which no field of meminfo counts."""

from __future__ import annotations

import re
from typing import NamedTuple

from pymemtools.errors import ParseError

_LINE = re.compile(rb"^(size|c_min)\s+[0-9]\s+([0-9]{1,20})\s*$", re.MULTILINE)


class Arc(NamedTuple):
    """The adaptive replacement cache, in bytes."""

    size: int
    least: int | None  # what it keeps

    @property
    def reclaimable(self) -> int:
        """Give what it can give back at the most: of what is in use, some stays."""
        return max(self.size - (self.least or 0), 0)


def parse_arcstats(text: bytes, file: str = "arcstats") -> Arc:
    """Read the size of the cache. Raises ParseError.

    >>> parse_arcstats(b"9 1 0x01 98 26656 1 2\\nname type data\\nsize 4 8192\\nc_min 4 4096\\n").reclaimable
    4096

    Source: OpenZFS, module/zfs/arc.c, arc_kstat_update(), arc_evict(): it is not shrunk below c_min.
    """
    found = {name.decode("ascii"): int(value) for name, value in _LINE.findall(text)}
    if "size" not in found:
        raise ParseError(file, None, "no size in it")
    return Arc(found["size"], found.get("c_min"))
