"""Measure cache beside vmtouch on the same files, and print a table with ratios.

python bench/cache.py [--rounds N]
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from side_by_side import OURS, Line, at_most, costs_of, run_bench

DIRECTORIES, FILES = 100, 1000
MOST = 1.6


def make_files(top: Path) -> None:
    """Make files of none to three pages, as in trees of sources."""
    for directory in range(DIRECTORIES):
        place = top / str(directory)
        place.mkdir()
        for file in range(FILES):
            (place / str(file)).write_bytes(b"x" * (file % 5 * 3000))


def measure(rounds: int) -> list[Line]:
    """Measure a tree of many files."""
    what = f"cache of {DIRECTORIES * FILES} files (CPU)"
    if not shutil.which("vmtouch"):
        return [Line(what, "", "vmtouch is not installed", "", f"<= {MOST} x", "")]
    with tempfile.TemporaryDirectory() as directory:
        make_files(Path(directory))
        ours, peer = costs_of([[*OURS, "cache", directory], ["vmtouch", directory]], rounds)
    return [at_most(what, ours.cpu, peer.cpu, "vmtouch", MOST)]


if __name__ == "__main__":
    run_bench(__doc__, measure)
