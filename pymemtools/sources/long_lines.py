"""Refuse lines that no kernel writes, before a parser has to hold one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pymemtools.errors import ParseError

LONGEST = 64 * 1024  # bytes; a path has at most 4096, each of them written as four at worst


def without_long_lines(chunks: Iterable[bytes], where: str) -> Iterator[bytes]:
    """Pass text on as long as no line in it is longer than LONGEST. Raises ParseError."""
    open_line = 0  # bytes of the line that the last chunk left unfinished
    for chunk in chunks:
        at = -open_line
        while len(chunk) - at > LONGEST:
            end = chunk.rfind(b"\n", max(at, 0), max(at + LONGEST, 0))
            if end < 0:
                raise ParseError(where, None, f"a line of more than {LONGEST // 1024} KiB")
            at = end + 1
        last = chunk.rfind(b"\n", max(at, 0))
        open_line = len(chunk) - (last + 1 if last >= 0 else at)
        yield chunk
