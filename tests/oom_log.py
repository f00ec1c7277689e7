"""Logs of the OOM killer for tests: real ones, and made ones in the form of each era."""

from __future__ import annotations

from pathlib import Path

REPORTS = Path(__file__).parent / "oom_reports"

_CLASSIC_MEMORY = """\
Mem-Info:
active_anon:58518 inactive_anon:58567 isolated_anon:32
 active_file:0 inactive_file:0 isolated_file:0
 unevictable:0 dirty:0 writeback:125 unstable:0
 free:1165 slab_reclaimable:1488 slab_unreclaimable:1425
DMA free:1952kB min:88kB low:108kB high:132kB active_anon:6640kB present:15992kB managed:15908kB
lowmem_reserve[]: 0 468 468 468
Normal free:2708kB min:2712kB low:3388kB high:4068kB active_anon:227432kB present:507764kB managed:480068kB
lowmem_reserve[]: 0 0 0 0
Free swap  = 0kB
Total swap = 262140kB
130939 pages RAM
6945 pages reserved
"""


def real(name: str) -> bytes:
    """Read a real log."""
    return (REPORTS / name).read_bytes()


def made(
    columns: str, rows: list[str], end: list[str], release: str | None = None, memory: str = _CLASSIC_MEMORY
) -> bytes:
    """Make a report with these columns (those after rss), rows and last lines."""
    cpu = [f"CPU: 0 PID: 7 Comm: java Not tainted {release} #1"] if release else []
    head = "java invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0"
    table = f"[ pid ]   uid  tgid total_vm      rss {columns} name"
    return "\n".join([head, *cpu, *memory.splitlines(), table, *rows, *end, ""]).encode()


def killed(pid: int, name: str, resident: int = 16000, *, total_vm: int = 36000, group: bool = False) -> str:
    """Write the line of a kill as kernels do since 5.4; kB."""
    what = "Memory cgroup out" if group else "Out"
    return (
        f"{what} of memory: Killed process {pid} ({name}) total-vm:{total_vm}kB, anon-rss:{resident}kB, "
        "file-rss:800kB, shmem-rss:0kB, UID:0 pgtables:80kB oom_score_adj:0"
    )
