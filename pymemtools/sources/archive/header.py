"""One block of 512 bytes that says what the next bytes of a tar archive are.

Formats: V7 as Debian's smemcap writes it, GNU as busybox's does (unpadded octal), ustar; and pax's records. An archive
may have very many: each function looks at what it needs, and no more.
"""

from __future__ import annotations

from functools import lru_cache
from zlib import adler32

from pymemtools.errors import ArchiveError, TruncatedArchive

BLOCK = 512
_MAX_SIZE = 1 << 40
_WITHOUT_DATA = b"123456"  # links, devices, directories and FIFOs, whatever their size fields say
_LABEL = b"V"  # of a volume, from `tar -V`, which leaves its size empty
_USTAR, _GNU = b"ustar\x0000", b"ustar  \0"


def data_size(block: bytes, member: int) -> int:
    """Tell how many bytes follow a header. Raises ArchiveError for one whose checksum is wrong, or a size that is none.

    >>> data_size(b"x" * 512, 2)
    Traceback (most recent call last):
    pymemtools.errors.ArchiveError: damaged archive: bad checksum in member 2
    """
    if len(block) < BLOCK:
        raise _unless_first(member, TruncatedArchive(f"truncated archive: no complete header of member {member}"))
    # The low half of Adler-32 is 1 and the sum of the bytes, which 256 of them leave below the modulus of 65521.
    total = (adler32(block[:256]) & 0xFFFF) + (adler32(block[256:]) & 0xFFFF) - 2
    said = _sum_said(block[148:156])
    if said != total and said != total - _signed(block):
        raise _unless_first(member, ArchiveError(f"damaged archive: bad checksum in member {member}"))
    kind = block[156:157]
    size = number(block[124:136])
    if size is None and kind == _LABEL and not block[124:136].strip(b"\0"):
        size = 0
    if size is None or size > _MAX_SIZE:
        raise ArchiveError(f"damaged archive: bad size field in member {member}")
    return 0 if kind in _WITHOUT_DATA else size


@lru_cache(maxsize=4096)
def _sum_said(field: bytes) -> int | None:
    """Give the sum of a header's bytes that its checksum tells, in which its own field counts as eight blanks."""
    said = number(field)
    return None if said is None else said + sum(field) - 8 * 32


def _signed(block: bytes) -> int:
    """Tell how much less the sum is where bytes are taken for signed, as old programs did."""
    return 256 * sum(byte > 127 for byte in block[:148] + block[156:])


def name_of(block: bytes) -> str:
    """Give the name as it was written."""
    name = block[:100].partition(b"\0")[0].decode("utf-8", "surrogateescape")
    has_prefix = block[345] and block[257:265] == _USTAR
    return f"{text(block[345:500])}/{name}" if has_prefix else name


def uid_of(block: bytes) -> int | None:
    """Give the owner; None for one that does not fit: of such smemcap writes the first eight digits."""
    field = block[108:116]
    return number(field) if field[7:] in (b"\0", b" ") else None


def uname_of(block: bytes) -> str:
    """Give the owner's name, empty when there is none."""
    return text(block[265:297]) if block[257:265] in (_USTAR, _GNU) else ""


def mtime_of(block: bytes) -> int | None:
    """Give the time of the last change, in seconds since 1970."""
    return number(block[136:148])


def is_smemcaps(block: bytes) -> bool:
    """Tell smemcap by its first member: Debian's writes no magic, busybox's numbers without leading zeros."""
    style = block[257:265]
    is_unpadded = style == _GNU and block[100:101] != b"0"
    return name_of(block) == "meminfo" and (style == bytes(8) or is_unpadded)


def _unless_first(member: int, error: ArchiveError) -> ArchiveError:
    """Give what is wrong with a header; when it is the first one, this is no archive at all."""
    return error if member > 1 else ArchiveError("not a tar archive")


def text(field: bytes) -> str:
    """Read what comes before the first NUL."""
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


@lru_cache(maxsize=4096)  # sizes, owners and checksums are of a few hundred values in most archives
def number(field: bytes) -> int | None:
    """Read octal digits, padded or not; None for anything else (negative and base-256 numbers included)."""
    digits = field.rstrip(b"\0 ")
    if not digits.isdigit():
        digits = field.partition(b"\0")[0].strip(b" ")
    try:
        return int(digits, 8) if digits.isdigit() else None
    except ValueError:  # 8 or 9
        return None


def pax_records(data: bytes, member: int) -> dict[str, str]:
    """Read ``LENGTH key=value\\n`` records; one that redefines how long the data is is refused.

    >>> pax_records(b"15 path=x/smaps\\n", 1)
    Traceback (most recent call last):
    pymemtools.errors.ArchiveError: damaged archive: bad extended header in member 1
    >>> pax_records(b"16 path=7/smaps\\n", 1)
    {'path': '7/smaps'}

    Version 0.0 of sparse files has a record for each number of its map: they are made the one of 0.1.
    """
    records: dict[str, str] = {}
    pieces = []
    at = 0
    while at < len(data):
        blank = data.find(b" ", at, at + 8)
        length = data[at:blank]
        end = at + int(length) if blank > at and length.isdigit() else 0
        key, equals, value = data[blank + 1 : end - 1].partition(b"=")
        if end <= blank + 1 or end > len(data) or data[end - 1 : end] != b"\n" or not equals:
            raise ArchiveError(f"damaged archive: bad extended header in member {member}")
        name = key.decode("utf-8", "surrogateescape")
        if name == "size":
            raise ArchiveError(f"extended header with size in member {member}: not supported")
        if name in ("GNU.sparse.offset", "GNU.sparse.numbytes"):
            pieces.append(value)
        else:
            records[name] = value.decode("utf-8", "surrogateescape")
        at = end
    if pieces:
        records["GNU.sparse.map"] = b",".join(pieces).decode("utf-8", "surrogateescape")
    return records


def pax_number(value: str) -> int | None:
    """Read the whole part of a number, as in ``mtime=1795435662.25``."""
    whole = value.split(".", 1)[0]
    return int(whole) if whole.isascii() and whole.isdigit() and len(whole) < 16 else None
