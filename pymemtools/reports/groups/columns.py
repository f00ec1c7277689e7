"""The columns of groups: what is known of a memory group, the groups in it included."""

from __future__ import annotations

from pymemtools.report import Column

_PSI = "memory pressure (Linux 4.20; version 2): percent of the last"
COLUMNS = (
    Column("cgroup", "Group", "path of the control group", "text", right=False),
    Column("depth", "Depth", "levels below the group that was asked for", "count"),
    Column("unit", "Unit", "the innermost systemd unit in the path", "text", right=False),
    Column("container", "Container", "ID, or name, of the innermost container in the path", "text", right=False),
    Column("pod", "Pod", "UID of the pod in the path", "text", right=False),
    Column("state", "State", "near its limit, or full of what can be reclaimed; none: neither", "text", right=False),
    Column("current", "Current", "what is charged to it", "bytes"),
    Column("limit", "Limit", "beyond which the kernel kills in it: memory.max, limit_in_bytes", "bytes"),
    Column("high", "High", "beyond which its processes are slowed down: memory.high", "bytes"),
    Column("headroom", "Room", "the least that a limit, its own or one above it, has left", "bytes"),
    Column("decided_by_group", "Decided by", "the group whose limit that is", "text", right=False),
    Column("decided_by_file", "Decided in", "the file of that limit", "text", right=False),
    Column("reclaimable", "Reclaim", "page cache and slab that can be taken back without swap", "bytes"),
    Column("anonymous", "Anon", "anonymous memory that is charged to it", "bytes"),
    Column("page_cache", "File", "page cache that is charged to it, shared memory included", "bytes"),
    Column("shmem", "Shmem", "shared memory and tmpfs", "bytes"),
    Column("slab", "Slab", "the kernel's objects (version 2)", "bytes"),
    Column(
        "kernel_memory",
        "Kernel",
        "all that the kernel has taken for it, slab, stacks and page tables included",
        "bytes",
    ),
    Column("sock", "Sock", "buffers of sockets", "bytes"),
    Column("swap", "Swap", "what it has swapped out", "bytes"),
    Column("swap_limit", "Swap limit", "the most of that (version 2)", "bytes"),
    Column("zswap", "Zswap", "what the compressed cache before swap takes of RAM (Linux 5.19)", "bytes"),
    Column("memsw", "Memsw", "memory and swap together (version 1)", "bytes"),
    Column("memsw_limit", "Memsw limit", "the most of both (version 1)", "bytes"),
    Column("peak", "Peak", "the most that was charged to it", "bytes"),
    Column("processes", "Procs", "processes with memory in it", "count"),
    Column("pss", "PSS", "the processes' share of what they map, whoever it is charged to", "bytes"),
    Column("pss_anon", "PSSAnon", "anonymous part of PSS (smaps_rollup)", "bytes"),
    Column("pss_file", "PSSFile", "file part of PSS (smaps_rollup)", "bytes"),
    Column("pss_shmem", "PSSShmem", "shared memory part of PSS (smaps_rollup)", "bytes"),
    Column("unreadable", "Unread", "processes whose PSS could not be read, and is missing", "count"),
    Column("high_events", "High ev.", "how often it went beyond high", "count"),
    Column("max_events", "Max ev.", "how often it met its limit (version 1: failcnt, its own alone)", "count"),
    Column("oom_events", "OOM ev.", "how often reclaim did not help", "count"),
    Column("oom_kills", "OOM", "processes killed in it (version 1: in itself alone, Linux 4.13)", "count"),
    Column("oom_group", "Whole", "whether it is killed as a whole", "bool"),
    Column("some_avg10", "Some 10s", f"{_PSI} 10 s in which a process waited for memory", "percent"),
    Column("some_avg60", "Some 60s", f"{_PSI} 60 s in which a process did", "percent"),
    Column("some_avg300", "Some 300s", f"{_PSI} 300 s in which a process did", "percent"),
    Column("some_seconds", "Some s", "seconds in all in which a process did", "seconds"),
    Column("full_avg10", "Full 10s", f"{_PSI} 10 s in which all that could run waited for memory", "percent"),
    Column("full_avg60", "Full 60s", f"{_PSI} 60 s in which all did", "percent"),
    Column("full_avg300", "Full 300s", f"{_PSI} 300 s in which all did", "percent"),
    Column("full_seconds", "Full s", "seconds in all in which all did", "seconds"),
)
SHOWN = ("current", "limit", "headroom", "anonymous", "page_cache", "kernel_memory", "swap", "pss", "oom_kills")
OTHERS = {
    "anon": "anonymous",
    "file": "page_cache",
    "kernel": "kernel_memory",
    "room": "headroom",
    "oom": "oom_kills",
    "oom_kill": "oom_kills",
    "max": "limit",
}
