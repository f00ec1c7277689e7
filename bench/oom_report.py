"""Measure oom-report beside ``grep -c`` on a long kernel log with one report at its end; print ratios.

python bench/oom_report.py [--rounds N]
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from side_by_side import INF, MIB, OURS, Line, at_most, costs_of, run_bench, verdict

SIZE = 200 * MIB
REPORT = Path(__file__).parent.parent / "tests" / "oom_reports" / "own-x86_64-6.8.0-151-ubuntu-global-r2.txt"


def write_log(path: Path) -> None:
    """Write what a busy host logs: devices, sessions, words of memory and of killing."""
    lines = [
        f"Nov 23 14:{each % 60:02d}:{each % 59:02d} host kernel: [{each * 0.137:12.6f}] usb {each % 7}-1: new device, "
        "memory out total\n"
        f"Nov 23 14:{each % 60:02d}:{each % 59:02d} host systemd[1]: process {each} killed by nothing at all.\n"
        for each in range(20_000)
    ]
    block = "".join(lines).encode()
    with path.open("wb") as file:
        for _ in range(SIZE // len(block)):
            file.write(block)
        file.write(REPORT.read_bytes())


def measure(rounds: int) -> list[Line]:
    """Measure both on the same file, which is in the page cache."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "kern.log"
        write_log(log)
        size = log.stat().st_size / MIB
        grep = ["grep", "-c", "oom-killer", str(log)]
        calls = [grep, [*OURS, "oom-report", str(log)], [sys.executable, "-c", "import click"]]
        theirs, ours, bare = costs_of(calls, rounds)
        is_small = verdict(ours.peak < 100 * MIB)
        speed = (f"{size / ours.cpu:.0f} MB/s", f"{size / theirs.cpu:.0f} MB/s grep -c", "", "", "")
        return [
            at_most(f"oom-report, {size:.0f} MiB of log (CPU)", ours.cpu, theirs.cpu, "grep -c oom-killer", 4),
            at_most("oom-report, above start-up (CPU)", ours.cpu - bare.cpu, theirs.cpu, "grep -c oom-killer", INF),
            Line("oom-report, speed", *speed),
            Line("oom-report, peak memory", f"{ours.peak / MIB:.0f} MiB", "", "", "<= 100 MiB", is_small),
        ]


if __name__ == "__main__":
    run_bench(__doc__, measure)
