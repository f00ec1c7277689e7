"""What of the processes we could not see, said in one way by every command: those refused, those invisible."""

from __future__ import annotations

from pymemtools.errors import MemtoolsError
from pymemtools.procfs.status import parse_status_capabilities, parse_status_groups, parse_status_uid
from pymemtools.sources.base import Source

CAP_SYS_PTRACE = 19  # include/uapi/linux/capability.h
_INVISIBLE = ("hidepid=invisible", "hidepid=2")  # by name since Linux 5.8
_PTRACEABLE = ("hidepid=ptraceable", "hidepid=4")


def hiding_option(source: Source) -> str | None:
    """Give the mount option that hides other users' processes from us (``hidepid=invisible``), or None.

    How many it hides cannot be known. With hidepid=1 they are listed and refused, which is counted as unreadable.
    Source: fs/proc/inode.c, proc_show_options(); fs/proc/base.c, has_pid_permissions().
    """
    if not source.is_live:
        return None
    try:
        status = source.read("self/status")
        if (parse_status_capabilities(status) or 0) >> CAP_SYS_PTRACE & 1:
            return None
        text = source.read("self/mountinfo")
    except MemtoolsError:
        return None
    from pymemtools.procfs.mountinfo import parse_mountinfo

    options: tuple[str, ...] = ()
    for mount in parse_mountinfo(text):  # of several on one place the last is on top
        if mount.kind == "proc" and mount.point == "/proc":
            options = mount.options
    may_see = any(f"gid={group}" in options for group in parse_status_groups(status))
    for option in options:
        if option in _PTRACEABLE or (option in _INVISIBLE and not may_see):
            return option
    return None


def invisible(source: Source) -> list[str]:
    """Say that there may be processes that the mount of /proc keeps from us."""
    option = hiding_option(source)
    return [f"/proc is mounted {option}: other users' processes are not visible"] if option else []


def unread(source: Source, unreadable: int, seen: int, reason: str = "") -> str:
    """Say how many of the processes with memory could not be read, and on a live machine what would help."""
    why = f" ({reason})" if reason else ""
    return f"{unreadable} of {seen} processes could not be read{why}{_advice(source) if source.is_live else ''}"


def _advice(source: Source) -> str:
    """Say who could read all: root; and to root, as in a container, that it is none that may read everybody's."""
    try:
        status = source.read("self/status")
    except MemtoolsError:
        return ""
    if parse_status_uid(status) != 0:
        return "; run as root for all"
    if (parse_status_capabilities(status) or 0) >> CAP_SYS_PTRACE & 1:
        return ""
    return "; this root lacks CAP_SYS_PTRACE, without which others' memory is not shown"


def told_by_ps(source: Source) -> list[str]:
    """Say where commands come from that no cmdline told."""
    return [f"without a cmdline: commands are those of {source.commands_from}"] if source.commands_from else []
