"""/proc/PID/status: the figures of a process, in bytes."""

import re
from typing import NamedTuple

from pymemtools.procfs.stat import Stat


class StatusField(NamedTuple):
    """The key that reports have for a size, and what it means."""

    key: str
    help: str


STATUS_FIELDS = {  # by the kernel's names; source: Documentation/filesystems/proc.rst
    "VmPeak": StatusField("vss_peak", "the largest vss there has been"),
    "VmSize": StatusField("vss", "virtual set size: all that is mapped, touched or not"),
    "VmLck": StatusField("locked", "locked in memory"),
    "VmPin": StatusField("pinned", "pinned: it may not even be moved"),
    "VmHWM": StatusField("rss_peak", "the largest rss there has been"),
    "VmRSS": StatusField("rss", "resident: rss_anon, rss_file and rss_shmem together"),
    "RssAnon": StatusField("rss_anon", "resident anonymous memory"),
    "RssFile": StatusField("rss_file", "resident pages of files"),
    "RssShmem": StatusField("rss_shmem", "resident shared memory and tmpfs"),
    "VmData": StatusField("data", "private writable memory that is mapped, stacks excepted"),
    "VmStk": StatusField("stack", "the main stack"),
    "VmExe": StatusField("exe", "the program's text"),
    "VmLib": StatusField("lib", "the text of libraries"),
    "VmPTE": StatusField("page_tables", "page tables, from 4.15 on those of all levels"),
    "VmPMD": StatusField("pmd_tables", "page tables of the second level (Linux 4.0 to 4.14)"),
    "VmSwap": StatusField("swap", "anonymous memory in swap space"),
    "HugetlbPages": StatusField("hugetlb", "pages of hugetlbfs, which rss leaves out"),
}
_SIZE = re.compile(rb"^([A-Z][A-Za-z]+):[ \t]*([0-9]{1,20}) kB$", re.MULTILINE)


def parse_status_sizes(text: bytes) -> dict[str, int]:
    """Map ``VmRSS``, ``RssShmem``, ``VmSwap`` ... to bytes; only lines that end in kB.

    Source: fs/proc/task_mmu.c, task_mem(). A kernel thread has none.
    """
    return {key.decode("ascii"): int(kib) * 1024 for key, kib in _SIZE.findall(text)}


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
