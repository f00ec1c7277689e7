"""Measure report on a capture of a thousand processes beside the dearest of the commands whose answers it holds.

    python bench/report.py [--capture FILE.tar] [--rounds N]

Without --capture one is taken of this machine with a thousand more processes.
"""

from __future__ import annotations

import argparse
import subprocess
from tempfile import TemporaryDirectory

from side_by_side import OURS, Line, at_most, costs_of, show, tried
from subjects import children, sleepers

COMMANDS = (["smem", "-c", "all"], ["oom-scores"], ["groups", "--all"], ["swap"], ["what-if", "overcommit"])
MOST = 1.3  # times the dearest


def reports(capture: str, page: str, rounds: int) -> list[Line]:
    """Measure the findings, and the page, beside each command; processor time, start-up with it."""
    calls = [["report"], ["report", "-o", page, "--force"], *COMMANDS]
    found, drawn, *costs = costs_of([[*OURS, *call, "-S", capture] for call in calls], rounds)
    dearest, name = max((cost.cpu, " ".join(call)) for cost, call in zip(costs, COMMANDS))
    return [
        at_most("report (CPU)", found.cpu, dearest, name, MOST),
        at_most("report -o (CPU)", drawn.cpu, dearest, name, MOST),
    ]


def measure(capture: str | None, rounds: int) -> list[Line]:
    """Measure everything."""
    with TemporaryDirectory() as folder:
        if capture is None:
            capture = f"{folder}/a.tar"
            with children(sleepers):
                subprocess.run([*OURS, "capture", "-o", capture], check=True, stderr=subprocess.DEVNULL)
        return tried(reports, capture, f"{folder}/a.html", rounds)


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--capture", help="an archive of a thousand processes")
    parser.add_argument("--rounds", type=int, default=5, help="how often each command is run [5]")
    arguments = parser.parse_args()
    show(measure(arguments.capture, arguments.rounds), arguments.rounds)


if __name__ == "__main__":
    main()
