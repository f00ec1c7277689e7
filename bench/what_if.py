"""Measure what-if on a capture of a thousand processes, above start-up, and the page-cache model; print a table.

    python bench/what_if.py --capture FILE.tar [--rounds N]

Without --capture one is taken of this machine with a thousand more processes.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from tempfile import TemporaryDirectory

from floors import BARE, list_members
from side_by_side import OURS, Line, at_most, costs_of, show, tried
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
MOST = 1.6  # times what the standard library takes to list the archive's members
TOUCHES = 10_000_000


def questions(capture: str, rounds: int) -> list[Line]:
    """Measure each question above start-up beside tarfile's list of the capture, above the interpreter's start."""
    calls = [[*OURS, "what-if", *question, "-S", capture] for question in QUESTIONS]
    start, bare, listing, *found = costs_of([[*OURS, "what-if", "--help"], BARE, list_members(capture), *calls], rounds)
    floor = listing.cpu - bare.cpu
    return [
        at_most(f"what-if {' '.join(question)[:40]}: above start-up", cost.cpu - start.cpu, floor, "tarfile", MOST)
        for question, cost in zip(QUESTIONS, found)
    ]


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
    main()
