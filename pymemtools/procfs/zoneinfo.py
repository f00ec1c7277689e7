"""/proc/zoneinfo: the memory zones of each node, in pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pymemtools.errors import ParseError, excerpt

_ZONE = re.compile(rb"Node +([0-9]{1,6}), zone +([A-Za-z0-9]{1,16}) *")
_FIGURES = ("free", "min", "low", "high", "boost", "promo", "spanned", "present", "managed", "cma")
_FIGURE = re.compile(
    rb"((?:nr|numa|workingset|pg)[a-z0-9_]*) +([0-9]{1,20})|(?:pages )?(%s) +([0-9]{1,20})"
    % "|".join(_FIGURES).encode("ascii")
)
_PROTECTION = re.compile(rb"protection: \(([0-9]{1,20}(?:, [0-9]{1,20})*)?\)")
_LISTED = re.compile(rb"^ +count: +([0-9]{1,12})$", re.MULTILINE)
_REQUIRED = ("free", "min", "low", "high", "present")


class Zone(NamedTuple):
    """One zone; counts of pages, None where the kernel does not tell."""

    node: int
    name: str
    free: int
    min: int
    low: int
    high: int
    boost: int | None  # Linux 6.1; min, low and high include it
    promo: int | None
    spanned: int | None
    present: int
    managed: int | None  # Linux 3.8
    cma: int | None
    protection: tuple[int, ...]
    counters: Mapping[str, int]
    node_counters: Mapping[str, int]  # with a node's first zone, Linux 4.8

    @property
    def usable(self) -> int:
        """Give the pages that the rules go by: managed, or present on kernels that do not tell the two apart."""
        return self.present if self.managed is None else self.managed


def parse_zoneinfo(text: bytes, file: str = "zoneinfo") -> list[Zone]:
    """Read all zones, today's layout and that of Linux 2.6. Raises ParseError.

    Source: mm/vmstat.c, zoneinfo_show_print().
    """
    found: dict[tuple[int, str], _Found] = {}
    zone: _Found | None = None
    for number, line in enumerate(text.split(b"\n"), 1):
        match = _ZONE.fullmatch(line) if line.startswith(b"Node") else None
        if match is not None:
            key = int(match[1]), match[2].decode("ascii")
            if key in found:
                raise ParseError(file, number, f"zone {key[1]} of node {key[0]} a second time")
            zone = found[key] = _Found(number)
        elif zone is not None and not line.startswith(b"Node"):
            if not zone.take(line.strip()):
                raise ParseError(file, number, f"expected what follows in a zone, got {excerpt(line)}")
        elif line:
            raise ParseError(file, number, f"expected 'Node N, zone NAME', got {excerpt(line)}")
    if not found:
        raise ParseError(file, None, "no zone in it")
    keys = dict.fromkeys((*_REQUIRED, *(key for each in found.values() for key in each.keys)))
    return [each.zone(node, name, keys, file) for (node, name), each in found.items()]


def parse_processor_lists(text: bytes) -> int | None:
    """Add up the free pages that processors keep in lists of their own, which MemFree leaves out; None: not told.

    >>> parse_processor_lists(b"  pagesets\\n    cpu: 0\\n              count: 61\\n              high:  378\\n")
    61

    Source: mm/vmstat.c, zoneinfo_show_print(); mm/page_alloc.c, rmqueue_bulk().
    """
    counts = _LISTED.findall(text)
    return sum(map(int, counts)) if counts else None


class _Found:
    """A zone whose lines are being read."""

    def __init__(self, line: int) -> None:
        self._line = line
        self.fields: dict[str, int] = {}
        self._protection: tuple[int, ...] = ()
        self._counters: dict[str, int] = {}
        self._node_counters: dict[str, int] = {}
        self._of_node = False

    @property
    def keys(self) -> list[str]:
        """Name what there is of figures and protection."""
        return [*self.fields, *(["protection"] if self._protection else [])]

    def take(self, line: bytes) -> bool:
        """Take one line, and tell whether it can be one of this zone's; those of kernels to come are passed over."""
        if line == b"per-node stats":
            self._of_node = True
        elif match := _FIGURE.fullmatch(line):
            counter, amount, figure, pages = match.groups()
            if figure is not None:
                return self._take_figure(figure.decode("ascii"), int(pages))
            counters = self._node_counters if self._of_node else self._counters
            counters[counter.decode("ascii")] = int(amount)
        elif match := _PROTECTION.fullmatch(line):
            self._protection = tuple(map(int, match[1].split(b", "))) if match[1] else ()
        elif line.startswith(b"protection:"):
            return False
        return True

    def _take_figure(self, key: str, pages: int) -> bool:
        self._of_node = False
        if key in self.fields:  # the line that starts another zone was lost
            return False
        self.fields[key] = pages
        return True

    def zone(self, node: int, name: str, keys: Iterable[str], file: str) -> Zone:
        """Give the record. Raises ParseError when a figure is missing that every kernel, or this one, prints."""
        for key in keys:
            if key not in self.keys:
                raise ParseError(file, self._line, f"zone {name} without {key}")
        figures = {key: self.fields.get(key) for key in _FIGURES}
        return Zone(
            node,
            name,
            **figures,  # type: ignore[arg-type]  # those that are required are there
            protection=self._protection,
            counters=self._counters,
            node_counters=self._node_counters,
        )
