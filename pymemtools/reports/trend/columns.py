"""The columns of trend."""

from __future__ import annotations

from pymemtools.report import Column

FIGURES = ("pss", "uss", "rss", "swap", "anonymous", "vss")  # what may be followed
COLUMNS = (
    Column("pid", "PID", "process number", "count", 7),
    Column("name", "Name", "the kernel's name of the process, or what its processes have in common", "text", 15),
    Column("command", "Command", "command line", "text", 27, right=False),
    Column("user", "User", "owner", "text", 8, right=False),
    Column("cgroup", "Group", "path of a control group", "text", 27, right=False),
    Column("processes", "Procs", "number of processes, of those that are followed together", "count", 6),
    Column("trend", "Verdict", "growth, fall, warm-up, step, sawtooth, noise, steady or too short", "text", 9),
    Column("last_size", "Last", "what it had in the last sample; unknown of what was gone by then", "bytes", 8),
    Column("rise", "Rise", "by how much its last median is above its first", "bytes", 8),
    Column("rise_per_hour", "an hour", "how fast it rises, jumps left out", "bytes/h", 8),
    Column(
        "rise_per_hour_low", "95 % interval", "what it is at the least, and at the most, in 95 % of cases", "bytes/h", 8
    ),
    Column("rise_per_hour_high", "", "what it is at the most, in 95 % of cases", "bytes/h", 8),
    Column("jump", "Jump", "its largest jump, if it is far larger than what else happens", "bytes", 8),
    Column("jump_at", "", "when that was, UTC", "text", 20, right=False),
    Column("period_seconds", "", "from one drop to the next, of a sawtooth", "seconds", 8),
    Column("ram_full_in_seconds_low", "", "the least until it has taken what RAM is available", "seconds"),
    Column("ram_full_in_seconds_high", "", "the most until then; both unknown of what does not grow", "seconds"),
    Column("group_full_in_seconds_low", "", "the least until its control group is full", "seconds"),
    Column("group_full_in_seconds_high", "", "the most until then", "seconds"),
    Column("full_group", "", "path of that group: of those on the way up the one that is full first", "text"),
    Column("commit_full_in_seconds_low", "", "the least until no memory is promised any more", "seconds"),
    Column("commit_full_in_seconds_high", "", "the most until then; unknown unless the kernel refuses", "seconds"),
    Column(
        "course",
        "Course",
        "medians over time; in JSON start (UTC), step_seconds and medians of each stretch without a gap",
        "nested",
    ),
)
