"""Files with holes in a tar archive: which pieces of them it holds, in the four ways that tar programs say so.

GNU tar's own header (type ``S``), and three versions in pax headers; bsdtar writes the last, too. Source: GNU tar's
manual, "Sparse Formats".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pymemtools.errors import ArchiveError, TruncatedArchive
from pymemtools.sources.archive.header import BLOCK, number, pax_number

MAX_PIECES = 100_000  # of all files of an archive
_CHUNK = 1 << 20
_PIECE = 24  # bytes of GNU tar's header: an offset and a length
_HEADERS_PIECES, _HEADER_GOES_ON = range(386, 386 + 4 * _PIECE, _PIECE), 482
_BLOCKS_PIECES, _BLOCK_GOES_ON = range(0, 21 * _PIECE, _PIECE), 504

Read = Callable[[int], bytes]
Pieces = tuple[tuple[int, int], ...]  # offset and length in bytes, ascending


class Sparse(NamedTuple):
    """A file of which the archive holds pieces only, with zeros between them."""

    size: int  # bytes, the holes counted
    held: int  # bytes that the archive has
    pieces: Pieces


def from_header(block: bytes, read: Read, held: int, member: int) -> Sparse:
    """Read GNU tar's old map: four pieces in the header, others in blocks behind it."""
    numbers = _in_block(block, _HEADERS_PIECES)
    size = number(block[483:495])
    goes_on = block[_HEADER_GOES_ON]
    while goes_on:
        block = read(BLOCK)
        if len(block) < BLOCK:
            raise _cut(member)
        numbers += _in_block(block, _BLOCKS_PIECES)
        _limit(len(numbers) // 2)
        goes_on = block[_BLOCK_GOES_ON]
    return _checked(size, numbers, held, member)


def _in_block(block: bytes, places: range) -> list[int | None]:
    numbers = []
    for at in places:
        if not block[at + 12]:
            break
        numbers += [number(block[at : at + 12]), number(block[at + 12 : at + 24])]
    return numbers


def is_in_pax(said: Mapping[str, str]) -> bool:
    """Tell whether pax records are of a sparse file."""
    return any(key.startswith("GNU.sparse.") for key in said)


def from_pax(said: Mapping[str, str], read: Read, size: int, member: int) -> Sparse:
    """Read the map that a pax header holds (0.0, 0.1), or that is at the start of the ``size`` bytes of data (1.0)."""
    version = f"{said.get('GNU.sparse.major', '0')}.{said.get('GNU.sparse.minor', '0')}"
    if version == "1.0":
        numbers, taken = _in_data(read, member)
        return _checked(pax_number(said.get("GNU.sparse.realsize", "")), numbers, size - taken, member)
    if version not in ("0.0", "0.1"):
        raise ArchiveError(f"sparse file of format {version[:20]} in member {member}: not supported")
    said_map = said.get("GNU.sparse.map")
    numbers = list(map(pax_number, said_map.split(","))) if said_map else []
    return _checked(pax_number(said.get("GNU.sparse.size", "")), numbers, size, member)


def _in_data(read: Read, member: int) -> tuple[list[int | None], int]:
    """Read lines of numbers, filled up to whole blocks: how many pieces there are, and two of each."""
    numbers: list[int | None] = []
    rest, taken, wanted = b"", 0, 1
    while len(numbers) < wanted:
        block = read(BLOCK)
        if len(block) < BLOCK:
            raise _cut(member)
        taken += BLOCK
        *lines, rest = (rest + block).split(b"\n")
        numbers += [pax_number(line.decode("latin-1")) for line in lines]
        if not numbers or numbers[0] is None:
            raise _bad(member)
        _limit(numbers[0])
        wanted = 1 + 2 * numbers[0]
    return numbers[1:wanted], taken


def _checked(size: int | None, numbers: Sequence[int | None], held: int, member: int) -> Sparse:
    """Refuse a map whose pieces overlap, leave the file, or are not what the archive holds."""
    values = [value for value in numbers if value is not None]
    if size is None or len(values) < len(numbers) or len(values) % 2:
        raise _bad(member)
    pieces = tuple((start, length) for start, length in zip(values[::2], values[1::2]) if length)
    ends = [0, *(start + length for start, length in pieces)]
    if any(start < end for (start, _), end in zip(pieces, ends)) or ends[-1] > size:
        raise _bad(member)
    if sum(length for _, length in pieces) != held:
        raise _bad(member)
    return Sparse(size, held, pieces)


def _limit(count: int) -> None:
    if count > MAX_PIECES:
        raise too_many_pieces()


def too_many_pieces() -> ArchiveError:
    """Say that there is more to keep of sparse files than any program writes."""
    return ArchiveError(f"archive with more than {MAX_PIECES} pieces of sparse files")


def _bad(member: int) -> ArchiveError:
    return ArchiveError(f"damaged archive: bad sparse map in member {member}")


def _cut(member: int) -> TruncatedArchive:
    return TruncatedArchive(f"truncated archive: in the sparse map of member {member}")


def with_holes(chunks: Iterator[bytes], sparse: Sparse) -> Iterator[bytes]:
    """Give a file's bytes, zeros where it has holes, from the bytes that the archive holds."""
    waiting: list[bytes] = []
    room = _CHUNK
    for part in _parts(chunks, sparse):
        waiting.append(part)
        room -= len(part)
        if room <= 0:
            yield b"".join(waiting)
            waiting, room = [], _CHUNK
    if waiting:
        yield b"".join(waiting)


def _parts(chunks: Iterator[bytes], sparse: Sparse) -> Iterator[bytes]:
    place = at = 0
    chunk = b""
    for start, length in (*sparse.pieces, (sparse.size, 0)):
        while place < start:
            zeros = min(start - place, _CHUNK)
            yield bytes(zeros)
            place += zeros
        while place < start + length:
            if at == len(chunk):
                chunk, at = next(chunks), 0
            part = chunk[at : at + start + length - place]
            yield part
            at += len(part)
            place += len(part)
