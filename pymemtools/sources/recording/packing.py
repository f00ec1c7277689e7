"""Pack a text with another one that is much like it: what is the same costs a few bytes.

A text of a kernel's file mostly differs from an earlier one of the same file in some numbers: then it is those, by how
much they differ. Otherwise zlib does it, the other text its dictionary; as that looks back 32 KiB, longer texts are
packed in pieces, each with what was about the same place of the other text.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from functools import lru_cache

from pymemtools.sources.recording.damage import Damaged

_PIECE = 16 << 10  # bytes
_BEFORE, _BEHIND = 8 << 10, 8 << 10  # of the other text, around the place of the piece
_RAW = -zlib.MAX_WBITS
_DEFLATED, _NUMBERS = b"\0", b"\1"  # the first byte of what is packed
_MOST_WITH_NUMBERS = 256 << 10  # bytes; of more there would be too many
# A number with several blanks before it is written to the right of a field, and keeps the field's width.
_NUMBER = re.compile(rb"( {2,}[0-9]+|[0-9]+)")
_DIGITS = 20  # of a number that is one; what is longer is not reckoned with
_LAST = 0x7F  # of a number in groups of seven bits


def pack(text: bytes, other: bytes) -> bytes:
    """Pack a text with the help of another.

    >>> pack(b"VmRSS:      4128 kB", b"VmRSS:      4096 kB")
    b'\\x01\\x00@'
    """
    return _as_numbers(text, other) or _deflated(text, other)


def unpack(packed: bytes, other: bytes, size: int) -> bytes:
    """Unpack a text of so many bytes, and never more. Raises Damaged for what is none."""
    if packed[:1] not in (_DEFLATED, _NUMBERS):
        raise Damaged("a text that is packed in no known way")
    text = _with_numbers(packed[1:], other) if packed[:1] == _NUMBERS else _inflated(packed[1:], other, size)
    if len(text) != size:
        raise Damaged(f"a text of {size} bytes is not as long")
    return text


def _as_numbers(text: bytes, other: bytes) -> bytes | None:
    """Say which numbers differ, and by how much; None where something else differs, too.

    Each is how many are left out before it, times two, and the difference; or where that is the last one's, one more
    than times two.
    """
    if max(len(text), len(other)) > _MOST_WITH_NUMBERS:
        return None
    parts, others = _NUMBER.split(text), _NUMBER.split(other)
    if parts[::2] != others[::2]:
        return None
    packed = bytearray(_NUMBERS)
    place, last = -1, None
    for index, (new, old) in enumerate(zip(parts[1::2], others[1::2])):
        if new == old:
            continue
        if max(len(new.lstrip()), len(old.lstrip())) > _DIGITS or _rendered(old, int(new)) != new:
            return None
        difference = int(new) - int(old)
        gap, place = index - place - 1, index
        _put(packed, 2 * gap + (difference == last))
        if difference != last:
            _put(packed, 2 * difference if difference >= 0 else -2 * difference - 1)
        last = difference
    return bytes(packed)


def _with_numbers(packed: bytes, other: bytes) -> bytes:
    """Put the numbers that differ into the other text. Raises Damaged."""
    if len(other) > _MOST_WITH_NUMBERS:
        raise Damaged("numbers of a text that is too long")
    parts = [*_split(other)]
    place, difference = -1, 0
    numbers = _numbers(packed)
    for number in numbers:
        place += 1 + (number >> 1)
        if not number & 1:
            code = next(numbers, 0)
            difference = -(code + 1 >> 1) if code & 1 else code >> 1
        if 2 * place + 1 >= len(parts):
            raise Damaged("a number that is not there")
        old = parts[2 * place + 1]
        if len(old.lstrip()) > _DIGITS:
            raise Damaged("a number that is too long")
        parts[2 * place + 1] = _rendered(old, int(old) + difference)
    return b"".join(parts)


@lru_cache(maxsize=4)  # the texts that a few files have over time are packed with the same ones again and again
def _split(text: bytes) -> tuple[bytes, ...]:
    return tuple(_NUMBER.split(text))


def _rendered(old: bytes, number: int) -> bytes:
    return b"%*d" % (len(old), number) if old.startswith(b" ") else b"%d" % number


def _put(packed: bytearray, number: int) -> None:
    while number > _LAST:
        packed.append(number & _LAST | 0x80)
        number >>= 7
    packed.append(number)


def _numbers(packed: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in packed:
        number |= (byte & _LAST) << shift
        shift += 7
        if byte <= _LAST:
            yield number
            number = shift = 0
        elif shift > 70:
            raise Damaged("a number without an end")


def _deflated(text: bytes, other: bytes) -> bytes:
    packed = [_DEFLATED]
    for at in range(0, len(text), _PIECE):
        packer = zlib.compressobj(6, zlib.DEFLATED, _RAW, 8, zlib.Z_DEFAULT_STRATEGY, _around(other, at) or b"\n")
        packed += packer.compress(text[at : at + _PIECE]), packer.flush()
    return b"".join(packed)


def _inflated(packed: bytes, other: bytes, size: int) -> bytes:
    parts = []
    for at in range(0, size, _PIECE):
        wanted = min(_PIECE, size - at)
        unpacker = zlib.decompressobj(_RAW, _around(other, at) or b"\n")
        try:
            parts.append(unpacker.decompress(packed, wanted))
            is_longer = not unpacker.eof and unpacker.decompress(unpacker.unconsumed_tail, 1)
        except zlib.error:
            raise Damaged("a text that cannot be unpacked") from None
        if is_longer or not unpacker.eof:
            raise Damaged("a text that does not end where it should")
        packed = unpacker.unused_data
    if packed:
        raise Damaged("something follows a text")
    return b"".join(parts)


def _around(other: bytes, at: int) -> bytes:
    return other if len(other) <= _BEFORE + _PIECE + _BEHIND else other[max(0, at - _BEFORE) : at + _PIECE + _BEHIND]
