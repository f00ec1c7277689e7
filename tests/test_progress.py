"""What takes longer than a second is told on a terminal, in a line that is gone at the end; never in a pipe."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from conftest import HERE

ARCHIVE = HERE.parent / "pymemtools" / "data" / "example.tar.gz"
CALL = [sys.executable, "-m", "pymemtools", "free", "-S", "-"]


def test_an_archive_that_comes_slowly() -> None:
    """The archive comes once the line is there, however long that takes."""
    main, terminal = pty.openpty()
    env = os.environ | {"PYTHONPATH": str(HERE.parent), "COLUMNS": "80"}
    with subprocess.Popen(CALL, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=terminal, env=env) as process:
        os.close(terminal)
        seen = b""
        while b"1 s" not in seen:
            seen += os.read(main, 1024)
        report, _ = process.communicate(ARCHIVE.read_bytes())
    seen += drained(main)
    assert seen.startswith(b"\r\x1b[Kreading -: 1 s")
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
