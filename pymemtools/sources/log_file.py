"""Read a log piece by piece, packed or not; none is held whole, for logs can be of any size."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from itertools import chain

from pymemtools.errors import ArchiveError, Denied, MemtoolsError, Missing
from pymemtools.sources.compression import MAGIC_SIZE, Decompressor, recognise
from pymemtools.sources.files import open_directory
from pymemtools.units import exact_size

_CHUNK = 24 << 10  # bytes: with the rest of a line below 30,000, where CPython searches faster
_DUMP = "a dump of memory: vmcore-dmesg beside it, or crash's log, has the kernel's log"
_NO_TEXT = (  # whose text others can give
    *((b"PK\x03\x04", "a zip archive: unpack it first"), (b"\x04\x22M\x18", "packed by lz4: unpack it first")),
    *((b"\x1f\x9d", "packed by compress: unpack it first"), (b"7z\xbc\xaf", "a 7z archive: unpack it first")),
    (b"LPKSHHRH", "a journal: journalctl -k --file FILE prints it"),
    *((b"KDUMP   ", _DUMP), (b"makedump", _DUMP)),
)
_LONGEST_START = 8  # bytes of those
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def log_pieces(path: str, max_bytes: int) -> Iterator[bytes]:
    """Read a log, or standard input for ``-``; a packed one may have ``max_bytes``.

    Raises Missing or Denied; ArchiveError where a packed one is damaged, when all before that was given.
    """
    try:
        fd = 0 if path == "-" else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield from unpacked(iter(lambda: os.read(fd, _CHUNK), b""), max_bytes)
        finally:
            if fd:
                os.close(fd)
    except ArchiveError as error:
        raise ArchiveError(f"{path}: {error}") from None
    except OSError as error:
        kind = Missing if error.errno == errno.ENOENT else Denied
        raise kind(f"{path}: {os.strerror(error.errno or 0)}") from None


def unpacked(pieces: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """Unpack a log that gzip, bzip2, xz or zstd has packed, by its first bytes; pass others on.

    Raises ArchiveError for damage, and for more than ``max_bytes``, when all before that was given; and for what has
    a log that we can not read.
    """
    rest = iter(pieces)
    head = b""
    while len(head) < max(MAGIC_SIZE, _LONGEST_START) and (piece := next(rest, b"")):
        head += piece
    if recognise(head) is not None:
        yield from _streams(chain([head], rest), max_bytes)
        return
    for start, what in _NO_TEXT:
        if head.startswith(start):
            raise ArchiveError(what)
    if head:
        yield head
    yield from rest


def _streams(pieces: Iterator[bytes], max_bytes: int) -> Iterator[bytes]:
    """Unpack one stream after the other: logs are appended to, so that there may be several."""
    left = max_bytes
    data = next(pieces)
    make = again = recognise(data)
    while again is not None:
        if again is not make:
            break
        decompressor = again()
        for piece in _stream(decompressor, chain([data], pieces)):
            left -= len(piece)
            if left < 0:
                raise ArchiveError(f"unpacks to more than {exact_size(max_bytes)} (see --max-size)")
            yield piece
        data = decompressor.unused_data.lstrip(b"\0")
        while len(data) < MAGIC_SIZE and (more := next(pieces, b"")):
            data = (data + more).lstrip(b"\0")
        again = recognise(data)
    if data:
        raise ArchiveError("damaged: junk after the packed data")


def _stream(decompressor: Decompressor, pieces: Iterator[bytes]) -> Iterator[bytes]:
    while not decompressor.eof:
        data = next(pieces, b"") if decompressor.needs_input else b""
        try:
            piece = decompressor.decompress(data, _CHUNK)
        except (MemoryError, ArchiveError):
            raise
        except Exception as error:  # noqa: BLE001 (zlib.error, OSError, LZMAError, ZstdError, ValueError ...)
            raise ArchiveError(f"damaged: {error}") from None
        if piece:
            yield piece
        elif not data and decompressor.needs_input and not decompressor.eof:
            raise ArchiveError("damaged: it ends too early")


def lone_log(path: str) -> bytes | None:
    """Read ``dmesg`` in a directory that need have nothing else; None where there is none."""
    try:
        return open_directory(path, follows=False).read("dmesg")
    except MemtoolsError:
        return None


def is_plain_log(path: str) -> bool:
    """Tell a text, packed or not, from an archive: an archive's header has zeros."""
    try:
        head = next(log_pieces(path, _CHUNK), b"")
    except MemtoolsError:
        return False
    return bool(head) and (b"\0" not in head or head.startswith(_UTF_16))
