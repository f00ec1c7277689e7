"""Running the program on a terminal of a given width."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

from conftest import HERE


def on_terminal(*arguments: str, columns: int, with_stderr: bool = False, **environment: str) -> str:
    """Give what a user sees on stdout, and on stderr if asked for."""
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    plain = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    env = plain | {"PYTHONPATH": str(HERE.parent), "TERM": "xterm"} | environment
    stderr = terminal if with_stderr else subprocess.DEVNULL
    call = [sys.executable, "-m", "pymemtools", *arguments]
    with subprocess.Popen(call, stdin=terminal, stdout=terminal, stderr=stderr, env=env) as process:
        os.close(terminal)
        seen = b""
        while piece := _piece(main):
            seen += piece
    os.close(main)
    assert process.returncode == 0
    return seen.decode().replace("\r\n", "\n")


def _piece(main: int) -> bytes:
    try:
        return os.read(main, 65536)
    except OSError:  # EIO: nobody has the other side open any more
        return b""
