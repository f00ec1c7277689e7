"""/proc/PID/maps: the mappings (VMAs) of a process; every record of smaps starts with such a line too.

The name is the rest of the line and may hold any byte but a newline, which the kernel writes as ``\\012``; so lines
are read by position. Source: fs/proc/task_mmu.c, show_map_vma().
"""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from operator import le, sub
from typing import Any, NamedTuple, overload

from pymemtools.cells import Memo
from pymemtools.errors import ParseError, excerpt

_LINE = re.compile(rb"([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([^\n]*)\n")
_LOOK = re.compile(
    rb"([r-][w-][x-][ps]) ([0-9a-f]{1,16}) ([0-9a-f]{2,8}:[0-9a-f]{2,8}) ([0-9]{1,20}) *([^\n]*)"
)  # what stands behind the addresses, the same in many lines
_PIECE = 1 << 18  # bytes of text parsed at once: bounds what stands in memory twice
_Look = tuple[bytes, int, bytes, int, bytes]  # permissions, offset, device, inode, name


class Mapping(NamedTuple):
    """One mapping; addresses and offset in bytes."""

    start: int
    end: int  # the first address behind it
    perms: bytes  # as in ``r-xp``
    offset: int
    device: bytes  # ``major:minor``, hexadecimal
    inode: int  # 0: not a file's
    name: bytes  # as the kernel wrote it; empty for unnamed anonymous memory
    vmflags: bytes = b""  # as in ``rd mr mw me``; only smaps has them

    @property
    def size(self) -> int:
        """Give the length in bytes."""
        return self.end - self.start

    @property
    def is_shared(self) -> bool:
        """Tell MAP_SHARED from MAP_PRIVATE."""
        return self.perms[3:] == b"s"

    @property
    def is_anonymous(self) -> bool:
        """Tell private memory without a file from everything else; ``[heap]`` and ``[anon:NAME]`` are such memory."""
        return not self.inode and not self.is_shared and not self.name.startswith(b"/")


class Mappings(Sequence[Mapping]):
    """The mappings of one process, kept as columns: a fifth of the room, and each column made at once."""

    def __init__(self) -> None:
        self.starts = array("Q")
        self.ends = array("Q")
        self.perms: list[bytes] = []
        self.offsets: list[int] = []
        self.devices: list[bytes] = []
        self.inodes: list[int] = []
        self.names: list[bytes] = []
        self.vmflags: list[bytes] = []
        self._shared: Memo[bytes, bytes] = Memo(lambda text: text)  # one copy of each text that many mappings have
        self._looks: Memo[bytes, _Look | None] = Memo(self._look, 4096)

    @classmethod
    def of(cls, mappings: Iterable[Mapping]) -> Mappings:
        """Make columns of mappings."""
        made = cls()
        for mapping in mappings:
            for column, value in zip(made._columns(), mapping):
                column.append(value)
        return made

    def _columns(self) -> tuple[Any, ...]:
        """Give the columns in the order of a Mapping's fields."""
        return (
            self.starts,
            self.ends,
            self.perms,
            self.offsets,
            self.devices,
            self.inodes,
            self.names,
            self.vmflags,
        )

    def add(self, lines: Sequence[bytes], vmflags: Iterable[bytes], file: str, number: int | None = None) -> None:
        """Append mappings given as lines of maps. Raises ParseError, which names a line from ``number`` on."""
        if lines:
            self.add_text(b"\n".join(lines), len(lines), vmflags, file, number)

    def add_text(self, text: bytes, count: int, vmflags: Iterable[bytes], file: str, number: int | None = None) -> None:
        """Append mappings given as so many lines of maps, with or without the last one's end. Raises ParseError."""
        parts = _LINE.split(text if text.endswith(b"\n") else text + b"\n")  # between lines: nothing
        if len(parts) != 4 * count + 1 or any(parts[::4]):
            raise _wrong(text, file, number)
        first, last = _addresses(parts[1::4]), _addresses(parts[2::4])
        looks = list(map(self._looks.__getitem__, parts[3::4]))
        if None in looks or not all(map(le, first, last)):
            raise _wrong(text, file, number)
        self.starts.extend(first)
        self.ends.extend(last)
        for column, cells in zip((self.perms, self.offsets, self.devices, self.inodes, self.names), zip(*looks)):
            column += cells
        self.vmflags += map(self._shared.__getitem__, vmflags) if vmflags else repeat(b"", count)

    def _look(self, text: bytes) -> _Look | None:
        """Read what stands behind the addresses of one line; None for what is no mapping's."""
        match = _LOOK.fullmatch(text)
        if match is None:
            return None
        share = self._shared
        return share[match[1]], int(match[2], 16), share[match[3]], int(match[4]), share[match[5]]

    def take(self, order: Iterable[int]) -> Mappings:
        """Choose mappings by their places, in that order."""
        chosen = Mappings()
        places = list(order)
        chosen.starts = array("Q", map(self.starts.__getitem__, places))
        chosen.ends = array("Q", map(self.ends.__getitem__, places))
        for name in ("perms", "offsets", "devices", "inodes", "names", "vmflags"):
            setattr(chosen, name, list(map(getattr(self, name).__getitem__, places)))
        return chosen

    def sizes(self) -> Sequence[int]:
        """Give the lengths, in bytes."""
        return array("Q", map(sub, self.ends, self.starts))

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[Mapping]:
        return map(Mapping, *self._columns())

    @overload
    def __getitem__(self, place: int) -> Mapping: ...

    @overload
    def __getitem__(self, place: slice) -> Mappings: ...

    def __getitem__(self, place: int | slice) -> Mapping | Mappings:
        if isinstance(place, slice):
            return self.take(range(len(self))[place])
        return Mapping(*(column[place] for column in self._columns()))


def _addresses(words: Sequence[bytes]) -> array[int]:
    """Read hexadecimal numbers of up to 16 digits, all at once."""
    if len(set(map(len, words))) == 1:  # of one process most are equally long: half the time of filling each up
        blank = b"0" * (16 - len(words[0]))
        digits = blank + blank.join(words)
    else:
        digits = b"".join([word.rjust(16, b"0") for word in words])
    numbers = array("Q", bytes.fromhex(digits.decode("ascii")))
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _wrong(text: bytes, file: str, number: int | None) -> ParseError:
    """Name the first line that is no mapping."""
    place, line = next((i, line) for i, line in enumerate(text.split(b"\n")) if not _is_mapping(line))
    return ParseError(file, None if number is None else number + place, f"expected a mapping, got {excerpt(line)}")


def _is_mapping(line: bytes) -> bool:
    match = _LINE.fullmatch(line + b"\n")
    return match is not None and int(match[1], 16) <= int(match[2], 16) and _LOOK.fullmatch(match[3]) is not None


def parse_maps(text: bytes, file: str = "maps") -> Mappings:
    """Read a maps text; a last line without its newline was cut and is left out.

    >>> [mapping.name for mapping in parse_maps(b"00400000-00401000 r-xp 00000000 fe:00 18   /bin/x\\n")]
    [b'/bin/x']

    Raises ParseError for a line that is none.
    """
    reader = MapsReader(file)
    for at in range(0, len(text), _PIECE):
        reader.feed(text[at : at + _PIECE])
    return reader.mappings


class MapsReader:
    """Read the maps of one process, in pieces of any size."""

    def __init__(self, file: str = "maps") -> None:
        self.mappings = Mappings()
        self._file = file
        self._rest = b""  # the beginning of a line
        self._lines = 0  # before the rest

    @property
    def cut_short(self) -> bool:
        """Tell a text that ended within a line, which is left out."""
        return bool(self._rest)

    def feed(self, text: bytes) -> None:
        """Take the next piece. Raises ParseError for a line that is no mapping."""
        text = self._rest + text
        end = text.rfind(b"\n") + 1
        if end:
            count = text.count(b"\n")
            self.mappings.add_text(text[:end], count, (), self._file, self._lines + 1)
            self._lines += count
        self._rest = text[end:]
