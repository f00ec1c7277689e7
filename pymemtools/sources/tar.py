"""Walk a tar archive strictly: headers in, (member, data) out; nothing is ever extracted.

Python's tarfile is not used: it loops for ever on a negative size (CVE-2025-8194), reads a corrupt first header as an
empty archive and follows sparse maps into gigabytes. Formats: V7 as Debian's smemcap writes it, GNU as busybox's
smemcap does (unpadded octal), ustar and pax.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from pymemtools.errors import ArchiveError

BLOCK = 512
MAX_MEMBERS = 200_000
_MAX_EXTENSION = 64 * 1024  # bytes of a pax or GNU long-name header; a path is at most 4096
_MAX_SIZE = 1 << 40
_MAX_PADDING = 16 << 20  # bytes after the end mark; tar writes blocks of 10 KiB, dd perhaps some MiB
_OCTAL = frozenset(b"01234567")
_REGULAR, _DIRECTORY = b"0\0" + b"7", b"5"
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


def walk(stream: Reader, marker: str = "") -> Iterator[Member]:
    """Yield each member with the stream at the start of its data; the caller reads or leaves it.

    An archive may end without end-of-archive blocks, as smemcap's do. One whose first member is called ``marker`` may
    be several archives, one behind the other. Raises ArchiveError for anything else that is out of order, and for one
    cut in mid-member.
    """
    number = 0
    in_parts = False
    padding = 0
    extension: dict[str, str] = {}
    while True:
        block = stream.read(BLOCK)
        if not block:
            return
        if block == _ZERO_BLOCK:
            if not in_parts:
                _expect_only_zeros(stream)
                return
            padding += BLOCK
            if padding > _MAX_PADDING:
                raise ArchiveError("damaged archive: nothing but zeros")
            continue
        number += 1
        if number > MAX_MEMBERS:
            raise ArchiveError(f"archive with more than {MAX_MEMBERS} members")
        if len(block) < BLOCK:
            raise ArchiveError(
                f"truncated archive: member {number} has no complete header" if number > 1 else "not a tar archive"
            )
        kind, size = _checked(block, number)
        if kind in _WITHOUT_DATA:
            size = 0
        start = stream.tell()
        padded = -(-size // BLOCK) * BLOCK
        if kind in (b"x", b"L", b"K", b"g"):
            if size > _MAX_EXTENSION:
                raise ArchiveError(f"damaged archive: extended header of {size} bytes in member {number}")
            data = stream.read(padded)
            if len(data) < padded:
                raise ArchiveError(f"truncated archive: in the extended header of member {number}")
            if kind == b"x":
                extension.update(_pax(data[:size], number))
            elif kind == b"L":
                extension["path"] = data[:size].rstrip(b"\0").decode("utf-8", "surrogateescape")
            elif kind == b"g":
                _pax(data[:size], number)
            continue
        if kind == _SPARSE:
            raise ArchiveError(f"sparse file in member {number}: not supported")
        member = _member(block, number, kind, size, start, extension)
        in_parts = in_parts or (number == 1 and member.name == marker)
        yield member
        extension = {}
        left = start + padded - stream.tell()
        if left > 0 and stream.skip(left) < left:
            raise ArchiveError(f"truncated archive: in the data of member {number}")


def _expect_only_zeros(stream: Reader) -> None:
    """Read to the end, which is also where gzip, bzip2 and xz keep their checks."""
    left = _MAX_PADDING
    while block := stream.read(64 * BLOCK):
        left -= len(block)
        if left < 0 or block.strip(b"\0"):
            raise ArchiveError("damaged archive: something follows the end of the archive")


def _member(block: bytes, number: int, kind: bytes, size: int, start: int, extension: dict[str, str]) -> Member:
    name = _text(block[0:100])
    is_ustar = block[257:265] == b"ustar\x0000"
    if is_ustar and block[345]:
        name = f"{_text(block[345:500])}/{name}"
    named = block[257:262] == b"ustar"
    return Member(
        number,
        extension.get("path", name),
        kind in (b"0", b"\0", b"7"),
        kind == _DIRECTORY,
        size,
        _pax_number(extension, "uid") if "uid" in extension else _number(block[108:116]),
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
        raise ArchiveError(f"damaged archive: bad checksum in member {number}" if number > 1 else "not a tar archive")
    size = _number(block[124:136])
    if size is None or size > _MAX_SIZE:
        raise ArchiveError(f"damaged archive: bad size field in member {number}")
    return block[156:157], size


def _number(field: bytes) -> int | None:
    """Read octal digits, padded or not; None for anything else (negative and base-256 numbers included)."""
    digits = field.lstrip(b" ").split(b"\0", 1)[0].rstrip(b" ")
    if not digits or not _OCTAL.issuperset(digits):
        return None
    return int(digits, 8)


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
