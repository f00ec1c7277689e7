"""Measure pages beside bare collections.Counter over the words of kpageflags, and print a table with ratios.

python bench/pages.py [--rounds N]
"""

from __future__ import annotations

import os
import sys

from side_by_side import OURS, Line, at_most, costs_of, run_bench

from pymemtools.readings.frames import ram_frames
from pymemtools.sources import open_source

MOST = 2.2  # 10 GiB of RAM a second where Counter does 22
COUNTER = """
import os, sys
from collections import Counter
counts, flags = Counter(), os.open("/proc/kpageflags", os.O_RDONLY)
for first, end in zip(*[iter(map(int, sys.argv[1:]))] * 2):
    while first < end and (block := os.pread(flags, 8 * min(1 << 17, end - first), 8 * first)):
        counts.update(memoryview(block).cast("Q"))
        first += len(block) // 8
"""


def measure(rounds: int) -> list[Line]:
    """Count the frames of this machine."""
    if not os.access("/proc/kpageflags", os.R_OK):
        return [Line("pages (CPU)", "", "kpageflags cannot be read", "", f"<= {MOST} x", "")]
    ranges = list(ram_frames(open_source()))
    places = [str(place) for each in ranges for place in each]
    ours, bare = costs_of([[*OURS, "pages"], [sys.executable, "-I", "-c", COUNTER, *places]], rounds)
    size = sum(end - first for first, end in ranges) * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    return [at_most(f"pages of {size:.0f} GiB (CPU)", ours.cpu, bare.cpu, "Counter", MOST)]


if __name__ == "__main__":
    run_bench(__doc__, measure)
