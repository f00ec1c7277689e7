"""/proc/PID/smaps_rollup: what all mappings of a process cost together, added up by the kernel (Linux 4.14)."""

import re
from collections.abc import Iterable
from struct import Struct

from pymemtools.errors import ParseError
from pymemtools.procfs.smaps.layout import FIXED_LINE, CellCache, LayoutError
from pymemtools.units import KIB

_FIELD = re.compile(r"^([A-Z][A-Za-z0-9_]*): +([0-9]{1,20}) kB$", re.MULTILINE)


def parse_smaps_rollup(text: bytes, file: str = "smaps_rollup") -> dict[str, int]:
    """Map each field to bytes. Its PSS is rounded down once, where summing smaps rounds down for each mapping.

    >>> parse_smaps_rollup(b"00400000-7fff0000 ---p 00000000 00:00 0 [rollup]\\nRss:    4 kB\\nPss:    2 kB\\n")
    {'Rss': 4096, 'Pss': 2048}

    Raises ParseError for a text without fields, or one cut short. Source: fs/proc/task_mmu.c, show_smaps_rollup().
    """
    if not text.endswith(b"\n"):
        raise ParseError(file, None, "cut short")
    fields = {name: int(size) * KIB for name, size in _FIELD.findall(text.decode("ascii", "replace"))}
    if "Rss" not in fields:
        raise ParseError(file, None, "no Rss field")
    return fields


class Rollups:
    """Read the smaps_rollup of many processes, and of each the fields wanted only.

    All that one kernel writes have the same lines: they are taken by their place, and each is checked whole.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = frozenset(keys)
        self._size = -1  # bytes, without the first line, of a text whose lines are where they were learnt
        self._lines = Struct("")
        self._cells: list[tuple[str, CellCache]] = []
        self._absent: list[bytes] = []  # what that kernel does not print

    def parse(self, text: bytes) -> dict[str, int]:
        """Map each field that is wanted and there to bytes. Raises ParseError."""
        start = text.find(b"\n") + 1
        if len(text) - start == self._size and not any(key in text for key in self._absent):
            try:
                lines = self._lines.unpack_from(text, start)
                return {key: cells[line] * KIB for (key, cells), line in zip(self._cells, lines)}
            except LayoutError:
                pass
        fields = parse_smaps_rollup(text)
        self._learn(text, start)
        return {key: size for key, size in fields.items() if key in self._keys}

    def _learn(self, text: bytes, start: int) -> None:
        found = list(_FIELD.finditer(text.decode("ascii", "replace"), start))
        is_fixed = all(match.end() - match.start() == FIXED_LINE - 1 for match in found)
        self._size = len(text) - start if is_fixed else -1
        places = {match[1]: match.start() - start for match in found if is_fixed and match[1] in self._keys}
        pattern, end = "=", 0
        for place in sorted(places.values()):
            pattern += f"{place - end}x{FIXED_LINE}s"
            end = place + FIXED_LINE
        self._lines = Struct(pattern)
        self._absent = [b"\n%s:" % key.encode("ascii") for key in self._keys if key not in places]
        self._cells = [(key, CellCache(key)) for key in sorted(places, key=lambda key: places[key])]
