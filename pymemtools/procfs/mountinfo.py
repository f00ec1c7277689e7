"""/proc/PID/mountinfo: what is mounted where, as that process sees it."""

from __future__ import annotations

from typing import NamedTuple


class Mount(NamedTuple):
    """One mount: the directory ``root`` of a file system, shown at ``point``."""

    root: str
    point: str
    kind: str  # of file system
    options: tuple[str, ...]  # of the file system (super block), such as "rw" and "memory"
    device: str = ""  # ``major:minor``, decimal


def parse_mountinfo(text: bytes) -> list[Mount]:
    r"""Read the mounts in order; lines of another shape are passed over.

    >>> parse_mountinfo(b"35 31 0:32 /docker/1f /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory\n")
    [Mount(root='/docker/1f', point='/sys/fs/cgroup/memory', kind='cgroup', options=('rw', 'memory'), device='0:32')]

    Source: fs/proc_namespace.c, show_mountinfo().
    """
    mounts = []
    for line in text.split(b"\n"):
        left, dash, right = line.decode("utf-8", "surrogateescape").partition(" - ")
        before, after = left.split(" "), right.split(" ")
        if dash and len(before) >= 6 and len(after) >= 3:
            options = tuple(after[2].split(","))
            mounts.append(Mount(unescaped_path(before[3]), unescaped_path(before[4]), after[0], options, before[2]))
    return mounts


def unescaped_path(path: str) -> str:
    r"""Undo the kernel's octal escapes of blank, tab, newline and backslash, the last of them last."""
    for code, character in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
        path = path.replace(code, character)
    return path
