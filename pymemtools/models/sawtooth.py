"""Courses that rise and drop again and again, as those of programs do that collect their garbage."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from pymemtools.models.blocks import Stretch

_TOOTH = 0.4  # of what the course spans: the least that is a drop
_LEAST = 2  # drops
_RARE = 1 / 4  # rises as sudden as the drops, for each of them: more, and it is noise


class Sawtooth(NamedTuple):
    """How often it drops, and the least value of each whole period, first to last."""

    period_s: float
    floors: tuple[float, ...]


def sawtooth_of(stretches: Sequence[Stretch]) -> Sawtooth | None:
    """Find drops by two fifths of the span at once, hardly ever such rises, and the floors between them."""
    values = sorted(value for stretch in stretches for value in stretch.values)
    tooth = _TOOTH * (values[-1 - len(values) // 20] - values[len(values) // 20])
    drops = rises = 0
    floors, periods = [], []
    for stretch in stretches:
        steps = [after - before for before, after in pairwise(stretch.values)]
        at = [i for i, step in enumerate(steps, 1) if step <= -tooth]
        drops += len(at)
        rises += sum([step >= tooth for step in steps])
        ends = [*at, len(stretch.values)]
        floors += [min(stretch.values[a:b]) for a, b in pairwise(ends)]
        periods += [(b - a) * stretch.step_s for a, b in pairwise(at)]
    if not tooth or drops < _LEAST or rises > _RARE * drops or not periods:
        return None
    return Sawtooth(sorted(periods)[len(periods) // 2], tuple(floors))
