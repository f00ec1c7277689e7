"""Programs that do the least that a report of an archive has to do: what its time is measured in."""

from __future__ import annotations

import sys

SPLITS = 1.5  # of the time that splitting an archive into lines takes, to sum what smem needs of it
BARE = [sys.executable, "-c", "pass"]
_LINES = """
import sys
rest = b""
with open(sys.argv[1], "rb", buffering=0) as file:
    while piece := file.read(1 << 20):
        lines = (rest + piece).split(b"\\n")
        rest = lines.pop()
"""
_READS = """
import os, sys
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        directory = os.open("/proc/" + pid, os.O_DIRECTORY)
        for name in sys.argv[1:]:
            file = os.open(name, os.O_RDONLY, dir_fd=directory)
            os.read(file, 65536)
            os.close(file)
        os.close(directory)
    except OSError:
        pass
"""
_MEMBERS = "import sys, tarfile; tarfile.open(sys.argv[1]).getmembers()"


def split_in_lines(path: str) -> list[str]:
    """Split a file into lines, a piece at a time, and throw them away."""
    return [sys.executable, "-c", _LINES, path]


def read_files(*names: str) -> list[str]:
    """Read files of every process, and throw them away."""
    return [sys.executable, "-c", _READS, *names]


def list_members(path: str) -> list[str]:
    """List an archive with the standard library."""
    return [sys.executable, "-c", _MEMBERS, path]
