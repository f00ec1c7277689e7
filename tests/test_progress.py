"""What takes longer than a second is told on a terminal, in a line that is gone at the end; never in a pipe."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import HERE
from trees import Proc, write_tree

from pymemtools.readings.processes import count_processes, read_processes
from pymemtools.readings.twice_told import read_told
from pymemtools.readings.used_files import read_used
from pymemtools.readings.wants import Wants
from pymemtools.sources import open_source
from pymemtools.sources.attended import Attended

pytestmark = pytest.mark.live

ARCHIVE = HERE.parent / "pymemtools" / "data" / "example.tar.gz"
CALL = [sys.executable, "-m", "pymemtools", "free", "-S", "-"]


def test_an_archive_that_comes_slowly() -> None:
    """The archive comes once the line is there, however long that takes."""
    main, terminal = pty.openpty()
    env = os.environ | {"PYTHONPATH": str(HERE.parent), "COLUMNS": "80"}
    with subprocess.Popen(CALL, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=terminal, env=env) as process:
        os.close(terminal)
        seen = b""
        while b" s" not in seen:
            seen += os.read(main, 1024)
        report, _ = process.communicate(ARCHIVE.read_bytes())
    seen += drained(main)
    assert re.match(rb"\r\x1b\[Kreading -: [1-9]\d* s", seen)
    assert seen.endswith(b" s\r\x1b[K")
    assert b"Mem:" in report
    assert process.returncode == 0


def drained(main: int) -> bytes:
    seen = b""
    try:
        while piece := os.read(main, 1024):
            seen += piece
    except OSError:  # EIO: nobody has the other side open any more
        pass
    os.close(main)
    return seen


def test_a_pipe_is_told_nothing(tmp_path: Path) -> None:
    env = os.environ | {"PYTHONPATH": str(HERE.parent)}
    slowly = f'(sleep 1.5; cat "{ARCHIVE}") | "{sys.executable}" -m pymemtools free -S -'
    done = subprocess.run(["bash", "-c", slowly], env=env, cwd=tmp_path, capture_output=True, check=True)
    assert done.stderr == b""


def test_a_capture_that_nobody_takes() -> None:
    """The pipe is full with the machine's files, before any process, until more than a second is over."""
    main, terminal = pty.openpty()
    env = os.environ | {"PYTHONPATH": str(HERE.parent), "COLUMNS": "80"}
    call = [sys.executable, "-m", "pymemtools", "capture", "-o", "-", str(os.getpid())]
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    with subprocess.Popen(call, stdout=writing, stderr=terminal, env=env) as process:
        os.close(terminal)
        os.close(writing)
        select.select([reading], [], [])
        time.sleep(1.1)
        with open(reading, "rb") as archive:
            assert archive.read().count(b"\0" * 1024)
    assert process.returncode == 0
    assert re.fullmatch(rb"\r\x1b\[Kcapture: 1 of 1 processes: \d+ s\r\x1b\[K", drained(main))


SLOW = """
import sys
from pymemtools.cli.options import attended
from pymemtools.readings.processes import read_processes
from pymemtools.readings.wants import Wants
from pymemtools.sources.example import open_example

class Slow:
    def __init__(self):
        self.example = open_example()
    def __getattr__(self, name):
        return getattr(self.example, name)
    def process(self, pid):
        sys.stdin.read()
        return self.example.process(pid)

print(len(read_processes(attended(Slow()), Wants(("Pss",))).processes))
"""


def test_processes_that_are_read_slowly() -> None:
    """They can be read once the line is there."""
    main, terminal = pty.openpty()
    env = os.environ | {"PYTHONPATH": str(HERE.parent), "COLUMNS": "80"}
    call = [sys.executable, "-c", SLOW]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=terminal, env=env) as process:
        os.close(terminal)
        seen = b""
        while b" s" not in seen:
            seen += os.read(main, 1024)
        read, _ = process.communicate()
    seen += drained(main)
    assert re.match(rb"\r\x1b\[Kreading 71 processes: [1-9]\d* s", seen)
    assert seen.endswith(b" s\r\x1b[K")
    assert (read, process.returncode) == (b"18\n", 0)


def test_whatever_reads_many_processes_tells_so(tmp_path: Path) -> None:
    told: list[str] = []

    @contextmanager
    def tell(text: str) -> Iterator[None]:
        told.append(text)
        yield

    root = write_tree(tmp_path / "machine", Proc(7, "one"), Proc(8, "two"))
    source = Attended(open_source(str(root)), tell)
    read_processes(source, Wants(("Pss",)))
    count_processes(source)
    read_told(source, [7])
    read_used(source, [7, 8], opened=False)
    assert told == ["reading 2 processes", "reading 2 processes", "reading 1 process", "reading 2 processes"]
    here = Attended(open_source(), tell)
    read_processes(here, Wants())
    assert re.fullmatch(r"reading \d+ process(es)?", told[4])
