"""Walk a tar archive strictly: headers in, members out; nothing is ever extracted.

Python's tarfile is not used: it loops for ever on a negative size (CVE-2025-8194), reads a corrupt first header as an
empty archive and follows sparse maps into gigabytes. Formats: V7 as Debian's smemcap writes it, GNU as busybox's
smemcap does (unpadded octal), ustar and pax.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from pymemtools.errors import ArchiveError
from pymemtools.units import exact_size

BLOCK = 512
MAX_MEMBERS = 200_000
_MAX_EXTENSION = 64 * 1024  # bytes of a pax or GNU long-name header; a path is at most 4096
_MAX_SIZE = 1 << 40
_MAX_PADDING = 16 << 20  # bytes after the end mark; tar writes blocks of 10 KiB, dd perhaps some MiB
_REGULAR, _DIRECTORY = (b"0", b"\0", b"7"), b"5"
_EXTENSIONS = (b"x", b"g", b"L", b"K")
_WITHOUT_DATA = b"123456"  # links, devices, directories and FIFOs, whatever their size fields say
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
            if len(block) < BLOCK:
                raise _out_of_order(self._number, "truncated archive: no complete header of")
            kind, size = _checked(block, self._number)
            if kind in _EXTENSIONS:
                self._extend(kind, size)
            else:
                yield from self._member(block, kind, size)
        if not self._number and not self.has_end:
            raise ArchiveError("is empty")
        self._expect_no_extension()
        if self._needs_end and not self.has_end and not self._in_parts:
            raise ArchiveError("truncated archive: no end mark")

    def _member(self, block: bytes, kind: bytes, size: int) -> Iterator[Member]:
        if kind == _SPARSE:
            raise ArchiveError(f"sparse file in member {self._number}: not supported")
        if kind in _WITHOUT_DATA:
            size = 0
        end = self._stream.tell() + _padded(size)
        extension = self._for_all | (self._extension or {})
        member = _described(block, self._number, kind, size, self._stream.tell(), extension)
        if self._number == 1:
            self._in_parts = member.name == self._marker
            self._needs_end = not _is_smemcaps(block)
        yield member
        self._extension = None
        left = end - self._stream.tell()
        if left > 0 and self._stream.skip(left) < left:
            raise cut_in_data(self._number)

    def _extend(self, kind: bytes, size: int) -> None:
        """Take a pax header, a GNU long name, or a long link name, which is nobody's business."""
        self._needs_end = True
        if size > _MAX_EXTENSION:
            raise ArchiveError(f"damaged archive: extended header of {size} bytes in member {self._number}")
        data = self._stream.read(_padded(size))
        if len(data) < _padded(size):
            raise ArchiveError(f"truncated archive: in the extended header of member {self._number}")
        if kind == b"g":
            self._for_all |= _pax(data[:size], self._number)
            return
        if self._extension is None:
            self._extension = {}
        if kind == b"x":
            self._extension |= _pax(data[:size], self._number)
        elif kind == b"L":
            self._extension["path"] = _text(data[:size])

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


def _out_of_order(number: int, how: str) -> ArchiveError:
    """Say what is wrong with a header; when it is the first one, that this is no archive at all."""
    return ArchiveError(f"{how} member {number}" if number > 1 else "not a tar archive")


def cut_in_data(number: int) -> ArchiveError:
    """Say that an archive ends within a member's data."""
    return ArchiveError(f"truncated archive: in the data of member {number}")


def _is_smemcaps(block: bytes) -> bool:
    """Tell smemcap by the first of its members: Debian's writes no magic, busybox's numbers without leading zeros."""
    style = block[257:265]
    return _text(block[:100]) == "meminfo" and (style == bytes(8) or (style == b"ustar  \0" and block[100:101] != b"0"))


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _described(block: bytes, number: int, kind: bytes, size: int, start: int, extension: dict[str, str]) -> Member:
    name = _text(block[0:100])
    is_ustar = block[257:265] == b"ustar\x0000"
    if is_ustar and block[345]:
        name = f"{_text(block[345:500])}/{name}"
    named = block[257:262] == b"ustar"
    return Member(
        number,
        extension.get("path", name),
        kind in _REGULAR,
        kind == _DIRECTORY,
        size,
        _pax_number(extension, "uid") if "uid" in extension else _uid(block[108:116]),
        extension.get("uname", _text(block[265:297]) if named else ""),
        _pax_number(extension, "mtime") if "mtime" in extension else _number(block[136:148]),
        start,
    )


def _checked(block: bytes, number: int) -> tuple[bytes, int]:
    """Give the type and size of a header whose checksum is right."""
    checksum = _number(block[148:156])
    fields = block[:148] + b" " * 8 + block[156:]
    signed = sum(byte - 256 if byte > 127 else byte for byte in fields) if checksum != sum(fields) else checksum
    if checksum is None or checksum != signed:
        raise _out_of_order(number, "damaged archive: bad checksum in")
    size = _number(block[124:136])
    if size is None or size > _MAX_SIZE:
        raise ArchiveError(f"damaged archive: bad size field in member {number}")
    return block[156:157], size


def _number(field: bytes) -> int | None:
    """Read octal digits, padded or not; None for anything else (negative and base-256 numbers included)."""
    digits = field.split(b"\0", 1)[0].strip(b" ")
    try:
        return int(digits, 8) if digits.isdigit() else None
    except ValueError:  # 8 or 9
        return None


def _uid(field: bytes) -> int | None:
    """Read a uid; None for one that does not fit: smemcap then writes its first eight digits."""
    return _number(field) if field[7:] in (b"\0", b" ") else None


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _pax(data: bytes, number: int) -> dict[str, str]:
    """Read ``LENGTH key=value\\n`` records; those that redefine where data lies are refused."""
    records: dict[str, str] = {}
    at = 0
    while at < len(data):
        blank = data.find(b" ", at, at + 8)
        length = data[at:blank]
        end = at + int(length) if blank > at and length.isdigit() else 0
        key, equals, value = data[blank + 1 : end - 1].partition(b"=")
        if end <= blank + 1 or end > len(data) or data[end - 1 : end] != b"\n" or not equals:
            raise ArchiveError(f"damaged archive: bad extended header in member {number}")
        name = key.decode("utf-8", "surrogateescape")
        if name == "size" or name.startswith("GNU.sparse"):
            raise ArchiveError(f"extended header with {name} in member {number}: not supported")
        records[name] = value.decode("utf-8", "surrogateescape")
        at = end
    return records


def _pax_number(extension: dict[str, str], key: str) -> int | None:
    whole = extension[key].split(".", 1)[0]
    return int(whole) if whole.isascii() and whole.isdigit() and len(whole) < 16 else None
