"""/proc/vmstat: counters of pages and events."""

from __future__ import annotations

import re

from pymemtools.errors import ParseError

_LINE = re.compile(r"^([a-z][a-z0-9_]*) (-?[0-9]{1,20})$", re.MULTILINE)


def parse_vmstat(text: bytes, file: str = "vmstat") -> dict[str, int]:
    """Map each counter to its value: ``nr_`` are pages now, the others events since boot. Raises ParseError.

    >>> parse_vmstat(b"nr_free_pages 7\\npgfault 3\\n")
    {'nr_free_pages': 7, 'pgfault': 3}

    Source: mm/vmstat.c, vmstat_show().
    """
    counters = {name: int(value) for name, value in _LINE.findall(text.decode("ascii", "replace"))}
    if not counters:
        raise ParseError(file, None, "no counter in it")
    return counters
