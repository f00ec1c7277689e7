"""/proc/PID/numa_maps: on which nodes the pages of each mapping are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pymemtools.errors import ParseError, excerpt

_LINE = re.compile(rb"([0-9a-f]{1,16}) (\S+)((?: \S+)*)")
_ON_NODE = re.compile(rb"N([0-9]{1,6})=([0-9]{1,18})")
_PAGE_SIZE = re.compile(rb"kernelpagesize_kB=([0-9]{1,9})")


class NumaMapping(NamedTuple):
    """One mapping."""

    start: int
    policy: str  # "default", "bind:0-1", "interleave:0,2" ...
    kind: str  # "huge", "heap", "stack" or "private", which is all else
    pages: dict[int, int]  # by node, of page_size
    page_size: int | None  # bytes; None where it has no pages, or before Linux 3.12


def parse_numa_maps(text: bytes, file: str = "numa_maps") -> Iterator[NumaMapping]:
    r"""Give the mappings in their order; blanks in names are octal, so words are words. Raises ParseError.

    >>> text = b"7f00 default file=/a\\040heap anon=1 N0=2 N1=3 kernelpagesize_kB=4\n"
    >>> next(parse_numa_maps(text))
    NumaMapping(start=32512, policy='default', kind='private', pages={0: 2, 1: 3}, page_size=4096)

    Source: fs/proc/task_mmu.c, show_numa_map().
    """
    for number, line in enumerate(text.split(b"\n"), 1):
        if not line:
            continue
        match = _LINE.fullmatch(line.rstrip(b" "))
        if match is None:
            raise ParseError(file, number, f"expected 'ADDRESS policy ...', got {excerpt(line)}")
        words = match[3].split()
        pages = {int(found[1]): int(found[2]) for found in map(_ON_NODE.fullmatch, words) if found is not None}
        size = next((int(found[1]) for found in map(_PAGE_SIZE.fullmatch, words) if found is not None), None)
        kind = next((name for name in ("huge", "heap", "stack") if name.encode("ascii") in words), "private")
        policy = match[2].decode("ascii", "replace")
        yield NumaMapping(int(match[1], 16), policy, kind, pages, None if size is None else size * 1024)
