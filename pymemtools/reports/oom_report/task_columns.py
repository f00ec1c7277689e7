"""The columns of the table of tasks that a kill was chosen from."""

from __future__ import annotations

from pymemtools.report import Column

TASK_COLUMNS = (
    Column("pid", "PID", "process number", "count", 7),
    Column("uid", "UID", "the owner's number", "count", 6),
    Column("oom_score_adj", "Adj", "the owner's adjustment, -1000 (never) to 1000", "score", 5),
    Column("points", "Points", "pages of RSS, swap, page tables and the adjustment: the most is killed", "count", 10),
    Column("oom_score_computed", "Score", "points in thousandths of what was out of memory", "score", 5),
    Column("rss", "RSS", "resident memory", "bytes", 9),
    Column("swap", "Swap", "memory swapped out", "bytes", 9),
    Column("page_tables", "Tables", "page tables", "bytes", 7),
    Column("name", "Name", "the kernel's name of the process", "text", 16, right=False),
)
