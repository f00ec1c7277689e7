"""Can the listing of processes be trusted, or does the mount of /proc keep some from us?"""

from __future__ import annotations

from pymemtools.errors import MemtoolsError
from pymemtools.procfs.mountinfo import parse_mountinfo
from pymemtools.procfs.status import parse_status_capabilities, parse_status_groups
from pymemtools.sources.base import Source

CAP_SYS_PTRACE = 19  # include/uapi/linux/capability.h
_INVISIBLE = ("hidepid=invisible", "hidepid=2")  # by name since Linux 5.8
_PTRACEABLE = ("hidepid=ptraceable", "hidepid=4")


def hiding_option(source: Source) -> str | None:
    """Give the mount option that hides other users' processes from us (``hidepid=invisible``), or None.

    How many it hides cannot be known. With hidepid=1 they are listed and refused, which is counted as unreadable.
    Source: fs/proc/root.c, proc_show_options(); fs/proc/base.c, has_pid_permissions().
    """
    if not source.is_live:
        return None
    try:
        mounts = parse_mountinfo(source.read("self/mountinfo"))
        status = source.read("self/status")
    except MemtoolsError:
        return None
    if parse_status_capabilities(status) >> CAP_SYS_PTRACE & 1:
        return None
    options: tuple[str, ...] = ()
    for mount in mounts:  # of several on one place the last is on top
        if mount.kind == "proc" and mount.point == "/proc":
            options = mount.options
    may_see = any(f"gid={group}" in options for group in parse_status_groups(status))
    for option in options:
        if option in _PTRACEABLE or (option in _INVISIBLE and not may_see):
            return option
    return None
