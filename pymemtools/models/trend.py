"""What the course of a figure is: growth, or a step, a sawtooth, a start that levels off, noise."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import exp, log
from typing import NamedTuple

from pymemtools.models.blocks import Cut, Stretch, cut_of
from pymemtools.models.drift import Chains, Fit, fit, interval, plausible_fits
from pymemtools.models.jumps import Jump, jumps_of, without
from pymemtools.models.sawtooth import Sawtooth, sawtooth_of
from pymemtools.models.students_t import LEAST_FREEDOM, student_quantile

GROWTH, FALL, WARM_UP, STEP, SAWTOOTH, NOISE, STEADY, SHORT = (
    *("growth", "fall", "warm-up", "step", "sawtooth", "noise", "steady", "too short"),
)
SURE, LIKELY = 0.995, 0.975  # what the verdict asks for, and each end of the interval
LEAST = 24  # medians
_FEWEST = 6  # differences, for t to say anything
_BENDS = 6.6  # twice the logarithm of the likelihoods' ratio at which a course levels off: 1 % of lines do
_SETTLING = (0.05, 0.12, 0.3, 0.8)  # times in which what is left becomes 1/e, in parts of the whole


class Trend(NamedTuple):
    """The verdict, with the change in a second and its 95 % interval; None: not known, or it has no one rate."""

    verdict: str
    slope: float | None = None
    low: float | None = None
    high: float | None = None
    jump: Jump | None = None  # the largest
    period_s: float | None = None  # of a sawtooth


def trend_of(stretches: Sequence[Stretch]) -> Trend:
    """Judge a course: growth is said of what still grows, surely, and not because of a few jumps."""
    if sum(len(stretch.values) for stretch in stretches) < LEAST:
        return Trend(SHORT)
    first = next(stretch.values[0] for stretch in stretches if stretch.values)
    if all(value == first for stretch in stretches for value in stretch.values):
        return Trend(STEADY, 0.0, 0.0, 0.0)
    sawtooth, whole = sawtooth_of(stretches), _fitted(stretches)
    grows = None if sawtooth is None else _of_floors(sawtooth)
    if grows is not None:
        return grows
    # Noise has drops of its own, too few for their floors to tell anything, which a leak beside it outweighs.
    if sawtooth is not None and not whole.is_sure(1):
        return whole.trend(SAWTOOTH)._replace(period_s=sawtooth.period_s)
    jumps = jumps_of(stretches)
    for verdict, sign in ((GROWTH, 1), (FALL, -1)):
        own = [jump for jump in jumps if jump.size * sign > 0]
        fitted = _fitted(without(stretches, own)) if own else whole
        if fitted.is_sure(sign):
            jump = own[0] if own else None
            bends = sign > 0 and _bend(fitted) is not None
            return Trend(WARM_UP, jump=jump) if bends else fitted.trend(verdict)._replace(jump=jump)
    rest = _fitted(without(stretches, jumps)) if jumps else whole
    bend = _bend(rest)  # what is left of a start without its first moments, but nothing of a jump
    if bend is not None and _Fitted(rest.cut, plausible_fits(rest.cut.chains, bend)).is_sure(1):
        return Trend(WARM_UP)
    return rest.trend(STEP)._replace(jump=jumps[0]) if jumps else whole.trend(NOISE)


class _Fitted(NamedTuple):
    """Differences of blocks, and the drifts that they may have."""

    cut: Cut
    fits: list[Fit]

    def is_sure(self, sign: int) -> bool:
        """Tell whether there is a drift in one direction, whatever the share of noise."""
        if self.cut.steps < _FEWEST or not self.fits:
            return False
        quantile = student_quantile(SURE, self.cut.steps - 1)
        return all(sign * fit.each > quantile * fit.error for fit in self.fits)

    def trend(self, verdict: str) -> Trend:
        """Give the drift in a second, and its interval."""
        if not self.fits:
            return Trend(verdict, 0.0, 0.0, 0.0) if self.cut.steps else Trend(verdict)
        if self.cut.steps <= LEAST_FREEDOM:
            return Trend(verdict)  # between so many gaps no interval would hold
        low, high = interval(self.fits, student_quantile(LIKELY, self.cut.steps - 1))
        second = 1 / self.cut.block_s
        return Trend(verdict, self.fits[0].each * second, low * second, high * second)


def _fitted(stretches: Sequence[Stretch]) -> _Fitted:
    cut = cut_of(stretches)
    return _Fitted(cut, plausible_fits(cut.chains, cut.lengths))


def _of_floors(sawtooth: Sawtooth) -> Trend | None:
    """Tell whether what is left after each collection grows."""
    floors = sawtooth.floors
    chain = tuple(b - a for a, b in pairwise(floors))
    cut = Cut((chain,), ((1.0,) * len(chain),), sawtooth.period_s)
    fitted = _Fitted(cut, plausible_fits(cut.chains, cut.lengths))
    if not fitted.is_sure(1) or _bend(fitted) is not None:
        return None
    return fitted.trend(GROWTH)._replace(period_s=sawtooth.period_s)


def _bend(fitted: _Fitted) -> Chains | None:
    """Give the shape of a rise that comes to an end, if it describes a course better than a line does."""
    cut = fitted.cut
    for line in fitted.fits:
        if line.each < line.error:
            continue  # hardly a rise
        for part in _SETTLING:
            shape = _settling(tuple(map(len, cut.chains)), part)
            bent = fit(cut.chains, shape, line.noise)
            if bent.each > 0 and cut.steps * log(line.rest / bent.rest) > _BENDS:
                return shape
    return None


@lru_cache(maxsize=64)
def _settling(lengths: tuple[int, ...], part: float) -> Chains:
    """Give the differences of 1 - exp(-t / part), the whole course being 1 long."""
    count, shape, at = sum(lengths), [], 0
    for length in lengths:
        shape.append(tuple(exp(-i / count / part) for i in range(at, at + length)))
        at += length
    return tuple(shape)
