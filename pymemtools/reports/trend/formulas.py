"""How trend comes to its figures, with those of what is on top put in."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.models.blocks import BLOCKS
from pymemtools.models.students_t import student_quantile
from pymemtools.models.trend import GROWTH, LIKELY, SURE
from pymemtools.reports.formulas import Formula
from pymemtools.reports.trend.report import Followee, Trends
from pymemtools.units import human_size

_HOUR = 3600


def of_trend(found: Trends) -> Iterator[Formula]:
    """Say how rate, interval, verdict and the rest of the time are worked out."""
    freedom = BLOCKS - 2
    yield Formula(
        (
            f"rate = drift of the means of {BLOCKS} blocks of medians, none across a gap",
            "differences of neighbours = drift + what a random walk and noise add",
            "these correlate by +1/4 where all is walk, by -1/2 where all is noise:",
            "generalised least squares, for each share of noise that is plausible",
            "(restricted likelihood within e^-1.5 of the best)",
            f"interval = drift -+ {student_quantile(LIKELY, freedom):.2f} * standard error, the widest of these",
        ),
        "local level model: Harvey 1989; averages of a walk: Working 1960",
    )
    yield Formula(
        (
            f"growth = drift - {student_quantile(SURE, freedom):.2f} * standard error > 0 for all of these,",
            f"p = {1 - SURE:.3f}",
            "step = a difference of medians above 6 times the r.m.s. of the others",
            "sawtooth = drops of 2/5 of the span; then the floors between them count",
            "warm-up = 1 - exp(-t / T) beats a line: 2 log likelihood ratio > 6.6",
        ),
        "bench/trend.py: of walks and noise at most 1 % are called growth",
    )
    top = next((row for row in found.rows if row.trend.verdict == GROWTH and row.ram is not None), None)
    if top is not None and found.rooms.ram is not None:
        yield _time_left(top, found.rooms.ram)


def _time_left(row: Followee, room: int) -> Formula:
    trend, time = row.trend, row.ram
    assert trend.low is not None and trend.high is not None and time is not None  # noqa: S101 (it grows)
    low, high = (human_size(round(each * _HOUR)) for each in (trend.low, trend.high))
    return Formula(
        (
            "RAM is used up in = MemAvailable / interval of the rate",
            f"                  = {human_size(room)} / {high} to {low} an hour",
            f"                  = {time.low / _HOUR:.1f} to {time.high / _HOUR:.1f} h",
        ),
        "MemAvailable: si_mem_available(), mm/show_mem.c, Linux 3.14 to 6.18",
    )
