"""/proc/PID/statm: a process's memory in pages."""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.errors import ParseError, excerpt


class Statm(NamedTuple):
    """The fields that every kernel since 2.6 fills."""

    size_pages: int
    resident_pages: int
    shared_pages: int  # those of files and shared memory


def parse_statm(text: bytes, file: str = "statm") -> Statm:
    r"""Read the one line. Raises ParseError.

    >>> parse_statm(b"694 211 197 1 0 91 0\n")
    Statm(size_pages=694, resident_pages=211, shared_pages=197)

    Source: fs/proc/array.c, proc_pid_statm().
    """
    words = text.split()
    if len(words) < 3 or not all(word.isdigit() and len(word) <= 20 for word in words[:3]):
        raise ParseError(file, 1, f"expected pages, got {excerpt(text)}")
    return Statm._make(map(int, words[:3]))
