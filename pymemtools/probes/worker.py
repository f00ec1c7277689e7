"""Let another process do what may hang: a file system whose server is gone keeps who asks it waiting for ever."""

from __future__ import annotations

import marshal
import os
import select
import signal
from collections.abc import Iterable, Iterator
from typing import Any

from pymemtools.errors import MemtoolsError

_LENGTH = 8
_pipe: Any = None  # to whom we work for, in a process that does


class HungError(MemtoolsError):
    """Say that nothing was heard of the other process for too long."""


def within(seconds: float, messages: Iterable[Any]) -> Iterator[Any]:
    """Give messages, plain values, as another process makes them. Raises HungError when none came for so long."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _work(writing, messages)
    os.close(writing)
    ended = False
    try:
        yield from _heard(reading, seconds)
        ended = True
    finally:
        os.close(reading)
        _end(pid, waits=ended)


def alive() -> None:
    """Say that something that takes long goes on: nothing, unless we work for another process."""
    if _pipe is not None:
        _pipe.write(bytes(_LENGTH))  # a message of no length


def _work(writing: int, messages: Iterable[Any]) -> None:
    """Send each message with its length before it, and None at the end."""
    global _pipe
    try:
        import gc

        gc.disable()  # nothing here has cycles
        with os.fdopen(writing, "wb", 0) as pipe:
            _pipe = pipe
            for message in messages:
                _send(pipe, message)
            _send(pipe, None)
    finally:
        os._exit(0)  # whatever happened: this copy must not go on to print a report of its own


def _send(pipe: Any, message: Any) -> None:
    text = marshal.dumps(message)
    rest = memoryview(len(text).to_bytes(_LENGTH, "little") + text)
    while rest:
        rest = rest[pipe.write(rest) :]


def _heard(reading: int, seconds: float) -> Iterator[Any]:
    while True:
        length = int.from_bytes(_exactly(reading, _LENGTH, seconds), "little")
        if not length:
            continue
        message = marshal.loads(_exactly(reading, length, seconds))  # noqa: S302 (our own process wrote it)
        if message is None:
            return
        yield message


def _exactly(reading: int, size: int, seconds: float) -> bytes:
    text = bytearray()
    while len(text) < size:
        if not select.select([reading], [], [], seconds)[0]:
            raise HungError(f"no answer for {seconds:g} s")
        piece = os.read(reading, size - len(text))
        if not piece:
            raise MemtoolsError("the process that looks at files was ended")
        text += piece
    return bytes(text)


def _end(pid: int, *, waits: bool) -> None:
    """End it, without waiting for what cannot be ended while it hangs."""
    try:
        if not waits:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0 if waits else os.WNOHANG)
    except (ProcessLookupError, ChildProcessError):
        pass
