"""The one place where untrusted text becomes fit to print."""

from __future__ import annotations

import re

_ASCII_AS_IT_IS = re.compile(r"[ -\[\]-~]*")
_BACKSLASHES_OR_OTHER = re.compile(r"\\+|[^ -~]")


def escape(text: str) -> str:
    r"""Show control, undecodable, invisible and direction-changing characters as ``\xNN`` or ``\uNNNN``.

    ``\xNN`` is a byte: an ASCII control character, or one that was no UTF-8. All that Unicode calls printable stays as
    it is, accents and wide characters included. Backslashes are doubled only where they, or the first escape after
    them, would be misread; so no two texts look the same.

    >>> escape("a\x1b[2Jb"), escape("caf\udce9"), escape(r"C:\temp\x")
    ('a\\x1b[2Jb', 'caf\\xe9', 'C:\\temp\\\\x')
    """
    if _ASCII_AS_IT_IS.fullmatch(text) or (text.isprintable() and "\\" not in text):
        return text
    return _BACKSLASHES_OR_OTHER.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    found, following = match[0], match.string[match.end() : match.end() + 1]
    if found[0] == "\\":
        is_misread = following in ("x", "u", "U") or not following.isprintable()
        return found * 2 if is_misread else found
    if found.isprintable():
        return found
    code = ord(found)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8, as surrogateescape keeps it
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """Count the terminal columns of escaped text: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    others = [character for character in text if character > "\x7f"]
    return len(text) - len(others) + sum(map(_columns, others))


def _columns(character: str) -> int:
    from unicodedata import category, east_asian_width

    if category(character) in ("Mn", "Me"):
        return 0
    return 2 if east_asian_width(character) in ("W", "F") else 1


def cut(text: str, columns: int) -> str:
    """Cut escaped text to so many terminal columns.

    >>> cut("pymemtools", 4), cut("日本語", 5)
    ('pyme', '日本')
    """
    if text.isascii():
        return text[:columns]
    for end, character in enumerate(text):
        columns -= _columns(character)
        if columns < 0:
            return text[:end]
    return text


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """Fill escaped text up with blanks to so many terminal columns; longer text stays whole."""
    blanks = " " * (columns - width(text))
    return blanks + text if right else text + blanks
