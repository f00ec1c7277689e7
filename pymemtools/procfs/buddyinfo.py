"""/proc/buddyinfo: how many free blocks of each order a zone has."""

from __future__ import annotations

import re

from pymemtools.errors import ParseError, excerpt

_LINE = re.compile(rb"Node +([0-9]{1,6}), zone +([A-Za-z0-9]{1,16})((?: +[0-9]{1,18}){1,32}) *")


def parse_buddyinfo(text: bytes, file: str = "buddyinfo") -> dict[tuple[int, str], list[int]]:
    """Map node and zone to the number of free blocks of 1, 2, 4 ... pages. Raises ParseError.

    >>> parse_buddyinfo(b"Node 0, zone      DMA      1      0      2\\n")
    {(0, 'DMA'): [1, 0, 2]}

    Source: mm/vmstat.c, frag_show_print().
    """
    blocks = {}
    for number, line in enumerate(text.split(b"\n"), 1):
        match = _LINE.fullmatch(line)
        if match is not None:
            blocks[int(match[1]), match[2].decode("ascii")] = [int(count) for count in match[3].split()]
        elif line:
            raise ParseError(file, number, f"expected 'Node N, zone NAME counts', got {excerpt(line)}")
    return blocks
