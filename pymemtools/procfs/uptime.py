"""/proc/uptime: since when the machine runs."""

from __future__ import annotations

import re

from pymemtools.errors import ParseError, excerpt

_START = re.compile(rb"([0-9]{1,12})\.([0-9]{2}) ")


def parse_uptime(text: bytes, file: str = "uptime") -> int:
    r"""Give the time since the start in hundredths of a second, sleep included. Raises ParseError.

    >>> parse_uptime(b"350735.47 234388.90\n")
    35073547

    Source: fs/proc/uptime.c, uptime_proc_show().
    """
    found = _START.match(text)
    if found is None:
        raise ParseError(file, 1, f"expected seconds, got {excerpt(text)}")
    return int(found[1]) * 100 + int(found[2])
