"""Tell how a file is compressed by its first bytes, and unpack it step by step in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pymemtools.errors import ArchiveError

_MAX_WINDOW = 128 << 20  # bytes; `xz -9` and `zstd --ultra` need 64 MiB to unpack, an archive may ask for 4 GiB
MAGIC_SIZE = 6  # bytes


class Decompressor(Protocol):
    """What bz2, lzma and our wrappers of zlib and zstandard have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Unpack ``data`` into at most ``max_length`` bytes."""
        ...


def recognise(head: bytes) -> Callable[[], Decompressor] | None:
    """Give what makes a decompressor for a file that starts so; None for one that is not compressed.

    >>> recognise(b"ustar") is None
    True
    """
    return next((make for magic, make in _MAGIC if head.startswith(magic)), None)


class _Gzip:
    """Give zlib's decompressor, which checks gzip's CRC and length itself, the manners of bz2's."""

    def __init__(self) -> None:
        import zlib

        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


class _Zstd:
    """Give zstandard's decompressor the manners of bz2's.

    It unpacks all that it is given at once, so it is given little: a byte may unpack to 32 KiB.
    """

    _STEP = 1024

    def __init__(self) -> None:
        try:
            import zstandard
        except ImportError:
            raise ArchiveError("zstd archives need the zstd extra: pip install 'pymemtools[zstd]'") from None
        self._zstd = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj()
        self._input = b""
        self._at = 0

    @property
    def eof(self) -> bool:
        return bool(self._zstd.eof)

    @property
    def needs_input(self) -> bool:
        return self._at >= len(self._input)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._zstd.unused_data) + self._input[self._at :]

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        if data:
            self._input, self._at = self._input[self._at :] + data, 0
        step = self._input[self._at : self._at + self._STEP]
        self._at += len(step)
        return bytes(self._zstd.decompress(step))


def _bzip2() -> Decompressor:
    import bz2

    return bz2.BZ2Decompressor()


def _xz() -> Decompressor:
    import lzma

    return lzma.LZMADecompressor(memlimit=_MAX_WINDOW)


_MAGIC: tuple[tuple[bytes, Callable[[], Decompressor]], ...] = (
    (b"\x1f\x8b", _Gzip),
    (b"BZh", _bzip2),
    (b"\xfd7zXZ\0", _xz),
    (b"\x28\xb5\x2f\xfd", _Zstd),
    (b"\x50\x2a\x4d\x18", _Zstd),  # a frame to be skipped, as pzstd writes before each
)
