"""Run an experiment so that nothing of it is left, whatever ends us.

Three processes: ours, which prints; the experiment, which does things; and between them the guard, its parent, which
does nothing but wait. When the experiment ends, or takes too long, or we are gone (a pipe that only we hold open tells,
after SIGKILL, too), the guard kills every process that came of the experiment (they become its children as their
parents die: PR_SET_CHILD_SUBREAPER), settles the debts that were written down before each change, and ends. There is
no other way to clean up, so the one that there is, is taken every time.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from pymemtools.errors import MemtoolsError
from pymemtools.lab.keeper import SIGNALS, Hear, Pipes, Terms, Work, keep
from pymemtools.lab.messages import receive
from pymemtools.reports.lab.ending import ending_of
from pymemtools.reports.lab.plan import CannotRun


class _Stopped(BaseException):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def guarded(work: Work, hear: Hear, terms: Terms) -> Mapping[str, Any]:
    """Let ``work`` be done in a process of its own; what it tells is heard here. Gives what it gives.

    It calls its first argument to tell something, and its second before it changes something. Raises MemtoolsError:
    what the work raised, or that it was ended.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:  # a stream that is closed must not become one of our pipes
        pass
    os.close(fd)
    claim = claimed(terms.claim) if terms.claim else None
    pipes = Pipes(os.pipe(), os.pipe(), os.pipe())
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    guard = os.fork()
    if guard == 0:
        keep(work, pipes, terms)
    if claim is not None:
        os.close(claim)  # the guard has it, until it has put everything back
    for end in (pipes.life[0], pipes.news[1], pipes.verdict[1]):
        os.close(end)
    stopped, ended, verdict = 0, None, None
    with _signals_raised(ignored=terms.patient):
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            ended = _listen(pipes.news[0], hear)
            verdict = receive(pipes.verdict[0])  # we live on until then: the guard would end what may go on
        except _Stopped as stop:
            stopped = stop.number
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
            os.close(pipes.life[1])
            verdict = verdict or receive(pipes.verdict[0])
            os.waitpid(guard, 0)
            os.close(pipes.news[0])
            os.close(pipes.verdict[0])
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    if stopped:
        os.kill(os.getpid(), stopped)
    return _judged(ended, verdict, terms)


def claimed(path: str) -> int:
    """Lock a file of the kernel's; give its descriptor. Raises CannotRun where another experiment has it."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise CannotRun(f"lab: cannot run here: {path}: {os.strerror(error.errno or 0)}") from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise CannotRun(f"lab: will not run now: another experiment has to put {path} back first") from None
    return fd


class Leftovers(MemtoolsError):
    """Say what could not be put back."""

    exit_status = 5


class _Relayed(MemtoolsError):
    """Say what the experiment's process said."""

    def __init__(self, text: str, exit_status: int) -> None:
        super().__init__(text)
        self.exit_status = exit_status


def _judged(ended: tuple[Any, ...] | None, verdict: tuple[Any, ...] | None, terms: Terms) -> Mapping[str, Any]:
    """Give what the experiment gave. Raises MemtoolsError."""
    if verdict is None:
        raise MemtoolsError("the guard was killed: see whether processes, groups or settings are left")
    why, left, status = verdict
    if left:
        raise Leftovers(f"could not be put back: {'; '.join(left)}")
    if ended is not None and ended[0] == "done":
        seen: Mapping[str, Any] = ended[1]
        return seen
    if ended is not None and ended[0] == "error":
        raise _Relayed(*ended[1:])
    if ended is not None:
        raise RuntimeError(ended[1])
    if why == "time":
        raise MemtoolsError(f"not done after {terms.seconds:g} s: ended (--timeout gives it more)")
    raise MemtoolsError(f"the experiment's process was ended: {_ending(status)}")


def _ending(status: int | None) -> str:
    return "nobody knows how" if status is None else ending_of(os.waitstatus_to_exitcode(status))


def _listen(news: int, hear: Hear) -> tuple[Any, ...] | None:
    """Hear what is told until nobody is left to tell anything; give the last word."""
    ended = None
    while (message := receive(news)) is not None:
        if message[0] in ("done", "error", "bug"):
            ended = message
        else:
            hear(*message)
    return ended


@contextmanager
def _signals_raised(*, ignored: bool) -> Iterator[None]:
    """Turn the signals that end us into an exception, so that we can wait until all is put back."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _Stopped(number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_IGN if ignored and number == signal.SIGINT else stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
