"""The file of an archive, and where its members' bytes are kept: in the file itself, or in memory, packed again."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from pymemtools.errors import ArchiveError
from pymemtools.sources.archive.small import SmallFile
from pymemtools.sources.archive.sparse import Sparse, with_holes
from pymemtools.sources.archive.tar import cut_in_data
from pymemtools.sources.archive.unpack import Stream
from pymemtools.sources.compression import MAGIC_SIZE, recognise
from pymemtools.units import exact_size

_CHUNK = 1 << 20
_WINDOW = 4096  # bytes read at once of a plain file: headers of small members are close together
_PACKED_CHUNK = 16 * 1024  # bytes unpacked at once
_SMALL = 4 << 20  # bytes; an archive of no more is kept as it is: most captures of boards are
_UNPACKED = 2048  # bytes; less is kept as it is
_OVERHEAD = 512  # bytes that Python needs to know of a member, at most


class Stored(NamedTuple):
    """Where one member's bytes are."""

    size: int  # bytes
    place: int  # in the file, or among what is kept in memory
    sparse: Sparse | None = None


class Bytes(Protocol):
    """Where the bytes of an archive's members are kept."""

    def chunks(self, place: int, size: int, where: str) -> Iterator[bytes]:
        """Give bytes piece by piece. Raises ArchiveError for a file that changed or cannot be read any more."""
        ...


def archive_file(fd: int, max_bytes: int) -> File:
    """Give the reader for an archive, from where its file is positioned."""
    if stat.S_ISREG(os.fstat(fd).st_mode):
        start = os.lseek(fd, 0, os.SEEK_CUR)
        if recognise(os.pread(fd, MAGIC_SIZE, start)) is None:
            return PlainFile(fd, start, max_bytes)
    stream = KeptStream(fd, max_bytes)
    data = stream.whole(_SMALL)
    return stream if data is None else SmallFile(data)


def chunks_of(stored: Stored, kept: Bytes, where: str) -> Iterator[bytes]:
    """Give a member's bytes piece by piece. Raises ArchiveError for a file that changed or cannot be read any more."""
    if stored.sparse is None:
        return kept.chunks(stored.place, stored.size, where)
    return with_holes(kept.chunks(stored.place, stored.sparse.held, where), stored.sparse)


class PlainFile:
    """A plain tar in a regular file: skipping costs nothing, and nothing is copied."""

    def __init__(self, fd: int, start: int, max_bytes: int) -> None:
        self._fd = fd
        self._window, self._start = b"", start  # some bytes of the file, and their place in it
        self._at = 0  # in the window, or behind it
        self._size = os.fstat(fd).st_size
        self.kept = _InPlace(fd)
        if self._size > max_bytes:
            raise ArchiveError(f"is larger than {exact_size(max_bytes)} (see --max-size)")

    def tell(self) -> int:
        return self._start + self._at

    def read(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._window):
            self._start += self._at
            self._window = os.pread(self._fd, max(size, _WINDOW), self._start)
            self._at, end = 0, size
        data = self._window[self._at : end]
        self._at += len(data)
        return data

    def skip_to(self, place: int) -> int:
        place = max(min(place, self._size), self._start + self._at)
        self._at = place - self._start
        return place

    def keep(self, size: int, member: int) -> int:
        """Give the place of a member's bytes, which must be there whole."""
        place = self._start + self._at
        if place + size > self._size:
            raise cut_in_data(member)
        return place


class _InPlace:
    """A plain file's bytes."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def chunks(self, place: int, size: int, where: str) -> Iterator[bytes]:
        end = place + size
        while place < end:
            try:
                chunk = os.pread(self._fd, min(_CHUNK, end - place), place)
            except OSError as error:
                raise ArchiveError(f"{where}: {os.strerror(error.errno or 0)}") from None
            if not chunk:
                raise ArchiveError(f"{where}: the archive became shorter while it was read")
            yield chunk
            place += len(chunk)


class KeptStream(Stream):
    """A compressed archive, or one from a pipe: it is read but once, so what counts is kept in memory.

    Text as the kernel writes it packs to a sixteenth, so a twelfth of what may be unpacked is room enough.
    """

    def __init__(self, fd: int, max_bytes: int) -> None:
        super().__init__(fd, max_bytes)
        self._all_room = self._room = max(max_bytes // 12, 32 << 20)
        self.kept = _InMemory()

    def keep(self, size: int, member: int) -> int:
        """Keep a member's bytes, packed when there are more than a few; give their place."""
        import zlib

        place = len(self.kept.packed)
        packer = zlib.compressobj(1) if size > _UNPACKED else None
        left = size
        while left:
            chunk = self.read(min(left, _CHUNK))
            if not chunk:
                raise cut_in_data(member)
            left -= len(chunk)
            self._add(chunk if packer is None else packer.compress(chunk))
        if packer is not None:
            self._add(packer.flush())
        self._room -= _OVERHEAD
        return place

    def _add(self, part: bytes) -> None:
        self.kept.packed += part
        self._room -= len(part)
        if self._room < 0:
            room = exact_size(self._all_room >> 20 << 20)
            raise ArchiveError(f"takes more than {room} of memory to read; unpack it to a plain file first")


class _InMemory:
    """What is kept of a stream: one member behind the other, those of more than a few bytes packed."""

    def __init__(self) -> None:
        self.packed = bytearray()

    def chunks(self, place: int, size: int, where: str) -> Iterator[bytes]:
        if size > _UNPACKED:
            yield from self._unpacked(place)
        elif size:
            yield bytes(self.packed[place : place + size])

    def _unpacked(self, place: int) -> Iterator[bytes]:
        import zlib

        unpacker = zlib.decompressobj()
        while not unpacker.eof:
            data = unpacker.unconsumed_tail
            if not data:
                data = bytes(self.packed[place : place + _PACKED_CHUNK])
                place += len(data)
            if chunk := unpacker.decompress(data, _CHUNK):
                yield chunk


File = PlainFile | SmallFile | KeptStream
