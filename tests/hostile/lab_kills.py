"""Kill experiments at many moments, and look for what is left: ``python tests/hostile/lab_kills.py [MOMENTS]``.

Each is killed by SIGKILL so many milliseconds after its start; then no process that came of it, no control group, no
file and no changed setting may be left. What is left is printed, and the exit status is 1.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CALLS = (
    "oom --limit 16M",
    "oom --via mmap --touch read --limit 8M",
    "oom --via mmap --touch none",
    "oom --within addresses",
    "page-cache --size 32M",
    "cow",
    "demand-paging",
    "stack",
    "malloc",
    "segv",
    "mmap-vs-read",
    "writeback --size 32M",
    "overcommit --modes",
    "overcommit",
    "ksm --pages 1024",
    "drop-caches",
    "aslr",
    "watermarks",
    "swap",
    "watch -- sh -c (sleep_600&)_;sleep_600",
)
CHANGING = ("ksm", "overcommit", "drop-caches", "swap", "watermarks")  # settings: others may change them, too
STEP = 0.06  # seconds between two moments
PATIENCE = 30.0  # for all to be gone: a busy machine takes its time, and nothing more is measured


def marked(mark: str) -> list[int]:
    """List the processes that have a word in their environment."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if f"LAB_KILLS={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(int(pid))
        except OSError:
            continue
    return found


def groups() -> set[str]:
    """List the control groups of experiments."""
    return {str(path) for path in Path("/sys/fs/cgroup").rglob("pymemtools-lab-*") if path.is_dir()}


def files() -> set[str]:
    """List the files of experiments."""
    return {str(path) for place in ("/var/tmp", "/tmp", ".") for path in Path(place).glob("pymemtools-lab-*")}


def settings() -> dict[str, str]:
    """Read the settings that experiments change."""
    found = {}
    for path in (*Path("/sys/kernel/mm/ksm").glob("*"), *Path("/proc/sys/vm").glob("*")):
        if path.name in ("run", "pages_to_scan", "sleep_millisecs", "max_page_sharing") or "vm" in path.parts:
            try:
                found[str(path)] = path.read_text()
            except OSError:
                continue
    return found


def killed(call: str, moment: float, mark: str) -> int | None:
    """Start an experiment, kill it, and give its status before that if it had ended."""
    words = [word.replace("_", " ") for word in call.split(" ")]
    env = os.environ | {"PYTHONPATH": str(ROOT), "LAB_KILLS": mark}
    command = [sys.executable, "-m", "pymemtools", "lab", *words]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(moment)
    status = process.poll()
    process.send_signal(signal.SIGKILL)
    process.wait()
    return status


def main() -> int:
    """Kill each experiment at each moment; give 1 if anything was left."""
    moments = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    before, bad = settings(), 0
    for call in CALLS:
        ended = 0
        for number in range(moments):
            mark = f"{os.getpid()}-{number}"
            known = groups(), files()
            ended += killed(call, (number + 1) * STEP, mark) is not None
            deadline = time.monotonic() + PATIENCE
            while (marked(mark) or groups() - known[0]) and time.monotonic() < deadline:  # groups may be others'
                time.sleep(0.01)
            left = [*marked(mark), *(groups() - known[0]), *(files() - known[1])]
            if call.startswith(CHANGING):
                left += [path for path, text in settings().items() if before.get(path) != text]
            if left:
                bad += 1
                print(f"{call}, after {(number + 1) * STEP:.2f} s: left: {left}")
        print(f"{call}: {moments} moments, {ended} of them after its end")
    print("nothing is left" if not bad else f"{bad} times something was left")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
