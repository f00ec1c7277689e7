"""Sums over /proc/PID/smaps, of whole processes or by name of mapping: what smem needs, and fast.

Everything here decides by position, since a path in a record's first line may hold any byte but a newline: the kernel
starts those lines with a hexadecimal address and field lines with a capital letter, and ``Size:`` is the first field.
Source: fs/proc/task_mmu.c, show_smap().
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

from pymemtools.errors import ParseError
from pymemtools.procfs.smaps.layout import FLAGS, LayoutError, RecordBatch, RecordLayout, Row
from pymemtools.units import KIB

if TYPE_CHECKING:
    from pymemtools.procfs.smaps.flagged import Flagged

ANONYMOUS = b"<anonymous>"
_LONGEST_RECORD = 1 << 20  # bytes; a path has at most 4096, each of them written as four at worst
_HEX_DIGITS = frozenset(bytes([byte]) for byte in b"0123456789abcdef")
_NO_NAMES: dict[bytes, list[int]] = {}


class Totals(NamedTuple):
    """The sums over some mappings, in bytes; a field that no record had is None."""

    maps: int
    sums: dict[str, int | None]


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
        self._layout: RecordLayout | None = None
        self.restart()

    def restart(self, *flagged: Flagged) -> None:
        """Make ready for another process; its flags are for ``flagged``, each of which has one of the keys."""
        self._flagged = [(self.keys.index(each.key), each) for each in flagged]
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

    def _add(self, text: bytes) -> None:
        self.has_pss = self.has_pss or b"\nPss" in text
        batch = self._batch(text)
        if batch.flags is not None:
            self._add_flagged(batch, batch.flags)
        if self._named:
            batch = self._add_names(batch)
        self._count += len(batch.rows)
        added = list(map(sum, zip(*batch.rows))) or [0] * len(batch.places)
        for place, kib in zip(batch.places, added):
            self._sums[place] = (self._sums[place] or 0) + kib

    def _add_flagged(self, batch: RecordBatch, flags: Sequence[bytes]) -> None:
        for key, flagged in self._flagged:
            if key not in batch.places:
                raise _lacks(flagged.key)
            place = batch.places.index(key)
            flagged.add(flags, [row[place] for row in batch.rows])

    def _add_names(self, batch: RecordBatch) -> RecordBatch:
        """Sort the records under their names, and leave out those that ``keep`` refuses."""
        if self._keep is not None:
            batch = _select(batch, [self._keeps(name or ANONYMOUS) for name in batch.names])
        alike: dict[bytes, list[Row]] = {}
        for name, row in zip(batch.names, batch.rows):
            if name in alike:
                alike[name].append(row)
            else:
                alike[name] = [row]
        for name, rows in alike.items():
            sums = self.by_name.setdefault(name or ANONYMOUS, [0] * (len(self.keys) + 1))
            sums[0] += len(rows)
            for place, column in zip(batch.places, zip(*rows)):
                sums[place + 1] += sum(column) * KIB
        return batch

    def _keeps(self, name: bytes) -> bool:
        kept = self._kept.get(name)
        if kept is None:
            assert self._keep is not None  # noqa: S101 (only called with a filter)
            kept = self._kept[name] = self._keep(name)
        return kept

    def _batch(self, text: bytes) -> RecordBatch:
        """Read records the fast way, with the layout known or learnt anew, or else line by line."""
        for layout in (self._layout, None):
            try:
                layout = self._layout = layout or RecordLayout(text, self.keys, named=self._named)
                return layout.read(text)
            except LayoutError:
                self._layout = None
        return self._slow(text)

    def _slow(self, text: bytes) -> RecordBatch:
        """Read records line by line: any layout, any order, any width."""
        from pymemtools.procfs.smaps.records import parse_smaps

        records = list(parse_smaps(text, self.keys))
        places = [i for i, key in enumerate(self.keys) if any(key in record.fields for record in records)]
        known = [self.keys[place] for place in places]
        rows = [tuple([record.fields.get(key, 0) // KIB for key in known]) for record in records]
        names = [record.mapping.name for record in records]
        flags = [record.mapping.vmflags for record in records] if b"\n%s" % FLAGS in text else None
        if flags is not None:
            for _, flagged in self._flagged:
                if any(flagged.key not in record.fields for record in records):
                    raise _lacks(flagged.key)
        return RecordBatch(places, rows, names, flags)


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


def _lacks(key: str) -> ParseError:
    return ParseError("smaps", None, f"a mapping without {key}")


def _select(batch: RecordBatch, keep: list[bool]) -> RecordBatch:
    flags = None if batch.flags is None else list(compress(batch.flags, keep))
    return RecordBatch(batch.places, list(compress(batch.rows, keep)), list(compress(batch.names, keep)), flags)
