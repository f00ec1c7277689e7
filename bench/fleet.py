"""Taking captures into a dataset beside tarfile merely listing the same files, and questions beside pandas.

python bench/fleet.py [--captures 400] [--rounds 2] [--memory 10000]

--memory N takes N captures in, in one run, for its largest RSS. The captures are those of tests/fleet_captures.py: of
the bundled example, in which each board has its name and clock, and of every other one a process that grows. Without
pandas (pip install pandas) the questions are asked of `fleet` alone.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fleet_captures import HOUR, START, Files, board, example, make_captures

PROGRAM = [sys.executable, "-m", "pymemtools", "fleet"]
LABEL = ("--label", "firmware=1.2")
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
# The same answers by pandas, which holds all columns that it needs in memory.
READ = """
import pandas, sys
from pathlib import Path
def read(table, *columns):
    paths = Path(sys.argv[1]).glob(f"*/*/{table}.parquet")
    return pandas.concat(pandas.read_parquet(path, columns=list(columns), partitioning=None) for path in paths)
"""
PANDAS = {
    "grew --per firmware": """
import numpy
p = read("process", "capture_id", "host", "taken_at", "pid", "starttime_ticks", "name", "pss").merge(
    read("capture", "capture_id", "boot_id", "labels"), on="capture_id")
p["label"] = [dict(each).get("firmware") for each in p.labels]
p["hours"] = p.taken_at.astype("int64") / 3.6e9
lines = []
for key, g in p.dropna(subset=["pss"]).groupby(["host", "name", "boot_id", "pid", "starttime_ticks"]):
    if len(g) >= 3 and g.hours.max() - g.hours.min() >= 1 / 6:
        slope = numpy.polyfit(g.hours - g.hours.min(), g.pss.astype(float), 1)[0]
        lines.append((key[0], key[1], g.label.iloc[0], slope))
lines = pandas.DataFrame(lines, columns=["host", "name", "label", "slope"])
print(lines.groupby(["name", "label"]).slope.agg(["median", "max"]))
""",
    "grew --by mapping": """
m = read("mapping", "capture_id", "host", "taken_at", "path", "pss")
m = m.groupby(["host", "path", "capture_id", "taken_at"]).pss.sum().reset_index()
m["hours"] = m.taken_at.astype("int64") / 3.6e9
m["hours"] -= m.groupby(["host", "path"]).hours.transform("mean")
m["pss"] -= m.groupby(["host", "path"]).pss.transform("mean")
m["xy"], m["xx"] = m.hours * m.pss, m.hours ** 2
sums = m.groupby(["host", "path"])[["xy", "xx"]].sum()
print((sums.xy / sums.xx).groupby("path").agg(["median", "max"]))
""",
    "top": """
latest = read("capture", "capture_id", "host", "taken_at").sort_values("taken_at").groupby("host").tail(1)
p = read("process", "capture_id", "name", "pss").merge(latest, on="capture_id")
print(p.groupby("name").pss.agg(["sum", "median", "max"]).sort_values("sum"))
""",
    "risk": """
latest = read("capture", "host", "taken_at", "headroom_least", "mem_total")
latest = latest.sort_values("taken_at").groupby("host").tail(1)
print(latest[100 * latest.headroom_least <= 10 * latest.mem_total])
""",
}


class Cost(NamedTuple):
    """What a command took: wall and processor time, and its largest RSS in bytes."""

    wall: float
    cpu: float
    peak: int


def run(*command: str) -> Cost:
    """Run a command to its end."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{command} failed")
    return Cost(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss << 10)


def fleet(*arguments: str) -> Cost:
    """Run a command of fleet."""
    return run(*PROGRAM, *arguments)


def listed(paths: list[Path]) -> float:
    """Let tarfile list the files; give its processor time."""
    before = time.process_time()
    for path in paths:
        with tarfile.open(path) as archive:
            archive.getmembers()
    return time.process_time() - before


def many_captures(folder: Path, count: int) -> None:
    """Write captures quickly: what all share is packed once, as a compressed stream of its own."""
    folder.mkdir()
    own = [name for name, data in board(1, 1, 500).items() if example().get(name) != data]
    shared = gzip.compress(_members({name: data for name, data in example().items() if name not in own}), 6)
    for number in range(count):
        moment, host = divmod(number, 200)
        files = board(host, moment, 500 * (host % 2))
        data = _members({name: files[name] for name in own}, START + moment * HOUR) + bytes(1024)
        (folder / f"{host:03}-{moment:03}.tar.gz").write_bytes(shared + gzip.compress(data, 6))


def _members(files: Files, taken_at: int = START) -> bytes:
    """Give a tar archive without its end."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), taken_at
            archive.addfile(member, io.BytesIO(data))
        length = archive.offset
    return out.getvalue()[:length]


def rates(root: Path, count: int, rounds: int) -> str:
    """Take captures in, with one process and with two; give the dataset."""
    moments = 20
    captures = root / "captures"
    paths = make_captures(captures, max(count // moments, 1), moments)
    count = len(paths)
    print(f"{count} captures of {sum(path.stat().st_size for path in paths) // count >> 10} KiB")
    tar, ingest = [], []
    for each in range(rounds):
        tar.append(listed(paths))
        ingest.append(fleet("ingest", str(captures), "--into", str(root / f"set-{each}"), *LABEL))
    best = min(cost.cpu for cost in ingest)
    print(f"{'tarfile lists them':<32} {count / min(tar):8.1f} captures/s of CPU")
    rate = f"{count / best:8.1f} captures/s of CPU, {min(tar) / best:.2f} x tarfile's rate (target 1.0)"
    print(f"{'ingest':<32} {rate}, {ingest[0].peak >> 20} MiB at most")
    two = fleet("ingest", str(captures), "--into", str(root / "two"), "--workers", "2")
    wall = min(cost.wall for cost in ingest)
    print(f"{'ingest --workers 2':<32} {count / two.wall:8.1f} captures/s, {wall / two.wall:.2f} x one worker's")
    dataset = str(root / "set-0")
    print(f"{'ingest of what is there':<32} {fleet('ingest', str(captures), '--into', dataset).wall:8.2f} s")
    return dataset


def sizes(dataset: str, count: int) -> None:
    """Say how much a capture takes of the disk, before and after it is compacted."""

    def size() -> int:
        return sum(path.stat().st_size for path in Path(dataset).rglob("*.parquet"))

    before = size()
    fleet("compact", "-S", dataset)
    print(f"{'size':<32} {before / count:8.0f} bytes a capture, {size() / count:.0f} compacted")


def questions(dataset: str) -> None:
    """Ask each question, and pandas where it is there."""
    has_pandas = find_spec("pandas") is not None
    for question in QUESTIONS:
        name = " ".join(question)
        _say(name, lambda: fleet(*question, "-S", dataset))  # noqa: B023 (called at once)
        if has_pandas and name in PANDAS:
            _say("  by pandas", lambda: run(sys.executable, "-c", READ + PANDAS[name], dataset))  # noqa: B023
    if not has_pandas:
        print("no pandas: nothing beside it")


def _say(name: str, ask: Callable[[], Cost]) -> None:
    costs = [ask() for _ in range(3)]
    wall, cpu = (min(figures) for figures in zip(*(cost[:2] for cost in costs)))
    print(f"{name:<32} {wall:8.2f} s, {cpu:.2f} s of CPU, {costs[0].peak >> 20} MiB at most", flush=True)


def memory(root: Path, count: int) -> None:
    """Take very many captures in, in one run."""
    many_captures(root / "many", count)
    cost = fleet("ingest", str(root / "many"), "--into", str(root / "set-many"), *LABEL)
    rate = f"{count / cost.cpu:8.1f} captures/s of CPU, {cost.peak >> 20} MiB at most (target 512)"
    print(f"{f'ingest of {count} captures':<32} {rate}", flush=True)
    questions(str(root / "set-many"))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--captures", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=2, help="of which the least time counts")
    parser.add_argument("--memory", type=int, default=0, metavar="N", help="take N captures in, for the memory")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        root = Path(folder)
        if wanted.captures:
            dataset = rates(root, wanted.captures, wanted.rounds)
            sizes(dataset, wanted.captures)
            questions(dataset)
        if wanted.memory:
            memory(root, wanted.memory)


if __name__ == "__main__":
    main()
