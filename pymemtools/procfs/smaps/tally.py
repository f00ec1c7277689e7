"""Sums over /proc/PID/smaps, of whole processes or by name of mapping: what smem needs, and fast.

Everything here decides by position, since a path in a record's first line may hold any byte but a newline: the kernel
starts those lines with a hexadecimal address and field lines with a capital letter, and ``Size:`` is the first field.
Source: fs/proc/task_mmu.c, show_smap().
"""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import compress, repeat
from struct import Struct
from struct import error as StructError
from typing import NamedTuple

from pymemtools.errors import ParseError
from pymemtools.units import KIB

ANONYMOUS = b"<anonymous>"
_FIELD = re.compile(rb"([A-Z][A-Za-z0-9_]*):[ \t]*([0-9]{1,20}) kB")
_LONGEST_RECORD = 1 << 20  # bytes; a path has at most 4096, each of them written as four at worst
_HEX_DIGITS = frozenset(bytes([byte]) for byte in b"0123456789abcdef")
_NO_NAMES: dict[bytes, list[int]] = {}
FIXED_LINE = 28  # "Name:" padded to 16, the value in 8, " kB\n": SEQ_PUT_DEC() in fs/proc/task_mmu.c


class Totals(NamedTuple):
    """The sums over some mappings, in bytes; a field that no record had is None."""

    maps: int
    sums: dict[str, int | None]


class LayoutError(Exception):
    """Say that a record does not have the layout learnt from an earlier one."""


class CellCache(dict[bytes, int]):
    """Turn whole lines of one field into kB, checking each distinct line once."""

    limit = 20_000  # lines kept: bounds the memory that a hostile smaps can make us hold

    def __init__(self, key: str) -> None:
        super().__init__()
        self._valid = re.compile(rb"%s: +([0-9]{1,20}) kB\n" % key.encode("ascii"))

    def __missing__(self, line: bytes) -> int:
        match = self._valid.fullmatch(line)
        if match is None:
            raise LayoutError
        if len(self) > self.limit:
            self.clear()
        value = self[line] = int(match[1])
        return value


class _Layout(NamedTuple):
    """Where the wanted lines of a record stand, counted from ``Size:``."""

    lines: Struct
    order: tuple[int, ...]  # which wanted key each unpacked line is
    absent: tuple[bytes, ...]  # wanted keys that this kernel does not print


class _Columns(NamedTuple):
    """Some records, field by field: kB per record (None: no record has the field), and the headers if wanted."""

    records: int
    values: list[list[int] | None]
    names: list[bytes]


class Tally:
    """Add up fields of one process's smaps, over all mappings or, if asked, per mapping name.

    Feed it text in pieces of any size; it holds no more than the last piece and an unfinished record. One Tally
    serves many processes, one after the other: it remembers the layout of the kernel's records, which makes it fast.

    >>> tally = Tally(("Rss", "Pss"))
    >>> tally.feed(b"00400000-00401000 r--p 00000000 00:03 18   /bin/x\\nSize: 4 kB\\nRss: 4 kB\\nPss: 2 kB\\n")
    >>> tally.finish().sums
    {'Rss': 4096, 'Pss': 2048}

    ``keep`` selects mappings by name. Raises ParseError for text that is no smaps.
    """

    def __init__(
        self,
        keys: Sequence[str],
        *,
        by_name: bool = False,
        keep: Callable[[bytes], bool] | None = None,
    ) -> None:
        self.keys = tuple(keys)
        self._named = by_name or keep is not None
        self._keep = keep
        self._kept: dict[bytes, bool] = {}
        self._layout: _Layout | None = None
        self._cells = [CellCache(key) for key in self.keys]
        self._start()

    def _start(self) -> None:
        self._rest = b""
        self._count = 0
        self._sums: list[int | None] = [None] * len(self.keys)
        # name -> [mappings, bytes of each key]
        self.by_name: dict[bytes, list[int]] = {} if self._named else _NO_NAMES
        self.has_pss = False
        self.cut_short = False  # the text ended within a line

    def feed(self, text: bytes) -> None:
        """Take the next piece of smaps."""
        if self._rest:
            start = _last_record(self._rest)
            if start:
                self._add(self._rest[:start])
            elif len(self._rest) > _LONGEST_RECORD:
                raise ParseError("smaps", None, f"a record of more than {_LONGEST_RECORD // KIB} KiB")
            text = self._rest[start:] + text
        self._rest = text

    def finish(self) -> Totals:
        """Close the text and give its totals; a record cut in mid-line is left out."""
        rest, self._rest = self._rest, b""
        if rest:
            self.cut_short = not rest.endswith(b"\n")
            if self.cut_short:
                rest = rest[: _last_header(rest)]
            if rest:
                self._add(rest)
        sums = {key: None if kib is None else kib * KIB for key, kib in zip(self.keys, self._sums)}
        return Totals(self._count, sums)

    def restart(self) -> None:
        """Make ready for another process."""
        self._start()

    def _add(self, text: bytes) -> None:
        self.has_pss = self.has_pss or b"\nPss" in text
        columns = self._columns(text)
        if self._named:
            columns = self._add_names(columns)
        self._count += columns.records
        for i, column in enumerate(columns.values):
            if column is not None:
                self._sums[i] = (self._sums[i] or 0) + sum(column)

    def _add_names(self, columns: _Columns) -> _Columns:
        """Sort the records under their names, and leave out those that ``keep`` refuses."""
        if self._keep is not None:
            columns = _select(columns, [self._keeps(name) for name in columns.names])
        known = [(i, column) for i, column in enumerate(columns.values, 1) if column is not None]
        records: dict[bytes, list[tuple[int, ...]]] = {}
        amounts_of = zip(*(column for _, column in known)) if known else repeat(())
        for name, record in zip(columns.names, amounts_of):
            if name in records:
                records[name].append(record)
            else:
                records[name] = [record]
        for name, amounts in records.items():
            row = self.by_name.setdefault(name, [0] * (len(self.keys) + 1))
            row[0] += len(amounts)
            for (i, _), kib in zip(known, zip(*amounts)):
                row[i] += sum(kib) * KIB
        return columns

    def _keeps(self, name: bytes) -> bool:
        kept = self._kept.get(name)
        if kept is None:
            assert self._keep is not None  # noqa: S101 (only called with a filter)
            kept = self._kept[name] = self._keep(name)
        return kept

    def _columns(self, text: bytes) -> _Columns:
        """Read records the fast way, with the layout known or learnt anew, or else line by line."""
        for layout in (self._layout, None):
            try:
                layout = layout or self._learn(text)
                return self._fast(text, layout)
            except (LayoutError, StructError):
                self._layout = None
        return self._slow(text)

    def _learn(self, text: bytes) -> _Layout:
        """Learn the layout of records from the first one."""
        start = text.find(b"\nSize:") + 1
        places: dict[str, int] = {}
        at = start
        while text[at : at + 1].isalpha() and (match := _FIELD.match(text, at)) and match.end() - at == FIXED_LINE - 1:
            places.setdefault(match[1].decode("ascii"), at - start)
            at += FIXED_LINE
        if not start or not places:
            raise LayoutError
        wanted = sorted((places[key], i) for i, key in enumerate(self.keys) if key in places)
        pattern, end = "=", 0
        for offset, _ in wanted:
            pattern += f"{offset - end}x{FIXED_LINE}s"
            end = offset + FIXED_LINE
        lines = Struct(pattern if wanted else f"={FIXED_LINE}x")
        absent = tuple(b"\n%s:" % key.encode("ascii") for key in self.keys if key not in places)
        self._layout = _Layout(lines, tuple(i for _, i in wanted), absent)
        return self._layout

    def _fast(self, text: bytes, layout: _Layout) -> _Columns:
        """Pick the wanted lines out of each record by their offset from ``Size:``.

        Every picked line is checked whole, label to newline, by the cell cache. So a record laid out in another
        way, or shifted by a value of more than eight digits, raises LayoutError instead of giving a wrong sum.
        """
        find, unpack = text.find, layout.lines.unpack_from
        skip = layout.lines.size - 1
        at = find(b"\nSize:") + 1
        if any(key in text for key in layout.absent) or not at:
            raise LayoutError
        rows: list[tuple[bytes, ...]] = []
        starts: list[int] = []
        while at:
            rows.append(unpack(text, at))
            starts.append(at)
            at = find(b"\nSize:", at + skip) + 1
        values: list[list[int] | None] = [None] * len(self.keys)
        for i, lines in zip(layout.order, zip(*rows)):
            values[i] = list(map(self._cells[i].__getitem__, lines))
        return _Columns(len(rows), values, _names(text, starts) if self._named else [])

    def _slow(self, text: bytes) -> _Columns:
        """Read records line by line: any layout, any order, any width."""
        from pymemtools.procfs.smaps.records import parse_smaps

        records = list(parse_smaps(text, self.keys))
        values: list[list[int] | None] = []
        for key in self.keys:
            column = [record.fields.get(key) for record in records]
            known = any(value is not None for value in column)
            values.append([(value or 0) // KIB for value in column] if known else None)
        return _Columns(len(records), values, [record.mapping.name or ANONYMOUS for record in records])


def _last_record(text: bytes) -> int:
    """Find where the last record's header starts; 0 when there is but one record."""
    size = text.rfind(b"\nSize:")
    if size < 0:
        return 0
    start = text.rfind(b"\n", 0, size) + 1
    if text.startswith(b"Name:", start):  # Android kernels before 4.x name anonymous memory on a line of its own
        start = text.rfind(b"\n", 0, max(start - 1, 0)) + 1
    return start


def _last_header(text: bytes) -> int:
    """Find the last line that starts with a hexadecimal digit, as only the first lines of records do."""
    at = len(text)
    while at > 0:
        at = text.rfind(b"\n", 0, at)
        if text[at + 1 : at + 2] in _HEX_DIGITS:
            return at + 1
    return 0


def _names(text: bytes, starts: Iterable[int]) -> list[bytes]:
    """Read the names of mappings from the lines above the ``Size:`` lines."""
    names = []
    rfind = text.rfind
    for start in starts:
        header = text[rfind(b"\n", 0, start - 1) + 1 : start - 1].split(None, 5)
        if len(header) == 6:
            names.append(header[5])
        elif len(header) == 5:
            names.append(ANONYMOUS)
        else:
            raise LayoutError
        if header[0] == b"Name:":
            raise LayoutError
    return names


def _select(columns: _Columns, keep: list[bool]) -> _Columns:
    values = [None if column is None else list(compress(column, keep)) for column in columns.values]
    return _Columns(sum(keep), values, list(compress(columns.names, keep)))
