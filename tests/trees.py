"""Small /proc trees, written from a few words: what a test needs and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

MEMINFO = {"MemTotal": 1024000, "MemFree": 512000, "SwapTotal": 204800, "SwapFree": 204800}
FIELDS = (
    *("Size", "KernelPageSize", "MMUPageSize", "Rss", "Pss", "Pss_Dirty", "Shared_Clean", "Shared_Dirty"),
    *("Private_Clean", "Private_Dirty", "Referenced", "Anonymous", "KSM", "LazyFree", "AnonHugePages"),
    *("ShmemPmdMapped", "FilePmdMapped", "Shared_Hugetlb", "Private_Hugetlb", "Swap", "SwapPss", "Locked"),
)


class Map(NamedTuple):
    """One mapping; sizes in KiB."""

    name: str = ""
    pss: int = 0
    swap: int = 0
    size: int = 4096


class Proc(NamedTuple):
    """One process."""

    pid: int
    command: str
    maps: tuple[Map, ...] = (Map("[heap]", 100),)
    uid: int = 0
    ppid: int = 1
    start: int = 1000
    comm: str = ""
    cgroup: str = ""


def smaps(maps: tuple[Map, ...], fields: tuple[str, ...] = FIELDS) -> str:
    """Write smaps as the kernel does; all PSS is private, dirty and anonymous."""
    lines = []
    for number, each in enumerate(maps):
        start = 0x400000 + number * 0x1000000
        header = f"{start:08x}-{start + each.size * 1024:08x} rw-p 00000000 00:00 0 "
        lines.append(header.ljust(73) + each.name if each.name else header)
        for field in fields:
            if field == "Size":
                value = each.size
            elif field in ("KernelPageSize", "MMUPageSize"):
                value = 4
            elif field in ("Swap", "SwapPss"):
                value = each.swap
            else:
                value = each.pss if field in ("Rss", "Pss", "Pss_Dirty", "Private_Dirty", "Anonymous") else 0
            lines.append(f"{field + ':':<16}{value:8} kB")
        lines.append("VmFlags: rd wr mr mw me ac sd ")
    return "".join(f"{line}\n" for line in lines)


def stat(process: Proc) -> str:
    """Write stat with the fields that count."""
    rss = sum(each.pss for each in process.maps) // 4
    tail = [process.ppid, process.pid, process.pid, 0, -1, 4194304, *[0] * 8, 20, 0, 1, 0, process.start]
    comm = process.comm or process.command.split()[0].rpartition("/")[2][:15]
    words = [*tail, 1 << 24, rss, 2**64 - 1, 1, 1, 1, *[0] * 24]
    return f"{process.pid} ({comm}) S {' '.join(map(str, words))}\n"


def write_tree(root: Path, *processes: Proc, meminfo: dict[str, int] = MEMINFO, passwd: str = "") -> Path:
    """Write ``root/proc`` and give ``root``."""
    proc = root / "proc"
    proc.mkdir(parents=True)
    (proc / "meminfo").write_text("".join(f"{key + ':':<16}{value:8} kB\n" for key, value in meminfo.items()))
    (proc / "version").write_text("Linux version 6.12.0 (builder) #1 SMP\n")
    if passwd:
        (root / "etc").mkdir()
        (root / "etc" / "passwd").write_text(passwd)
    for process in processes:
        directory = proc / str(process.pid)
        directory.mkdir()
        (directory / "cmdline").write_bytes(process.command.encode().replace(b" ", b"\0") + b"\0")
        (directory / "stat").write_text(stat(process))
        (directory / "smaps").write_text(smaps(process.maps))
        (directory / "status").write_text(
            f"Name:\tx\nUid:\t{process.uid}\t{process.uid}\t{process.uid}\t{process.uid}\n"
        )
        if process.cgroup:
            (directory / "cgroup").write_text(f"0::{process.cgroup}\n")
    return root
