"""The columns of a fleet's answers."""

from __future__ import annotations

from pymemtools.report import Column, Table

# What a table for people shows of those with many columns; programs get all.
SHOWN = {
    "fleet hosts": ("host", "captures", "last_at", "mem_total", "mem_available", "oom_events"),
    "fleet report": ("id", "severity", "hosts", "first_at", "example"),
    "fleet risk": ("host", "risk", "left", "whole", "percent", "victim_name"),
    "fleet what-if alloc": ("host", "outcome", "victim_pid", "victim_name", "headroom_least", "headroom_most"),
    "fleet grew": ("thing", "label", "hosts", "growing", "median_per_hour", "most_per_hour"),
}
_HOST = Column("host", "Host", "the machine's name", "text", 20, right=False)
_AT = Column("taken_at", "At", "when the latest capture was taken, UTC", "text", 20, right=False)
_HOSTS = Column("hosts", "Hosts", "machines", "count", 6)
HOSTS = (
    _HOST,
    Column("captures", "Captures", "how many there are", "count", 8),
    Column("first_at", "First", "when the first was taken, UTC", "text", 20, right=False),
    Column("last_at", "Last", "when the latest was taken, UTC", "text", 20, right=False),
    Column("kernel", "Kernel", "its kernel, in the latest", "text", 16, right=False),
    Column("labels", "Labels", "what was said of the latest when it was ingested", "text", 12, right=False),
    Column("boots", "Boots", "how often it was started, as far as captures tell", "count", 5),
    Column("mem_total", "Total", "MemTotal", "bytes", 9),
    Column("mem_available", "Avail", "MemAvailable in the latest", "bytes", 9),
    Column("least_available", "Least", "the least MemAvailable of all", "bytes", 9),
    Column("headroom_least", "Fits", "what a new process could surely touch, in the latest", "bytes", 9),
    Column("clocks_off", "Clock", "captures whose clock cannot be right, or that have none", "count", 5),
    Column(
        "oom_events",
        "Kills",
        "kills for lack of memory in its logs; unknown without a log, if it may have had some",
        "count",
        5,
    ),
)
GREW = (
    Column("thing", "Name", "of the process, mapping or group", "text", 28, right=False),
    Column(
        "label",
        "Label",
        "the value of the label asked for; unknown of captures without it",
        "text",
        10,
        right=False,
    ),
    _HOSTS,
    Column("growing", "Growing", "machines on which it grew", "count", 7),
    Column("median_per_hour", "Median/h", "growth an hour by regression, in the middle of all machines", "bytes", 10),
    Column("most_per_hour", "Most/h", "and where it grew most", "bytes", 10),
    Column("most_host", "There", "the machine where it grew most", "text", 16, right=False),
    Column("grown", "Grown", "from the first capture to the last, all machines together", "bytes", 10),
)
RISK = (
    _HOST,
    _AT,
    Column(
        "risk",
        "Risk",
        "what is about to run out: headroom, commit limit, a group's limit",
        "text",
        16,
        right=False,
    ),
    Column("left", "Left", "what is left of it", "bytes", 9),
    Column("whole", "Of", "RAM, CommitLimit, or the group's limit", "bytes", 9),
    Column("percent", "Left %", "share that is left", "percent", 7),
    Column("victim_name", "Killed first", "who would be killed", "text", 16, right=False),
)
TOP = (
    Column("name", "Name", "the kernel's name of the process", "text", 16, right=False),
    _HOSTS,
    Column("processes", "Procs", "processes of that name, in the latest captures", "count", 6),
    Column("pss", "PSS", "of all of them", "bytes", 9),
    Column("median", "Median", "of one, in the middle", "bytes", 9),
    Column("most", "Most", "of the largest", "bytes", 9),
    Column("most_host", "There", "the machine with the largest", "text", 16, right=False),
)
TUNABLES = (
    Column("tunable", "Name", "as sysctl names it", "text", 28, right=False),
    Column("value", "Value", "the kernel's text", "text", 12, right=False),
    _HOSTS,
    Column("is_default", "Default", "whether it is the kernel's own value", "bool", 7),
    Column("example", "Such as", "one of these machines", "text", 16, right=False),
)
WHAT_IF = (
    _HOST,
    _AT,
    Column("outcome", "Outcome", "what becomes of it: fits, may not fit, OOM, refused ...", "text", 14, right=False),
    Column("victim_pid", "PID", "who would be killed; 0 is the new process itself", "count", 7),
    Column("victim_name", "Killed", "its name", "text", 16, right=False),
    Column("headroom_least", "Surely", "what surely could be touched", "bytes", 9),
    Column("headroom_most", "At most", "and at the most", "bytes", 9),
)
FINDINGS = (
    Column("id", "Finding", "the rule's name", "text", 20, right=False),
    Column("severity", "Severity", "critical, warning or notice", "text", 8, right=False),
    _HOSTS,
    Column("first_at", "Since", "when it was first found on one of them, UTC", "text", 20, right=False),
    Column("last_at", "Last", "when it was found last, UTC", "text", 20, right=False),
    Column("example", "Such as", "one of these machines", "text", 16, right=False),
    Column("machines", "On", "names of all these machines", "nested"),
    Column("title", "What", "what was found there", "text", 40, right=False),
    Column("figure", "Figure", "the figure that it rests on there", "text", 24, right=False),
)


def for_people(table: Table) -> Table:
    """Leave out what is a number for programs only: the new process has no PID yet, which they have as 0."""
    if "victim_pid" not in table.cells:
        return table
    return table._replace(cells={**table.cells, "victim_pid": [pid or None for pid in table.cells["victim_pid"]]})
