"""The file of an archive, and where its members' bytes are kept: in the file itself, or in memory, packed again."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from pymemtools.errors import ArchiveError
from pymemtools.sources.compression import MAGIC_SIZE, recognise
from pymemtools.sources.tar import Member, cut_in_data
from pymemtools.sources.unpack import Stream
from pymemtools.units import exact_size

_CHUNK = 1 << 20
_UNPACKED = 2048  # bytes; less is kept as it is
_OVERHEAD = 512  # bytes that Python needs to know of a member, about


class Stored(NamedTuple):
    """One member's bytes."""

    size: int
    offset: int  # in the file; -1: in memory
    parts: tuple[bytes, ...] = ()
    is_packed: bool = False


def archive_file(fd: int, max_bytes: int) -> PlainFile | KeptStream:
    """Give the reader for an archive, from where its file is positioned."""
    if stat.S_ISREG(os.fstat(fd).st_mode):
        start = os.lseek(fd, 0, os.SEEK_CUR)
        if recognise(os.pread(fd, MAGIC_SIZE, start)) is None:
            return PlainFile(fd, start, max_bytes)
    return KeptStream(fd, max_bytes)


class PlainFile:
    """A plain tar in a regular file: skipping costs nothing, and nothing is copied."""

    def __init__(self, fd: int, start: int, max_bytes: int) -> None:
        self._fd = fd
        self._place = start
        self._size = os.fstat(fd).st_size
        if self._size > max_bytes:
            raise ArchiveError(f"is larger than {exact_size(max_bytes)} (see --max-size)")

    def tell(self) -> int:
        return self._place

    def read(self, size: int) -> bytes:
        data = os.pread(self._fd, size, self._place)
        self._place += len(data)
        return data

    def skip(self, size: int) -> int:
        step = min(size, max(self._size - self._place, 0))
        self._place += step
        return step

    def keep(self, member: Member) -> Stored:
        """Remember where a member is; it must be there whole."""
        if member.offset + member.size > self._size:
            raise cut_in_data(member.number)
        return Stored(member.size, member.offset)


class KeptStream(Stream):
    """A compressed archive, or one from a pipe: it is read but once, so what counts is kept in memory.

    Text as the kernel writes it packs to a sixteenth, so a twelfth of what may be unpacked is room enough.
    """

    def __init__(self, fd: int, max_bytes: int) -> None:
        super().__init__(fd, max_bytes)
        self._all_room = self._room = max(max_bytes // 12, 32 << 20)

    def keep(self, member: Member) -> Stored:
        """Keep a member's bytes, packed when there are more than a few."""
        import zlib

        packer = zlib.compressobj(1) if member.size > _UNPACKED else None
        parts = []
        left = member.size
        while left:
            chunk = self.read(min(left, _CHUNK))
            if not chunk:
                raise cut_in_data(member.number)
            left -= len(chunk)
            parts.append(chunk if packer is None else packer.compress(chunk))
            self._room -= len(parts[-1])
            if self._room < 0:
                raise self._no_room()
        if packer is not None:
            parts.append(packer.flush())
        self._room -= _OVERHEAD
        return Stored(member.size, -1, tuple(filter(None, parts)), packer is not None)

    def _no_room(self) -> ArchiveError:
        room = exact_size(self._all_room >> 20 << 20)
        return ArchiveError(f"takes more than {room} of memory to read; unpack it to a plain file first")


def chunks_of(stored: Stored, fd: int, where: str) -> Iterator[bytes]:
    """Give a member's bytes piece by piece. Raises ArchiveError for a file that changed or cannot be read any more."""
    if stored.offset >= 0:
        return _in_place(stored, fd, where)
    return _unpacked(stored.parts) if stored.is_packed else iter(stored.parts)


def _unpacked(parts: tuple[bytes, ...]) -> Iterator[bytes]:
    import zlib

    unpacker = zlib.decompressobj()
    for part in parts:
        data = part
        while data:
            if chunk := unpacker.decompress(data, _CHUNK):
                yield chunk
            data = unpacker.unconsumed_tail


def _in_place(stored: Stored, fd: int, where: str) -> Iterator[bytes]:
    at, end = stored.offset, stored.offset + stored.size
    while at < end:
        try:
            chunk = os.pread(fd, min(_CHUNK, end - at), at)
        except OSError as error:
            raise ArchiveError(f"{where}: {os.strerror(error.errno or 0)}") from None
        if not chunk:
            raise ArchiveError(f"{where}: the archive became shorter while it was read")
        yield chunk
        at += len(chunk)
