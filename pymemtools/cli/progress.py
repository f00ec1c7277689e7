"""A line on a terminal's stderr about what takes longer than a second, gone at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pymemtools.cli.terminal import LEAST, terminal_columns
from pymemtools.render.escape import cut, escape

if TYPE_CHECKING:
    from threading import Event

_CLEAR = "\r\x1b[K"


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Say what is done, from its first second on, and for how long by now."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    from threading import Event, Thread

    done = Event()
    teller = Thread(target=_tell, args=(escape(what), done), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def _tell(what: str, done: Event) -> None:
    seconds = 0
    while not done.wait(1.0):
        seconds += 1
        line = cut(f"{what}: {seconds} s", terminal_columns(sys.stderr, least=LEAST) - 1)
        _write(f"{_CLEAR}{line}")
    if seconds:
        _write(_CLEAR)


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:  # a terminal that is gone changes nothing
        pass
