"""The most memory that a call of the program had resident."""

from __future__ import annotations

import os
import subprocess
import sys

from asleep import without_huge_pages
from conftest import HERE

_CALL = """
import sys
from pymemtools.cli import cli
cli.main(sys.argv[1:], standalone_mode=False)
sys.stdout.flush()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]), file=sys.stderr)
"""


def peak(*arguments: str) -> int:
    """Give it in bytes, as the call itself reads it: rusage would count this process, which it was forked from."""
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    with open(os.devnull, "wb") as nothing:
        call = [sys.executable, "-c", _CALL, *arguments]
        pipes = {"stdout": nothing, "stderr": subprocess.PIPE}
        done = subprocess.run(call, env=environment, **pipes, check=True, preexec_fn=without_huge_pages)  # type: ignore[call-overload]
    return int(done.stderr.split()[-1]) << 10
