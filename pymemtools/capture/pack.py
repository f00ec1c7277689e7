"""Compress a stream of bytes as the file's suffix says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from pymemtools.errors import MemtoolsError

SUFFIXES = {
    ".tar": "",
    ".tar.gz": "gz",
    ".tgz": "gz",
    ".tar.xz": "xz",
    ".txz": "xz",
    ".tar.bz2": "bz2",
    ".tbz2": "bz2",
    ".tar.zst": "zst",
    ".tzst": "zst",
}


class Compressor(Protocol):
    """What zlib, lzma, bz2 and zstandard have in common."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def kind_of(path: str) -> str | None:
    """Tell the compression by a file's suffix: ``""`` for none, None for a suffix that says nothing.

    >>> kind_of("board.tar"), kind_of("board.tar.gz"), kind_of("board.zip")
    ('', 'gz', None)
    """
    return next((kind for suffix, kind in SUFFIXES.items() if path.endswith(suffix)), None)


def packed(pieces: Iterable[bytes], kind: str) -> Iterator[bytes]:
    """Compress pieces as they come. Raises MemtoolsError where zstandard is not installed."""
    if not kind:
        yield from pieces
        return
    compressor = _compressor(kind)
    for piece in pieces:
        data = compressor.compress(piece)
        if data:
            yield data
    yield compressor.flush()


def _compressor(kind: str) -> Compressor:
    if kind == "gz":
        import zlib

        return zlib.compressobj(6, zlib.DEFLATED, 31)
    if kind == "bz2":
        import bz2

        return bz2.BZ2Compressor()
    if kind == "xz":
        import lzma

        return lzma.LZMACompressor(preset=4)
    try:
        import zstandard
    except ImportError:
        raise MemtoolsError("writing .zst needs the zstd extra: pip install 'pymemtools[zstd]'") from None
    compressor: Compressor = zstandard.ZstdCompressor(level=3).compressobj()
    return compressor
