"""/sys/devices/system/node/nodeN/meminfo and numastat: the memory of a node, and whose wish it was given to."""

from __future__ import annotations

import re

from pymemtools.errors import ParseError, excerpt

_LINE = re.compile(rb"Node +[0-9]{1,6} +([A-Za-z0-9_()]{1,40}): +([0-9]{1,18})( kB)?")
_COUNT = re.compile(rb"([a-z_]{1,40}) ([0-9]{1,20})")


def parse_node_meminfo(text: bytes, file: str = "meminfo") -> dict[str, int]:
    r"""Map ``MemTotal``, ``FilePages`` ... to bytes, and numbers of huge pages to themselves. Raises ParseError.

    >>> parse_node_meminfo(b"Node 1 MemTotal:   8 kB\nNode 1 HugePages_Total:   2\n")
    {'MemTotal': 8192, 'HugePages_Total': 2}

    Source: drivers/base/node.c, node_read_meminfo().
    """
    found = {}
    for number, line in enumerate(text.split(b"\n"), 1):
        match = _LINE.fullmatch(line.rstrip())
        if match is not None:
            found[match[1].decode("ascii")] = int(match[2]) * (1024 if match[3] else 1)
        elif line.strip():
            raise ParseError(file, number, f"expected 'Node N FIELD: amount', got {excerpt(line)}")
    if not found:
        raise ParseError(file, None, "no field in it")
    return found


def parse_node_numastat(text: bytes, file: str = "numastat") -> dict[str, int]:
    r"""Map ``numa_hit`` ... to pages since the start. Raises ParseError.

    >>> parse_node_numastat(b"numa_hit 3\nnuma_miss 0\n")
    {'numa_hit': 3, 'numa_miss': 0}

    Source: drivers/base/node.c, node_read_numastat().
    """
    found = {}
    for number, line in enumerate(text.split(b"\n"), 1):
        match = _COUNT.fullmatch(line.rstrip())
        if match is not None:
            found[match[1].decode("ascii")] = int(match[2])
        elif line.strip():
            raise ParseError(file, number, f"expected 'NAME pages', got {excerpt(line)}")
    return found
