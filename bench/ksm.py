"""Measure ksm --estimate beside hashing as much memory, above start-up, and print a table.

python bench/ksm.py [--rounds N]
"""

from __future__ import annotations

import subprocess
import sys

from floors import BARE
from side_by_side import MIB, OURS, Line, at_most, costs_of, run_bench

SIZE = 512 * MIB
MOST = 10.0  # 250 MB/s where hashing alone does 2,500
# A quarter of it zeros, a quarter of few contents, the rest like no other: what is counted takes its time, too.
_CHILD = """
import mmap, os, sys
page, size = os.sysconf("SC_PAGE_SIZE"), int(sys.argv[1])
memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(15)
for i in range(size // page):
    memory[i * page : i * page + 8] = (0 if i % 4 == 0 else i % 64 if i % 4 == 1 else i).to_bytes(8, "little")
print(flush=True)
os.read(0, 1)
"""
_HASH = """
import os, sys
page, size = os.sysconf("SC_PAGE_SIZE"), int(sys.argv[1])
pages = [bytes([i]) * page for i in range(256)]
for _ in range(size // page // len(pages)):
    for each in pages:
        hash(memoryview(each)[:-1])  # of a slice, as bytes keep theirs
"""


def measure(rounds: int) -> list[Line]:
    """Measure one process."""
    command = [sys.executable, "-I", "-S", "-c", _CHILD, str(SIZE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        estimate = [*OURS, "ksm", "--estimate", "--whole", "-p", str(child.pid), "-f", "json"]
        hashing = [sys.executable, "-I", "-S", "-c", _HASH, str(SIZE)]
        commands = [[*OURS, "ksm", "--help"], BARE, estimate, hashing]
        start, bare, ours, floor = costs_of(commands, rounds)
        child.kill()
    what = f"ksm --estimate of {SIZE // MIB} MiB: above start-up (CPU)"
    return [at_most(what, ours.cpu - start.cpu, floor.cpu - bare.cpu, "hashing alone", MOST)]


if __name__ == "__main__":
    run_bench(__doc__, measure)
