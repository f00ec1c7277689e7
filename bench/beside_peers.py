"""Measure pymemtools beside its peers in the same run, and print a table with ratios: ``make bench``.

As root with unshare(1) it works in a PID namespace of its own, so that nothing but its own processes counts;
otherwise on the machine as it is. Every figure is the median of interleaved runs.

    python bench/beside_peers.py [--capture FILE.tar] [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

OURS = [str(Path(sys.executable).parent / "pymemtools")]
PROCESSES = 1000
MAPPINGS = 20_000
MIB = 1 << 20


class Cost(NamedTuple):
    """What one run of a program took."""

    wall: float  # seconds
    cpu: float  # seconds, user and system
    peak: int  # bytes resident


class Line(NamedTuple):
    """One line of the table."""

    what: str
    ours: str
    beside: str
    ratio: str
    target: str
    verdict: str


def run(command: Sequence[str]) -> Cost:
    """Run a program to its end, its output thrown away."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {child.returncode}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def medians(commands: Sequence[Sequence[str]], rounds: int) -> list[Cost]:
    """Run the commands in turn, so many times, and give the median of each; the first round warms the caches up."""
    costs: list[list[Cost]] = [[] for _ in commands]
    for turn in range(rounds + 1):
        for command, found in zip(commands, costs):
            cost = run(command)
            if turn:
                found.append(cost)
    return [
        Cost(
            statistics.median(cost.wall for cost in each),
            statistics.median(cost.cpu for cost in each),
            max(cost.peak for cost in each),
        )
        for each in costs
    ]


def faster(what: str, ours: float, peer: float, name: str, least: float) -> Line:
    """Say how many times faster ours is than a peer."""
    ratio = peer / ours
    verdict = "ok" if ratio >= least else "MISSED"
    return Line(what, f"{ours:.3f} s", f"{peer:.3f} s {name}", f"{ratio:.1f} x faster", f">= {least} x", verdict)


def at_most(what: str, ours: float, floor: float, name: str, most: float) -> Line:
    """Say how many times longer ours takes than what cannot be beaten."""
    ratio = ours / floor
    verdict = "ok" if ratio <= most else "MISSED"
    return Line(what, f"{ours:.3f} s", f"{floor:.3f} s {name}", f"{ratio:.2f} x", f"<= {most} x", verdict)


def start_up(rounds: int) -> list[Line]:
    """Measure ``free`` beside the interpreter and beside importing click."""
    python = [sys.executable, "-c"]
    ours, bare, click = medians([[*OURS, "free"], [*python, "pass"], [*python, "import click"]], 3 * rounds)
    what = "start-up: free (CPU)"
    return [
        at_most(what, ours.cpu, bare.cpu, "bare python", float("inf")),
        at_most(what, ours.cpu, click.cpu, "import click", 1.25),
    ]


@contextmanager
def children(start: Callable[[], list[int]]) -> Iterator[None]:
    """Run processes for as long as the block lasts."""
    pids = start()
    try:
        time.sleep(1)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)


def sleepers() -> list[int]:
    """Start half of the processes as small programs, half as forks of this one."""
    pids = [subprocess.Popen(["sleep", "infinity"]).pid for _ in range(PROCESSES // 2)]
    return pids + [_fork(signal.pause) for _ in range(PROCESSES // 2)]


def mapper() -> list[int]:
    """Start a process with many mappings."""

    def work() -> object:
        import mmap

        kinds = (mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_WRITE)  # unlike neighbours, or the kernel merges them
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        maps = [mmap.mmap(-1, 4096, flags=flags, prot=kinds[i % 2]) for i in range(MAPPINGS)]
        return signal.pause(), maps

    return [_fork(work)]


def _fork(work: Callable[[], object]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(1)
    return pid


def many_processes(rounds: int) -> list[Line]:
    """Measure smem on a thousand processes."""
    ours, rollup, cat, cat_rollup = medians(
        [
            [*OURS, "smem"],
            [*OURS, "smem", "--rollup"],
            ["sh", "-c", "cat /proc/[0-9]*/smaps || true"],
            ["sh", "-c", "cat /proc/[0-9]*/smaps_rollup || true"],
        ],
        rounds,
    )
    what = f"smem, {PROCESSES} processes (wall)"
    lines = [
        at_most(what, ours.wall, cat.wall, "cat smaps", 1.2),
        at_most("smem --rollup (wall)", rollup.wall, cat_rollup.wall, "cat smaps_rollup", 1.3),
    ]
    if shutil.which("smem"):
        ours, peer = medians([[*OURS, "smem"], ["smem"]], max(3, rounds // 2))
        lines.insert(0, faster(what, ours.wall, peer.wall, "smem 1.5", 4.5))
    return lines


def many_mappings(rounds: int) -> list[Line]:
    """Measure smem on one process with very many mappings."""
    if not shutil.which("smem"):
        return []
    ours, peer = medians([[*OURS, "smem"], ["smem"]], max(3, rounds // 2))
    return [faster(f"smem, {MAPPINGS} mappings in one process (wall)", ours.wall, peer.wall, "smem 1.5", 4.0)]


def a_capture(path: str, rounds: int) -> list[Line]:
    """Measure reports of an unpacked capture."""
    commands = [[*OURS, "smem", *option, "-S", path] for option in ([], ["-m"], ["-u"])]
    *ours, cat = medians([*commands, ["cat", path]], rounds)
    size = f"{Path(path).stat().st_size / MIB:.0f} MiB"
    lines = []
    for name, cost in zip(("", " -m", " -u"), ours):
        verdict = "ok" if cost.cpu <= 0.30 and cost.peak <= 64 * MIB else "MISSED"
        cells = (f"{cost.cpu:.3f} s, {cost.peak / MIB:.0f} MiB", f"{cat.cpu:.3f} s cat", f"{cost.cpu / cat.cpu:.1f} x")
        lines.append(Line(f"smem{name} -S {size} capture (CPU)", *cells, "<= 0.30 s, 64 MiB", verdict))
    return lines


def captured() -> str | None:
    """Capture the processes that run now, as smemcap does."""
    if not shutil.which("smemcap"):
        return None
    fd, path = tempfile.mkstemp(suffix=".tar")
    subprocess.run(["smemcap"], stdout=fd, stderr=subprocess.DEVNULL, check=True)
    os.close(fd)
    return path


def measure(rounds: int, capture: str | None) -> list[Line]:
    """Measure everything there is a peer for."""
    lines = start_up(rounds)
    with children(sleepers):
        lines += many_processes(rounds)
        own = None if capture else captured()
    with children(mapper):
        lines += many_mappings(rounds)
    path = capture or own
    if path:
        lines += a_capture(path, rounds)
    if own:
        os.unlink(own)
    return lines


def main() -> None:
    """Print the table, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--capture", help="an unpacked capture to measure, instead of one of the bench's own processes")
    parser.add_argument("--rounds", type=int, default=7, help="how often each command is run [7]")
    arguments = parser.parse_args()
    if os.getuid() == 0 and shutil.which("unshare") and os.getpid() != 1:
        os.execvp("unshare", ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, *sys.argv])
    lines = measure(arguments.rounds, arguments.capture)
    print(
        f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, Linux {platform.release()}, "
        f"{os.cpu_count()} CPUs, medians of {arguments.rounds} interleaved runs\n"
    )
    import tabulate

    print(tabulate.tabulate(lines, ["", "pymemtools", "beside", "ratio", "target", ""], "github"))


if __name__ == "__main__":
    main()
