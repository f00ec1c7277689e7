"""Run an experiment so that nothing of it is left, whatever ends us.

Three processes: ours, which prints; the experiment, which does things; and between them the guard, its parent, which
does nothing but wait. When the experiment ends, or takes too long, or we are gone (a pipe that only we hold open tells,
after SIGKILL, too), the guard kills every process that came of the experiment (they become its children as their
parents die: PR_SET_CHILD_SUBREAPER), settles the debts that were written down before each change, and ends. There is
no other way to clean up, so the one that there is, is taken every time.
"""

from __future__ import annotations

import errno
import math
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple, NoReturn

from pymemtools.control.undo import Debt, settle_all
from pymemtools.errors import MemtoolsError
from pymemtools.lab.messages import receive, send

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # include/uapi/linux/prctl.h
_PAUSE = 0.002
_PATIENCE = 10.0  # seconds for processes to be gone after SIGKILL: one that waits for a disk takes its time

Hear = Callable[..., None]
Owe = Callable[[Debt], None]


class Terms(NamedTuple):
    """How long it may take, in seconds, and how it is ended."""

    seconds: float
    grace: float = 0.0  # between SIGTERM and SIGKILL
    patient: bool = False  # Ctrl-C is for a program that the experiment runs, and so is what that leaves running


class Pipes(NamedTuple):
    """Reading and writing ends: of our life, of what the experiment tells, of what the guard says in the end."""

    life: tuple[int, int]
    news: tuple[int, int]
    verdict: tuple[int, int]


class _Stopped(BaseException):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def guarded(work: Callable[[Hear, Owe], Mapping[str, Any]], hear: Hear, terms: Terms) -> Mapping[str, Any]:
    """Let ``work`` be done in a process of its own; what it tells is heard here. Gives what it gives.

    It calls its first argument to tell something, and its second before it changes something. Raises MemtoolsError:
    what the work raised, or that it was ended.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    pipes = Pipes(os.pipe(), os.pipe(), os.pipe())
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    guard = os.fork()
    if guard == 0:
        _guard(work, pipes, terms)
    for end in (pipes.life[0], pipes.news[1], pipes.verdict[1]):
        os.close(end)
    stopped = 0
    with _signals_raised(ignored=terms.patient):
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            ended = _listen(pipes.news[0], hear)
        except _Stopped as stop:
            stopped, ended = stop.number, None
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
            os.close(pipes.life[1])
            verdict = receive(pipes.verdict[0])
            os.waitpid(guard, 0)
            os.close(pipes.news[0])
            os.close(pipes.verdict[0])
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    if stopped:
        os.kill(os.getpid(), stopped)
    return _judged(ended, verdict, terms)


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
    if status is not None and os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return "nobody knows how" if status is None else f"exit status {os.waitstatus_to_exitcode(status)}"


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

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_IGN if ignored and number == signal.SIGINT else stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _guard(work: Callable[[Hear, Owe], Mapping[str, Any]], pipes: Pipes, terms: Terms) -> NoReturn:
    """Be the guard: fork the experiment, wait, kill what is left, put everything back, say how it went."""
    try:
        for end in (pipes.life[1], pipes.news[0], pipes.verdict[0]):
            os.close(end)
        prctl(_PR_SET_CHILD_SUBREAPER, 1)
        debts = os.pipe()
        me = os.getpid()
        worker = os.fork()
        if worker == 0:
            for end in (pipes.life[0], pipes.verdict[1], debts[0]):
                os.close(end)
            _experiment(work, pipes.news[1], debts[1], me, terms)
        os.setsid()
        for number in (*_SIGNALS, signal.SIGQUIT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(pipes.news[1])
        os.close(debts[1])
        _let_go_of_streams()
        why, owed = _wait(pipes.life[0], debts[0], terms.seconds)
        status, alive = _ended(worker, why, terms)
        left = settle_all(owed) + [f"process {pid} is still there" for pid in alive]
        send(pipes.verdict[1], why, left, status)
    finally:
        os._exit(0)


def _let_go_of_streams() -> None:
    """Hold no stream open that somebody waits for to be closed."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def _wait(life: int, debts: int, seconds: float) -> tuple[str, list[Debt]]:
    """Note debts until the experiment is done (nobody can owe more), its time is over, or we are gone."""
    deadline = time.monotonic() + seconds
    owed: list[Debt] = []
    while True:
        left = None if deadline == math.inf else max(deadline - time.monotonic(), 0)
        ready = select.select([life, debts], [], [], left)[0]
        why = "time" if not ready else "gone" if life in ready else ""
        if debts in ready:
            message = receive(debts)
            if message is None:
                return why or "done", owed
            owed.append(Debt(*message))
        elif why:
            return why, owed


def _ended(worker: int, why: str, terms: Terms) -> tuple[int | None, list[int]]:
    """End what is to be ended; give the experiment's status, and who is still there."""
    if why == "done" and terms.patient:
        return os.waitpid(worker, 0)[1], []
    return _end_all(worker, terms.grace if why == "gone" else 0.0)


def _end_all(worker: int, grace: float) -> tuple[int | None, list[int]]:
    """Kill the experiment and all that came of it; give its status, and who is still there."""
    status = None
    start = time.monotonic()
    asked: set[int] = set()
    if grace == 0.0:
        _kill(worker, signal.SIGKILL)
    while True:
        try:
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                status = found[1] if found[0] == worker else status
        except ChildProcessError:
            return status, []
        passed = time.monotonic() - start
        children = _children()
        if passed > grace + _PATIENCE:
            return status, children
        for pid in children:
            if passed >= grace:
                _kill(pid, signal.SIGKILL)
            elif pid not in asked:
                asked.add(pid)
                _kill(pid, signal.SIGTERM)
        time.sleep(_PAUSE)


def _kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except OSError:  # it is gone, or runs as somebody else by now
        pass


def _children() -> list[int]:
    """List our children, by the kernel's own list or, where it has none, by everybody's parents."""
    me = os.getpid()
    try:
        with open(f"/proc/self/task/{me}/children", "rb") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _parent(pid) == me]


def _parent(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return None


def _experiment(
    work: Callable[[Hear, Owe], Mapping[str, Any]], news: int, debts: int, guard: int, terms: Terms
) -> NoReturn:
    """Be the experiment's process, which ends with the guard."""
    try:
        die_with(guard)
        for number in _SIGNALS:
            ignored = terms.patient and number == signal.SIGINT
            signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        _do(work, news, debts)
    finally:
        os._exit(0)


def _do(work: Callable[[Hear, Owe], Mapping[str, Any]], news: int, debts: int) -> None:
    try:
        seen = work(lambda *message: send(news, *message), lambda debt: send(debts, *debt))
        send(news, "done", dict(seen))
    except MemtoolsError as error:
        send(news, "error", str(error), error.exit_status)
    except Exception as error:  # noqa: BLE001 (told, and raised there)
        if os.environ.get("PYMEMTOOLS_DEBUG"):
            sys.__excepthook__(*sys.exc_info())
        send(news, "bug", f"{type(error).__name__}: {error}")


def die_with(parent: int) -> None:
    """Have the kernel kill us when our parent ends, and do so ourselves when it has ended already."""
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def prctl(option: int, value: int) -> None:
    """Call prctl(2). Raises OSError."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0):
        number = ctypes.get_errno() or errno.EINVAL
        raise OSError(number, os.strerror(number))
