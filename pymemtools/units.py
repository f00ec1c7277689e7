"""Sizes: bytes inside, units at the edges; what is unknown makes sums and differences unknown too."""

from __future__ import annotations

import re

KIB = 1024
NEGATIVE = 1 << 63  # and above: a number below 0 that the kernel printed without its sign
_SIZE = r"(?ai)([0-9]{1,15}(?:\.[0-9]{1,6})?)([KMGTP]?)(?:i?B)?"  # compiled where it is used: few runs do
_NUMBER = r"([0-9]{1,12}(?:\.[0-9]{1,6})?)"
_TIME = rf"{_NUMBER}|(?:{_NUMBER}d)?(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?"
_LONGEST = 20  # digits of an unsigned 64-bit number
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}


def parse_size(text: str) -> int:
    """Read ``512``, ``64K``, ``1.5G`` or ``4GiB`` as bytes, units in powers of 1024.

    >>> parse_size("1.5M")
    1572864

    Raises ValueError for anything else.
    """
    match = re.fullmatch(_SIZE, text.strip())
    if match is None:
        raise ValueError(f"not a size: {text!r}")
    number, unit = match.groups()
    factor = 1024 ** _POWERS[unit.upper()]
    return int(number) * factor if "." not in number else int(float(number) * factor)


def parse_seconds(text: str) -> float:
    """Read ``90``, ``0.5s``, ``10m``, ``8h``, ``7d`` or ``1h30m`` as seconds.

    >>> parse_seconds("1h30m"), parse_seconds("10")
    (5400.0, 10.0)

    Raises ValueError for anything else.
    """
    match = re.fullmatch(_TIME, text.strip())
    if match is None or not any(match.groups()):
        raise ValueError(f"not a time: {text!r}")
    alone, *parts = match.groups()
    return float(alone or 0) + sum(float(part or 0) * factor for part, factor in zip(parts, (86400, 3600, 60, 1)))


def exact_size(size: int) -> str:
    """Write a size in the largest unit that it is a whole number of.

    >>> exact_size(1 << 30), exact_size(3 << 29), exact_size(1000)
    ('1 GiB', '1536 MiB', '1000 bytes')
    """
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size and size % factor == 0:
            return f"{size // factor} {unit}"
    return f"{size} bytes"


def brief_size(size: int) -> str:
    """Write bytes for a label: the whole number where it is one, else three significant figures.

    >>> brief_size(132 << 10), brief_size(1777664), brief_size((1 << 20) - 1), brief_size(282 << 30), brief_size(180)
    ('132 KiB', '1.70 MiB', '1.00 MiB', '282 GiB', '180 B')
    """
    factor = 1
    for unit in _UNITS:
        if size % factor == 0 and size < factor * KIB:
            return f"{size // factor} {unit}"
        if size < factor * 999.5:
            break
        factor *= KIB
    else:
        factor //= KIB
    scaled = size / factor
    return f"{scaled:.{2 if scaled < 9.995 else 1 if scaled < 99.95 else 0}f} {unit}"


def whole_number(text: str | bytes) -> int | None:
    """Read a number as the kernel prints it: digits, and no more than 64 bits need; None for anything else.

    >>> whole_number(b"4096"), whole_number("-1"), whole_number("²"), whole_number("9" * 5000)
    (4096, None, None, None)
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST else None


def signed_number(text: str | bytes) -> int | None:
    """Read a number that may be below 0.

    >>> signed_number("-17"), signed_number(b"5"), signed_number("--5")
    (-17, 5, None)
    """
    digits = text[1:] if text[:1] in ("-", b"-") else text
    return None if whole_number(digits) is None else int(text)


def plus(a: int | None, b: int | None) -> int | None:
    """Add, where both are known."""
    return None if a is None or b is None else a + b


def minus(a: int | None, b: int | None) -> int | None:
    """Subtract, where both are known."""
    return None if a is None or b is None else a - b


def rest(whole: int | None, part: int | None) -> int | None:
    """Subtract, where both are known, and the part can be one of the whole."""
    return None if whole is None or part is None or part > whole else whole - part


def times(a: int | None, factor: int) -> int | None:
    """Multiply, where it is known."""
    return None if a is None else a * factor


def human_size(size: int) -> str:
    """Write bytes for people, with one decimal and a unit in powers of 1024.

    >>> human_size(512), human_size(66 << 20), human_size(24_811_234_304), human_size((1 << 20) - 1)
    ('512 B', '66.0 MiB', '23.1 GiB', '1.0 MiB')
    """
    if size < 1024:
        return f"{size} B"
    scaled = float(size)
    units = list(_UNITS)
    while scaled >= 1023.95 and len(units) > 1:  # which would be written 1024.0
        scaled /= 1024
        units.pop(0)
    return f"{scaled:.1f} {units[0]}"


def long_time(seconds: float) -> str:
    """Write a time in the unit that suits it.

    >>> long_time(3600), long_time(9000), long_time(200_000), long_time(1.8e9)
    ('60 min', '2.5 h', '2.3 days', '57.0 years')
    """
    for unit, name in ((365.25 * 86400, "years"), (86400, "days"), (3600, "h")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds / 60:.0f} min"


def is_page_size(size: int) -> bool:
    """Tell whether Linux runs with such pages: the smallest are of 4 KiB, the largest of 1 MiB (Hexagon's)."""
    return 4096 <= size <= 1 << 20 and size & (size - 1) == 0
