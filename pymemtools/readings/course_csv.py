"""The mappings of a process as the course's scripts keep them: ``start,end,label`` or ``start,end,perms,offset,label``.

Hexadecimal without a header or quotes; a label is the rest of its line. Lines that start with ``#`` are comments.
Source: prep_mapsfile.sh (three columns) and vasu_grapher (five).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pymemtools.errors import ParseError, excerpt
from pymemtools.procfs.maps import Mapping, Mappings

_HEX = rb"(?:0x)?([0-9a-fA-F]{1,16})"
_LINE = re.compile(_HEX + rb"," + _HEX + rb",(?:([r-][w-][x-][psw-]),(?:" + _HEX + rb")?,)?([^\n]*)")


def parse_map_csv(text: bytes, file: str = "csv") -> Mappings:
    """Read either form; permissions that are not there are empty.

    >>> parse_map_csv(b"400000,401000,/bin/a, b\\n")[0].name
    b'/bin/a, b'

    Raises ParseError.
    """
    return Mappings.of(_parsed(text, file))


def _parsed(text: bytes, file: str) -> Iterator[Mapping]:
    for number, line in enumerate(text.split(b"\n"), 1):
        if not line or line.startswith(b"#"):
            continue
        match = _LINE.fullmatch(line.removesuffix(b"\r"))
        if match is None:
            raise ParseError(file, number, f"expected 'start,end,label', got {excerpt(line)}")
        start, end = int(match[1], 16), int(match[2], 16)
        if end < start:
            raise ParseError(file, number, f"the mapping ends before it starts: {excerpt(line)}")
        offset = int(match[4] or b"0", 16)
        yield Mapping(start, end, match[3] or b"", offset, b"", 0, match[5])


def for_scripts(mappings: Iterable[Mapping]) -> Iterator[Mapping]:
    """Leave out [vsyscall], as prep_mapsfile.sh does: bash cannot count so high."""
    return (mapping for mapping in mappings if mapping.name != b"[vsyscall]")


def map_csv_lines(mappings: Iterable[Mapping]) -> Iterator[bytes]:
    """Write three columns, as prep_mapsfile.sh does, but with whole names."""
    for mapping in for_scripts(mappings):
        yield b"%x,%x,%s" % (mapping.start, mapping.end, mapping.name)
