"""Measure free and smem beside their peers in the same run, and print a table with ratios: ``make bench``.

As root with unshare(1) it works in a PID namespace of its own, so that nothing but its own processes counts;
otherwise on the machine as it is. Wall times are medians of interleaved runs, CPU times the least of them.

    python bench/beside_peers.py [--capture FILE.tar] [--rounds N]
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from floors import BARE, SPLITS, read_files, split_in_lines
from side_by_side import (
    INF,
    MIB,
    OURS,
    Line,
    at_most,
    costs_of,
    enter_own_pid_namespace,
    faster,
    show,
    tried,
    verdict,
)
from subjects import PROCESSES, children, mapper, sleepers

MAPPINGS = 20_000


def start_up(rounds: int) -> list[Line]:
    """Measure ``free`` beside the interpreter and beside importing click."""
    ours, bare, click = costs_of([[*OURS, "free"], BARE, [sys.executable, "-c", "import click"]], 3 * rounds)
    what = "start-up: free (CPU)"
    return [
        at_most(what, ours.cpu, bare.cpu, "bare python", INF),
        at_most(what, ours.cpu, click.cpu, "import click", 1.25),
    ]


def many_processes(rounds: int) -> list[Line]:
    """Measure smem on a thousand processes."""
    ours, cat = costs_of([[*OURS, "smem"], ["sh", "-c", "cat /proc/[0-9]*/smaps || true"]], rounds)
    return [at_most(f"smem, {PROCESSES} processes (wall)", ours.wall, cat.wall, "cat smaps", 1.2)]


def rollups(rounds: int) -> list[Line]:
    """Measure smem --rollup on a thousand processes, and where what it takes beyond cat's reading goes.

    Starting up and reading, which nobody can leave out who is to say whose figures these are, take more than cat.
    """
    ours, start, bare, cat, alone, all_read = costs_of(
        [
            [*OURS, "smem", "--rollup"],
            [*OURS, "smem", "--help"],
            BARE,
            ["sh", "-c", "cat /proc/[0-9]*/smaps_rollup || true"],
            read_files("smaps_rollup"),
            read_files("stat", "cmdline", "smaps_rollup", "stat"),
        ],
        rounds,
    )
    reading = all_read.cpu - bare.cpu
    parts = {
        f"smem --rollup, {PROCESSES} processes (CPU)": ours.cpu,
        "... of that starting up": start.cpu,
        "... directory and smaps_rollup, read only": alone.cpu - bare.cpu,
        "... cmdline, and stat before and after": all_read.cpu - alone.cpu,
        "... taking it in, adding up, printing": ours.cpu - start.cpu - reading,
    }
    return [
        *(at_most(what, cost, cat.cpu, "cat smaps_rollup", INF) for what, cost in parts.items()),
        at_most("smem --rollup (CPU)", ours.cpu, start.cpu + reading, "start and reading", 1.5),
    ]


def beside_smem(what: str, least: float, rounds: int) -> list[Line]:
    """Measure smem beside its model, on the processes that run now."""
    if not shutil.which("smem"):
        return [Line(what, "", "smem 1.5 is not installed", "", f">= {least} x", "")]
    ours, peer = costs_of([[*OURS, "smem"], ["smem"]], max(3, rounds // 2))
    return [faster(what, ours.wall, peer.wall, "smem 1.5", least)]


def a_capture(path: str, rounds: int) -> list[Line]:
    """Measure reports of an unpacked capture above start-up, beside splitting it into lines above the interpreter's."""
    commands = [[*OURS, "smem", *option, "-S", path] for option in ([], ["-m"], ["-u"])]
    start, bare, split, *ours = costs_of([[*OURS, "smem", "--help"], BARE, split_in_lines(path), *commands], rounds)
    size = f"{Path(path).stat().st_size / MIB:.0f} MiB"
    lines = []
    for name, cost in zip(("", " -m", " -u"), ours):
        what = f"smem{name} -S {size} capture: above start-up"
        lines.append(at_most(what, cost.cpu - start.cpu, split.cpu - bare.cpu, "split in lines", SPLITS))
        peak = (f"{cost.peak / MIB:.0f} MiB", "", "", "<= 64 MiB", verdict(cost.peak <= 64 * MIB))
        lines.append(Line(f"smem{name} -S {size} capture: peak memory", *peak))
    return lines


def capture_to(path: str) -> None:
    """Capture the processes that run now, in smemcap's layout."""
    pids = sorted(filter(str.isdigit, os.listdir("/proc")), key=int)
    members = ["meminfo", "version", *(f"{pid}/{name}" for pid in pids for name in ("smaps", "cmdline", "stat"))]
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name in members:
            try:
                text = Path("/proc", name).read_bytes()
            except OSError:
                continue
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))


def measure(rounds: int, capture: str | None) -> list[Line]:
    """Measure everything."""
    lines = tried(start_up, rounds)
    with tempfile.TemporaryDirectory() as directory:
        with children(sleepers):
            lines += tried(beside_smem, f"smem, {PROCESSES} processes (wall)", 4.5, rounds)
            lines += tried(many_processes, rounds)
            lines += tried(rollups, rounds)
            if capture is None:
                capture = f"{directory}/capture.tar"
                capture_to(capture)
        with children(mapper(MAPPINGS)):
            lines += tried(beside_smem, f"smem, {MAPPINGS} mappings in one process (wall)", 4.0, rounds)
        lines += tried(a_capture, capture, rounds)
    return lines


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--capture", help="an unpacked capture to measure, instead of one of the bench's own processes")
    parser.add_argument("--rounds", type=int, default=7, help="how often each command is run [7]")
    arguments = parser.parse_args()
    enter_own_pid_namespace()
    show(measure(arguments.rounds, arguments.capture), arguments.rounds)


if __name__ == "__main__":
    main()
