"""The one place where untrusted text becomes fit to print."""

import re

_SAFE = re.compile(r"[ -\[\]-~]*")
_C0_C1_DEL = "\x00-\x1f\x7f-\x9f"
_INVISIBLE = "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
_PRIVATE = "\ue000-\uf8ff\U000f0000-\U0010ffff"
_UNSAFE = re.compile(rf"[{_C0_C1_DEL}{_INVISIBLE}{_PRIVATE}\ud800-\udfff\ufff0-\uffff]|\\(?=[xuU])")


def escape(text: str) -> str:
    r"""Show control, undecodable, invisible and direction-changing characters as ``\xNN`` or ``\uNNNN``.

    Everything else, spaces and accents and wide characters included, stays as it is; a backslash is doubled only
    where it would read as such an escape.

    >>> escape("a\x1b[2Jb"), escape("caf\udce9")
    ('a\\x1b[2Jb', 'caf\\xe9')
    """
    if _SAFE.fullmatch(text):
        return text
    return _UNSAFE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == 0x5C:
        return "\\\\"
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8, as surrogateescape keeps it
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """Count the terminal columns of escaped text: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    total = 0
    for character in text:
        if category(character) in ("Mn", "Me", "Cf"):
            continue
        total += 2 if east_asian_width(character) in ("W", "F") else 1
    return total


def cut(text: str, columns: int) -> str:
    """Cut escaped text to so many terminal columns.

    >>> cut("pymemtools", 4)
    'pyme'
    """
    if text.isascii():
        return text[:columns]
    end = len(text)
    while width(text[:end]) > columns:
        end -= 1
    return text[:end]


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """Fill escaped text up with blanks to so many terminal columns; longer text stays whole."""
    blanks = " " * (columns - width(text))
    return blanks + text if right else text + blanks
