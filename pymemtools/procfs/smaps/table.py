"""/proc/PID/smaps as a table: one mapping a row, and a column for every number the kernel printed.

Where procfs.smaps.tally adds up, this keeps, in little room: records with equal numbers, of which a process with many
mappings has many, are read and kept once. Columns are those of the text, so a kernel that nobody has seen yet needs no
change here. Source: fs/proc/task_mmu.c, show_smap().
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from struct import error as StructError
from typing import NamedTuple

from pymemtools.cells import Derived, Integers, extended
from pymemtools.errors import ParseError, excerpt
from pymemtools.procfs.maps import Mappings
from pymemtools.units import KIB

Numbers = Sequence["int | None"]
Batch = Mapping[str, Numbers]  # the columns of some records
_FIELD = re.compile(rb"([A-Z][A-Za-z0-9_]*):[ \t]*([0-9]{1,15})( kB)?")
_FLAGS = b"VmFlags:"
_MAX_RECORD = 256 * 1024  # bytes; a path has 4,096 at most, each written as up to four
# What is remembered of distinct values and records: bounds the memory that a hostile smaps can make us hold.
_MAX_CELLS = 20_000
_MAX_KNOWN = 4_000


class SmapsTable(NamedTuple):
    """The mappings of one process and, beside them, their numbers."""

    mappings: Mappings
    columns: Mapping[str, Numbers]  # by the kernel's name; in bytes where it wrote kB; None: not in the record
    counts: frozenset[str]  # the columns that are no sizes, as THPeligible and ProtectionKey
    cut_short: bool  # the text ended within a record, which is left out


class _LayoutError(Exception):
    """Say that a record does not have the layout learnt from another one."""


class _Cells(dict[bytes, int]):
    """Turn the text of a number into the number, checking each distinct one once."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self._factor = factor

    def __missing__(self, cell: bytes) -> int:
        digits = cell.lstrip(b" ")
        if not digits.isdigit():
            raise _LayoutError
        if len(self) > _MAX_CELLS:
            self.clear()
        value = self[cell] = int(digits) * self._factor
        return value


class _Layout(NamedTuple):
    """Where the wanted numbers of a record stand, counted from the line below its header."""

    pieces: Struct
    literals: list[tuple[int, bytes]]  # place among the pieces, and the text that must stand there
    numbers: list[tuple[int, str, bool]]  # place, the kernel's name, and whether it is in kB
    has_flags: bool


class SmapsReader:
    """Read the smaps of one process, in pieces of any size.

    >>> reader = SmapsReader()
    >>> reader.feed(b"00400000-00401000 r--p 00000000 00:03 18   /bin/x\\nSize: 4 kB\\nTHPeligible: 0\\n")
    >>> reader.finish().columns
    {'Size': [4096], 'THPeligible': [0]}

    ``wanted`` chooses columns by name. Raises ParseError for text that is no smaps.
    """

    def __init__(self, wanted: Callable[[str], bool] = lambda key: True, file: str = "smaps") -> None:
        self._wanted = wanted
        self._file = file
        self._rest = b""
        self._lines = 0  # lines before the rest
        self._last_label = b""  # of every record
        self._layout: _Layout | None = None
        self._cells = {True: _Cells(KIB), False: _Cells(1)}
        self._mappings = Mappings()
        self._columns: dict[str, Integers] = {}  # of distinct records
        self._distinct = 0
        self._which = array("I")  # the distinct record of each mapping
        self._known: dict[bytes, int] = {}  # distinct records by their text
        self._counts: set[str] = set()

    def feed(self, text: bytes) -> None:
        """Take the next piece."""
        text = self._rest + text
        start = _last_record(text)
        if len(text) - start > _MAX_RECORD:
            raise ParseError(self._file, self._lines + text.count(b"\n", 0, start) + 1, "record without end")
        if start:
            self._last_label = _label(text, start)
            self._add(text[:start])
        self._rest = text[start:]

    def finish(self) -> SmapsTable:
        """Close the text and give the table; a last record that was cut is left out."""
        whole = self._rest[: self._rest.rfind(b"\n") + 1]
        tail = self._rest[len(whole) :]
        last_label = _label(whole, len(whole))
        # All records of one kernel end with the same field.
        cut_short = bool(tail)
        if whole and (_is_label(tail) or last_label != (self._last_label or last_label)):
            Mappings().add([whole[: whole.find(b"\n")]], (), self._file, self._lines + 1)
            cut_short = True
        elif whole:
            self._add(whole)
        columns = {key: Derived(column.__getitem__, self._which) for key, column in self._columns.items()}
        return SmapsTable(self._mappings, columns, frozenset(self._counts), cut_short)

    def _add(self, text: bytes) -> None:
        try:
            self._layout = self._layout or self._learn(text)
            self._fast(text, self._layout)
        except (_LayoutError, StructError):
            self._layout = None
            self._known.clear()
            self._slow(text)
        self._lines += text.count(b"\n")

    def _learn(self, text: bytes) -> _Layout:
        """Learn the layout of records from the first one."""
        layout = _LayoutBuilder()
        place = text.find(b"\n") + 1
        while _is_label(text[place : place + 1]):
            end = text.find(b"\n", place) + 1
            line = text[place:end]
            if line.startswith(_FLAGS):
                return layout.build(_FLAGS)
            match = _FIELD.fullmatch(line[:-1])
            if match is None:
                raise _LayoutError
            key = match[1].decode("ascii")
            if self._wanted(key):
                layout.number(key, line, match.end(2), is_size=match[3] is not None)
            else:
                layout.skip(line)
            place = end
        return layout.build(b"")

    def _fast(self, text: bytes, layout: _Layout) -> None:
        """Take the wanted numbers out of each record by their place.

        What stands between them is checked, a column at a time, before anything is kept; so a record laid out in
        another way raises _LayoutError.
        """
        find, size, known = text.find, layout.pieces.size, self._known
        new: dict[bytes, int] = {}
        lines, flags = [], []
        which = array("I")
        at, end = 0, len(text)
        while at < end:
            body = find(b"\n", at) + 1
            lines.append(text[at : body - 1])
            at = body + size
            numbers = text[body:at]
            place = known.get(numbers)
            if place is None:
                place = new.setdefault(numbers, self._distinct + len(new))
            which.append(place)
            if layout.has_flags:
                line_end = find(b"\n", at)
                flags.append(text[at:line_end])
                at = line_end + 1 or end
        columns = self._numbers(list(new), layout)
        try:
            self._mappings.add(lines, list(map(bytes.strip, flags)), self._file)
        except ParseError:
            raise _LayoutError from None
        self._keep(columns, len(new))
        self._which += which
        if len(known) + len(new) > _MAX_KNOWN:
            known.clear()
        known.update(new)

    def _numbers(self, records: Sequence[bytes], layout: _Layout) -> Batch:
        """Read the wanted numbers of records without their first lines."""
        pieces = list(zip(*map(layout.pieces.unpack, records)))
        if not pieces:
            return {}
        if any(pieces[place].count(literal) != len(records) for place, literal in layout.literals):
            raise _LayoutError
        self._counts.update(key for _, key, is_size in layout.numbers if not is_size)
        return {
            key: list(map(self._cells[is_size].__getitem__, pieces[place])) for place, key, is_size in layout.numbers
        }

    def _slow(self, text: bytes) -> None:
        """Read records line by line: any layout, any order, any width."""
        lines: list[bytes] = []
        flags: list[bytes] = []
        records: list[dict[str, int]] = []
        for number, line in enumerate(text.split(b"\n")[:-1], self._lines + 1):
            if not _is_label(line):
                Mappings().add([line], (), self._file, number)
                lines.append(line)
                flags.append(b"")
                records.append({})
                continue
            if not records:
                raise ParseError(self._file, number, f"expected a mapping, got {excerpt(line)}")
            if line.startswith(_FLAGS):
                flags[-1] = line[len(_FLAGS) :].strip()
                continue
            match = _FIELD.fullmatch(line)
            if match is not None and self._wanted(key := match[1].decode("ascii")):
                records[-1].setdefault(key, int(match[2]) * (KIB if match[3] else 1))
                if not match[3]:
                    self._counts.add(key)
        self._mappings.add(lines, flags, self._file)
        keys = dict.fromkeys(key for record in records for key in record)
        self._which.extend(range(self._distinct, self._distinct + len(records)))
        self._keep({key: [record.get(key) for record in records] for key in keys}, len(records))

    def _keep(self, columns: Batch, height: int) -> None:
        """Append as many distinct records to every column, unknown numbers too."""
        for key in columns:
            if key not in self._columns:
                self._columns[key] = [None] * self._distinct if self._distinct else array("Q")
        for key, column in self._columns.items():
            self._columns[key] = extended(column, columns.get(key) or [None] * height)
        self._distinct += height


class _LayoutBuilder:
    """Put a record's layout together, line by line."""

    def __init__(self) -> None:
        self._pattern = "="
        self._pieces = 0
        self._literal = b""
        self._literals: list[tuple[int, bytes]] = []
        self._numbers: list[tuple[int, str, bool]] = []

    def number(self, key: str, line: bytes, end: int, *, is_size: bool) -> None:
        """Add a line whose number is wanted; its digits end at ``end``, right-aligned in up to eight columns."""
        label = line[:end].rstrip(b"0123456789")
        width = min(8, end - len(label.rstrip(b" ")))
        if width < end - len(label):
            raise _LayoutError
        self._literal += line[: end - width]
        self._close_literal()
        self._numbers.append((self._pieces, key, is_size))
        self._pattern += f"{width}s"
        self._pieces += 1
        self._literal = line[end:]

    def skip(self, line: bytes) -> None:
        """Add a line that is not looked at, but for its length."""
        self._close_literal()
        self._pattern += f"{len(line) - 1}x"
        self._literal = b"\n"

    def build(self, last: bytes) -> _Layout:
        """Close the record; ``last`` is what its last line must start with, if it is none of the numbers."""
        self._literal += last
        self._close_literal()
        keys = {key for _, key, _ in self._numbers}
        if len(keys) < len(self._numbers):
            raise _LayoutError
        return _Layout(Struct(self._pattern), self._literals, self._numbers, bool(last))

    def _close_literal(self) -> None:
        if self._literal:
            self._literals.append((self._pieces, self._literal))
            self._pattern += f"{len(self._literal)}s"
            self._pieces += 1
            self._literal = b""


def _is_label(line: bytes) -> bool:
    """Tell a field's line from a mapping's, which starts with a hexadecimal digit in lower case."""
    return b"A" <= line[:1] <= b"Z"


def _last_record(text: bytes) -> int:
    """Find the start of the last mapping's line, among the whole lines."""
    at = text.rfind(b"\n")
    while at >= 0:
        at = text.rfind(b"\n", 0, at)
        if not _is_label(text[at + 1 : at + 2]):
            return at + 1
    return 0


def _label(text: bytes, end: int) -> bytes:
    """Give the label of the line that ends at ``end``; empty for a mapping's."""
    line = text[text.rfind(b"\n", 0, end - 1) + 1 : end]
    return line.partition(b":")[0] if _is_label(line) else b""
