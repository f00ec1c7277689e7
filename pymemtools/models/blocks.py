"""Courses of a figure cut into blocks, whose differences tell a drift from wandering."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

MEDIANS = 120  # of a whole course
BLOCKS = 20  # fewer: the error of the drift is less well known; more: what swings for minutes looks like a walk
_LEAST = 2  # medians in a block


class Stretch(NamedTuple):
    """Medians at equal distances in time, without a gap."""

    start_s: float
    step_s: float
    values: Sequence[float]


def thinned(samples: Sequence[float], start_s: float, every_s: float, most: int = MEDIANS) -> Stretch:
    """Take the median of each of at most so many runs of samples, all equally long but for one sample.

    >>> thinned([1, 9, 2, 5, 5, 6], 100, 10, most=2)
    Stretch(start_s=100, step_s=30.0, values=[2, 5])
    """
    count = min(len(samples), most)
    if samples.count(samples[0]) == len(samples):  # as of most processes
        return Stretch(start_s, every_s * len(samples) / count, samples[:count])
    edges = [len(samples) * i // count for i in range(count + 1)]
    runs = (sorted(samples[a:b]) for a, b in pairwise(edges))
    medians = [run[len(run) // 2] for run in runs]
    return Stretch(start_s, every_s * len(samples) / count, medians)


class Cut(NamedTuple):
    """Differences of neighbouring blocks of each stretch, and how long the blocks are beside the typical one."""

    chains: tuple[tuple[float, ...], ...]
    lengths: tuple[tuple[float, ...], ...]
    block_s: float  # of the typical one

    @property
    def steps(self) -> int:
        """Count the differences."""
        return sum(map(len, self.chains))


def cut_of(stretches: Sequence[Stretch], blocks: int = BLOCKS) -> Cut:
    """Cut stretches into about so many blocks, each stretch into as many as its part of the time."""
    whole = sum(len(stretch.values) * stretch.step_s for stretch in stretches)
    chains, lengths, block_s = [], [], whole / blocks
    for stretch in stretches:
        count = len(stretch.values)
        parts = min(int(count * stretch.step_s / block_s + 1e-6), count // _LEAST)
        if parts < 2:
            continue
        edges = [count * i // parts for i in range(parts + 1)]
        means = [sum(stretch.values[a:b]) / (b - a) for a, b in pairwise(edges)]
        chains.append(tuple(b - a for a, b in pairwise(means)))
        lengths.append((count * stretch.step_s / parts / block_s,) * (parts - 1))
    return Cut(tuple(chains), tuple(lengths), block_s)


def value_at(stretches: Sequence[Stretch], seconds: float) -> float | None:
    """Give the median of a time; None where there is none."""
    for stretch in stretches:
        place = int((seconds - stretch.start_s) // stretch.step_s)
        if 0 <= place < len(stretch.values):
            return stretch.values[place]
    return None
