"""/proc/PID/status: the figures of a process, in bytes."""

import re

_SIZE = re.compile(rb"([A-Z][A-Za-z]+):[ \t]*([0-9]{1,20}) kB")
_TGID = re.compile(rb"^Tgid:[ \t]*([0-9]{1,10})$", re.MULTILINE)


def parse_status_sizes(text: bytes) -> dict[str, int]:
    """Map ``VmRSS``, ``RssShmem``, ``VmSwap`` ... to bytes; only lines that end in kB.

    Source: fs/proc/task_mmu.c, task_mem(). A kernel thread has none.
    """
    sizes = {}
    for line in text.split(b"\n"):
        match = _SIZE.fullmatch(line)
        if match is not None:
            sizes[match[1].decode("ascii")] = int(match[2]) * 1024
    return sizes


def parse_tgid(text: bytes) -> int | None:
    """Give the process that a thread belongs to; None where status does not tell."""
    match = _TGID.search(text)
    return int(match[1]) if match else None
