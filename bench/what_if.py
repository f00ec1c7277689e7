"""Measure what-if on a capture of a thousand processes, above start-up, and the page-cache model; print a table.

    python bench/what_if.py --capture FILE.tar [--rounds N]

Without --capture one is taken of this machine with a thousand more processes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from tempfile import TemporaryDirectory

from side_by_side import OURS, Line, at_most, medians, show, tried, verdict
from subjects import children, sleepers

from pymemtools.models.page_cache import Access
from pymemtools.models.two_lists import TwoLists

QUESTIONS = (
    ["overcommit"],
    ["alloc", "1G"],
    ["alloc", "1T", "--set", "overcommit_memory=1"],
    ["oom"],
    ["watermarks", "--set", "min_free_kbytes=65536"],
    ["dirty", "--write", "20M", "--disk", "10M", "--file", "1G"],
    ["cache", "1G", "--reads", "3"],
    ["drop-caches", "3"],
    ["malloc", "8", "200000"],
    ["pss"],
)
MOST = 0.3  # seconds of CPU above start-up
TOUCHES = 10_000_000


def questions(capture: str, rounds: int) -> list[Line]:
    """Measure each question beside cat of the capture."""
    calls = [[*OURS, "what-if", *question, "-S", capture] for question in QUESTIONS]
    cat, bare, *found = medians([["cat", capture], [*OURS, "what-if", "--help"], *calls], rounds)
    lines = []
    for question, cost in zip(QUESTIONS, found):
        above = cost.cpu - bare.cpu
        cells = (f"{above:.3f} s", f"{cat.cpu:.3f} s cat", f"{above / cat.cpu:.1f} x", f"<= {MOST} s")
        lines.append(Line(f"what-if {' '.join(question)[:40]}: above start-up", *cells, verdict(above <= MOST)))
    return lines


def touches() -> list[Line]:
    """Measure the model on ten million touches of pages: a file that does not fit, read again and again."""
    cache = TwoLists(400_000, ratio=1)
    start = time.process_time()
    for _ in range(TOUCHES // 500_000):
        cache.access(Access("A", 500_000))
    ours = time.process_time() - start
    start = time.process_time()
    for _ in range(TOUCHES):
        pass
    return [at_most("page cache, 10 million touches", ours, time.process_time() - start, "an empty loop", 10)]


def measure(capture: str | None, rounds: int) -> list[Line]:
    """Measure everything."""
    lines = tried(touches)
    with TemporaryDirectory() as folder:
        if capture is None:
            capture = f"{folder}/a.tar"
            with children(sleepers):
                subprocess.run([*OURS, "capture", "-o", capture], check=True, stderr=subprocess.DEVNULL)
        return [*lines, *tried(questions, capture, rounds)]


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--capture", help="an archive of a thousand processes")
    parser.add_argument("--rounds", type=int, default=5, help="how often each command is run [5]")
    arguments = parser.parse_args()
    show(measure(arguments.capture, arguments.rounds), arguments.rounds)


if __name__ == "__main__":
    sys.exit(main())
