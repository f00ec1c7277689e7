"""Share work out between two processes.

Reading /proc is mostly the kernel's time, which two processors could share. Threads cannot do it well: each short
system call hands over Python's one lock, and waiting for that costs more than the call. A forked copy of this process
does its half undisturbed.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def share_out(
    items: Sequence[_Item],
    work: Callable[[_Item], _Result],
    meanwhile: AbstractContextManager[None] = nullcontext(),  # noqa: B008 (it has no state)
) -> list[_Result]:
    """Give ``work(item)`` for each item, half of them worked out by another process.

    Results must be plain: tuples, lists, dicts, text, bytes, numbers and None. Errors are raised as if there were but
    one process: what the other one cannot do is done here again. ``meanwhile`` is entered when the other process is
    there, as it may start threads, which a fork is not to copy halfway.
    """
    mine, theirs = items[0::2], items[1::2]
    other = _start(theirs, work)
    results: list[Any] = [None] * len(items)
    with meanwhile:
        try:
            results[0::2] = [work(item) for item in mine]
        finally:
            done = None if other is None else _finish(*other)
        results[1::2] = [work(item) for item in theirs] if done is None else done
    return results


def _start(items: Sequence[_Item], work: Callable[[_Item], Any]) -> tuple[int, int] | None:
    """Start the other process; give its PID and the pipe that its results come through, or None if there is none."""
    try:
        reading, writing = os.pipe()
    except OSError:
        return None
    try:
        pid = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        return None
    if pid:
        os.close(writing)
        return pid, reading
    status = 1
    try:
        os.close(reading)
        with os.fdopen(writing, "wb") as pipe:
            marshal.dump([work(item) for item in items], pipe)
        status = 0
    finally:
        os._exit(status)  # whatever happened: this copy must not go on to print a report of its own


def _finish(pid: int, reading: int) -> list[Any] | None:
    """Take the results of the other process; None when it failed."""
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:  # some parents leave SIGCHLD ignored: then the kernel keeps no status
        pass
    try:
        results: list[Any] = marshal.loads(text)  # noqa: S302 (our own process wrote it)
    except (EOFError, ValueError, TypeError):  # it wrote all or nothing, unless it was killed
        return None
    return results
