"""What the user of free asked for: its units, interval and count are read as procps reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import click

from pymemtools.cli.options import check_style
from pymemtools.cli.terminal import chosen_width
from pymemtools.cli.watch import check_repeatable, is_redrawn
from pymemtools.errors import UsageProblem
from pymemtools.render import free_units
from pymemtools.render.free_table import Amount

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


class FreeAsked(NamedTuple):
    """Which figures are shown, how, and how often."""

    style: str
    layout: str  # "--line", "--bar", "--classic", or "" for the table
    areas: Sequence[str]  # the rows, as fields of Memory
    amount: Amount
    is_wide: bool
    is_old: bool
    cgroup: str | None
    interval: float | None  # seconds between two samples; None where there is to be but one
    times: int | None  # None: endlessly
    is_repeated: bool
    redraws: bool


def checked(options: Mapping[str, Any]) -> FreeAsked:
    """Turn the options into what they ask for. Raises UsageProblem."""
    style, layout = options["style"], _layout(options)
    _check_layout(layout, options)
    units = {name: options[name] for name in _UNITS}
    is_human = options["human"] or (layout == "--bar" and not any(units.values()))
    amount = amount_format(units, human=is_human, si=options["si"], classic=layout == "--classic")
    interval, count = _interval(options["seconds"], options["watch"]), options["count"]
    times = parse_count(count) if count is not None else 1 if interval is None else None
    is_repeated = interval is not None or count is not None
    if is_repeated:
        check_repeatable("free", style)
    return FreeAsked(
        style=style,
        layout=layout,
        areas=_areas(options),
        amount=amount,
        is_wide=options["wide"],
        is_old=options["old"],
        cgroup=options["cgroup"],
        interval=interval,
        times=times,
        is_repeated=is_repeated,
        redraws=options["watch"] is not None and is_redrawn(style),
    )


def _layout(options: Mapping[str, Any]) -> str:
    """Name the layout that is asked for. Raises UsageProblem for two of them, and for an unknown format."""
    check_style(options["style"])
    chosen = [f"--{name}" for name in ("line", "bar", "classic") if options[name]]
    if len(chosen) > 1:
        raise UsageProblem(f"free: {' and '.join(chosen)} are different layouts; choose one")
    return chosen[0] if chosen else ""


def _check_layout(layout: str, options: Mapping[str, Any]) -> None:
    """Refuse layouts of anything but text, which has every figure anyway, and what they have no room for."""
    style = options["style"]
    if layout and style != "text":
        raise UsageProblem(f"free: {layout} is a layout of text; --format {style} has every figure without it")
    if chosen_width() is not None and layout != "--bar":
        raise UsageProblem("free: the table is as wide as procps has it: --width is for --bar")
    if options["old"] and layout != "--classic":
        raise UsageProblem("free: -o leaves a line out of --classic; give both")
    if options["cgroup"] is not None and layout == "--classic":
        raise UsageProblem("free: --classic knows no control groups")


def _areas(options: Mapping[str, Any]) -> list[str]:
    """Name the rows to show, as fields of Memory."""
    areas = ["mem", "low", "high", "swap"] if options["lohi"] else ["mem", "swap"]
    areas += ["total"] if options["total"] else []
    return [*areas, *(["comm"] if options["committed"] else [])]


def _interval(seconds: str | None, watch: float | None) -> float | None:
    """Give the time between two samples; None where there is to be but one. Raises UsageProblem."""
    if watch is not None and seconds is not None:
        raise UsageProblem("free: -s and --watch say the same: one or the other")
    return watch if seconds is None else parse_seconds(seconds)


def unit_options(function: _F) -> _F:
    """Add -b, -k ... --peta; each is counted, for even -k twice is one unit too many."""
    for name, (short, _, _, help) in reversed(_UNITS.items()):
        names = [short, f"--{name}"] if short else [f"--{name}"]
        function = click.option(*names, name, count=True, help=f"Show {help}.")(function)
    return function


def amount_format(units: Mapping[str, int], *, human: bool, si: bool, classic: bool = False) -> Amount:
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
