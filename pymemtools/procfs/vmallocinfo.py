"""/proc/vmallocinfo: the kernel's areas of virtual memory, and who made them; root's."""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE = re.compile(r"^0x[0-9a-f]{8,16}-0x[0-9a-f]{8,16} +([0-9]{1,20})((?: [^ \n]+)*) *$", re.MULTILINE)
_CALLER = re.compile(r"([A-Za-z_][\w.$]*)\+0x[0-9a-f]+/0x[0-9a-f]+")
_PAGES = re.compile(r"pages=([0-9]{1,12})")


class VmallocArea(NamedTuple):
    """One area."""

    size: int  # bytes of addresses, with a guard page
    caller: str  # the kernel function, or "" where none is told
    module: str  # what it is of, or ""
    pages: int | None  # its own; None where it maps others' memory, or a device's


def parse_vmallocinfo(text: bytes) -> list[VmallocArea]:
    """Read all areas; lines of another shape are passed over, as what is there differs by kernel.

    >>> parse_vmallocinfo(b"0x00000000aa-0x00000000ee   20480 kernel_clone+0x94/0x3e0 [a] pages=4 vmalloc N0=4\\n")
    [VmallocArea(size=20480, caller='kernel_clone', module='a', pages=4)]

    Source: mm/vmalloc.c, vmalloc_info_show() (before Linux 6.9 s_show()).
    """
    found = []
    for size, rest in _LINE.findall(text.decode("ascii", "replace")):
        words = rest.split()
        caller = _CALLER.fullmatch(words[0]) if words else None
        module = words[1][1:-1] if len(words) > 1 and words[1].startswith("[") else ""
        is_own = "vmalloc" in words
        pages = next((int(match[1]) for match in map(_PAGES.fullmatch, words) if match and is_own), None)
        found.append(VmallocArea(int(size), caller[1] if caller else "", module, pages))
    return found
