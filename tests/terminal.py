"""A program on a terminal of its own: its keys, its size, its signals, and the page that a user sees."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence

from conftest import HERE

_TOKEN = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\r|\n|([^\x1b\r\n])")


class Terminal:
    """Starts the program as a shell does: a session of its own, whose terminal is in our hands."""

    def __init__(
        self,
        *arguments: str,
        shell: Sequence[str] = (),
        lines: int = 24,
        columns: int = 80,
        environment: Mapping[str, str] = {},
    ) -> None:
        self._main, self.end = pty.openpty()
        self.resize(lines, columns)
        self.modes = termios.tcgetattr(self.end)
        plain = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.program = subprocess.Popen(
            [*shell, sys.executable, "-m", "pymemtools", *arguments],
            stdin=self.end,
            stdout=self.end,
            stderr=self.end,
            env={**plain, "PYTHONPATH": str(HERE.parent), "TERM": "xterm", **environment},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.seen = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *error: object) -> None:
        if self.program.poll() is None:
            self.program.kill()
            self.program.wait()
        os.close(self.end)
        os.close(self._main)

    def resize(self, lines: int, columns: int) -> None:
        """Change the size, of which the kernel tells the program by SIGWINCH."""
        fcntl.ioctl(self._main, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, keys: str) -> None:
        """Press keys: Ctrl-C is ``\\x03``, Ctrl-Z ``\\x1a``."""
        os.write(self._main, keys.encode())

    def read(self) -> bool:
        """Take what was written, waiting for it; tell whether anything came."""
        if not select.select([self._main], [], [], 60)[0]:
            return False
        self.seen += os.read(self._main, 65536).decode("utf-8", "replace")
        return True

    def wait_for(self, text: str, start: int = 0) -> int:
        """Wait until a text was written; give the place behind it."""
        begin = time.monotonic()
        while (place := self.seen.find(text, start)) < 0:
            assert self.read() and time.monotonic() < begin + 120, f"{text!r} does not come: {self.seen[-2000:]!r}"
        return place + len(text)

    def finish(self) -> int:
        """Wait for the end; give the exit status. A program that goes on drawing for two minutes does not end."""
        begin = time.monotonic()
        while self.program.poll() is None or select.select([self._main], [], [], 0)[0]:
            assert time.monotonic() < begin + 120, f"does not end: {self.seen[-2000:]!r}"
            if select.select([self._main], [], [], 0.05)[0]:
                self.read()  # else it would wait for us
        return self.program.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.program.send_signal(number)

    @property
    def has_its_modes(self) -> bool:
        """Tell whether the terminal is as it was before."""
        return termios.tcgetattr(self.end) == self.modes

    def pages(self) -> list[list[str]]:
        """Draw what was written, as a terminal does; give the page whenever the pen went to the top, and the last."""
        return drawn(self.seen)


def drawn(text: str) -> list[list[str]]:
    """Follow the few commands that the program uses. Marked text is between ``<`` and ``>``."""
    page: dict[int, str] = {}
    pages: list[list[str]] = []
    row = 0
    for match in _TOKEN.finditer(text):
        numbers, command, character = match.groups()
        if command == "H":
            pages.append([page.get(each, "") for each in range(max(page, default=-1) + 1)])
            row = 0
        elif command == "K":
            page[row] = ""
        elif command == "J":
            page = {each: line for each, line in page.items() if each <= row}
        elif command == "m":
            page[row] = page.get(row, "") + (">" if numbers == "0" else "<")
        elif match[0] == "\n":
            row += 1
        elif character is not None:
            page[row] = page.get(row, "") + character
    return [*pages[1:], [page.get(each, "") for each in range(max(page, default=-1) + 1)]]
