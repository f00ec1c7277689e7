"""Several courses over one time, each on a scale of its own, one below the other: what a picture of them holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor
from typing import NamedTuple

Figures = Sequence[float | None]


class Course(NamedTuple):
    """One line: a figure for each interval, None where it is not known, which breaks the line."""

    name: str
    figures: Figures

    @property
    def known(self) -> list[float]:
        """Give the figures that are known."""
        return [figure for figure in self.figures if figure is not None]

    @property
    def summary(self) -> str:
        """Say in words what the line shows."""
        known = self.known
        if not known:
            return f"{self.name}: not known"
        return f"{self.name}: at most {brief_number(max(known))}, in the mean {brief_number(sum(known) / len(known))}"


class Panel(NamedTuple):
    """Lines that share a scale."""

    unit: str
    courses: Sequence[Course]
    scale: tuple[float, float] | None = None  # its ends, where it does not begin at 0

    @property
    def top(self) -> float:
        """Give the upper end of the scale, a round figure and never 0."""
        if self.scale is not None:
            return self.scale[1]
        most = max((figure for course in self.courses for figure in course.known), default=0.0)
        return _round_up(most or 1.0)

    @property
    def bottom(self) -> float:
        """Give the lower end of the scale."""
        return 0.0 if self.scale is None else self.scale[0]

    def height(self, figure: float) -> float:
        """Give where a figure is, from 0 to 1."""
        return (figure - self.bottom) / (self.top - self.bottom)


class Panels(NamedTuple):
    """A picture: intervals in ascending order, panels from top to bottom, and times at which something began."""

    title: str
    intervals: Sequence[tuple[float, float]]  # from when to when, in seconds; one at least
    panels: Sequence[Panel]
    marks: Sequence[float]
    clock: Callable[[float], str]  # writes a time for the axis
    marked: str = "begun"  # what the marks are
    words: Sequence[str] = ()  # what each of them is, where they are not all the same

    @property
    def span(self) -> tuple[float, float]:
        """Give the first time and the last one, which are not the same."""
        first, last = self.intervals[0][0], self.intervals[-1][1]
        return first, last if last > first else first + 1


def _round_up(most: float) -> float:
    """Give the next 1, 2 or 5 with zeros.

    >>> _round_up(3.2), _round_up(740), _round_up(0.04)
    (5.0, 1000.0, 0.05)
    """
    power = 1.0
    while power > most:
        power /= 10
    while power * 10 < most:
        power *= 10
    return next(float(f"{factor * power:.6g}") for factor in (1, 2, 5, 10) if factor * power >= most * 0.999999)


def scale_of(figures: Sequence[float]) -> tuple[float, float]:
    """Give round ends of a scale for figures whose change is to be seen, a 50th of the largest at least.

    >>> scale_of([203.2, 210.7]), scale_of([3.0, 380.0]), scale_of([])
    ((203.0, 211.0), (0.0, 400.0), (0.0, 1.0))
    """
    least, most = min(figures, default=0.0), max(figures, default=0.0)
    span = max(most - least, abs(most) / 50) or 1.0
    step = _round_up(span) / 10
    bottom = 0.0 if least < span else floor(least / step) * step
    return bottom, max(ceil((least + span) / step) * step, ceil(most / step) * step)


def brief_number(figure: float) -> str:
    """Write a figure in few characters.

    >>> brief_number(1234567.8), brief_number(12.34), brief_number(0.5), brief_number(0), brief_number(5e9)
    ('1234568', '12.3', '0.5', '0', '5e+09')
    """
    if figure >= 99_999_999.5:
        return f"{figure:.3g}"
    return f"{figure:.0f}" if figure >= 99.95 or figure == round(figure) else f"{figure:.3g}"
