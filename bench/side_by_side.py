"""Run programs side by side and print what they took as a table with ratios.

A figure of its own says little on another machine: each stands beside one that was measured in the same run, in turns.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

OURS = [str(Path(sys.executable).parent / "pymemtools")]
MIB = 1 << 20
INF = float("inf")  # the target of what has none
LOAD = os.getloadavg()[0]  # before our own: where other programs take processors, wall times say little
# Nothing of ours or of a peer is to compile itself anew in each run, or to write line by line.
_ENVIRONMENT = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
_PATIENCE = 1.0  # seconds to wait for a quiet moment


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


class ProgramFailedError(Exception):
    """Say which program did not do what was to be measured."""


def run(command: Sequence[str]) -> Cost:
    """Run a program to its end, its output thrown away. Raises ProgramFailedError."""
    _await_quiet()
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_ENVIRONMENT)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise ProgramFailedError(f"{' '.join(command)}: exit status {child.returncode}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _await_quiet() -> None:
    """Wait for a moment when nobody but us wants a processor, but not for ever."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        runnable = Path("/proc/loadavg").read_text().split()[3].partition("/")[0]
        if runnable == "1":
            break
        time.sleep(0.01)


def costs_of(commands: Sequence[Sequence[str]], rounds: int) -> list[Cost]:
    """Run the commands in turn, so many times; the first round warms the caches up.

    Gives the median of wall times, and the least processor time: whoever else uses the machine only adds to that, by
    half where the other thread of a core or its caches are busy.
    """
    costs: list[list[Cost]] = [[] for _ in commands]
    for turn in range(rounds + 1):
        for command, found in zip(commands, costs):
            cost = run(command)
            if turn:
                found.append(cost)
    return [
        Cost(
            statistics.median(cost.wall for cost in each),
            min(cost.cpu for cost in each),
            max(cost.peak for cost in each),
        )
        for each in costs
    ]


def verdict(is_met: bool) -> str:
    """Say whether a target is met."""
    return "ok" if is_met else "MISSED"


def faster(what: str, ours: float, peer: float, name: str, least: float) -> Line:
    """Say how many times faster ours is than a peer."""
    ratio = peer / ours
    cells = (f"{ours:.3f} s", f"{peer:.3f} s {name}", f"{ratio:.1f} x faster", f">= {least} x")
    return Line(what, *cells, verdict(ratio >= least))


def at_most(what: str, ours: float, floor: float, name: str, most: float) -> Line:
    """Say how many times longer ours takes than what cannot be beaten."""
    ratio = ours / floor
    cells = (f"{ours:.3f} s", f"{floor:.3f} s {name}", f"{ratio:.2f} x")
    return Line(what, *cells, "", "") if most == INF else Line(what, *cells, f"<= {most} x", verdict(ratio <= most))


def within(what: str, peak: int, most: int) -> Line:
    """Say whether the most memory that was resident, in bytes, is within so many MiB."""
    return Line(what, f"{peak / MIB:.0f} MiB", "", "", f"<= {most} MiB", verdict(peak <= most * MIB))


def tried(measure: Callable[..., list[Line]], *arguments: object) -> list[Line]:
    """Measure; a program that fails takes its own lines from the table, and not the table."""
    try:
        return measure(*arguments)
    except ProgramFailedError as error:
        return [Line(str(error), "", "", "", "", "FAILED")]


def enter_own_pid_namespace() -> None:
    """Start over where no processes but our own count, if we may."""
    if os.getuid() == 0 and shutil.which("unshare") and os.getpid() != 1:
        os.execvp("unshare", ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, *sys.argv])


def show(lines: Sequence[Line], rounds: int) -> None:
    """Print the table, as Markdown."""
    import tabulate

    print(
        f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, Linux {platform.release()}, "
        f"{os.cpu_count()} CPUs, load {LOAD:.1f}, {rounds} interleaved runs: median wall, least CPU time\n"
    )
    print(tabulate.tabulate(lines, ["", "pymemtools", "beside", "ratio", "target", ""], "github"))


def run_bench(about: str, measure: Callable[[int], list[Line]], rounds: int = 5) -> None:
    """Be the program of a bench: ask how many rounds, measure, and show."""
    parser = argparse.ArgumentParser(description=about.partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=rounds, help=f"how often each command is run [{rounds}]")
    chosen = parser.parse_args().rounds
    show(tried(measure, chosen), chosen)
