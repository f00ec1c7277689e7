"""Measure groups on ten thousand memory groups, above start-up, beside opening the same files; print a table.

python bench/groups.py [--rounds N]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from floors import BARE, list_members
from side_by_side import OURS, Line, at_most, costs_of, run_bench

SLICES = UNITS = 100
FILES = {
    "memory.current": "1048576\n",
    "memory.max": "max\n",
    "memory.high": "max\n",
    "memory.swap.current": "0\n",
    "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n",
    "memory.pressure": "".join(f"{who} avg10=0.00 avg60=0.00 avg300=0.00 total=0\n" for who in ("some", "full")),
    "memory.stat": "".join(f"{name} 4096\n" for name in ("anon", "file", "kernel", "sock", "shmem"))
    + "".join(f"counter_{number} {number}\n" for number in range(45)),
}
_READ = """
import os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        with open(f"{folder}/{name}", "rb") as file:
            file.read()
"""
MOST_OF_FOLDER, MOST_OF_ARCHIVE = 4.5, 1.6  # a copy is walked a step at a time, for no link in it is followed


def written_groups(root: Path) -> None:
    """Write a tree of groups of version 2."""
    top = root / "sys/fs/cgroup"
    slices = [top / f"s{number}.slice" for number in range(SLICES)]
    for folder in (*slices, *(each / f"u{number}.service" for each in slices for number in range(UNITS))):
        folder.mkdir(parents=True)
        for name, text in FILES.items():
            (folder / name).write_text(text)
    (root / "proc").mkdir()
    (root / "proc/meminfo").write_text("MemTotal: 16000000 kB\nMemFree: 8000000 kB\n")


def many_groups(rounds: int) -> list[Line]:
    """Measure a folder of them beside os.walk() and read(), and an archive beside tarfile's list."""
    with TemporaryDirectory() as folder:
        tree, archive = Path(folder, "tree"), f"{folder}/a.tar"
        written_groups(tree)
        subprocess.run(["tar", "cf", archive, "-C", str(tree), "."], check=True)
        calls = [[*OURS, "groups", "-S", source] for source in (str(tree), archive)]
        floors = [[sys.executable, "-c", _READ, str(tree)], list_members(archive)]
        start, bare, *costs = costs_of([[*OURS, "groups", "--help"], BARE, *calls, *floors], rounds)
    ours, floor = [cost.cpu - start.cpu for cost in costs[:2]], [cost.cpu - bare.cpu for cost in costs[2:]]
    what = f"groups, {SLICES * (UNITS + 1)} of them: above start-up"
    return [
        at_most(f"{what} (folder)", ours[0], floor[0], "os.walk() and read()", MOST_OF_FOLDER),
        at_most(f"{what} (archive)", ours[1], floor[1], "tarfile", MOST_OF_ARCHIVE),
    ]


if __name__ == "__main__":
    run_bench(__doc__, many_groups)
