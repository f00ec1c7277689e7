"""Undo the encoding that a log was saved in: UTF-8 with a mark at its start, or UTF-16, as Windows writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_ENOUGH = 64  # bytes that tell
_ZEROS = re.compile(rb"\n?\0+\n?")
_MANY = 0.4  # of the bytes at odd, or at even places are zero in UTF-16: letters of ASCII have one each


def as_utf8(pieces: Iterable[bytes]) -> Iterator[bytes]:
    r"""Pass a log on, turned into UTF-8 if it is in UTF-16; other encodings are left as they are.

    >>> b"".join(as_utf8(["Mär".encode("utf-16")])) == "Mär".encode()
    True
    """
    rest = iter(pieces)
    first = b""
    for piece in rest:
        first += piece
        if len(first) >= _ENOUGH:
            break
    encoding = _encoding_of(first)
    if encoding is None:
        yield first.removeprefix(b"\xef\xbb\xbf")
        yield from rest
        return
    import codecs

    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    yield decoder.decode(first).removeprefix("\ufeff").encode()
    for piece in rest:
        yield decoder.decode(piece).encode()


def without_zeros(pieces: Iterable[bytes]) -> Iterator[bytes]:
    r"""End a line where zeros are: a file system leaves blocks of them in a log when the power fails.

    >>> b"".join(without_zeros([b"cut sho\0\0\0\0[    0.0] Linux\n"]))
    b'cut sho\n[    0.0] Linux\n'
    """
    for piece in pieces:
        yield _ZEROS.sub(b"\n", piece) if b"\0" in piece else piece


def _encoding_of(start: bytes) -> str | None:
    """Tell UTF-16 by its mark, or by where zeros are."""
    if start.startswith(b"\xff\xfe"):
        return "utf-16-le"
    if start.startswith(b"\xfe\xff"):
        return "utf-16-be"
    even, odd = start[0:_ENOUGH:2], start[1:_ENOUGH:2]
    at_even, at_odd = even.count(0) > _MANY * len(even), odd.count(0) > _MANY * len(odd)
    if at_even == at_odd:
        return None
    return "utf-16-be" if at_even else "utf-16-le"
