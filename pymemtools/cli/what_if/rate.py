"""Rates on the command line: bytes a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pymemtools.cli.types import PER_SECOND

if TYPE_CHECKING:
    _FloatType = click.ParamType[float]
else:  # click before 8.4 has no generic ParamType
    _FloatType = click.ParamType


class RateType(_FloatType):
    """Bytes per second, as ``20M`` or ``20M/s``; ``max`` for as fast as memory takes it."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        if value == "max":
            return float("inf")
        return float(PER_SECOND.convert(value, param, ctx))


RATE = RateType()
