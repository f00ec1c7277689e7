"""What the values of options and operands are: sizes, times, regular expressions, processes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from pymemtools.errors import UsageProblem
from pymemtools.units import parse_seconds, parse_size

if TYPE_CHECKING:
    _IntType = click.ParamType[int]
    _FloatType = click.ParamType[float]
    _RegexType = click.ParamType[re.Pattern[str]]
else:  # click before 8.4 has no generic ParamType
    _IntType = _FloatType = _RegexType = click.ParamType

_MAX_PID = (1 << 31) - 1
_PID = re.compile(r"(?:/proc/)?([1-9][0-9]{0,9})")


class SizeType(_IntType):
    """A size in bytes, as ``64K`` or ``1.5G``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return parse_size(value)
        except ValueError:
            self.fail(f"{value!r} is no size; write for example 512K, 1.5M or 4G", param, ctx)


class KibType(SizeType):
    """A size in bytes, of which a number alone is KiB, as the table is that it is compared with."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        is_alone = isinstance(value, str) and value.strip().isdecimal()
        return super().convert(f"{value.strip()}K" if is_alone else value, param, ctx)


class LargeType(SizeType):
    """A size in bytes, of which a small number alone is refused: who writes 20 means megabytes, or more."""

    what = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        size = super().convert(value, param, ctx)
        if 0 < size < 1024 and isinstance(value, str) and value.strip().isdecimal():
            self.fail(f"{value} {self.what}? Write {value}M, or {value}B", param, ctx)
        return size


class PerSecondType(LargeType):
    """Bytes a second, as ``20M`` or ``20M/s``; not none."""

    name = "rate"
    what = "bytes a second"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        rate = super().convert(value.removesuffix("/s") if isinstance(value, str) else value, param, ctx)
        if not rate:
            self.fail("a rate of nothing", param, ctx)
        return rate


class RateType(_FloatType):
    """Bytes a second, as ``20M`` or ``20M/s``; ``max`` for as fast as memory takes it, which is infinity."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        if value == "max":
            return float("inf")
        return float(PER_SECOND.convert(value, param, ctx))


class SecondsType(_FloatType):
    """A time to wait, in seconds, at most a year."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= 366 * 86400:
            self.fail(f"{value!r} is no time; write seconds, for example 2 or 0.5", param, ctx)
        return seconds


class DurationType(SecondsType):
    """A time to wait, in seconds or with a unit: ``90``, ``0.5s``, ``10m``, ``1h30m``."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            seconds = value if isinstance(value, float) else parse_seconds(value)
        except ValueError:
            self.fail(f"{value!r} is no time; write for example 2, 0.5s, 10m or 1h30m", param, ctx)
        return super().convert(seconds, param, ctx)


class RegexType(_RegexType):
    """A regular expression."""

    name = "regex"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> re.Pattern[str]:
        if isinstance(value, re.Pattern):
            return value
        try:
            return re.compile(value)
        except (re.error, RecursionError, OverflowError) as error:
            self.fail(f"bad regular expression '{value}': {error}", param, ctx)


class CachesType(_IntType):
    """Which caches to drop: a number as the kernel takes it, or a name."""

    name = "caches"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = CACHES.get(str(value), value)
        if str(number) not in map(str, CACHES.values()):
            self.fail(f"'{value}' is none of 1 (pagecache), 2 (slab) and 3 (all)", param, ctx)
        return int(number)


CACHES = {"pagecache": 1, "slab": 2, "all": 3}
DROPPED = CachesType()
PATH = click.Path(readable=False)  # of what we open ourselves, and say what is wrong
SIZE = SizeType()
KIB_SIZE = KibType()
LARGE = LargeType()
PER_SECOND = PerSecondType()
RATE = RateType()
REGEX = RegexType()
SECONDS = SecondsType()
DURATION = DurationType()


def process_number(command: str, text: str) -> int:
    """Read a PID, decimal, also as ``/proc/PID``; ``010`` would be 8 to procps, and is refused. Raises UsageProblem."""
    match = _PID.fullmatch(text)
    if match is None or int(match[1]) > _MAX_PID:
        raise UsageProblem(f"{command}: '{text}' is not a process number")
    return int(match[1])


def adjustment(text: str) -> tuple[int, int]:
    """Read ``PID=ADJ``, an oom_score_adj that is supposed. Raises UsageProblem."""
    match = re.fullmatch(r"([1-9][0-9]{0,6})=(-?[0-9]{1,4})", text, re.ASCII)
    if match is None or not -1000 <= int(match[2]) <= 1000:
        raise UsageProblem(f"'{text}': write --set-adj PID=ADJ, with ADJ from -1000 to 1000")
    return int(match[1]), int(match[2])


def allocation(text: str) -> tuple[str, int]:
    """Read ``SIZE[:NAME]``, a process that is supposed. Raises click.BadParameter for what is no size."""
    size, _, name = text.partition(":")
    return name or "(new process)", SIZE.convert(size, None, None)
