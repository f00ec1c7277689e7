"""/proc/PID/smaps: what each mapping (VMA) of a process costs, record by record.

The plain reader, for any layout; procfs.smaps.tally adds up and procfs.smaps.table keeps columns, both much faster.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pymemtools.errors import ParseError, excerpt
from pymemtools.procfs.maps import Mapping, parse_maps
from pymemtools.units import KIB

_FIELD = re.compile(rb"([A-Z][A-Za-z0-9_]*):[ \t]*([0-9]{1,20}) kB")
_LABEL = re.compile(rb"[A-Z][A-Za-z0-9_]*")
_HEX_DIGITS = frozenset(bytes([byte]) for byte in b"0123456789abcdef")


class Vma(NamedTuple):
    """One record: a virtual memory area, and its fields in bytes."""

    mapping: Mapping
    fields: dict[str, int]


def parse_smaps(text: bytes, keys: Iterable[str] | None = None, file: str = "smaps") -> Iterator[Vma]:
    """Yield the records of a complete smaps text, with all ``kB`` fields or only ``keys``.

    >>> [vma.fields for vma in parse_smaps(b"00400000-00401000 r-xp 00000000 fe:00 18   /bin/x\\nRss:   4 kB\\n")]
    [{'Rss': 4096}]

    The first of duplicate fields counts; unknown lines of a field's shape are passed over. Raises ParseError for
    anything else: a first line that is none, a field before it, a wanted field without a value. Source:
    fs/proc/task_mmu.c, show_smap().
    """
    wanted = None if keys is None else frozenset(keys)
    vma: Vma | None = None
    for number, line in enumerate(text.split(b"\n"), 1):
        if line[:1] in _HEX_DIGITS:
            if vma is not None:
                yield vma
            vma = Vma(_mapping(line, file, number), {})
            continue
        if not line:
            continue
        label, colon, rest = line.partition(b":")
        if not colon or vma is None or not _LABEL.fullmatch(label):
            raise ParseError(file, number, f"expected a field, got {excerpt(line)}")
        if label == b"VmFlags":
            vma = vma._replace(mapping=vma.mapping._replace(vmflags=rest.strip()))
            continue
        key = label.decode("ascii")
        if wanted is not None and key not in wanted:
            continue
        match = _FIELD.fullmatch(line)
        if match is not None:
            vma.fields.setdefault(key, int(match[2]) * KIB)
        elif wanted is not None:
            raise ParseError(file, number, f"expected '{key}: N kB', got {excerpt(line)}")
    if vma is not None:
        yield vma


def _mapping(line: bytes, file: str, number: int) -> Mapping:
    try:
        return parse_maps(line + b"\n")[0]
    except ParseError:
        raise ParseError(file, number, f"expected a mapping, got {excerpt(line)}") from None
