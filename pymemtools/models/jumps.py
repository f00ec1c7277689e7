"""Single jumps of a course: a cache filled, a pool started. They raise a figure, and say nothing of growth."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest
from math import sqrt
from typing import NamedTuple

from pymemtools.models.blocks import Stretch

_MOST = 3  # a staircase of more is growth
_STANDS_OUT = 6.0  # times the root of the mean square of all other differences


class Jump(NamedTuple):
    """Where a course changed at once."""

    at_s: float
    size: float


def jumps_of(stretches: Sequence[Stretch]) -> list[Jump]:
    """Find at most three jumps, the largest first, each far larger than what else happens from one value to the next.

    >>> jumps_of([Stretch(0, 10, [5.0, 5.25, 5.0, 5.25, 5.0, 9.0] + [9.25, 9.0] * 20)])
    [Jump(at_s=50, size=4.0)]
    """
    steps = [[b - a for a, b in zip(stretch.values, stretch.values[1:])] for stretch in stretches]
    squares = sum(size * size for each in steps for size in each)
    count = sum(map(len, steps))
    most = max(max(max(each), -min(each)) for each in steps if each)
    if most * most <= _STANDS_OUT**2 * (squares - most * most) / max(count - 1, 1):
        return []  # as of most courses
    largest = nlargest(_MOST, ((abs(size), i, j) for i, each in enumerate(steps) for j, size in enumerate(each)))
    found: list[Jump] = []
    standing = 0
    for size, i, j in largest:
        found.append(Jump(stretches[i].start_s + (j + 1) * stretches[i].step_s, steps[i][j]))
        squares = max(squares - size * size, 0.0)
        if size > _STANDS_OUT * sqrt(squares / max(count - len(found), 1)):
            standing = len(found)
    return found[:standing]


def without(stretches: Sequence[Stretch], jumps: Sequence[Jump]) -> list[Stretch]:
    """Take jumps out of a course: what comes after each is moved back to where it was before."""
    found = []
    for stretch in stretches:
        values = list(stretch.values)
        for jump in jumps:
            first = round((jump.at_s - stretch.start_s) / stretch.step_s)
            if 0 < first < len(values):
                values[first:] = [value - jump.size for value in values[first:]]
        found.append(stretch._replace(values=values))
    return found
