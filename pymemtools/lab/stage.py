"""What an experiment works with: samples that are shown at once, programs of its own, changes that are put back."""

from __future__ import annotations

import os
import time
from typing import Any

from pymemtools.control.cgroups import OwnGroup, make_group
from pymemtools.control.settings import current, write_text
from pymemtools.control.undo import FILE, SETTING, Debt
from pymemtools.lab.child import Child, start
from pymemtools.lab.keeper import Hear, Owe
from pymemtools.reports.lab.plan import CannotRun
from pymemtools.sources.base import Source


class Stage:
    """The experiment's side of the guard. ``predicted`` is what its plan had the models say."""

    def __init__(self, source: Source, hear: Hear, owe: Owe, predicted: Any = None) -> None:
        self.source = source
        self.predicted = predicted
        self.owe = owe
        self._hear = hear
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Give the time since the experiment began."""
        return round(time.monotonic() - self._start, 3)

    def row(self, **cells: Any) -> None:
        """Show a sample, and keep it: it is a row of the report."""
        self._hear("row", cells)

    def note(self, text: str) -> None:
        """Say what whoever uses the figures must know: it is a note of the report."""
        self._hear("note", text)

    def program(self, name: str, *arguments: str) -> Child:
        """Start a program of the folder ``programs`` in a fresh Python, which dies with us."""
        return start(name, *arguments)

    def set(self, name: str, path: str, value: str) -> None:
        """Change a setting until the end. Raises Denied or MemtoolsError."""
        self.owe(Debt(SETTING, path, current(path)))
        write_text(name, path, value)

    def group(self, limit: int) -> OwnGroup:
        """Make a memory control group with a limit, which may not swap. Raises MemtoolsError."""
        group = make_group(self.source, self.owe)
        group.limit(limit)
        return group

    def temporary(self, directory: str) -> int:
        """Open a file without a name for reading and writing: it is gone when nobody has it open. Raises CannotRun."""
        flags = os.O_RDWR | os.O_CLOEXEC
        try:
            return os.open(directory, flags | os.O_TMPFILE, 0o600)
        except OSError:  # not every file system knows it
            pass
        path = os.path.join(os.path.abspath(directory), f"pymemtools-lab-{os.getpid()}")
        self.owe(Debt(FILE, path))
        try:
            fd = os.open(path, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            os.unlink(path)
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise CannotRun(f"lab: cannot run here: no file can be made in {directory}: {reason}") from None
        return fd
