"""Walk a tar archive strictly: headers in, members out; nothing is ever extracted.

Python's tarfile is not used: it loops for ever on a negative size (CVE-2025-8194), reads a corrupt first header as an
empty archive and follows sparse maps into gigabytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from pymemtools.errors import ArchiveError, TruncatedArchive
from pymemtools.sources.archive import sparse
from pymemtools.sources.archive.header import (
    BLOCK,
    data_size,
    is_smemcaps,
    mtime_of,
    name_of,
    pax_number,
    pax_records,
    text,
    uid_of,
    uname_of,
)
from pymemtools.units import exact_size

MAX_MEMBERS = 1_500_000  # a full capture has 14 of each process
REGULAR = frozenset((b"0", b"\0", b"7", b"S"))  # kinds of members
DIRECTORY = b"5"
_EXTENSIONS = frozenset((b"x", b"g", b"L", b"K"))
_SPARSE = b"S"
_MAX_EXTENSION = 64 * 1024  # bytes of a pax or GNU long-name header; a path is at most 4096
_MAX_PADDING = 16 << 20  # bytes after the end mark; tar writes blocks of 10 KiB, dd perhaps some MiB
_ZERO_BLOCK = bytes(BLOCK)
_NOTHING: dict[str, str] = {}


class Reader(Protocol):
    """A forward stream: what a tar needs of its file."""

    def read(self, size: int) -> bytes:
        """Give exactly ``size`` bytes, fewer only at the end."""
        ...

    def skip_to(self, place: int) -> int:
        """Go on to a place, unless it is behind; tell the place reached, which is before it where the archive ends."""
        ...

    def tell(self) -> int:
        """Tell the place in the unpacked archive, in bytes."""
        ...


class Tar:
    """The members of one archive: name, kind and size of each, with the stream at the start of its data.

    The caller reads the data or leaves it, and asks for what else the header says before going on to the next member:
    there may be very many, and of most nobody asks more. An archive whose first member is called ``marker`` may be
    several, one behind the other. Raises ArchiveError for whatever is out of order, and for an archive that is cut
    short as far as that can be seen: smemcap's have no end mark. ``has_end`` tells, at the end, whether there was one.
    """

    def __init__(self, stream: Reader, marker: str = "") -> None:
        self._stream = stream
        self._marker = marker
        self.number = 0  # of the last header, from 1
        self._block = b""  # the last header
        self._extension: dict[str, str] | None = None  # what the last headers say of the next member
        self._for_all: dict[str, str] = {}  # what one said of all members to come
        self._said = _NOTHING  # of this member
        self.sparse: sparse.Sparse | None = None  # of this member, where it has holes
        self._pieces = 0  # of all sparse files
        self._in_parts = False
        self._needs_end = False
        self._zeros = 0  # bytes
        self.has_end = False

    def __iter__(self) -> Iterator[tuple[str, bytes, int]]:
        read, skip_to, place = self._stream.read, self._stream.skip_to, self._stream.tell()
        while block := read(BLOCK):
            if block == _ZERO_BLOCK:
                self._at_end_mark()
                place = self._stream.tell()
                continue
            self.number += 1
            if self.number > MAX_MEMBERS:
                raise ArchiveError(f"archive with more than {MAX_MEMBERS} members")
            size = data_size(block, self.number)
            kind = block[156:157]
            if kind in _EXTENSIONS:
                self._extend(kind, size)
                place = self._stream.tell()
                continue
            self._block = block
            name = name_of(block)
            if self.number == 1:
                self._in_parts = name == self._marker
                self._needs_end = not is_smemcaps(block)
            end = place + BLOCK + -(-size // BLOCK) * BLOCK
            if self._extension is None and not self._for_all and kind != _SPARSE:
                self._said, self.sparse = _NOTHING, None
            else:
                end += self._take_extension(kind, size)
                name = self._said.get("path", name)
                if self.sparse is not None:
                    name = self._said.get("GNU.sparse.name", name)
            yield name, kind, size if self.sparse is None else self.sparse.size
            place = skip_to(end)
            if place < end:
                raise cut_in_data(self.number)
        self._expect_whole()

    def _take_extension(self, kind: bytes, size: int) -> int:
        """Make what earlier headers said this member's; give the bytes between its header and its data."""
        self._said = self._for_all | (self._extension or {})
        self._extension = None
        self.sparse = None
        read, before, between = self._stream.read, self._stream.tell(), 0
        if kind in REGULAR and sparse.is_in_pax(self._said):
            self.sparse = sparse.from_pax(self._said, read, size, self.number)
        elif kind == _SPARSE:
            self.sparse = sparse.from_header(self._block, read, size, self.number)
            between = self._stream.tell() - before
        self._pieces += 0 if self.sparse is None else len(self.sparse.pieces)
        if self._pieces > sparse.MAX_PIECES:
            raise sparse.too_many_pieces()
        return between

    def _expect_whole(self) -> None:
        if not self.number and not self.has_end:
            raise ArchiveError("is empty")
        self._expect_no_extension()
        if self._needs_end and not self.has_end and not self._in_parts:
            raise TruncatedArchive("truncated archive: no end mark")

    @property
    def uid(self) -> int | None:
        """Give this member's owner."""
        return pax_number(self._said["uid"]) if "uid" in self._said else uid_of(self._block)

    @property
    def uname(self) -> str:
        """Give the name of this member's owner, empty when there is none."""
        return self._said["uname"] if "uname" in self._said else uname_of(self._block)

    @property
    def mtime(self) -> int | None:
        """Give the time of this member's last change, in seconds since 1970."""
        return pax_number(self._said["mtime"]) if "mtime" in self._said else mtime_of(self._block)

    def _extend(self, kind: bytes, size: int) -> None:
        """Take a pax header, a GNU long name, or a long link name, which is nobody's business."""
        self._needs_end = True
        if size > _MAX_EXTENSION:
            raise ArchiveError(f"damaged archive: extended header of {size} bytes in member {self.number}")
        padded = -(-size // BLOCK) * BLOCK
        data = self._stream.read(padded)
        if len(data) < padded:
            raise TruncatedArchive(f"truncated archive: in the extended header of member {self.number}")
        if kind == b"g":
            self._for_all |= pax_records(data[:size], self.number)
            if sparse.is_in_pax(self._for_all):
                raise ArchiveError(f"sparse files by the extended header of member {self.number}: not supported")
            return
        if self._extension is None:
            self._extension = {}
        if kind == b"x":
            self._extension |= pax_records(data[:size], self.number)
        elif kind == b"L":
            self._extension["path"] = text(data[:size])

    def _expect_no_extension(self) -> None:
        if self._extension is not None:
            raise TruncatedArchive(f"truncated archive: nothing follows the extended header of member {self.number}")

    def _at_end_mark(self) -> None:
        """Read to the end, which is also where gzip, bzip2 and xz keep their checks."""
        self._expect_no_extension()
        self.has_end = True
        self._zeros += BLOCK
        while not self._in_parts and (block := self._stream.read(64 * BLOCK)):
            self._zeros += len(block)
            if block.strip(b"\0"):
                raise ArchiveError("damaged archive: something follows the end of the archive")
            if self._zeros > _MAX_PADDING:
                break
        if self._zeros > _MAX_PADDING:
            raise ArchiveError(f"damaged archive: more than {exact_size(_MAX_PADDING)} of zeros at its end")


def cut_in_data(number: int) -> TruncatedArchive:
    """Say that an archive ends within a member's data."""
    return TruncatedArchive(f"truncated archive: in the data of member {number}")
