"""Which members of an archive count, and what each is: decided by name alone, and by no other name."""

from __future__ import annotations

import re

from pymemtools.sources.base import parse_pid

_MIB = 1 << 20
_MAX_CMDLINE = 8 * _MIB  # Linux allows 6 MiB of arguments (fs/exec.c, bprm_stack_limits(), since 4.13)
_NAMES = ("smaps_rollup", "status", "stat", "statm", "comm", "cgroup", "mountinfo", "oom_score", "oom_score_adj")
# What may be wanted of a process, and how large it may be; smaps and maps have no limit but the archive's: they are
# never held whole.
PROCESS_FILES = dict.fromkeys(_NAMES, _MIB) | {"cmdline": _MAX_CMDLINE, "smaps": None, "maps": None}
_SYSTEM_FILES = re.compile(
    r"(?:meminfo|vmstat|zoneinfo|buddyinfo|pagetypeinfo|slabinfo|swaps|version|cmdline|uptime|iomem|cpuinfo|stat|loadavg"
    r"|modules|filesystems|vmallocinfo|dmesg|kmsg|pressure/[a-z]+|sys/(?:vm|kernel)/[A-Za-z0-9_-]+"
    r"|self/(?:cgroup|mountinfo)|/etc/passwd|/manifest\.json|spl/kstat/zfs/arcstats"
    r"|/sys/(?:kernel/mm|fs/cgroup|module/zswap/parameters|kernel/debug/zswap)/[^\0]+|/sys/block/zram[0-9]+/[a-z_]+)"
)
_MAX_SYSTEM_FILE = 16 * _MIB  # cpuinfo and zoneinfo of a thousand processors have more than one
_MAX_LOG = 64 * _MIB
_OF_SYSFS = ("sys/kernel/mm/", "sys/kernel/debug/", "sys/fs/", "sys/block/", "sys/module/")  # others are /proc/sys's
_TOPS = frozenset(("proc", "sys", "etc"))


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
    return path in PROCESS_FILES if pid is not None else _SYSTEM_FILES.fullmatch(path) is not None


def most_bytes(path: str) -> int:
    """Tell how large a wanted file of the machine may be."""
    return _MAX_LOG if path in ("dmesg", "kmsg") else _MAX_SYSTEM_FILE
