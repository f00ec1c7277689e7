"""Trees of a machine with memory control groups, written from a few words."""

from __future__ import annotations

from pathlib import Path

MIB = 1 << 20
MEMINFO = """\
MemTotal: 16000000 kB
MemFree: 8000000 kB
MemAvailable: 12000000 kB
Buffers: 100 kB
Cached: 3000000 kB
SwapTotal: 1048576 kB
SwapFree: 524288 kB
Shmem: 10 kB
SReclaimable: 1000 kB
Active(file): 1000000 kB
Inactive(file): 1000000 kB
Mapped: 0 kB
Dirty: 0 kB
CommitLimit: 1 kB
Committed_AS: 1 kB
"""

V2_STAT = f"""\
anon {300 * MIB}
file {150 * MIB}
file_mapped 0
shmem {50 * MIB}
inactive_anon {350 * MIB}
active_anon 0
inactive_file {60 * MIB}
active_file {40 * MIB}
unevictable 0
slab_reclaimable {10 * MIB}
slab_unreclaimable {5 * MIB}
pgfault 12345
"""
V1_STAT = f"""\
cache 0
rss 0
inactive_file 0
active_file 0
hierarchical_memory_limit {512 * MIB}
total_cache {150 * MIB}
total_mapped_file 0
total_rss {300 * MIB}
total_shmem {50 * MIB}
total_swap {8 * MIB}
total_inactive_file {60 * MIB}
total_active_file {40 * MIB}
"""
V2_ROOT = {"sys/fs/cgroup/cgroup.controllers": "memory\n", "sys/fs/cgroup/memory.stat": V2_STAT}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in ({"proc/meminfo": MEMINFO} | files).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def group(path: str, **files: object) -> dict[str, str]:
    """Give the files of a v2 group, ``swap__max`` for memory.swap.max and so on."""
    files = {"max": "max", "high": "max", "current": 465 * MIB, "stat": V2_STAT} | files
    top = f"sys/fs/cgroup{path}".rstrip("/")
    named = {f"{top}/memory.{name.replace('__', '.')}": f"{amount}\n" for name, amount in files.items()}
    return named | {f"{top}/cgroup.procs": ""}


def group_v1(path: str, **files: object) -> dict[str, str]:
    """Give the files of a v1 group, ``memsw__limit_in_bytes`` for memory.memsw.limit_in_bytes and so on."""
    files = {"limit_in_bytes": 2**63 - 4096, "usage_in_bytes": 465 * MIB, "stat": V1_STAT} | files
    top = f"sys/fs/cgroup/memory{path}".rstrip("/")
    return {f"{top}/memory.{name.replace('__', '.')}": f"{amount}\n" for name, amount in files.items()}
