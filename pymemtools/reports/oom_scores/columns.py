"""The columns of oom-scores: what is known of a process that may be killed."""

from __future__ import annotations

from pymemtools.report import Column

COLUMNS = (
    Column("pid", "PID", "process number; 0 for one that does not exist", "count", 7),
    Column("user", "User", "owner", "text", 8, right=False),
    Column("oom_score", "Score", "the kernel's score, or the model's where the source has none", "score", 5),
    Column("oom_score_adj", "Adj", "the owner's adjustment, -1000 (never) to 1000", "score", 5),
    Column("oom_score_computed", "Computed", "the score by the model", "score", 8),
    Column("badness_pages", "Badness", "the points that decide, in pages; none: never killed, or not known", "pages"),
    Column(
        "share_permille",
        "/1000",
        "thousandths of RAM and swap, or of a group's; without the adjustment",
        "permille",
        5,
    ),
    Column("rss", "RSS", "resident memory", "bytes", 9),
    Column("swap", "Swap", "memory swapped out", "bytes", 8),
    Column("page_tables", "Tables", "page tables", "bytes", 7),
    Column("state", "S", "state: R, S, D, Z ...", "text", 1, right=False),
    Column("killable", "Kill", "whether it may be killed: not init, and none of adj -1000", "bool", 5, right=False),
    Column("name", "Name", "the kernel's name", "text", 15, right=False),
    Column("command", "Command", "command line", "text", 27, right=False),
    Column("hypothetical", "What if", "whether it is weighed as supposed", "bool"),
)
LIVE = (
    Column("ppid", "PPID", "parent", "count", 7),
    Column("threads", "Thr", "threads", "count", 4),
    Column("nice", "Nice", "nice value", "count", 4),
    Column("cpu_seconds", "CPU s", "processor time, in seconds", "seconds", 7),
    Column("memory_percent", "MEM%", "RSS in percent of RAM", "percent", 5),
    Column("read_bytes", "Read", "bytes read from disks", "bytes", 9),
    Column("write_bytes", "Written", "bytes written to disks", "bytes", 9),
)
SHOWN = (
    *("pid", "user", "oom_score", "oom_score_adj", "share_permille", "rss", "swap", "page_tables", "killable"),
    "command",
)
SHOWN_WIDE = (
    *SHOWN[:-1],
    *("ppid", "threads", "nice", "state", "cpu_seconds", "memory_percent", "read_bytes", "write_bytes", "command"),
)
