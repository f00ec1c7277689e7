"""A terminal that is redrawn in place: what a command prints becomes a page, until q or a signal ends it.

Whatever ends it, the terminal is as it was before: its modes, what was on it, and below that the last page.
"""

from __future__ import annotations

import io
import os
import select
import shlex
import signal
import sys
import termios
import time
import tty
from types import FrameType
from typing import TextIO

import click

from pymemtools.cli.terminal import is_coloured
from pymemtools.render.changed import changed_lines
from pymemtools.render.escape import escape

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"  # other page, no cursor, lines are cut
_OTHERS = (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH)
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_TOP = 2  # lines on top: what is shown, and a blank one


class _Page(io.StringIO):
    """Takes what is printed, and says of itself what the terminal is."""

    def __init__(self, terminal: TextIO) -> None:
        super().__init__()
        self._terminal = terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._terminal.encoding

    def fileno(self) -> int:
        return self._terminal.fileno()

    def isatty(self) -> bool:
        return True


class Screen:
    """Takes the terminal over; what is printed from then on is shown by paint()."""

    def __init__(self, seconds: float, *, marks: bool = True) -> None:
        self._seconds, self._marks = seconds, marks
        self._pid = os.getpid()
        self._terminal, self._errors = sys.stdout, sys.stderr
        self._page, self._said = _Page(sys.stdout), io.StringIO()
        self._text = ""  # of the page that is shown
        self._lines: list[str] = []
        self._before: list[str] = []
        self._is_entered = self._is_closed = self._is_stopping = False
        self._modes = termios.tcgetattr(0)
        self._wakes = os.pipe()
        for end in self._wakes:
            os.set_blocking(end, False)
        self._handlers = {number: signal.getsignal(number) for number in (*_ENDS, *_OTHERS)}
        self._wakeup = signal.set_wakeup_fd(self._wakes[1], warn_on_full_buffer=False)
        for number in self._handlers:
            if self._handlers[number] is not signal.SIG_IGN:  # nohup's
                signal.signal(number, self._handle)
        self._terminal.flush()
        sys.stdout = self._page
        if self._errors is not None and self._errors.isatty():
            sys.stderr = self._said
        click.get_current_context().call_on_close(self.close)  # before anything is said of an error
        tty.setcbreak(0, termios.TCSANOW)

    # Pages

    def paint(self) -> None:
        """Show what was printed since the last page, with what changed marked."""
        self._text, self._before = self._taken(self._page), self._lines
        self._lines = [*self._text.splitlines(), *self._taken(self._said).splitlines()]
        if not self._is_entered:
            self._enter()
        self._draw()

    def wait(self) -> bool:
        """Wait until the next page is due; tell whether there is to be one."""
        due = time.monotonic() + self._seconds
        watched = [0, self._wakes[0]]
        while (left := due - time.monotonic()) > 0:
            ready = select.select(watched, [], [], min(left, 1e6))[0]
            if self._wakes[0] in ready and signal.SIGWINCH in self._signals():
                self._draw()
            if 0 in ready:
                keys = self._keys()
                if b"q" in keys.lower():
                    return False
                if not keys:
                    watched.remove(0)  # its other end is gone
        return True

    def _signals(self) -> bytes:
        try:
            return os.read(self._wakes[0], 1000)
        except BlockingIOError:
            return b""

    def _keys(self) -> bytes:
        try:
            return os.read(0, 1000)
        except OSError:
            return b""

    def _taken(self, stream: io.StringIO) -> str:
        text = stream.getvalue()
        stream.seek(0)
        stream.truncate()
        return text

    def _draw(self) -> None:
        """Write the page, as much of it as there is room for."""
        marks = self._marks and self._before and is_coloured()
        lines = list(changed_lines(self._before, self._lines)) if marks else self._lines
        room = max(os.get_terminal_size(self._terminal.fileno()).lines - _TOP, 1)
        if len(lines) > room:
            lines = [*lines[: room - 1], f"... and {len(lines) - room + 1} lines more"]
        shown = "\n".join(f"\x1b[K{line}" for line in (self._title(), "", *lines))
        self._write(f"\x1b[H{shown}\x1b[J")

    def _title(self) -> str:
        command = escape(shlex.join(["pymemtools", *sys.argv[1:]]))
        return f"{time.strftime('%H:%M:%S')}  every {self._seconds:g} s  {command}  (q quits)"

    def _write(self, text: str) -> None:
        """Write past Python's buffer, which refuses whoever handles a signal that came while it was written out."""
        left = memoryview(text.encode(self._terminal.encoding, self._terminal.errors or "strict"))
        while left:
            left = left[os.write(self._terminal.fileno(), left) :]

    # The terminal's state

    def _enter(self) -> None:
        self._is_entered = True
        self._write(_ENTER)

    def _restore(self) -> None:
        """Give the terminal back, and go on having taken what is printed."""
        if self._is_entered:
            self._write(_LEAVE)
        termios.tcsetattr(0, termios.TCSANOW, self._modes)

    def close(self) -> None:
        """Give the terminal back for good, and print the last page, with what was printed after it."""
        if self._is_closed or os.getpid() != self._pid:
            return
        self._is_closed = True
        sys.stdout, sys.stderr = self._terminal, self._errors
        self._restore()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        for end in self._wakes:
            os.close(end)
        self._write(self._text + self._page.getvalue())
        if self._errors is not None:
            self._errors.write(self._said.getvalue())

    # Signals

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number in _ENDS:
            self._end(number)
        elif number == signal.SIGTSTP:
            self._stop()
        elif number == signal.SIGCONT and os.getpid() == self._pid and not self._is_stopping:
            self._resume()  # after a SIGSTOP, which nobody can catch

    def _end(self, number: int) -> None:
        """Die of the signal; a reader that we forked has no terminal to give back."""
        if os.getpid() == self._pid:
            self._restore()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _stop(self) -> None:
        """Stop as others do, with the terminal as it was; whoever continues us finds us here.

        Nobody is stopped where nobody could continue it: who is alone on a terminal, as in a container.
        """
        is_ours = os.getpid() == self._pid
        if is_ours:
            self._is_stopping = True
            self._restore()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._handle)
        if is_ours:
            self._is_stopping = False
            self._resume()

    def _resume(self) -> None:
        tty.setcbreak(0, termios.TCSANOW)
        if self._is_entered:
            self._write(_ENTER)
            self._draw()
