"""/proc/zoneinfo: the memory zones of each node, in pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from pymemtools.errors import ParseError, excerpt

_ZONE = re.compile(rb"Node +([0-9]{1,6}), zone +([A-Za-z0-9]{1,16}) *")
_FIELD = re.compile(
    rb"(?:pages )?(free|boost|min|low|high|promo|spanned|present|managed|cma) +([0-9]{1,20})(?![0-9])|start_pfn:"
)
_COUNTER = re.compile(rb"((?:nr|numa|workingset|pg)[a-z0-9_]*) +([0-9]{1,20})")
_PROTECTION = re.compile(rb"protection: \(([0-9]{1,20}(?:, [0-9]{1,20})*)?\)")
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
    zones: list[Zone] = []
    found: _Found | None = None
    for number, line in enumerate(text.split(b"\n"), 1):
        match = _ZONE.fullmatch(line)
        if match is not None:
            if found is not None:
                zones.append(found.zone(file))
            found = _Found(int(match[1]), match[2].decode("ascii"), number)
        elif found is not None:
            found.take(line.strip())
        elif line:
            raise ParseError(file, number, f"expected 'Node N, zone NAME', got {excerpt(line)}")
    if found is None:
        raise ParseError(file, None, "no zone in it")
    zones.append(found.zone(file))
    return zones


class _Found:
    """A zone whose lines are being read."""

    def __init__(self, node: int, name: str, line: int) -> None:
        self._node = node
        self._name = name
        self._line = line
        self._fields: dict[str, int] = {}
        self._protection: tuple[int, ...] = ()
        self._counters: dict[str, int] = {}
        self._node_counters: dict[str, int] = {}
        self._of_node = False

    def take(self, line: bytes) -> None:
        """Take one line; those of kernels to come are passed over."""
        if line == b"per-node stats":
            self._of_node = True
        elif match := _COUNTER.fullmatch(line):
            counters = self._node_counters if self._of_node else self._counters
            counters[match[1].decode("ascii")] = int(match[2])
        elif match := _PROTECTION.fullmatch(line):
            self._protection = tuple(map(int, match[1].split(b", "))) if match[1] else ()
        elif match := _FIELD.match(line):
            self._of_node = False
            if match[1]:
                self._fields.setdefault(match[1].decode("ascii"), int(match[2]))

    def zone(self, file: str) -> Zone:
        """Give the record. Raises ParseError when a figure is missing that every kernel prints."""
        get = self._fields.get
        for key in _REQUIRED:
            if key not in self._fields:
                raise ParseError(file, self._line, f"zone {self._name} without {key}")
        need = self._fields.__getitem__
        return Zone(
            self._node,
            self._name,
            need("free"),
            need("min"),
            need("low"),
            need("high"),
            get("boost"),
            get("promo"),
            get("spanned"),
            need("present"),
            get("managed"),
            get("cma"),
            self._protection,
            self._counters,
            self._node_counters,
        )
