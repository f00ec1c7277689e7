"""Count false alarms and leaks found by trend in courses made up, a thousand of each kind; print a table.

python bench/trend.py [--count N] [--hours 1,2,6,12,24]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from math import erf, sqrt
from pathlib import Path
from random import Random
from typing import NamedTuple

sys.path.append(str(Path(__file__).parent.parent / "tests"))
import courses

from pymemtools.models.blocks import thinned
from pymemtools.models.trend import GROWTH, trend_of

Make = Callable[[Random, int], list[float]]
QUIET: dict[str, Make] = {
    "white noise": courses.white,
    "random walk": courses.random_walk,
    "walk under noise": lambda random, count: courses.leak(random, count, leak=0.0),
    "slow walk under noise": partial(courses.leak, size=0.0001, leak=0.0),
    "step": courses.step,
    "sawtooth": courses.sawtooth,
    "warm-up": courses.warm_up,
}
PER_MEDIAN = courses.WALK / sqrt(6 * courses.HOUR / 200)  # a walk of 0.1 % from median to median of 6 h
LEAKS: dict[str, Make] = {
    "leak, noise": partial(courses.leak, size=0.0),
    "leak, noise, swings for 5 min": partial(courses.leak, memory_s=300),
    "leak, noise, swings for 10 min": partial(courses.leak, memory_s=600),
    "leak, noise, walk a median": partial(courses.leak, size=PER_MEDIAN),
    "leak, noise, walk a sample": courses.leak,
}
WALKS = {"leak, noise, walk a median": PER_MEDIAN, "leak, noise, walk a sample": courses.WALK}


class Asked(NamedTuple):
    """What came of courses of one kind and length."""

    growths: int
    ms: float  # of processor time, for one


def asked(name: str, make: Make, hours: int, count: int) -> Asked:
    """Judge so many of them."""
    random, seconds, verdicts = Random(f"{name} {hours}"), 0.0, Counter[str]()
    for _ in range(count):
        samples = make(random, hours * courses.HOUR)
        start = time.process_time()
        verdicts[trend_of([thinned(samples, 0, courses.EVERY_S)]).verdict] += 1
        seconds += time.process_time() - start
    return Asked(verdicts[GROWTH], 1e3 * seconds / count)


def most(name: str, hours: int) -> str:
    """Give the share that the best of all tests with 1 % of false alarms finds, who knows the walk, and no noise."""
    if name not in WALKS:
        return ""
    spread = WALKS[name] * sqrt(hours * courses.HOUR)
    return f"{50 * (1 + erf((courses.LEAK * hours / spread - 2.326) / sqrt(2))):.0f}"


def main() -> None:
    """Judge and show."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="courses of each kind and length [1000]")
    parser.add_argument("--hours", default="1,2,6,12,24", help="their lengths [1,2,6,12,24]")
    arguments = parser.parse_args()
    lengths = [int(word) for word in arguments.hours.split(",")]
    print(f"{'growth said of, in %':32}{'h':>4}{'said':>8}{'possible':>10}{'ms each':>9}")
    for name, make in {**QUIET, **LEAKS}.items():
        for hours in lengths:
            found = asked(name, make, hours, arguments.count)
            share = 100 * found.growths / arguments.count
            print(f"{name:32}{hours:>4}{share:>8.1f}{most(name, hours):>10}{found.ms:>9.2f}", flush=True)


if __name__ == "__main__":
    main()
