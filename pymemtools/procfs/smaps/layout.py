"""Read records of smaps that have one layout: what one kernel prints stands at the same places in each of them.

A record is its first line, lines of one width, and the flags, which have any length. Of records whose lines are equal,
of which a thousand processes have many, the numbers are read once. Source: fs/proc/task_mmu.c, show_smap().
"""

import re
from collections.abc import Iterable, Sequence
from struct import Struct
from typing import NamedTuple

FIXED_LINE = 28  # "Name:" padded to 16, the value in 8, " kB\n": SEQ_PUT_DEC() in fs/proc/task_mmu.c
FLAGS = b"VmFlags:"
_FIELD = re.compile(rb"([A-Z][A-Za-z0-9_]*):[ \t]*([0-9]{1,20}) kB")
_LINE = re.compile(rb"([A-Za-z0-9_]+): +([0-9]{1,20}) kB\n")
_OTHER_LINE = re.compile(rb"(?!VmFlags:)[A-Z][^\n]*\n")  # such as THPeligible, which is no size
# First lines of records, and names in them. Android's kernels before 5.x write the name of anonymous memory below it.
_HEADER = rb"([^\n]*(?:\nName:[^\n]*)?)()"
_NAMED = rb"([^ ]{1,40} [^ ]{1,40} [^ ]{1,40} [^ ]{1,40} [0-9]{1,20} *)(|[^ \n][^\n]*)"
_KNOWN_ROOM = 4 << 20  # bytes of records kept to know their like by

Row = tuple[int, ...]  # one record's figures, in kB


class LayoutError(Exception):
    """Say that a record does not have the layout learnt from an earlier one."""


class CellCache(dict[bytes, int]):
    """Turn whole lines of one field into kB, checking each distinct line once."""

    limit = 20_000  # lines kept: bounds the memory that a hostile smaps can make us hold

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key.encode("ascii")

    def __missing__(self, line: bytes) -> int:
        match = _LINE.fullmatch(line)
        if match is None or match[1] != self._key:
            raise LayoutError
        if len(self) > self.limit:
            self.clear()
        value = self[line] = int(match[2])
        return value


class RecordBatch(NamedTuple):
    """Some records, side by side."""

    places: Sequence[int]  # which wanted key each figure of a row is; what this kernel does not print is left out
    rows: list[Row]
    names: Sequence[bytes]  # of the mappings, if wanted; empty for anonymous memory
    flags: Sequence[bytes] | None  # what stands behind ``VmFlags:``, which Linux 3.8 was the first to have


class RecordLayout:
    """Where the lines of ``keys`` stand below a record's first line, as learnt from the first record of a text.

    Raises LayoutError for a text whose first record has no such layout.
    """

    def __init__(self, text: bytes, keys: Sequence[str], *, named: bool = False) -> None:
        start = text.find(b"\nSize:") + 1
        lines, end = _lines_of(text, start)
        if not start or not lines:
            raise LayoutError
        wanted = sorted((lines[key], i) for i, key in enumerate(keys) if key in lines)
        self._places = tuple(i for _, i in wanted)
        first, last = (wanted[0][0], wanted[-1][0] + FIXED_LINE) if wanted else (start, start)
        self._lines = _struct([place - first for place, _ in wanted])
        self._cells = [CellCache(keys[i]) for i in self._places]
        self._absent = [b"\n%s:" % key.encode("ascii") for key in keys if key not in lines]
        self._has_flags = text.startswith(FLAGS, end)
        self._named = named
        header = _NAMED if named else _HEADER
        self._record = _pattern(header, (first - start, last - first, end - last), has_flags=self._has_flags)
        self._size = 1 + end - start + (len(FLAGS) + 1 if self._has_flags else 0)  # without first line and flags
        self._known: dict[bytes, Row] = {}  # by the lines from the first wanted one to the last

    def read(self, text: bytes) -> RecordBatch:
        """Take records apart; whoever has a line too many or too wide raises LayoutError instead of a wrong figure.

        All bytes of the text must be those of such records, and every wanted line is checked whole, label to newline.
        """
        found = self._record.findall(text)
        if not found or any(key in text for key in self._absent):
            raise LayoutError
        headers, names, bodies, flags = zip(*found)
        length = self._size * len(found) + sum(map(len, headers)) + sum(map(len, flags))
        if self._named:
            length += sum(map(len, names))
        if length != len(text) or (self._named and b"\n" in b"".join(headers)):
            raise LayoutError
        if len(self._known) * self._lines.size > _KNOWN_ROOM:
            self._known.clear()
        new = list(set(bodies).difference(self._known))
        self._known.update(zip(new, self._rows(new)))
        rows = list(map(self._known.__getitem__, bodies))
        return RecordBatch(self._places, rows, names, flags if self._has_flags else None)

    def _rows(self, bodies: Sequence[bytes]) -> Iterable[Row]:
        """Read the numbers of records."""
        if not self._cells:
            return [()] * len(bodies)
        columns = zip(*map(self._lines.unpack, bodies))
        return zip(*(map(cells.__getitem__, lines) for cells, lines in zip(self._cells, columns)))


def _lines_of(text: bytes, at: int) -> tuple[dict[str, int], int]:
    """Tell where the sizes of a record stand, the first of each name, and where its lines of one width end."""
    lines: dict[str, int] = {}
    while (match := _FIELD.match(text, at)) and match.end() - at == FIXED_LINE - 1:
        lines.setdefault(match[1].decode("ascii"), at)
        at += FIXED_LINE
    while other := _OTHER_LINE.match(text, at):
        at = other.end()
    return lines, at


def _struct(places: Iterable[int]) -> Struct:
    """Make what cuts the lines at some places out of all from the first of them to the last."""
    pattern, end = "=", 0
    for place in places:
        pattern += f"{place - end}x{FIXED_LINE}s"
        end = place + FIXED_LINE
    return Struct(pattern)


def _pattern(header: bytes, body: tuple[int, int, int], *, has_flags: bool) -> re.Pattern[bytes]:
    """Make what finds a record: its first line, so many bytes of which the middle ones are wanted, and its flags.

    A search begins at the start of a line only, and no part of it can take what the next one could: else a line of
    megabytes would be gone through from each of its bytes.
    """
    flags = b"%s([^\\n]*)\\n" % FLAGS if has_flags else b"()"
    return re.compile(b"^%s\\n(?=Size:)(?s:.{%d}(.{%d}).{%d})%s" % (header, *body, flags), re.MULTILINE)
