"""One block of 512 bytes that says what the next bytes of a tar archive are.

Formats: V7 as Debian's smemcap writes it, GNU as busybox's does (unpadded octal), ustar; and pax's records.
"""

from __future__ import annotations

from pymemtools.errors import ArchiveError

BLOCK = 512
_MAX_SIZE = 1 << 40
_WITHOUT_DATA = b"123456"  # links, devices, directories and FIFOs, whatever their size fields say
_LABEL = b"V"  # of a volume, from `tar -V`, which leaves its size empty
_USTAR, _GNU = b"ustar\x0000", b"ustar  \0"


class Header:
    """A header whose checksum is right. Raises ArchiveError for others, and for a size that is none."""

    def __init__(self, block: bytes, number: int) -> None:
        if len(block) < BLOCK:
            raise out_of_order(number, "truncated archive: no complete header of")
        if _number(block[148:156]) not in _checksums(block):
            raise out_of_order(number, "damaged archive: bad checksum in")
        self.kind = block[156:157]
        is_unsized = self.kind == _LABEL and not block[124:136].strip(b"\0")
        size = 0 if is_unsized else _number(block[124:136])
        if size is None or size > _MAX_SIZE:
            raise ArchiveError(f"damaged archive: bad size field in member {number}")
        self._block = block
        self._style = block[257:265]
        self.size = 0 if self.kind in _WITHOUT_DATA else size  # bytes of data that follow

    @property
    def name(self) -> str:
        """Give the name as it was written."""
        name = text(self._block[:100])
        has_prefix = self._style == _USTAR and self._block[345]
        return f"{text(self._block[345:500])}/{name}" if has_prefix else name

    @property
    def uid(self) -> int | None:
        """Give the owner; None for one that does not fit: of such smemcap writes the first eight digits."""
        field = self._block[108:116]
        return _number(field) if field[7:] in (b"\0", b" ") else None

    @property
    def uname(self) -> str:
        """Give the owner's name, empty when there is none."""
        return text(self._block[265:297]) if self._style in (_USTAR, _GNU) else ""

    @property
    def mtime(self) -> int | None:
        """Give the time of the last change, in seconds since 1970."""
        return _number(self._block[136:148])

    @property
    def is_smemcaps(self) -> bool:
        """Tell smemcap by its first member: Debian's writes no magic, busybox's numbers without leading zeros."""
        is_unpadded = self._style == _GNU and self._block[100:101] != b"0"
        return self.name == "meminfo" and (self._style == bytes(8) or is_unpadded)


def out_of_order(number: int, how: str) -> ArchiveError:
    """Say what is wrong with a header; when it is the first one, that this is no archive at all."""
    return ArchiveError(f"{how} member {number}" if number > 1 else "not a tar archive")


def text(field: bytes) -> str:
    """Read what comes before the first NUL."""
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _number(field: bytes) -> int | None:
    """Read octal digits, padded or not; None for anything else (negative and base-256 numbers included)."""
    digits = field.split(b"\0", 1)[0].strip(b" ")
    try:
        return int(digits, 8) if digits.isdigit() else None
    except ValueError:  # 8 or 9
        return None


def _checksums(block: bytes) -> tuple[int, int]:
    """Add up a header, with blanks for the checksum; old programs took bytes for signed."""
    fields = block[:148] + b" " * 8 + block[156:]
    high = 0 if fields.isascii() else sum(byte > 127 for byte in fields)
    total = sum(fields)
    return total, total - 256 * high


def pax_records(data: bytes, number: int) -> dict[str, str]:
    """Read ``LENGTH key=value\\n`` records; those that redefine where data lies are refused.

    >>> pax_records(b"15 path=x/smaps\\n", 1)
    Traceback (most recent call last):
    pymemtools.errors.ArchiveError: damaged archive: bad extended header in member 1
    >>> pax_records(b"16 path=7/smaps\\n", 1)
    {'path': '7/smaps'}
    """
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
            raise ArchiveError(f"extended header with {name[:60]} in member {number}: not supported")
        records[name] = value.decode("utf-8", "surrogateescape")
        at = end
    return records


def pax_number(value: str) -> int | None:
    """Read the whole part of a number, as in ``mtime=1795435662.25``."""
    whole = value.split(".", 1)[0]
    return int(whole) if whole.isascii() and whole.isdigit() and len(whole) < 16 else None
