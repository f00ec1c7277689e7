"""Whether a series drifts, and how fast, judged so that what merely wanders is not taken for it.

Memory series remember: where one is now is where it is next. Tests that take samples for independent (Mann-Kendall,
a regression's t) then find a trend in most random walks. Here the series is drift + random walk + noise (the local
level model with drift: Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, 1989), in means of
equally long blocks. Their differences have one unknown: neighbours correlate by +1/4 where all is walk (Working,
Econometrica 28, 1960), by -1/2 where all is noise. For a given share of noise the drift has Student's t, exactly. The
share is not known: every one that is plausible by the restricted likelihood is asked, and the widest answer holds.
Noise that comes back to its mean slowly lies between the two, and is on the safe side.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import log, sqrt
from typing import NamedTuple

# Variance of the noise in a block's mean over what the walk gains in a block; None: noise only.
_NOISES = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, None)
_PLAUSIBLE = 3.0  # twice the logarithm of the likelihoods' ratio, to the best

Chains = tuple[tuple[float, ...], ...]  # differences of neighbouring blocks; between chains there is a gap


class Fit(NamedTuple):
    """The drift for one share of noise."""

    noise: float | None
    each: float  # in a block's length
    error: float  # its standard error, with Student's t
    rest: float  # sum of squares that the drift leaves, whitened
    score: float  # twice the logarithm of the restricted likelihood


@lru_cache(maxsize=1024)
def _whitener(length: int, noise: float | None) -> tuple[tuple[tuple[float, float], ...], float]:
    """Factor the covariance of a chain: for each difference what the one before foretells of it, and 1 / sd."""
    own, shared = (2.0, -1.0) if noise is None else (2 / 3 + 2 * noise, 1 / 6 - noise)
    steps, variance, log_det = [], own, 0.0
    for i in range(length):
        before = shared / variance if i else 0.0
        variance = own - before * shared
        steps.append((before, 1 / sqrt(variance)))
        log_det += log(variance)
    return tuple(steps), log_det


@lru_cache(maxsize=32)  # to the same differences several shapes are fitted
def _white(chains: Chains, noise: float | None) -> tuple[float, ...]:
    """Turn differences into what would be independent of each other, of variance 1."""
    out = []
    for chain in chains:
        left = 0.0
        for value, (before, scale) in zip(chain, _whitener(len(chain), noise)[0]):
            left = value - before * left
            out.append(left * scale)
    return tuple(out)


class _Shape(NamedTuple):
    """What a drift of size 1 would look like, whitened."""

    white: tuple[float, ...]
    square: float
    log_det: float


@lru_cache(maxsize=1024)
def _shaped(shape: Chains, noise: float | None) -> _Shape:
    white = _white(shape, noise)
    square = sum(x * x for x in white)
    return _Shape(white, square, sum(_whitener(len(chain), noise)[1] for chain in shape) + log(square))


def fit(chains: Chains, shape: Chains, noise: float | None) -> Fit:
    """Fit a drift of some shape (all 1.0: a line) to differences of blocks that are not all 0."""
    count = sum(map(len, chains))
    like = _shaped(shape, noise)
    total = shared = 0.0
    for white, drift in zip(_white(chains, noise), like.white):
        total += white * white
        shared += white * drift
    each = shared / like.square
    rest = max(total - each * each * like.square, 1e-12 * total)  # of a perfect line nothing is left
    error = sqrt(rest / (count - 1) / like.square)
    return Fit(noise, each, error, rest, -(count - 1) * log(rest) - like.log_det)


def plausible_fits(chains: Chains, shape: Chains) -> list[Fit]:
    """Fit a drift for each share of noise, and keep those that are plausible, the likeliest first.

    Nothing where nothing ever changed, or there is but one difference.
    """
    if sum(map(len, chains)) < 2 or not any(map(any, chains)):
        return []
    fits = sorted((fit(chains, shape, noise) for noise in _NOISES), key=lambda each: -each.score)
    return [each for each in fits if each.score >= fits[0].score - _PLAUSIBLE]


def interval(fits: Sequence[Fit], quantile: float) -> tuple[float, float]:
    """Give the widest interval of the drift that a plausible share of noise gives, for a quantile of Student's t."""
    return min(fit.each - quantile * fit.error for fit in fits), max(fit.each + quantile * fit.error for fit in fits)
