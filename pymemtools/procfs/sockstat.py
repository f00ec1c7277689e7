"""/proc/net/sockstat and sockstat6: sockets, and what the data in them takes."""

from __future__ import annotations

import re

from pymemtools.errors import ParseError

_LINE = re.compile(r"^([A-Za-z0-9]{1,16}):((?: [a-z]{1,16} -?[0-9]{1,20})+)$", re.MULTILINE)


def parse_sockstat(text: bytes, file: str = "net/sockstat") -> dict[str, dict[str, int]]:
    """Map each protocol to its counts. Raises ParseError.

    >>> parse_sockstat(b"sockets: used 9\\nTCP: inuse 1 mem 3\\nFRAG: inuse 0 memory 0\\n")["TCP"]
    {'inuse': 1, 'mem': 3}

    Source: net/ipv4/proc.c, sockstat_seq_show().
    """
    found = {}
    for name, rest in _LINE.findall(text.decode("ascii", "replace")):
        words = rest.split()
        found[name] = dict(zip(words[::2], map(int, words[1::2])))
    if not found:
        raise ParseError(file, None, "no protocol in it")
    return found


def socket_memory(counts: dict[str, dict[str, int]], page_size: int) -> int:
    """Give the bytes that data in sockets takes: ``mem`` is pages, the ``memory`` of fragments bytes.

    >>> socket_memory({"TCP": {"mem": 3}, "FRAG": {"memory": 100}}, 4096)
    12388
    """
    pages = sum(max(each.get("mem", 0), 0) for each in counts.values())
    return pages * page_size + sum(each.get("memory", 0) for each in counts.values())
