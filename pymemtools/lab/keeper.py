"""The guard's own process, and the experiment's, whose parent it is."""

from __future__ import annotations

import errno
import math
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

from pymemtools.control.undo import Debt, settle_all
from pymemtools.errors import MemtoolsError
from pymemtools.lab.messages import receive, send
from pymemtools.reports.lab.plan import CannotRun

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # include/uapi/linux/prctl.h
_PAUSE = 0.002
_SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EFBIG, errno.ENOSPC, errno.EDQUOT)
_PATIENCE = 10.0  # seconds for processes to be gone after SIGKILL: one that waits for a disk takes its time

Hear = Callable[..., None]
Owe = Callable[[Debt], None]
Work = Callable[[Hear, Owe], Mapping[str, Any]]


class Terms(NamedTuple):
    """How long it may take, in seconds, and how it is ended."""

    seconds: float
    grace: float = 0.0  # between SIGTERM and SIGKILL
    patient: bool = False  # Ctrl-C is for a program that the experiment runs, and so is what that leaves running
    claim: str = ""  # a file of the kernel's that is locked until all is put back


class Pipes(NamedTuple):
    """Reading and writing ends: of our life, of what the experiment tells, of what the guard says in the end."""

    life: tuple[int, int]
    news: tuple[int, int]
    verdict: tuple[int, int]


def keep(work: Work, pipes: Pipes, terms: Terms) -> NoReturn:
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
        for number in (*SIGNALS, signal.SIGQUIT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        os.close(pipes.news[1])
        os.close(debts[1])
        _let_go_of_streams()
        owed: list[Debt] = []
        try:
            why = _wait(pipes.life[0], debts[0], terms.seconds, owed)
            status, alive = _ended(worker, why, terms)
        finally:  # whatever goes wrong here
            left = settle_all(owed)
        send(pipes.verdict[1], why, left + [f"process {pid} is still there" for pid in alive], status)
    finally:
        os._exit(0)


def _let_go_of_streams() -> None:
    """Hold no stream open that somebody waits for to be closed."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def _wait(life: int, debts: int, seconds: float, owed: list[Debt]) -> str:
    """Note debts until the experiment is done (nobody can owe more), its time is over, or we are gone; say which."""
    deadline = time.monotonic() + seconds
    while True:
        left = None if deadline == math.inf else max(deadline - time.monotonic(), 0)
        ready = select.select([life, debts], [], [], left)[0]
        why = "time" if not ready else "gone" if life in ready else ""
        if debts in ready:
            message = receive(debts)
            if message is None:  # and then we, too, may be done and gone
                return "done"
            owed.append(Debt(*message))
        elif why:
            return why


def _ended(worker: int, why: str, terms: Terms) -> tuple[int | None, list[int]]:
    """End what is to be ended; give the experiment's status, and who is still there."""
    if why == "done":
        status = os.waitpid(worker, 0)[1]
        if terms.patient and status == 0:
            return status, []
        return status, _end_all(None, 0.0)[1]
    return _end_all(worker, terms.grace)


def _end_all(worker: int | None, grace: float) -> tuple[int | None, list[int]]:
    """Kill the experiment, unless it has ended, and all that came of it; give its status, and who is still there."""
    status = None
    start = time.monotonic()
    asked: set[int] = set()
    if worker is not None and grace == 0.0:
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


def _experiment(work: Work, news: int, debts: int, guard: int, terms: Terms) -> NoReturn:
    """Be the experiment's process, which ends with the guard."""
    try:
        die_with(guard)
        for number in SIGNALS:
            ignored = terms.patient and number == signal.SIGINT
            signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        _do(work, news, debts)
    finally:
        os._exit(0)


def _do(work: Work, news: int, debts: int) -> None:
    try:
        seen = work(lambda *message: send(news, *message), lambda debt: send(debts, *debt))
        send(news, "done", dict(seen))
    except MemtoolsError as error:
        send(news, "error", str(error), error.exit_status)
    except Exception as error:  # noqa: BLE001 (told, and raised there)
        if os.environ.get("PYMEMTOOLS_DEBUG"):
            sys.__excepthook__(*sys.exc_info())
        cause = error.__cause__ or error  # importlib has words of its own for a source that cannot be opened
        number = errno.ENOMEM if isinstance(cause, MemoryError) else getattr(cause, "errno", None)
        if number in _SHORT:
            send(news, "error", f"lab: cannot run here: {os.strerror(number)}", CannotRun.exit_status)
        else:
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
