"""Find the /proc tree in a directory: a copy, whose maker is not trusted, or a /proc that is mounted there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice

from pymemtools.errors import MemtoolsError, Missing
from pymemtools.sources.base import ALL_EMPTY, parse_pid
from pymemtools.sources.files import Directory, open_directory
from pymemtools.sources.tree import Tree

_PROCESS_MARKS = frozenset(("smaps", "stat", "status", "cmdline"))
_MAX_FOLDERS = 20_000  # that are looked into: a directory may be anybody's
_MACHINE_MARKS = frozenset(("meminfo", "zoneinfo", "iomem"))  # each is enough for a command of its own


def directory(path: str) -> Tree:
    """Open a directory that holds a /proc tree: itself, in ``proc/``, or in that of the only folder with one,
    or else of the only folder in a folder.

    A /proc that is mounted there, such as the host's in a container, is live; of what is beside it, links are followed
    only when it is our own root, as others' lead to our files. Raises Missing or Denied.
    """
    for proc, root in _places(path):
        if _looks_like_proc(proc):
            is_live = proc.follows = _is_procfs(proc)
            if not is_live and _is_all_empty(proc):
                raise Missing(f"{path}: {ALL_EMPTY}")
            is_here = root.follows = is_live and _is_here(proc, "/proc") and _is_here(root, "/")
            return Tree(proc, root, path, is_live=is_live, is_here=is_here)
    raise Missing(f"{path}: no /proc tree in it (neither meminfo nor a process)")


def _places(path: str) -> Iterator[tuple[Directory, Directory]]:
    """Open the places where a /proc tree may be, each with the machine's root directory, likely ones first."""
    top = open_directory(path, follows=False)
    try:
        yield top.directory("proc"), top
    except MemtoolsError:
        pass
    is_proc = os.path.basename(os.path.abspath(path)) == "proc"
    above = os.path.join(path, "..") if is_proc else path
    yield top, open_directory(above, follows=False, is_listed=False)
    folders = top.names()
    below = _trees(top, folders) or _trees(top, (f"{one}/{two}" for one in folders for two in top.names(one)))
    if len(below) > 1:
        first, second = list(below)[:2]
        raise Missing(f"{path}: two /proc trees in it, below '{first}' and below '{second}'")
    yield from below.values()


def _trees(top: Directory, folders: Iterable[str]) -> dict[str, tuple[Directory, Directory]]:
    """Open the /proc trees in some folders, by their names."""
    found = {}
    for folder in islice(folders, _MAX_FOLDERS):
        root = top
        try:
            for name in folder.split("/"):
                root = root.directory(name)
            proc = root.directory("proc")
        except MemtoolsError:
            continue
        if _looks_like_proc(proc):
            found[folder] = proc, root
            if len(found) > 1:
                break
    return found


def _looks_like_proc(proc: Directory) -> bool:
    """Tell a /proc tree by a file that answers a question, or a process: a folder named by a number is not yet one."""
    names = proc.names()
    return not _MACHINE_MARKS.isdisjoint(names) or any(
        not _PROCESS_MARKS.isdisjoint(proc.names(name)) for name in names if parse_pid(name) is not None
    )


def _is_all_empty(proc: Directory) -> bool:
    """Tell a copy by a program that believed in sizes, rsync for one: those of /proc are all 0."""
    folders = ("", *(f"{name}/" for name in proc.names() if parse_pid(name) is not None))
    marks = _PROCESS_MARKS | _MACHINE_MARKS | {"version"}
    return all(
        proc.is_empty(f"{folder}{name}")
        for folder in folders
        for name in proc.names(folder.rstrip("/"))
        if name in marks
    )


def _is_here(directory: Directory, path: str) -> bool:
    return os.path.samestat(os.fstat(directory.fd), os.stat(path))


def _is_procfs(directory: Directory) -> bool:
    """Tell whether a directory is in a mounted proc file system, by the mount it was opened in."""
    try:
        ours = open_directory("/proc/self", follows=True)
        mount = ours.read(f"fdinfo/{directory.fd}").partition(b"mnt_id:")[2].split(None, 1)[0]
        mounts = ours.read("mountinfo").split(b"\n")
    except (MemtoolsError, IndexError):
        return False
    return any(line.startswith(mount + b" ") and b" - proc " in line for line in mounts)
