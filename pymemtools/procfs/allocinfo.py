"""/proc/allocinfo: what each place in the kernel's code has allocated; root's.

Since Linux 6.10, with CONFIG_MEM_ALLOC_PROFILING and vm.mem_profiling.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pymemtools.errors import ParseError

_LINE = re.compile(
    r"^ *(-?[0-9]{1,19}) +([0-9]{1,19}) ([^ \n:]{1,256}):([0-9]{1,9})(?: \[([^] \n]{1,64})\])? func:([^ \n]{1,256})",
    re.MULTILINE,
)


class AllocSite(NamedTuple):
    """One place in the code."""

    size: int  # bytes held now
    calls: int  # allocations held now
    file: str
    line: int
    module: str
    function: str


def parse_allocinfo(text: bytes, file: str = "allocinfo") -> list[AllocSite]:
    """Read all places. Raises ParseError for what does not begin as such a file does.

    >>> parse_allocinfo(b"allocinfo - version: 1.0\\n#  <size>  <calls> <tag info>\\n 8192 2 mm/a.c:9 [m] func:f\\n")
    [AllocSite(size=8192, calls=2, file='mm/a.c', line=9, module='m', function='f')]

    Source: lib/alloc_tag.c, allocinfo_show(), alloc_tag_to_text().
    """
    if not text.startswith(b"allocinfo"):
        raise ParseError(file, None, "no header of an allocinfo")
    sites = _LINE.findall(text.decode("ascii", "replace"))
    return [AllocSite(int(size), int(calls), path, int(line), *names) for size, calls, path, line, *names in sites]
