"""Record a day of a simulated machine through the real writer, and measure what that costs and what reading it does.

Three hundred processes in sixty groups, every ten seconds; 12 % of them move from one to the next. The machine is
in memory, so that what the kernel's own files cost stands apart: that of this machine's processes is measured, too.

    python bench/record.py [--samples N] [--rounds N] [--kills N]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from floors import BARE
from side_by_side import INF, MIB, OURS, Line, at_most, costs_of, show, tried, verdict
from simulated_machine import SimulatedMachine

from pymemtools.capture.pack import packed
from pymemtools.capture.recording import Tick, Writer
from pymemtools.capture.sampling import Sampler
from pymemtools.capture.take import Taking
from pymemtools.capture.tar_writer import END, encode
from pymemtools.sources.recording import open_recording
from pymemtools.sources.recording.schema import PROCESS
from pymemtools.sources.tree import live

A_DAY, EVERY = 8640, 10.0
PROCESSES, GROUPS = 300, 60
MOST_SIZE, MOST_SHARE, MOST_REPLAY = 60_000_000, 0.01, 2.0
MOST_TREND = 30.0
START = 1_795_000_000.0


def record(path: str, samples: int) -> list[Line]:
    """Record so many samples."""
    machine = SimulatedMachine(PROCESSES, GROUPS)
    costs = []
    with Writer(path, {"page_size": 4096, "every_s": EVERY, "host": "simulated"}) as writer:
        for number in range(samples):
            machine.step()
            begin = time.process_time()
            writer.sample(machine, Tick(START + EVERY * number, EVERY * number))
            costs.append(time.process_time() - begin)
    size = os.path.getsize(path) / samples * A_DAY
    mean = sum(costs) / samples
    least, share = min(costs), mean / EVERY
    return [
        Line(
            f"a day of {PROCESSES} processes in {GROUPS} groups",
            f"{size / 1e6:.1f} MB",
            f"{samples} samples",
            "",
            f"<= {MOST_SIZE / 1e6:.0f} MB",
            verdict(size <= MOST_SIZE),
        ),
        Line(
            "a sample (CPU)",
            f"{1000 * mean:.1f} ms",
            f"least {1000 * least:.1f} ms",
            f"{100 * share:.2f} % of one",
            f"<= {100 * MOST_SHARE:.0f} %",
            verdict(share <= MOST_SHARE),
        ),
    ]


def kernels_own() -> list[Line]:
    """Measure what it costs to read this machine's own files: a full sample, and one in which little moved."""
    source, sampler = live(), Sampler()
    found: list[Line] = []
    for what in ("a full sample of this machine", "the next one"):
        begin = time.process_time()
        processes = len(sampler.take(source, is_full=not found).processes)
        cost = time.process_time() - begin
        found.append(Line(f"{what}, read (CPU)", f"{1000 * cost:.1f} ms", f"{processes} processes", "", "", ""))
    return found


def reading(path: str, directory: str, rounds: int) -> list[Line]:
    """Measure a moment in the middle beside a capture of the same, and figures of all processes over all samples."""
    recording = open_recording(path)
    number = recording.last.number // 2 + 17
    moment = recording.at(number)
    capture = f"{directory}/moment.tar.gz"
    members = Taking(moment, int(START)).members(moment.pids())
    pieces = (piece for member in members for piece in encode(member))
    Path(capture).write_bytes(b"".join(packed((*pieces, END), "gz")))
    smem = [*OURS, "smem", "--rollup"]
    series = (
        "from pymemtools.sources.recording import open_recording; "
        f"print(len(open_recording({path!r}).series({PROCESS}, ['pss', 'uss'])))"
    )
    ours, theirs, whole, bare, trend, start = costs_of(
        [
            [*smem, "-S", path, "--at", str(number)],
            [*smem, "-S", capture],
            [sys.executable, "-c", series],
            [sys.executable, "-I", "-S", "-c", ""],
            [*OURS, "trend", "-S", path],
            BARE,
        ],
        rounds,
    )
    return [
        at_most("trend of all, all samples (CPU)", trend.cpu, start.cpu, "an interpreter's start", MOST_TREND),
        at_most("smem --rollup -S REC --at (CPU)", ours.cpu, theirs.cpu, "of a capture", MOST_REPLAY),
        at_most("PSS and USS of all, all samples (CPU)", whole.cpu, bare.cpu, "bare interpreter", INF),
        Line("... peak memory", f"{whole.peak / MIB:.0f} MiB", "", "", "", ""),
    ]


def kills(directory: str, count: int) -> list[Line]:
    """Kill a writer again and again, each going on where the one before was ended; then read all that there is."""
    path, chance = f"{directory}/killed.rec", random.Random(7)
    told, lost = 0, 0
    for _ in range(count):
        told_now = _killed(path, chance)
        there = open_recording(path).last.number
        lost += there < told_now
        told = max(told, told_now)
    recording = open_recording(path)
    torn = sum(len(set(_samples_of(recording, moment.number))) != 1 for moment in recording.moments)
    what = f"{count} kills: {len(recording.moments)} samples"
    return [Line(what, f"{torn} torn", f"{lost} lost that were told of", "", "0", verdict(not torn and not lost))]


def _samples_of(recording: object, number: int) -> list[bytes]:
    source = recording.at(number)  # type: ignore[attr-defined]
    return [source.read("loadavg"), *(source.read(f"{pid}/oom_score") for pid in source.pids())]


class Numbered(SimulatedMachine):
    """A machine whose every process says in its oom_score which sample it is."""

    def __init__(self) -> None:
        super().__init__(20, 5)
        self.number = 0

    def read(self, path: str) -> bytes:
        return b"%d\n" % self.number if path == "loadavg" else super().read(path)

    def step(self) -> None:
        super().step()
        self.number += 1
        for process in self._processes.values():
            process.files["oom_score"] = b"%d\n" % self.number


def _killed(path: str, chance: random.Random) -> int:
    """Let a child write until it is killed; give the number of the last sample that it said is written."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            machine = Numbered()
            with Writer(path, {"page_size": 4096}) as writer:
                machine.number = writer.number * 1000
                while True:
                    machine.step()
                    os.write(
                        theirs, writer.sample(machine, Tick(time.time(), time.monotonic())).number.to_bytes(8, "big")
                    )
        finally:
            os._exit(1)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        pipe.read(8)
        time.sleep(chance.random() * 0.3)
        os.kill(pid, signal.SIGKILL)
        told = pipe.read()
    os.waitpid(pid, 0)
    return int.from_bytes(told[-8:], "big") if len(told) >= 8 else 0


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, default=A_DAY, help="how many are recorded [8640]")
    parser.add_argument("--rounds", type=int, default=5, help="how often each command is run [5]")
    parser.add_argument("--kills", type=int, default=200, help="how often a writer is killed [200]")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/a.rec"
        lines = record(path, arguments.samples) + kernels_own()
        lines += tried(reading, path, directory, arguments.rounds)
        lines += kills(directory, arguments.kills)
    show(lines, arguments.rounds)


if __name__ == "__main__":
    main()
