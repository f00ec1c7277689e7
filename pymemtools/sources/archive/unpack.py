"""Read a stream of bytes forward, unpacking it as it is read, up to a limit."""

from __future__ import annotations

import os

from pymemtools.errors import ArchiveError, TruncatedArchive
from pymemtools.sources.compression import Decompressor, recognise
from pymemtools.units import exact_size

_CHUNK = 256 * 1024
_INPUT = 64 * 1024  # less, since what is left of it is copied whenever one of many compressed streams ends
_MAX_STREAMS = 100_000  # parallel compressors write one for every 64 KiB or more


class Stream:
    """Read an unpacked file forward, counting, with an upper limit on what it may unpack to."""

    def __init__(self, fd: int, max_bytes: int) -> None:
        self._fd = fd
        self._max_bytes = max_bytes
        self._place = 0
        self._taken = 0  # bytes read from the file
        self._streams = 0
        self._buffer, self._at = b"", 0  # what is unpacked, and the place in it
        self._error: ArchiveError | None = None  # what is behind that
        self._input = self._raw()
        self._new_decompressor = recognise(self._input)
        self._decompressor = self._new_decompressor() if self._new_decompressor else None

    def whole(self, most: int) -> bytes | None:
        """Give all of it, at the start, where that is no more than ``most`` bytes; else it is read as ever."""
        parts, size, has_more = [], 0, True
        try:
            while has_more and size <= min(most, self._max_bytes):
                has_more = self._fill()
                parts.append(self._buffer)
                size += len(self._buffer)
        except ArchiveError as error:
            self._error = error
        self._buffer = b"".join(parts)
        return None if has_more else self._buffer

    def tell(self) -> int:
        """Tell the place in the unpacked bytes."""
        return self._place

    def read(self, size: int) -> bytes:
        """Give exactly ``size`` bytes, fewer only at the end. Raises ArchiveError for damaged or oversized data."""
        end = self._at + size
        if end <= len(self._buffer):
            data = self._buffer[self._at : end]
            self._at = end
            self._place += size
            return data
        parts = []
        wanted = size
        while wanted and (self._at < len(self._buffer) or self._fill()):
            part = self._buffer[self._at : self._at + wanted]
            self._at += len(part)
            wanted -= len(part)
            parts.append(part)
        self._place += size - wanted
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def skip_to(self, place: int) -> int:
        """Go on to a place, unless it is behind; tell the place reached, which is before it where the stream ends."""
        if 0 <= place - self._place <= len(self._buffer) - self._at:
            self._at += place - self._place
            self._place = place
            return place
        while self._place < place and self.read(min(place - self._place, _CHUNK)):
            pass
        return self._place

    def _raw(self) -> bytes:
        """Read the next bytes of the file as they are, as many as are asked for: a pipe gives few at a time."""
        parts = []
        size = _INPUT
        while size and (part := self._read(size)):
            parts.append(part)
            size -= len(part)
            self._taken += len(part)
        if self._taken > self._max_bytes:
            raise ArchiveError(f"is larger than {exact_size(self._max_bytes)} (see --max-size)")
        return b"".join(parts)

    def _read(self, size: int) -> bytes:
        """Read what is there, or wait: whoever shares a pipe with us may have set it not to block."""
        while True:
            try:
                return os.read(self._fd, size)
            except BlockingIOError:
                import select

                select.select([self._fd], [], [])

    def _fill(self) -> bool:
        """Put the next bytes into the buffer; tell whether there are any."""
        if self._error is not None:
            raise self._error
        if self._place > self._max_bytes:
            raise ArchiveError(f"unpacks to more than {exact_size(self._max_bytes)} (see --max-size)")
        self._buffer, self._at = b"", 0
        if self._new_decompressor is None:
            self._buffer, self._input = self._input or self._raw(), b""
        while self._decompressor is not None and not self._buffer:
            self._buffer = self._unpack(self._decompressor)
        return bool(self._buffer)

    def _unpack(self, decompressor: Decompressor) -> bytes:
        """Unpack one piece, which may be empty."""
        if decompressor.eof:
            self._decompressor = self._next_after(decompressor)
            return b""
        if decompressor.needs_input and not self._input:
            self._input = self._raw()
            if not self._input:
                raise TruncatedArchive("truncated archive: the compressed data ends early")
        data, self._input = self._input, b""
        try:
            return decompressor.decompress(data, _CHUNK)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 (zlib.error, OSError, LZMAError, ZstdError, ValueError ...)
            raise ArchiveError(f"cannot be unpacked: {error}") from None

    def _next_after(self, ended: Decompressor) -> Decompressor | None:
        """Go on to the next compressed stream of the file: there may be several, and zeros behind each."""
        rest = (ended.unused_data + self._input).lstrip(b"\0")
        while not rest and (more := self._raw()):
            rest = more.lstrip(b"\0")
        if not rest:
            return None
        again = recognise(rest)
        if again is None or again is not self._new_decompressor:
            raise ArchiveError("damaged archive: junk after the compressed data")
        self._streams += 1
        if self._streams > _MAX_STREAMS:
            raise ArchiveError(f"damaged archive: more than {_MAX_STREAMS} compressed streams")
        self._input = rest
        return again()
