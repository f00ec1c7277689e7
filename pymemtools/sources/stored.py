"""Where the bytes of an archive's members are kept: in the file itself, or in memory, packed again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from pymemtools.errors import ArchiveError
from pymemtools.sources.tar import BLOCK, Member, Reader

_CHUNK = 1 << 20


class Stored(NamedTuple):
    """One member's bytes."""

    size: int
    offset: int  # in the file; -1: in memory
    data: bytes = b""
    is_packed: bool = False


class PlainFile:
    """A plain tar in a regular file, from where it is positioned: skipping costs nothing, and nothing is copied."""

    def __init__(self, fd: int, max_bytes: int) -> None:
        self._fd = fd
        self._place = os.lseek(fd, 0, os.SEEK_CUR)
        self._size = os.fstat(fd).st_size
        if self._size > max_bytes:
            raise ArchiveError(f"is larger than {max_bytes >> 20} MiB (see --max-size)")

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
            raise ArchiveError(f"truncated archive: in the data of member {member.number}")
        return Stored(member.size, member.offset)


def keep_in_memory(stream: Reader, member: Member) -> Stored:
    """Keep a member's bytes, packed when they are more than a few blocks."""
    if member.size <= 4 * BLOCK:
        data = stream.read(member.size)
        if len(data) < member.size:
            raise ArchiveError(f"truncated archive: in the data of member {member.number}")
        return Stored(member.size, -1, data)
    import zlib

    packer = zlib.compressobj(1)
    parts = []
    left = member.size
    while left:
        chunk = stream.read(min(left, _CHUNK))
        if not chunk:
            raise ArchiveError(f"truncated archive: in the data of member {member.number}")
        parts.append(packer.compress(chunk))
        left -= len(chunk)
    parts.append(packer.flush())
    return Stored(member.size, -1, b"".join(parts), True)


def chunks_of(stored: Stored, fd: int) -> Iterator[bytes]:
    """Give a member's bytes piece by piece."""
    if stored.offset >= 0:
        yield from _in_place(stored, fd)
    elif not stored.is_packed:
        yield stored.data
    else:
        import zlib

        unpacker = zlib.decompressobj()
        data = stored.data
        while data:
            yield unpacker.decompress(data, _CHUNK)
            data = unpacker.unconsumed_tail


def _in_place(stored: Stored, fd: int) -> Iterator[bytes]:
    at, end = stored.offset, stored.offset + stored.size
    while at < end:
        chunk = os.pread(fd, min(_CHUNK, end - at), at)
        if not chunk:
            raise ArchiveError("became shorter while it was read")
        yield chunk
        at += len(chunk)
