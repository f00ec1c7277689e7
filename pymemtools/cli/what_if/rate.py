"""Rates on the command line: bytes a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pymemtools.cli.types import SIZE

if TYPE_CHECKING:
    _FloatType = click.ParamType[float]
else:  # click before 8.4 has no generic ParamType
    _FloatType = click.ParamType


class RateType(_FloatType):
    """Bytes per second, as ``20M`` or ``20M/s``; ``max`` for as fast as memory takes it.

    A small number alone is refused: who writes 20 means megabytes, and gets an answer for bytes.
    """

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        if value == "max":
            return float("inf")
        rate = SIZE.convert(str(value).removesuffix("/s"), param, ctx)
        if not rate:
            self.fail("a rate of nothing", param, ctx)
        if rate < 1024 and str(value).strip().isdecimal():
            self.fail(f"{value} bytes a second? Write {value}M, or {value}B", param, ctx)
        return float(rate)


RATE = RateType()
