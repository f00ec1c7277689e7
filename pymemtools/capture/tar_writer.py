"""Write tar headers: ustar with pax extensions, or V7 as smemcap writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pymemtools.capture.body import Body

BLOCK = 512
END = bytes(2 * BLOCK)
_MAX_OCTAL_ID = 0o7777777


class Member(NamedTuple):
    """One file or directory to be written."""

    name: str
    body: Body
    uid: int = 0
    mtime: int = 0  # seconds since 1970
    is_directory: bool = False


def encode(member: Member, *, v7: bool = False) -> Iterator[bytes]:
    """Give a member's blocks, piece by piece; ``v7`` leaves out magic and extensions, and cuts what does not fit."""
    name = member.name.encode("utf-8", "surrogateescape")
    records = []
    if len(name) > 100 or not name.isascii():
        records.append((b"path", name))
    if member.uid > _MAX_OCTAL_ID:
        records.append((b"uid", b"%d" % member.uid))
    extension = b"" if v7 or not records else _pax(records)
    kind = b"5" if member.is_directory else b"0"
    uid = min(member.uid, _MAX_OCTAL_ID)
    size = member.body.size
    yield extension + _header(name, size, kind, uid, member.mtime, v7=v7)
    yield from member.body.pieces()
    yield _padding(size)


def _pax(records: list[tuple[bytes, bytes]]) -> bytes:
    data = b"".join(_record(key, value) for key, value in records)
    return _header(b"./PaxHeaders/member", len(data), b"x", 0, 0) + data + _padding(len(data))


def _record(key: bytes, value: bytes) -> bytes:
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(b"%d" % length) + len(body) != length:
        length = len(b"%d" % length) + len(body)
    return b"%d" % length + body


def _header(name: bytes, size: int, kind: bytes, uid: int, mtime: int, *, v7: bool = False) -> bytes:
    mode = b"0000555" if kind == b"5" else b"0000444"
    fields = [
        *((name[:100], 100), (mode, 8), (b"%07o" % uid, 8), (b"%07o" % uid, 8), (b"%011o" % size, 12)),
        *((b"%011o" % mtime, 12), (b" " * 8, 8), (kind, 1), (b"", 100), (b"" if v7 else b"ustar\x0000", 8)),
    ]
    block = b"".join(field.ljust(width, b"\0") for field, width in fields).ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK)
