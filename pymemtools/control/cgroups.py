"""Make a memory control group of our own below, beside or above our own one, wherever that is allowed: v1 and v2."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

from pymemtools.control.reasons import why_not
from pymemtools.control.settings import write_text
from pymemtools.control.undo import CONTROLLER, GROUP, Debt
from pymemtools.errors import Denied, MemtoolsError
from pymemtools.readings.cgroup_path import Hierarchy, find_hierarchy, own_group
from pymemtools.sources.base import Source

_NAME = "pymemtools-lab"
_LEFT = re.compile(rf"{_NAME}-([0-9]+)", re.ASCII)
Owe = Callable[[Debt], None]


class OwnGroup:
    """A memory control group that was made for an experiment; the guard removes it."""

    def __init__(self, directory: str, version: int) -> None:
        self.directory = directory
        self.version = version

    @property
    def above(self) -> str:
        """Give the directory of the group that it was made in."""
        return os.path.dirname(self.directory)

    def limit(self, size: int) -> None:
        """Limit its memory, and keep it from swapping. Raises MemtoolsError."""
        if self.version == 1:
            self._write("memory.limit_in_bytes", str(size))
            self._try_to_write("memory.memsw.limit_in_bytes", str(size))  # not without swapaccount
            self._try_to_write("memory.swappiness", "0")
            self._try_to_write("memory.oom_control", "0")  # a group above may have the killer switched off
        else:
            self._try_to_write("memory.swap.max", "0")
            self._write("memory.max", str(size))

    def add(self, pid: int) -> None:
        """Put a process into it: what it has already stays where it was charged. Raises MemtoolsError."""
        self._write("cgroup.procs", str(pid))

    def _write(self, name: str, value: str) -> None:
        write_text(name, f"{self.directory}/{name}", value)

    def _try_to_write(self, name: str, value: str) -> None:
        try:
            self._write(name, value)
        except MemtoolsError:
            pass


def make_group(source: Source, owe: Owe) -> OwnGroup:
    """Make a group where it can be made, and owe its removal first. Raises Missing or Denied."""
    hierarchy = find_hierarchy(source)
    levels = list(_levels(source, hierarchy))
    reasons: list[str] = []
    for make in (_make, _make_with_controller) if hierarchy.version == 2 else (_make,):
        for level in levels:
            _sweep(level)
            group = make(level, hierarchy.version, owe, reasons)
            if group is not None:
                return group
    raise Denied(f"no memory group can be made: {reasons[0] if reasons else 'no level of ours has the controller'}")


def why_no_group(source: Source) -> str:
    """Say why no group can be made, as far as can be told without making one."""
    try:
        hierarchy = find_hierarchy(source)
        levels = list(_levels(source, hierarchy))
    except MemtoolsError as error:
        return str(error)
    if any(os.access(level, os.W_OK) and os.access(f"{level}/cgroup.procs", os.W_OK) for level in levels):
        return ""
    return f"no memory group can be made: {levels[0]}: not writable (are you root, or the group delegated?)"


def controllers_of(source: Source) -> str:
    """Name the file by which groups get the controller that make_group() may give them; nothing for version 1."""
    hierarchy = find_hierarchy(source)
    return f"{hierarchy.point}/cgroup.controllers" if hierarchy.version == 2 else ""


def _levels(source: Source, hierarchy: Hierarchy) -> Iterator[str]:
    """Give the directories of our own group and of those above, the nearest first."""
    path = own_group(source, hierarchy)
    while True:
        yield f"{hierarchy.point}{path}".rstrip("/")
        if path == "/":
            return
        path = path.rpartition("/")[0] or "/"


def _make(level: str, version: int, owe: Owe, reasons: list[str]) -> OwnGroup | None:
    """Make a group at a level that gives its groups the memory controller."""
    if version == 2 and "memory" not in _words(f"{level}/cgroup.subtree_control"):
        return None
    return _made(level, version, owe, reasons)


def _made(level: str, version: int, owe: Owe, reasons: list[str]) -> OwnGroup | None:
    directory = f"{level}/{_NAME}-{os.getpid()}"
    owe(Debt(GROUP, directory))
    try:
        os.mkdir(directory)
    except OSError as error:
        reasons.append(f"{level}: {why_not(error)}")
        return None
    if not os.access(f"{directory}/{'memory.limit_in_bytes' if version == 1 else 'memory.max'}", os.W_OK):
        reasons.append(f"{level}: its groups have no memory limit")
        return None
    return OwnGroup(directory, version)


def _make_with_controller(level: str, version: int, owe: Owe, reasons: list[str]) -> OwnGroup | None:
    """Give the groups of a level the controller first, for as long as it takes.

    A level with processes of its own may not have that, but for the root. Source: kernel/cgroup/cgroup.c,
    cgroup_vet_subtree_control_enable().
    """
    control = f"{level}/cgroup.subtree_control"
    if "memory" not in _words(f"{level}/cgroup.controllers") or "memory" in _words(control):
        return None
    owe(Debt(CONTROLLER, control, "-memory"))
    try:
        write_text("cgroup.subtree_control", control, "+memory")
    except MemtoolsError as error:
        reasons.append(f"{level}: {error}")
        return None
    return _made(level, version, owe, reasons)


def _words(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().split()
    except OSError:
        return []


def _sweep(level: str) -> None:
    """Remove what an experiment left whose guard was killed, too: groups named by a process that is gone."""
    try:
        names = os.listdir(level)
    except OSError:
        return
    for name in names:
        match = _LEFT.fullmatch(name)
        if match is not None and not os.path.exists(f"/proc/{match[1]}"):
            try:
                os.rmdir(f"{level}/{name}")
            except OSError:
                pass
