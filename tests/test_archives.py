"""Opening archives: by name, from standard input, without leaving a trace."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import pytest
from archives import SOUND, opened, rows
from conftest import CAPTURES, HERE, Run

from pymemtools.errors import ArchiveError, MemtoolsError, Missing
from pymemtools.sources import open_source
from pymemtools.sources.archive import Archive


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "fifo", "socket", "link to nothing", "no\0name"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, path: str) -> None:
    import socket

    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link to nothing").symlink_to("nothing")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        with pytest.raises(MemtoolsError) as refused:
            Archive.open(path if path.startswith("/") else str(tmp_path / path))
    assert refused.type is not MemtoolsError
    assert str(refused.value).startswith(path if path.startswith("/") else str(tmp_path / path))


def test_standard_input_may_be_a_file_that_was_begun(pymemtools: Run, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"a line before\n" + SOUND)
    with path.open("rb", buffering=0) as file:
        file.read(14)
        done = pymemtools("smem", "-H", "-c", "pid", "-S", "-", stdin=file)
    assert (done.returncode, done.stdout) == (0, b"    7 \n    8 \n")


def test_descriptors_are_closed(tmp_path: Path) -> None:
    gc.collect()  # what other tests' exceptions still hold
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        rows(opened(tmp_path, SOUND))
        with pytest.raises(ArchiveError):
            opened(tmp_path, b"no archive")
    with pytest.raises(Missing):
        open_source(str(tmp_path / "nothing"))
    assert len(os.listdir("/proc/self/fd")) == before


def test_nothing_is_written_and_no_member_is_opened(tmp_path: Path) -> None:
    """Watch, by Python's audit events, every file that a report of an archive opens."""
    import subprocess

    path = CAPTURES / "x86_64-7.2" / "smemcap.tar.gz"
    code = """
import os, sys
opened = []
sys.addaudithook(lambda event, args: opened.append((args[0], args[2])) if event == "open" else None)
del opened[:]
from pymemtools.entry import main
sys.argv = ["pymemtools", "smem", "-S", sys.argv[1], "-u"]
import pymemtools.cli
pymemtools.cli.leave = lambda status: (print(repr(opened), file=sys.stderr), os._exit(status))
main()
"""
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    opens = [(name, flags) for name, flags in eval(done.stderr) if not str(name).endswith((".py", ".pyc"))]
    written = [name for name, flags in opens if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)]
    assert written == []
    assert {name for name, _ in opens if isinstance(name, str) and "python" not in name} <= {str(path)}
    assert list(tmp_path.iterdir()) == []
