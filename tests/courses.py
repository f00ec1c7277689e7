"""Courses of memory made up for the tests of trend: a sample each 10 s, about 1.0; the same for the same seed."""

from __future__ import annotations

from itertools import accumulate
from math import exp, log
from random import Random

EVERY_S = 10
HOUR = 3600 // EVERY_S  # samples
NOISE = 0.005
WALK = 0.001  # a sample
LEAK = 0.01  # an hour


def noise(random: Random, count: int, size: float = NOISE) -> list[float]:
    """Scatter around 0, each sample for itself."""
    return [random.gauss(0, size) for _ in range(count)]


def walk(random: Random, count: int, size: float = WALK, memory_s: float | None = None) -> list[float]:
    """Wander from 0; with a memory it comes back to 0, so slowly."""
    kept = 1.0 if memory_s is None else exp(-EVERY_S / memory_s)
    return list(accumulate((random.gauss(0, size) for _ in range(count)), lambda at, step: kept * at + step))


def white(random: Random, count: int) -> list[float]:
    """Make white noise."""
    return [1 + x for x in noise(random, count)]


def random_walk(random: Random, count: int) -> list[float]:
    """Make a random walk."""
    return [1 + x for x in walk(random, count)]


def step(random: Random, count: int) -> list[float]:
    """Make one jump by 5 to 100 %, anywhere but at the very ends."""
    at, size = random.uniform(0.05, 0.95) * count, random.uniform(0.05, 1)
    return [1 + x + size * (i >= at) for i, x in enumerate(noise(random, count))]


def sawtooth(random: Random, count: int) -> list[float]:
    """Rise by 5 to 100 % and drop, at least twice, each 5 minutes or more."""
    period = exp(random.uniform(log(HOUR / 12), log(count / 2)))
    size, phase = random.uniform(0.05, 1), random.random()
    return [1 + x + size * ((i / period + phase) % 1) for i, x in enumerate(noise(random, count))]


def warm_up(random: Random, count: int) -> list[float]:
    """Rise by 5 to 100 % and level off: to 1/e of the rest in a twentieth to a half of the time."""
    settling, size = exp(random.uniform(log(count / 20), log(count / 2))), random.uniform(0.05, 1)
    return [1 + x + size * (1 - exp(-i / settling)) for i, x in enumerate(noise(random, count))]


def leak(
    random: Random, count: int, size: float = WALK, memory_s: float | None = None, leak: float = LEAK
) -> list[float]:
    """Leak 1 % an hour under noise, and a walk."""
    rest = zip(noise(random, count), walk(random, count, size, memory_s))
    return [1 + leak * i / HOUR + x + y for i, (x, y) in enumerate(rest)]
