"""free's units, interval and count, read as procps reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import click

from pymemtools.errors import UsageProblem
from pymemtools.render import free_units

_F = TypeVar("_F", bound=Callable[..., Any])

_UNITS = {  # option: (short, power, base, what it shows)
    "bytes": ("-b", 0, 1024, "bytes"),
    "kibi": ("-k", 1, 1024, "KiB (the default)"),
    "mebi": ("-m", 2, 1024, "MiB"),
    "gibi": ("-g", 3, 1024, "GiB"),
    "tebi": (None, 4, 1024, "TiB"),
    "pebi": (None, 5, 1024, "PiB"),
    "kilo": (None, 1, 1000, "kB (1000)"),
    "mega": (None, 2, 1000, "MB"),
    "giga": (None, 3, 1000, "GB"),
    "tera": (None, 4, 1000, "TB"),
    "peta": (None, 5, 1000, "PB"),
}
_MAX_LONG = 2**63 - 1
_BLANKS = " \t\n\v\f\r"
_DIGITS = "0123456789"


def unit_options(function: _F) -> _F:
    """Add -b, -k ... --peta; each is counted, for even -k twice is one unit too many."""
    for name, (short, _, _, help) in reversed(_UNITS.items()):
        names = [short, f"--{name}"] if short else [f"--{name}"]
        function = click.option(*names, name, count=True, help=f"Show {help}.")(function)
    return function


def amount_format(
    units: Mapping[str, int], *, human: bool, si: bool, classic: bool = False
) -> Callable[[int | None], str]:
    """Choose how amounts are written; ``units`` counts the unit options that were given."""
    chosen = [name for name, count in units.items() if count]
    if sum(units.values()) > 1:
        raise UsageProblem("free: Multiple unit options don't make sense.")
    _, power, base, _ = _UNITS[chosen[0] if chosen else "kibi"]
    if si:
        base = 1000
    if human:
        return partial(free_units.classic_human if classic else free_units.human, base=base)
    return partial(free_units.classic_scaled if classic else free_units.scaled, power=power, base=base)


def parse_seconds(text: str) -> float:
    """Read -s: blanks, a sign, digits, a point or a comma, digits; and nothing else.

    Raises UsageProblem with procps's words: it has a reason for a bad character only before the point.
    """
    number = text.lstrip(_BLANKS)
    sign = number[:1] if number[:1] in ("+", "-") else ""
    whole = number[len(sign) :]
    rest = whole.lstrip(_DIGITS)
    if rest and rest[0] not in ".,":
        raise UsageProblem(f"free: seconds argument failed: '{text}': Invalid argument")
    if not text or rest[1:].strip(_DIGITS):
        raise UsageProblem(f"free: seconds argument failed: '{text}'")
    seconds = float(f"{sign}0{whole.replace(',', '.')}")
    if seconds * 1e6 < 1:
        raise UsageProblem(f"free: seconds argument `{text}' is not positive number")
    return seconds


def parse_count(text: str) -> int:
    """Read -c as strtol() does. Raises UsageProblem with procps's words."""
    number = text.lstrip(_BLANKS)
    digits = number[1:] if number[:1] in ("+", "-") else number
    if not digits or digits.strip(_DIGITS):
        raise UsageProblem(f"free: failed to parse count argument: '{text}'")
    # Python reads no more than 4300 digits; 20 are too many already.
    count = int(number) if len(digits.lstrip("0")) < 20 else 0
    if not 1 <= count <= _MAX_LONG:
        raise UsageProblem(f"free: failed to parse count argument: '{text}': Numerical result out of range")
    return count
