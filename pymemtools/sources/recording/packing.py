"""Pack a text with another one that is much like it: what is the same costs a few bytes.

A text of a kernel's file mostly differs from an earlier one of the same file in some digits. zlib looks back 32 KiB, so
longer texts are packed in pieces, each with what was about the same place of the other text.
"""

from __future__ import annotations

import zlib

from pymemtools.errors import ArchiveError

_PIECE = 16 << 10  # bytes
_BEFORE, _BEHIND = 8 << 10, 8 << 10  # of the other text, around the place of the piece
_RAW = -zlib.MAX_WBITS


def pack(text: bytes, other: bytes) -> bytes:
    """Pack a text with the help of another.

    >>> len(pack(b"VmRSS:      4128 kB", b"VmRSS:      4096 kB")) < 12
    True
    """
    if not text:
        return b""
    packed = []
    for at in range(0, len(text), _PIECE):
        packer = zlib.compressobj(6, zlib.DEFLATED, _RAW, 8, zlib.Z_DEFAULT_STRATEGY, _around(other, at) or b"\n")
        packed.append(packer.compress(text[at : at + _PIECE]))
        packed.append(packer.flush())
    return b"".join(packed)


def unpack(packed: bytes, other: bytes, size: int) -> bytes:
    """Unpack a text of so many bytes, and never more. Raises ArchiveError for what is none."""
    parts = []
    for at in range(0, size, _PIECE):
        wanted = min(_PIECE, size - at)
        unpacker = zlib.decompressobj(_RAW, _around(other, at) or b"\n")
        try:
            part = unpacker.decompress(packed, wanted)
            is_whole = unpacker.eof or not unpacker.decompress(unpacker.unconsumed_tail, 1)
        except zlib.error as error:
            raise ArchiveError(f"damaged recording: {error}") from None
        if len(part) != wanted or not is_whole or not unpacker.eof:
            raise ArchiveError(f"damaged recording: a text of {size} bytes is not as long")
        packed = unpacker.unused_data
        parts.append(part)
    if packed:
        raise ArchiveError("damaged recording: something follows a text")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _around(other: bytes, at: int) -> bytes:
    return other if len(other) <= _BEFORE + _PIECE + _BEHIND else other[max(0, at - _BEFORE) : at + _PIECE + _BEHIND]
