"""Unpack a stream of bytes as it is read: gzip, bzip2, xz, zstd or plain, told by their first bytes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from pymemtools.errors import ArchiveError

_CHUNK = 256 * 1024
_MAX_STREAMS = 100_000  # parallel compressors write one for every 64 KiB or more
_XZ_MEMORY = 128 << 20  # bytes; `xz -9` needs 65 MiB to unpack, an archive may ask for 4 GiB


class Decompressor(Protocol):
    """What bz2, lzma and our gzip wrapper have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Unpack ``data`` into at most ``max_length`` bytes."""
        ...


class Stream:
    """Read an unpacked file forward, counting, with an upper limit on what it may unpack to."""

    def __init__(self, fd: int, max_bytes: int) -> None:
        self._fd = fd
        self._max_bytes = max_bytes
        self._place = 0
        self._taken = 0  # bytes read from the file
        self._streams = 0
        self._buffer = b""
        head = self._raw(_CHUNK)
        self.new_decompressor = _recognise(head)
        self._decompressor = self.new_decompressor() if self.new_decompressor else None
        self._input = head
        self._ended = False

    @property
    def is_compressed(self) -> bool:
        """Tell whether anything is unpacked at all."""
        return self.new_decompressor is not None

    def tell(self) -> int:
        """Tell the place in the unpacked bytes."""
        return self._place

    def read(self, size: int) -> bytes:
        """Give exactly ``size`` bytes, fewer only at the end. Raises ArchiveError for damaged or oversized data."""
        parts = []
        wanted = size
        while wanted and (self._buffer or self._fill()):
            part, self._buffer = self._buffer[:wanted], self._buffer[wanted:]
            parts.append(part)
            wanted -= len(part)
        self._place += size - wanted
        return b"".join(parts)

    def skip(self, size: int) -> int:
        """Pass over bytes; tell how many there were."""
        left = size
        while left:
            part = len(self.read(min(left, _CHUNK)))
            if not part:
                break
            left -= part
        return size - left

    def _raw(self, size: int) -> bytes:
        parts = []
        while size and (part := os.read(self._fd, size)):
            parts.append(part)
            size -= len(part)
            self._taken += len(part)
        if self._taken > self._max_bytes:
            raise ArchiveError(f"is larger than {self._max_bytes >> 20} MiB (see --max-size)")
        return b"".join(parts)

    def _fill(self) -> bool:
        if self._place > self._max_bytes:
            raise ArchiveError(f"unpacks to more than {self._max_bytes >> 20} MiB (see --max-size)")
        if self._decompressor is None:
            self._buffer, self._input = self._input or self._raw(_CHUNK), b""
            return bool(self._buffer)
        while not self._ended:
            self._buffer = self._unpack()
            if self._buffer:
                return True
        return False

    def _unpack(self) -> bytes:
        """Unpack one piece; a file may hold several compressed streams, one after the other."""
        assert self._decompressor is not None and self.new_decompressor is not None  # noqa: S101 (see _fill)
        if self._decompressor.eof:
            rest = (self._decompressor.unused_data + self._input).lstrip(b"\0") or self._raw(_CHUNK).lstrip(b"\0")
            if not rest:
                self._ended = True
                return b""
            if _recognise(rest) is not self.new_decompressor:
                raise ArchiveError("damaged archive: junk after the compressed data")
            self._streams += 1
            if self._streams > _MAX_STREAMS:
                raise ArchiveError(f"damaged archive: more than {_MAX_STREAMS} compressed streams")
            self._decompressor, self._input = self.new_decompressor(), rest
        if self._decompressor.needs_input and not self._input:
            self._input = self._raw(_CHUNK)
            if not self._input:
                raise ArchiveError("truncated archive: the compressed data ends early")
        data, self._input = self._input, b""
        try:
            return self._decompressor.decompress(data, _CHUNK)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 (zlib.error, OSError, LZMAError, ZstdError, ValueError ...)
            raise ArchiveError(f"damaged archive: {error}") from None


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
        self._zstd = zstandard.ZstdDecompressor(max_window_size=_XZ_MEMORY).decompressobj()
        self._input = b""

    @property
    def eof(self) -> bool:
        return bool(self._zstd.eof)

    @property
    def needs_input(self) -> bool:
        return not self._input

    @property
    def unused_data(self) -> bytes:
        return bytes(self._zstd.unused_data) + self._input

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        data = self._input + data
        self._input = data[self._STEP :]
        return bytes(self._zstd.decompress(data[: self._STEP]))


def _bzip2() -> Decompressor:
    import bz2

    return bz2.BZ2Decompressor()


def _xz() -> Decompressor:
    import lzma

    return lzma.LZMADecompressor(memlimit=_XZ_MEMORY)


_MAGIC: tuple[tuple[bytes, Callable[[], Decompressor]], ...] = (
    (b"\x1f\x8b", _Gzip),
    (b"BZh", _bzip2),
    (b"\xfd7zXZ\0", _xz),
    (b"\x28\xb5\x2f\xfd", _Zstd),
)


def _recognise(head: bytes) -> Callable[[], Decompressor] | None:
    return next((make for magic, make in _MAGIC if head.startswith(magic)), None)
