"""The one fact that sources take from /proc/PID/status: whose process it is."""

import re

_UID = re.compile(rb"^Uid:[ \t]+[0-9]{1,10}[ \t]+([0-9]{1,10})\b", re.MULTILINE)


def effective_uid(status: bytes) -> int | None:
    """Give the effective uid, which owns /proc/PID on the live machine (fs/proc/base.c, task_dump_owner())."""
    match = _UID.search(status)
    return int(match[1]) if match else None
