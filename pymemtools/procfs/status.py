"""/proc/PID/status: the figures of a process, in bytes."""

import re

from pymemtools.procfs.stat import Stat

_SIZE = re.compile(rb"([A-Z][A-Za-z]+):[ \t]*([0-9]{1,20}) kB")


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


def parse_status_number(text: bytes, key: str) -> int | None:
    r"""Give a plain number, as that of ``Tgid`` or ``Threads``; None where status does not tell.

    >>> parse_status_number(b"Name:\tx\nThreads:\t3\n", "Threads")
    3
    """
    match = re.search(rb"^%b:[ \t]*([0-9]{1,10})$" % key.encode("ascii"), text, re.MULTILINE)
    return int(match[1]) if match else None


def parse_status_name(text: bytes) -> bytes | None:
    r"""Give the process's name; the kernel writes a newline in it as ``\n``."""
    match = re.match(rb"Name:[ \t]*([^\n]*)\n", text)
    return match[1] if match else None


def stat_by_status(text: bytes, pid: int, stat: Stat | None = None) -> Stat | None:
    r"""Tell what a stat would that is missing, or too short; what has no address space is a kernel thread.

    >>> stat_by_status(b"Name:\tkthreadd\nState:\tS (sleeping)\nPPid:\t0\n", 2).is_kernel_thread
    True
    """
    name = parse_status_name(text)
    if name is None:
        return stat
    sizes = parse_status_sizes(text)
    vsize = sizes.get("VmSize", None if sizes else 0)
    if stat is not None:
        return stat._replace(vsize=vsize)
    state = re.search(rb"^State:[ \t]*([A-Za-z])", text, re.MULTILINE)
    ppid, threads = parse_status_number(text, "PPid"), parse_status_number(text, "Threads")
    return Stat(pid, name, state[1].decode("ascii") if state else "?", ppid, threads=threads, vsize=vsize)


def parse_status_capabilities(text: bytes) -> int | None:
    r"""Give the effective capabilities as bits; None where status does not tell.

    >>> parse_status_capabilities(b"Name:\tx\nCapEff:\t0000000000080000\n") >> 19
    1
    """
    match = re.search(rb"^CapEff:[ \t]*([0-9a-f]{1,16})$", text, re.MULTILINE)
    return int(match[1], 16) if match else None


def parse_status_uid(text: bytes) -> int | None:
    r"""Give the effective user.

    >>> parse_status_uid(b"Uid:\t1000\t0\t0\t0\n")
    0
    """
    match = re.search(rb"^Uid:[ \t]+[0-9]{1,10}[ \t]+([0-9]{1,10})\b", text, re.MULTILINE)
    return int(match[1]) if match else None


def parse_status_groups(text: bytes) -> set[int]:
    r"""Give the groups that count for access to files: the file system's (the last of ``Gid``) and the supplementary.

    >>> sorted(parse_status_groups(b"Gid:\t5\t5\t5\t6\nGroups:\t4 27 \n"))
    [4, 6, 27]
    """
    own = re.search(rb"^Gid:(?:[ \t]+[0-9]{1,10}){3}[ \t]+([0-9]{1,10})$", text, re.MULTILINE)
    others = re.search(rb"^Groups:[ \t]*([0-9 ]*)$", text, re.MULTILINE)
    return {int(group) for group in ([own[1]] if own else []) + (others[1].split() if others else [])}
