"""Write settings of the kernel: all of them or none."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple

from pymemtools.control.reasons import why_not
from pymemtools.errors import Denied, MemtoolsError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Setting(NamedTuple):
    """A file of the kernel's, what to write to it, and under which name to speak of it."""

    name: str
    path: str  # absolute
    value: str
    twin: tuple[str, str] | None = None  # name and path of the setting that this one sets to 0
    may_fail: bool = False  # the others are set even when this one cannot be
    is_action: bool = False  # writing does something; there is no value to read back or to put back


class PutBack(MemtoolsError):
    """Say that a setting failed and that everything is as it was."""

    exit_status = 4


class NotPutBack(MemtoolsError):
    """Say that a setting failed and what could not be put back."""

    exit_status = 5


class _Interrupted(BaseException):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Written:
    """A setting that was, or may have been, written: what it was before, and what the kernel made of it."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.before = _snapshot(setting)
        self.ours = {setting.value, *(value for _, path, value in self.before if path == setting.path)}


def apply(settings: Sequence[Setting]) -> Mapping[str, str]:
    """Write all settings, in order, and read each back; when one fails, put back those already written.

    Gives the names of those that failed and may, and why. A signal in between puts all back, too, and then ends us
    as it would have. Raises Denied before anything is written, PutBack or NotPutBack after.
    """
    check_writable(settings)
    before = [_Written(setting) for setting in settings]
    written: list[_Written] = []
    failed = {}
    interrupted = 0
    with _signals_raised():
        try:
            for each in before:
                written.append(each)
                if reason := _try_to_write(each):
                    failed[each.setting.name] = reason
            return failed
        except MemtoolsError as error:
            failure = str(error)
        except _Interrupted as error:
            interrupted, failure = error.number, signal.Signals(error.number).name
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        lost = _put_back(written)
    if lost:
        raise NotPutBack(f"{failure}; could not be put back: {', '.join(lost)}")
    if interrupted:
        os.kill(os.getpid(), interrupted)
    raise PutBack(f"{failure}; nothing was changed")


def check_writable(settings: Sequence[Setting]) -> None:
    """Open every file for writing and write nothing. Raises Denied."""
    for setting in settings:
        try:
            os.close(os.open(setting.path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC))
        except OSError as error:
            raise Denied(f"cannot set {setting.name}: {why_not(error)}") from None


def current(path: str) -> str:
    """Read a setting as it stands, the chosen word where there are several."""
    try:
        with open(path, "rb") as file:
            text = file.read(65536).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise Denied(f"{path}: {why_not(error)}") from None
    return text.partition("[")[2].partition("]")[0] if "[" in text else " ".join(text.split())


def _snapshot(setting: Setting) -> list[tuple[str, str, str]]:
    """Remember a setting and its twin; of the two, the one that is not 0 is put back last."""
    if setting.is_action:
        return []
    found = [(setting.name, setting.path, current(setting.path))]
    if setting.twin is not None and os.path.exists(setting.twin[1]):
        found.append((*setting.twin, current(setting.twin[1])))
    return sorted(found, key=lambda each: each[2] != "0")


def _try_to_write(each: _Written) -> str:
    """Write a setting; give the reason when it failed and may."""
    try:
        _write(each)
    except MemtoolsError as error:
        if not each.setting.may_fail:
            raise
        lost = _put_back([each])
        return f"{error}; could not be put back: {', '.join(lost)}" if lost else str(error)
    return ""


def _write(each: _Written) -> None:
    setting = each.setting
    write_text(setting.name, setting.path, setting.value)
    if setting.is_action:
        return
    found = current(setting.path)
    if found != setting.value:
        each.ours.add(found)
        raise MemtoolsError(f"cannot set {setting.name}: the kernel made {found} of {setting.value}")


def write_text(name: str, path: str, value: str) -> None:
    """Write a value and a newline, in one call. Raises MemtoolsError."""
    text = f"{value}\n".encode()
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            count = os.write(fd, text)
        finally:
            os.close(fd)
    except OSError as error:
        raise MemtoolsError(f"cannot set {name}: {why_not(error)}") from None
    if count < len(text):
        raise MemtoolsError(f"cannot set {name}: the kernel took only a part of {value!r}")


def _put_back(written: Sequence[_Written]) -> list[str]:
    """Undo, last first; give the names of what could not be undone, or was changed by somebody else meanwhile."""
    lost = []
    for each in reversed(written):
        name, path, _, *_ = each.setting
        try:
            if each.before and current(path) not in each.ours:
                lost.append(f"{name} (changed by another meanwhile)")
                continue
        except MemtoolsError:
            pass
        is_pair = any(value != "0" for _, _, value in each.before[1:])  # writing the one sets the other to 0
        for name, path, value in each.before:
            try:
                if current(path) != value and not (value == "0" and is_pair):
                    _restore(name, path, value, each.setting.twin)
                    if current(path) != value:
                        lost.append(name)
            except MemtoolsError:
                lost.append(name)
    return lost


def _restore(name: str, path: str, value: str, twin: tuple[str, str] | None) -> None:
    """Write an old value. vm.dirty_bytes takes no 0: it is 0 as soon as its ratio changes, which then is put back."""
    try:
        write_text(name, path, value)
    except MemtoolsError:
        if value != "0" or twin is None:
            raise
        write_text(*twin, "1")
        write_text(*twin, "0")


@contextmanager
def _signals_raised() -> Iterator[None]:
    """Turn the signals that end us into an exception, so that what was written can be put back."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise _Interrupted(number)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
