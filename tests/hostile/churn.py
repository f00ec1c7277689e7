"""Run commands while processes come and go as fast as they can be asked to.

``python churn.py RUNS`` reads a JSON list of command lines from stdin, runs each RUNS times, and writes to stdout, as
JSON, the PIDs of the processes that stay, how many came and went, and what each run said. Meant for a PID
namespace of its own (``unshare -pf --mount-proc``), which also ends whatever it started.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

STAYING = 70
PER_SECOND = 200
LIFE = "0.03"  # seconds


def main() -> None:
    """Run the commands among processes that stay and processes that do not."""
    runs, commands = int(sys.argv[1]), json.load(sys.stdin)
    staying = [_forked(lambda: os.execvp("sleep", ["staying", "1000"])) for _ in range(STAYING)]
    told, telling = os.pipe()
    _forked(lambda: churn(telling))
    os.close(telling)
    os.read(told, 1)  # it has begun
    results = []
    for command in commands:
        done = [subprocess.run(command, capture_output=True, check=False) for _ in range(runs)]
        results.append([(each.returncode, each.stdout.decode(), each.stderr.decode()) for each in done])
    forks = 0
    os.set_blocking(told, False)
    try:
        while text := os.read(told, 1 << 20):
            forks += len(text)
    except BlockingIOError:
        pass
    json.dump({"staying": staying, "forks": forks, "results": results}, sys.stdout)


def churn(telling: int) -> None:
    """Start processes of every kind of short life, for ever: some exec, some exit, some wait to be reaped."""
    os.set_blocking(telling, False)
    count, unreaped, due = 0, [], time.monotonic()
    while True:
        kind = count % 4
        if kind == 0:
            pid = _forked(lambda: os.execvp("sleep", ["churn", LIFE]))
        elif kind == 1:
            pid = _forked(_touch_and_wait)
        elif kind == 2:
            pid = _forked(_wait_and_exec)
        else:
            pid = _forked(lambda: None)
        unreaped.append(pid)
        if len(unreaped) > 20:
            os.waitpid(unreaped.pop(0), 0)
        count += 1
        try:
            os.write(telling, b".")
        except BlockingIOError:
            pass
        due = max(due + 1 / PER_SECOND, time.monotonic() - 0.1)
        time.sleep(max(0.0, due - time.monotonic()))


def _touch_and_wait() -> None:
    touched = bytearray(1 << 20)
    time.sleep(float(LIFE))
    del touched


def _wait_and_exec() -> None:
    time.sleep(0.01)
    os.execvp("sleep", ["churn", "0.01"])


def _forked(child: object) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            child()  # type: ignore[operator]
        finally:
            os._exit(0)
    return pid


if __name__ == "__main__":
    main()
