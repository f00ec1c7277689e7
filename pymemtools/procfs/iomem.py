"""/proc/iomem: what lies where in the physical address space, as a tree that indentation shows.

Who lacks CAP_SYS_ADMIN in the initial user namespace is shown all addresses as 0 (commit 51d7b120418e, Linux 4.7).
Source: kernel/resource.c, r_show().
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pymemtools.errors import ParseError, excerpt

_LINE = re.compile(rb"( *)([0-9a-f]{1,16})-([0-9a-f]{1,16}) : ([^\n]*)")
_INDENT = 2  # blanks a level
_MAX_LEVEL = 32  # the kernel itself indents no deeper than 5 or 8 levels
_MAX_NAME = 4096  # bytes


class Region(NamedTuple):
    """One line; regions follow their parents."""

    level: int  # 0: at the top
    start: int
    last: int  # the last address in it
    name: bytes

    @property
    def size(self) -> int:
        """Give the length in bytes."""
        return self.last - self.start + 1


def parse_iomem(text: bytes, file: str = "iomem") -> list[Region]:
    """Read an iomem text.

    >>> parse_iomem(b"00001000-0009fbff : System RAM\\n")[0].size
    650240

    A last line without its newline is taken as well. Raises ParseError.
    """
    regions: list[Region] = []
    for number, line in enumerate(text.removesuffix(b"\n").split(b"\n"), 1):
        match = _LINE.fullmatch(line)
        if match is None or len(match[4]) > _MAX_NAME:
            raise ParseError(file, number, f"expected 'START-END : NAME', got {excerpt(line)}")
        indent, start, last = len(match[1]), int(match[2], 16), int(match[3], 16)
        if last < start:
            raise ParseError(file, number, f"the region ends before it starts: {excerpt(line)}")
        if indent > _INDENT * _MAX_LEVEL:
            raise ParseError(file, number, "indented deeper than any kernel does")
        above = regions[-1].level if regions else -1
        regions.append(Region(min(indent // _INDENT, above + 1), start, last, match[4]))
    return regions


def is_hidden(regions: Sequence[Region]) -> bool:
    """Tell whether the kernel kept the addresses from who read them."""
    return not any(region.last for region in regions)
