"""Taking captures into a dataset, beside tarfile merely listing the same files.

python bench/fleet.py [--captures 2000]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fleet_captures import make_captures

PROGRAM = [sys.executable, "-m", "pymemtools", "fleet"]
QUESTIONS = (
    ("hosts",),
    ("grew", "--per", "firmware"),
    ("grew", "--by", "mapping"),
    ("risk",),
    ("top",),
    ("tunables", "overcommit_memory"),
    ("what-if", "alloc", "100M"),
    ("report",),
)


def listed(paths: list[Path]) -> float:
    """Let tarfile list the files; give its processor time."""
    before = time.process_time()
    for path in paths:
        with tarfile.open(path) as archive:
            archive.getmembers()
    return time.process_time() - before


def run(*arguments: str) -> tuple[float, float, int]:
    """Run a command; give wall and processor time, and the largest RSS of all children so far, in bytes."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*PROGRAM, *arguments], check=True, stdout=subprocess.DEVNULL)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, after.ru_maxrss << 10


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--captures", type=int, default=400)
    wanted = parser.parse_args().captures
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        root = Path(folder)
        moments = 20
        paths = make_captures(root / "captures", max(wanted // moments, 1), moments)
        count = len(paths)
        tar = min(listed(paths) for _ in range(2))
        print(f"{count} captures of {sum(path.stat().st_size for path in paths) // count >> 10} KiB")
        print(f"{'tarfile lists them':<32} {count / tar:8.1f} captures/s of CPU")
        dataset = str(root / "set")
        wall, cpu, peak = run("ingest", str(root / "captures"), "--into", dataset, "--label", "firmware=1.2")
        rate = f"{count / cpu:8.1f} captures/s of CPU, {tar / cpu:.2f} x tarfile's rate (target 1.0)"
        print(f"{'ingest':<32} {rate}, {peak >> 20} MiB at most")
        wall2, _, _ = run("ingest", str(root / "captures"), "--into", str(root / "two"), "--workers", "2")
        print(f"{'ingest --workers 2':<32} {count / wall2:8.1f} captures/s, {wall / wall2:.2f} x one worker's")
        wall, _, _ = run("ingest", str(root / "captures"), "--into", dataset)
        print(f"{'ingest of what is there':<32} {wall:8.2f} s")
        size = sum(path.stat().st_size for path in Path(dataset).rglob("*.parquet"))
        run("compact", "-S", dataset)
        small = sum(path.stat().st_size for path in Path(dataset).rglob("*.parquet"))
        print(f"{'size':<32} {size / count:8.0f} bytes a capture, {small / count:.0f} compacted")
        for question in QUESTIONS:
            wall, cpu, peak = run(*question, "-S", dataset)
            print(f"{' '.join(question):<32} {wall:8.2f} s, {cpu:.2f} s of CPU, {peak >> 20} MiB at most")


if __name__ == "__main__":
    main()
