"""Measure pmap beside procps's in the same run, on processes of 60, 5,000 and 50,000 mappings; print ratios.

Times are CPU seconds, medians of interleaved runs.

    python bench/pmap.py [--rounds N]
"""

from __future__ import annotations

import argparse
import ctypes
import mmap
import os
import platform
import signal
import sys
import time
from collections.abc import Callable

from beside_peers import MIB, OURS, Cost, Line, at_most, children, medians

INF = float("inf")
SIZES = (60, 5_000, 50_000)
MODES = ("", "-x", "-X", "-XX")
MOST = {"-x": 1.3, "-X": 0.55, "-XX": 0.55}  # of procps's time, at the largest size


def mapper(mappings: int) -> Callable[[], list[int]]:
    """Make what starts a process with so many mappings, each a page that was touched, and stops it."""

    def start() -> list[int]:
        pid = os.fork()
        if pid:
            return [pid]
        try:
            pages = mmap.mmap(-1, mappings * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            first = ctypes.addressof(ctypes.c_char.from_buffer(pages))
            for page in range(mappings):
                pages[page * 4096] = 1
                if page % 2:  # unlike its neighbours, or the kernel merges them
                    ctypes.CDLL(None).mprotect(ctypes.c_void_p(first + page * 4096), 4096, mmap.PROT_READ)
            os.kill(os.getpid(), signal.SIGSTOP)
        finally:
            os._exit(1)

    return start


def measured(pid: int, rounds: int) -> dict[str, Cost]:
    """Run everything on one process; ours as ``ours -x``, procps's as ``procps -x``."""
    commands = {"cat smaps": ["cat", f"/proc/{pid}/smaps"], "cat smaps_rollup": ["cat", f"/proc/{pid}/smaps_rollup"]}
    for mode in MODES:
        options = [mode] if mode else []
        commands[f"procps {mode}"] = ["pmap", *options, str(pid)]
        commands[f"ours {mode}"] = [*OURS, "pmap", *options, str(pid)]
    commands["ours --rollup"] = [*OURS, "pmap", "--rollup", str(pid)]
    return dict(zip(commands, medians(list(commands.values()), rounds)))


def lines_of(mappings: int, costs: dict[str, Cost], bare: Cost) -> list[Line]:
    """Say how ours compares at one size."""
    largest = mappings == SIZES[-1]
    lines = []
    for mode in MODES:
        ours, procps = costs[f"ours {mode}"], costs[f"procps {mode}"]
        most = MOST.get(mode, INF) if largest else INF
        lines.append(at_most(f"pmap {mode}, {mappings} mappings", ours.cpu, procps.cpu, "procps", most))
    floor = costs["cat smaps"]
    lines.append(at_most(f"pmap -X, {mappings} mappings", costs["ours -X"].cpu, floor.cpu, "cat smaps", INF))
    rollup = costs["cat smaps_rollup"]
    lines.append(at_most(f"pmap --rollup, {mappings}", costs["ours --rollup"].cpu, rollup.cpu, "cat smaps_rollup", INF))
    if largest:
        for mode in MODES:
            above = (costs[f"ours {mode}"].peak - bare.peak) / MIB
            peak, own = f"{above:.0f} MiB", f"{bare.peak / MIB:.0f} MiB import click"
            verdict = "ok" if above <= 64 else "MISSED"
            lines.append(Line(f"pmap {mode}, {mappings}: peak memory above", peak, own, "", "<= 64 MiB", verdict))
    return lines


def growth(small: dict[str, Cost], large: dict[str, Cost]) -> list[Line]:
    """Say whether time grows with the mappings and no faster."""
    at = f"at {SIZES[-2]}"
    return [
        at_most(f"pmap {mode} at {SIZES[-1]}", large[f"ours {mode}"].cpu, small[f"ours {mode}"].cpu, at, 11)
        for mode in MODES
    ]


def main() -> None:
    """Print the table, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often each command is run [7]")
    rounds = parser.parse_args().rounds
    (bare,) = medians([[sys.executable, "-c", "import click"]], 3 * rounds)
    lines: list[Line] = []
    found = []
    for mappings in SIZES:
        pids: list[int] = []

        def start(mappings: int = mappings, pids: list[int] = pids) -> list[int]:
            pids += mapper(mappings)()
            return pids

        with children(start):
            costs = measured(pids[0], rounds)
        found.append(costs)
        lines += lines_of(mappings, costs, bare)
    extra = found[0]["ours "].cpu - bare.cpu
    verdict = "ok" if extra <= 0.060 else "MISSED"
    cells = (f"{1000 * extra:.0f} ms", f"{bare.cpu:.3f} s import click", "", "<= 60 ms", verdict)
    lines.append(Line(f"pmap, {SIZES[0]} mappings: above python and click", *cells))
    lines += growth(found[-2], found[-1])
    print(
        f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, Linux {platform.release()}, "
        f"{os.cpu_count()} CPUs, medians of {rounds} interleaved runs\n"
    )
    import tabulate

    lines = [line._replace(target="", verdict="") if "inf" in line.target else line for line in lines]
    print(tabulate.tabulate(lines, ["", "pymemtools", "beside", "ratio", "target", ""], "github"))


if __name__ == "__main__":
    main()
