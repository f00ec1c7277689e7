"""/proc/swaps: the devices and files that are swapped to."""

from __future__ import annotations

import re
from typing import NamedTuple

from pymemtools.errors import ParseError, excerpt

_LINE = re.compile(rb"(\S+)\s+(\S+)\s+([0-9]{1,18})\s+([0-9]{1,18})\s+(-?[0-9]{1,9})\s*")
_ESCAPE = re.compile(rb"\\([0-3][0-7]{2})")
_ZRAM = re.compile(rb"(?:.*/)?(zram[0-9]{1,6})")


class SwapArea(NamedTuple):
    """One device or file; sizes in bytes."""

    path: bytes
    kind: str  # "partition" or "file"
    size: int
    used: int
    priority: int  # the highest is filled first

    @property
    def zram(self) -> str | None:
        """Name the zram device that it is, ``zram0``, or give None for a disk."""
        match = _ZRAM.fullmatch(self.path)
        return match[1].decode("ascii") if match else None


def parse_swaps(text: bytes, file: str = "swaps") -> list[SwapArea]:
    """List the areas in the kernel's order. Raises ParseError.

    >>> text = b"Filename Type Size Used Priority\\n/dev/zram0 partition 1024 8 100\\n/a\\\\040b file 4 0 -2\\n"
    >>> [(area.path, area.used, area.priority, area.zram) for area in parse_swaps(text)]
    [(b'/dev/zram0', 8192, 100, 'zram0'), (b'/a b', 0, -2, None)]

    Source: mm/swapfile.c, swap_show(): KiB; blanks and backslashes of a name are octal.
    """
    areas = []
    for number, line in enumerate(text.split(b"\n"), 1):
        match = _LINE.fullmatch(line)
        if match is not None:
            path = _ESCAPE.sub(lambda escape: bytes([int(escape[1], 8)]), match[1]).removesuffix(b" (deleted)")
            size, used = int(match[3]) * 1024, int(match[4]) * 1024
            areas.append(SwapArea(path, match[2].decode("ascii", "replace"), size, used, int(match[5])))
        elif line and not line.startswith(b"Filename"):
            raise ParseError(file, number, f"expected 'NAME TYPE SIZE USED PRIORITY', got {excerpt(line)}")
    return areas
