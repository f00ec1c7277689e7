"""Logs of the OOM killer for tests: real ones, and made ones in the form of each era."""

from __future__ import annotations

from pathlib import Path

from pymemtools.kernel_log.scan import oom_reports
from pymemtools.reports.oom_report.analysis import Analysis, analyse

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


LOGS = sorted(REPORTS.glob("*.txt"))


RPI = "rpi-3.6.11-armv6-464M-snipped.txt"


MEMCG = "own-x86_64-6.18.44-memcg-v1.txt"


def analyses(log: bytes, piece: int = 1 << 20) -> list[Analysis]:
    pieces = [log[at : at + piece] for at in range(0, len(log), piece)]
    return [analyse(report) for report in oom_reports(pieces)]


def only(log: bytes) -> Analysis:
    (found,) = analyses(log)
    return found


TASKS = "pgtables_bytes swapents oom_score_adj"


HOG = "[     42]  1000    42    90000    80000   819200        0             0 hog"


MEM_INFO = """Mem-Info:
active_anon:{anon} inactive_anon:0 isolated_anon:0
 active_file:10 inactive_file:20 isolated_file:0
 unevictable:{locked} dirty:0 writeback:0
 slab_reclaimable:30 slab_unreclaimable:40
 mapped:5 shmem:{shmem} pagetables:50
 free:900
Normal free:3600kB min:4000kB low:5000kB high:6000kB
{more}
Total swap = 0kB
100000 pages RAM
0 pages reserved
"""


def of_group(swap_limit: int, stats: str = "") -> str:
    return (
        "memory: usage 32768kB, limit 32768kB, failcnt 7\n"
        f"swap: usage 0kB, limit {swap_limit}kB, failcnt 0\nMemory cgroup stats for /job:\n{stats}"
    )
