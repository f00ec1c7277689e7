"""/proc/PID/maps: the mappings (VMAs) of a process; every record of smaps starts with such a line too.

The name is the rest of the line and may hold any byte but a newline, which the kernel writes as ``\\012``; so lines
are read by position. Source: fs/proc/task_mmu.c, show_map_vma().
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from operator import le
from typing import NamedTuple, overload

from pymemtools.errors import ParseError, excerpt

_LINE = re.compile(
    rb"^([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-][ps]) ([0-9a-f]{1,16}) "
    rb"([0-9a-f]{2,8}:[0-9a-f]{2,8}) ([0-9]{1,20}) *([^\n]*)$",
    re.MULTILINE,
)
_PIECE = 1 << 18  # bytes of text parsed at once: bounds what stands in memory twice
_DELETED = b" (deleted)"


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

    @property
    def is_deleted(self) -> bool:
        """Tell a file that has no name any more; a file may also bear such a name."""
        return self.name.startswith(b"/") and self.name.endswith(_DELETED)


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
        self._shared: dict[bytes, bytes] = {}  # one copy of each text that many mappings have
        self._offsets, self._inodes = _Numbers(16), _Numbers(10)

    def add(self, lines: Sequence[bytes], vmflags: Iterable[bytes], file: str, number: int | None = None) -> None:
        """Append mappings given as lines of maps. Raises ParseError, which names a line from ``number`` on."""
        rows = _LINE.findall(b"\n".join(lines))
        if len(rows) != len(lines):
            raise _wrong(lines, file, number)
        if not rows:
            return
        starts, ends, perms, offsets, devices, inodes, names = zip(*rows)
        first, last = (array("Q", map(int, column, repeat(16))) for column in (starts, ends))
        if not all(map(le, first, last)):
            raise _wrong(lines, file, number)
        share = self._shared.setdefault
        self.starts.extend(first)
        self.ends.extend(last)
        self.perms += map(share, perms, perms)
        self.offsets += map(self._offsets.__getitem__, offsets)
        self.devices += map(share, devices, devices)
        self.inodes += map(self._inodes.__getitem__, inodes)
        self.names += map(share, names, names)
        flags = tuple(vmflags) or (b"",) * len(lines)
        self.vmflags += map(share, flags, flags)

    def take(self, order: Iterable[int]) -> Mappings:
        """Choose mappings by their places, in that order."""
        chosen = Mappings()
        places = list(order)
        chosen.starts = array("Q", map(self.starts.__getitem__, places))
        chosen.ends = array("Q", map(self.ends.__getitem__, places))
        for name in ("perms", "offsets", "devices", "inodes", "names", "vmflags"):
            setattr(chosen, name, list(map(getattr(self, name).__getitem__, places)))
        return chosen

    def sizes(self) -> list[int]:
        """Give the lengths, in bytes."""
        return [end - start for start, end in zip(self.starts, self.ends)]

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[Mapping]:
        return map(
            Mapping,
            self.starts,
            self.ends,
            self.perms,
            self.offsets,
            self.devices,
            self.inodes,
            self.names,
            self.vmflags,
        )

    @overload
    def __getitem__(self, place: int) -> Mapping: ...

    @overload
    def __getitem__(self, place: slice) -> Mappings: ...

    def __getitem__(self, place: int | slice) -> Mapping | Mappings:
        if isinstance(place, slice):
            return self.take(range(len(self))[place])
        return next(iter(self.take([place])))


class _Numbers(dict[bytes, int]):
    """Turn text into numbers, each distinct one once."""

    _LIMIT = 20_000  # kept: bounds the memory that hostile text can make us hold

    def __init__(self, base: int) -> None:
        super().__init__()
        self._base = base

    def __missing__(self, digits: bytes) -> int:
        if len(self) > self._LIMIT:
            self.clear()
        number = self[digits] = int(digits, self._base)
        return number


def _wrong(lines: Sequence[bytes], file: str, number: int | None) -> ParseError:
    """Name the first of lines that is no mapping."""
    place, line = next((i, line) for i, line in enumerate(lines) if not _is_mapping(line))
    return ParseError(file, None if number is None else number + place, f"expected a mapping, got {excerpt(line)}")


def _is_mapping(line: bytes) -> bool:
    match = _LINE.fullmatch(line)
    return match is not None and int(match[1], 16) <= int(match[2], 16)


def parse_maps(text: bytes, file: str = "maps") -> Mappings:
    """Read a maps text; a last line without its newline was cut and is left out.

    >>> [mapping.name for mapping in parse_maps(b"00400000-00401000 r-xp 00000000 fe:00 18   /bin/x\\n")]
    [b'/bin/x']

    Raises ParseError for a line that is none.
    """
    mappings = Mappings()
    at, end, number = 0, text.rfind(b"\n") + 1, 1
    while at < end:
        piece_end = end if end - at <= _PIECE else text.rfind(b"\n", at, at + _PIECE) + 1 or text.find(b"\n", at) + 1
        lines = text[at : piece_end - 1].split(b"\n")
        mappings.add(lines, (), file, number)
        at, number = piece_end, number + len(lines)
    return mappings
