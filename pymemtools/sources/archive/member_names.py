"""Which members of an archive count, and what each is: decided by name alone, and by no other name."""

from __future__ import annotations

import re
from functools import lru_cache

from pymemtools.catalog import FILES
from pymemtools.sources.base import parse_pid

# What may be wanted of a process, and how large it may be; None: no limit but the archive's.
PROCESS_FILES = {kept.path[4:]: kept.most for kept in FILES if kept.path.startswith("PID/")}
_MACHINE_FILES = {kept.path: kept.most or 0 for kept in FILES if not kept.path.startswith(("PID/", "GROUP/"))}
_MAX_OF_PATTERN = max(kept.most or 0 for kept in FILES if "*" in kept.path)
_PATTERNS = [re.escape(path).replace(r"\*", "[A-Za-z0-9_.-]+") for path in _MACHINE_FILES if "*" in path]
_PATTERN = re.compile("|".join([*_PATTERNS, r"/sys/fs/cgroup/[^\0]+"]))  # whatever a group is called
# Others that begin with sys/ are /proc/sys's.
_OF_SYSFS = (
    "sys/fs/",
    *{path[1 : path.rfind("/", 0, path.find("*")) + 1] for path in _MACHINE_FILES if path[:5] == "/sys/"},
)
_TOPS = frozenset(("proc", "sys", "etc"))


@lru_cache(maxsize=4096)  # captures of a fleet have the same names
def locate(name: str) -> tuple[str, str] | None:
    """Split a member's name into the folder of its tree, and a path: below /proc, or beside it with a leading ``/``.

    >>> locate("./1/smaps"), locate("proc/meminfo"), locate("report-7/etc/passwd"), locate("../meminfo")
    (('', '1/smaps'), ('', 'meminfo'), ('report-7', '/etc/passwd'), None)
    >>> locate("tmp/report-7/proc/meminfo")
    ('tmp/report-7', 'meminfo')
    """
    while name.startswith("./"):
        name = name[2:]
    parts = name.rstrip("/").split("/")
    if any(part in ("", ".", "..") for part in parts):
        return None
    depth = _depth(parts)
    top, parts = "/".join(parts[:depth]), parts[depth:]
    if parts[0] == "proc":
        return (top, "/".join(parts[1:])) if len(parts) > 1 else None
    path = "/".join(parts)
    is_of_machine = parts[0] in ("etc", "manifest.json") or path.startswith(_OF_SYSFS)
    return top, f"/{path}" if is_of_machine else path


def _depth(parts: list[str]) -> int:
    """Tell how many folders the tree is in that a file belongs to: none, one or two."""
    for depth, part in enumerate(parts[:3]):
        if part in _TOPS or (depth and parts[depth:] == ["manifest.json"]):
            return depth
        if parse_pid(part) is not None:
            return 0
    return 0


def split_pid(path: str) -> tuple[int | None, str]:
    """Split ``17/smaps`` into 17 and ``smaps``; None for what is no process's.

    >>> split_pid("17"), split_pid("meminfo")
    ((17, ''), (None, 'meminfo'))
    """
    head, _, rest = path.partition("/")
    pid = parse_pid(head)
    return (None, path) if pid is None else (pid, rest)


def is_wanted(pid: int | None, path: str) -> bool:
    """Tell whether a file is one that a command may ask for."""
    if pid is not None:
        return path in PROCESS_FILES
    return path in _MACHINE_FILES or _PATTERN.fullmatch(path) is not None


def most_bytes(path: str) -> int:
    """Tell how large a wanted file of the machine may be."""
    return _MACHINE_FILES.get(path, _MAX_OF_PATTERN)
