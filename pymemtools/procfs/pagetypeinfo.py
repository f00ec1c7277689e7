"""/proc/pagetypeinfo: of it, how large a pageblock is."""

from __future__ import annotations

import re

from pymemtools.errors import ParseError

_PAGES = re.compile(rb"^Pages per block: +([1-9][0-9]{0,9})$", re.MULTILINE)


def parse_pageblock(text: bytes, file: str = "pagetypeinfo") -> int:
    """Give the pages of a pageblock. Raises ParseError.

    >>> parse_pageblock(b"Page block order: 5\\nPages per block:  32\\n")
    32

    Source: mm/vmstat.c, pagetypeinfo_show().
    """
    match = _PAGES.search(text)
    if match is None:
        raise ParseError(file, None, "no pages per block in it")
    return int(match[1])
