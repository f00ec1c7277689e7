"""Amounts as free prints them: cut towards zero, or short for people; unknown is ``-``."""

from __future__ import annotations

_UNITS = "KMGTP"


def scaled(size: int | None, power: int = 1, base: int = 1024) -> str:
    """Give bytes in a unit, ``base`` to the ``power``.

    >>> scaled(4095), scaled(-4095), scaled(4095, 0), scaled(None)
    ('3', '-3', '4095', '-')
    """
    if size is None:
        return "-"
    if power == 0:
        return str(size)
    if power == 1:
        return str(size // base if size >= 0 else -(-size // base))
    return str(int(size / float(base) ** power))


def human(size: int | None, base: int = 1024) -> str:
    """Give bytes in the first unit that takes three digits or fewer, with a decimal below 10.

    As procps 4.0.0 and later do: ``%.1f`` of a single-precision float, and where that is too long, cut; so just under
    10 comes out as 9.

    >>> human(10138 << 10), human(10189 << 10), human(10240 << 10), human(1023 << 10), human(1023 << 10, base=1000)
    ('9.9Mi', '9Mi', '10Mi', '1.0Mi', '1.0M')
    """
    if size is None:
        return "-"
    suffix = "i" if base == 1024 else ""
    text = f"{size}B"
    if len(text) <= 4:
        return text
    for power, unit in enumerate(_UNITS, 1):
        text, fits = _shortest(size / float(base) ** power, unit + suffix, 4 + len(suffix))
        if fits:
            break
    return text


def classic_scaled(size: int | None, power: int = 1, base: int = 1024) -> str:
    """Give bytes in a unit as procps up to 3.3.12 does, which takes KiB (with --si: kB) for the unit above bytes.

    Above that, --si divides KiB, not bytes, by powers of 1000.

    >>> classic_scaled(16303456 << 10, 2), classic_scaled(16303456 << 10, 2, base=1000)
    ('15921', '16303')
    """
    if size is None:
        return "-"
    if power == 0:
        return str(size)
    return str(int(_classic(size, power, base)))


def classic_human(size: int | None, base: int = 1024) -> str:
    """Give bytes as ``free -h`` of procps 3.3.9 does: no ``i``, no decimal in KiB, nothing above T.

    >>> classic_human(9 << 10), classic_human(1535 << 10), classic_human(99 << 10, base=1000)
    ('9K', '1.5M', '101K')
    """
    if size is None:
        return "-"
    text = f"{size}B"
    if len(text) <= 4:
        return text
    text = f"{int(_classic(size, 1, base))}K"
    for power, unit in enumerate("MGT", 2):
        if len(text) <= 4:
            break
        text, _ = _shortest(_classic(size, power, base), unit, 4)
    return text


def _classic(size: int, power: int, base: int) -> float:
    kib = size // 1024 if size >= 0 else -(-size // 1024)
    if power == 1:
        return kib if base == 1024 else kib / 0.9765625
    return kib / float(base) ** (power - 1)


def _shortest(value: float, unit: str, longest: int) -> tuple[str, bool]:
    """Write a value with one decimal, or without; and tell whether that was short enough."""
    import struct

    single: float = struct.unpack("f", struct.pack("f", value))[0]
    text = f"{single:.1f}{unit}"
    if len(text) > longest:
        text = f"{int(value)}{unit}"
    return text, len(text) <= longest
