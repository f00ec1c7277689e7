"""/proc/buddyinfo: how many free blocks of each order a zone has."""

from __future__ import annotations

import re

from pymemtools.errors import ParseError, excerpt

_LINE = re.compile(rb"Node +([0-9]{1,6}), zone +([A-Za-z0-9]{1,16})((?: +[0-9]{1,18}){1,32}) *")


def parse_buddyinfo(text: bytes, file: str = "buddyinfo") -> dict[tuple[int, str], list[int]]:
    """Map node and zone to the number of free blocks of 1, 2, 4 ... pages. Raises ParseError.

    >>> parse_buddyinfo(b"Node 0, zone      DMA      1      0      2\\n")
    {(0, 'DMA'): [1, 0, 2]}

    All zones have as many orders; a last line without its newline was cut and is left out.
    Source: mm/vmstat.c, frag_show_print().
    """
    blocks: dict[tuple[int, str], list[int]] = {}
    for number, line in enumerate(text.split(b"\n")[:-1], 1):
        match = _LINE.fullmatch(line)
        if match is not None:
            counts = [int(count) for count in match[3].split()]
            if len(counts) != len(next(iter(blocks.values()), counts)):
                raise ParseError(file, number, "as many counts as in the line above expected")
            blocks[int(match[1]), match[2].decode("ascii")] = counts
        elif line:
            raise ParseError(file, number, f"expected 'Node N, zone NAME counts', got {excerpt(line)}")
    return blocks
