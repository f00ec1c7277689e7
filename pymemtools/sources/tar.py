"""Walk a tar archive strictly: headers in, members out; nothing is ever extracted.

Python's tarfile is not used: it loops for ever on a negative size (CVE-2025-8194), reads a corrupt first header as an
empty archive and follows sparse maps into gigabytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from pymemtools.errors import ArchiveError
from pymemtools.sources.tar_header import BLOCK, Header, pax_number, pax_records, text
from pymemtools.units import exact_size

MAX_MEMBERS = 200_000
_MAX_EXTENSION = 64 * 1024  # bytes of a pax or GNU long-name header; a path is at most 4096
_MAX_PADDING = 16 << 20  # bytes after the end mark; tar writes blocks of 10 KiB, dd perhaps some MiB
_REGULAR, _DIRECTORY = (b"0", b"\0", b"7"), b"5"
_EXTENSIONS = (b"x", b"g", b"L", b"K")
_SPARSE = b"S"
_ZERO_BLOCK = bytes(BLOCK)


class Reader(Protocol):
    """A forward stream: what a tar needs of its file."""

    def read(self, size: int) -> bytes:
        """Give exactly ``size`` bytes, fewer only at the end."""
        ...

    def skip(self, size: int) -> int:
        """Pass over ``size`` bytes; tell how many there were."""
        ...

    def tell(self) -> int:
        """Tell the place in the unpacked archive, in bytes."""
        ...


class Member(NamedTuple):
    """One entry of an archive."""

    number: int  # from 1
    name: str  # as written, surrogateescape
    is_file: bool
    is_directory: bool
    size: int
    uid: int | None
    uname: str
    mtime: int | None
    offset: int  # where its data starts


class Tar:
    """The members of one archive, each given with the stream at the start of its data; the caller reads or leaves it.

    An archive whose first member is called ``marker`` may be several, one behind the other. Raises ArchiveError for
    whatever is out of order, and for an archive that is cut short as far as that can be seen: smemcap's have no end
    mark. ``has_end`` tells, at the end, whether there was one.
    """

    def __init__(self, stream: Reader, marker: str = "") -> None:
        self._stream = stream
        self._marker = marker
        self._number = 0  # of the last header
        self._extension: dict[str, str] | None = None  # what the last headers say of the next member
        self._for_all: dict[str, str] = {}  # what one said of all members to come
        self._in_parts = False
        self._needs_end = False
        self._zeros = 0  # bytes
        self.has_end = False

    def __iter__(self) -> Iterator[Member]:
        while block := self._stream.read(BLOCK):
            if block == _ZERO_BLOCK:
                self._at_end_mark()
                continue
            self._number += 1
            if self._number > MAX_MEMBERS:
                raise ArchiveError(f"archive with more than {MAX_MEMBERS} members")
            header = Header(block, self._number)
            if header.kind in _EXTENSIONS:
                self._extend(header)
            else:
                yield from self._member(header)
        if not self._number and not self.has_end:
            raise ArchiveError("is empty")
        self._expect_no_extension()
        if self._needs_end and not self.has_end and not self._in_parts:
            raise ArchiveError("truncated archive: no end mark")

    def _member(self, header: Header) -> Iterator[Member]:
        """Yield one member, then pass over what is left of its data."""
        if header.kind == _SPARSE:
            raise ArchiveError(f"sparse file in member {self._number}: not supported")
        if self._number == 1:
            self._in_parts = header.name == self._marker
            self._needs_end = not header.is_smemcaps
        said = self._for_all | (self._extension or {})
        self._extension = None
        start = self._stream.tell()
        yield Member(
            self._number,
            said.get("path", header.name),
            header.kind in _REGULAR,
            header.kind == _DIRECTORY,
            header.size,
            pax_number(said["uid"]) if "uid" in said else header.uid,
            said.get("uname", header.uname),
            pax_number(said["mtime"]) if "mtime" in said else header.mtime,
            start,
        )
        left = start + _padded(header.size) - self._stream.tell()
        if left > 0 and self._stream.skip(left) < left:
            raise cut_in_data(self._number)

    def _extend(self, header: Header) -> None:
        """Take a pax header, a GNU long name, or a long link name, which is nobody's business."""
        self._needs_end = True
        size = header.size
        if size > _MAX_EXTENSION:
            raise ArchiveError(f"damaged archive: extended header of {size} bytes in member {self._number}")
        data = self._stream.read(_padded(size))
        if len(data) < _padded(size):
            raise ArchiveError(f"truncated archive: in the extended header of member {self._number}")
        if header.kind == b"g":
            self._for_all |= pax_records(data[:size], self._number)
            return
        if self._extension is None:
            self._extension = {}
        if header.kind == b"x":
            self._extension |= pax_records(data[:size], self._number)
        elif header.kind == b"L":
            self._extension["path"] = text(data[:size])

    def _expect_no_extension(self) -> None:
        if self._extension is not None:
            raise ArchiveError(f"truncated archive: nothing follows the extended header of member {self._number}")

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


def cut_in_data(number: int) -> ArchiveError:
    """Say that an archive ends within a member's data."""
    return ArchiveError(f"truncated archive: in the data of member {number}")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
