"""Read one text that a user names: a saved maps or iomem, or ``-`` for standard input."""

from __future__ import annotations

import os
import stat
import sys

from pymemtools.errors import Denied, Missing, ParseError
from pymemtools.units import exact_size

_CHUNK = 1 << 20


def read_text_file(path: str, max_bytes: int, otherwise: str = "--max-size allows more") -> bytes:
    """Read a regular file, or standard input for ``-``, of at most ``max_bytes``; it is never written to.

    ``otherwise`` says what to do about one that is larger.

    What happens to text on its way is undone: lines that end with CR LF, as serial terminals save them, lose the CR,
    and blank lines at the end go. Raises Missing, Denied or ParseError.
    """
    text = _raw(path, max_bytes, otherwise)
    first = text[: text.find(b"\n") + 1]
    if first.endswith(b"\r\n"):
        text = text.replace(b"\r\n", b"\n")
    return text.rstrip(b"\n") + b"\n" if text.endswith(b"\n\n") else text


def _raw(path: str, max_bytes: int, otherwise: str) -> bytes:
    if path == "-":
        if sys.stdin is None:
            raise Missing("-: standard input is closed")
        if os.isatty(0):
            raise Missing("-: standard input is a terminal")
        return _read(0, path, max_bytes, otherwise)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except (FileNotFoundError, ValueError):
        raise Missing(f"{path}: No such file or directory") from None
    except OSError as error:
        raise Denied(f"{path}: {error.strerror}") from None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ParseError(path, None, "not a regular file (standard input is -)")
        return _read(fd, path, max_bytes, otherwise)
    finally:
        os.close(fd)


def _read(fd: int, path: str, max_bytes: int, otherwise: str) -> bytes:
    parts = []
    size = 0
    try:
        while part := os.read(fd, _CHUNK):
            parts.append(part)
            size += len(part)
            if size > max_bytes:
                raise ParseError(path, None, f"more than {exact_size(max_bytes)}; {otherwise}")
    except OSError as error:
        raise Denied(f"{path}: {error.strerror}") from None
    return b"".join(parts)


def starts_as_text(path: str) -> bool:
    """Tell a saved text, of /proc or of comments and CSV, from an archive; what cannot be read is neither."""
    try:
        with open(path, "rb") as file:
            head = file.read(256)
    except (OSError, ValueError):
        return False
    first = head.lstrip()[:1]  # of gzip, xz and zstd it is none of these; in the first bytes of a tar are zeros
    return b"\0" not in head and (first.isalnum() or first == b"#")
