"""A line on a terminal's stderr about what takes longer than a second, gone at the end; never in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from pymemtools.cli.terminal import LEAST, is_watched, terminal_columns
from pymemtools.render.escape import cut, escape

if TYPE_CHECKING:
    from threading import Event

_CLEAR = "\r\x1b[K"


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Say what is done, from its first second on, and for how long by now: of work that cannot be counted."""
    if not is_watched():
        yield
        return
    from threading import Event, Thread

    done = Event()
    teller = Thread(target=_tell, args=(what, done), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


@contextmanager
def counted() -> Iterator[Callable[[str], None]]:
    """Give what is to be called with a text on how far we are, as often as one likes: once a second it is shown."""
    line = _Line()
    try:
        yield line if is_watched() else lambda text: None
    finally:
        line.clear()


class _Line:
    """What stands on the terminal, and since when."""

    def __init__(self) -> None:
        self._start = monotonic()
        self._seconds = 0  # that the terminal shows

    def __call__(self, text: str) -> None:
        seconds = int(monotonic() - self._start)
        if seconds > self._seconds:
            self._seconds = seconds
            line = cut(f"{escape(text)}: {seconds} s", terminal_columns(sys.stderr, least=LEAST) - 1)
            _write(f"{_CLEAR}{line}")

    def clear(self) -> None:
        if self._seconds:
            _write(_CLEAR)


def _tell(what: str, done: Event) -> None:
    line = _Line()
    while not done.wait(1.0):
        line(what)
    line.clear()


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:  # a terminal that is gone changes nothing
        pass
