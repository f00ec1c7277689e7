"""The allocator that grows until it is killed: by what, by whom, and where; or until it is refused addresses."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.readings.kernel_logs import reports_in_ring
from pymemtools.report import Column, Report
from pymemtools.reports.lab.laws import Law, between, equal
from pymemtools.reports.lab.plan import Findings, outcome
from pymemtools.reports.oom_report.report import explained, kills_report

COLUMNS = (
    Column("allocated", "allocated", "what the program has asked for", "bytes", 10),
    Column("vss", "VSS", "its virtual size", "bytes", 10),
    Column("rss", "RSS", "its resident memory", "bytes", 8),
    Column("rss_anon", "anon", "of it anonymous: the pages that it wrote to", "bytes", 8),
    Column("page_tables", "tables", "its page tables", "bytes", 8),
    Column("seconds", "", "since the experiment began", "seconds"),
    Column("charged", "charged", "what its group is charged", "bytes", 8),
)
TOUCHES, WAYS, LIMITS = ("write", "read", "none"), ("malloc", "mmap"), ("group", "addresses")
_BLOCK = 1 << 20  # bytes that are asked for at once, and those that it takes to tell the refusal


class OomRequest(NamedTuple):
    """How memory is asked for and touched, within which limit in bytes: of a memory group, or of addresses."""

    touch: str = "write"
    via: str = "malloc"
    limit: int = 64 << 20
    within: str | None = None

    @property
    def dies_of(self) -> str | None:
        """Say what of it reaches the limit: nothing where only addresses are asked for.

        malloc() writes a header before each block, so its blocks cost pages whoever touches them. A page that is read
        is the kernel's page of zeros, and costs an entry in a page table.
        """
        if self.via == "malloc" or self.touch == "write":
            return "anonymous memory"
        return "page tables" if self.touch == "read" else None


def oom_report(found: Findings) -> Report:
    """Judge, and explain the kill by the kernel's own report, where that can be read."""
    told = killed(found)
    totals = {key: found.seen[key] for key in ("within", "ending", "group_kills", "peak", "limit", "cgroup")}
    row = None if told is None else next(told.table.rows())
    dies_of = None if found.seen["within"] == "addresses" else of_what(found.rows)
    return outcome("oom", COLUMNS, found, laws(found), **totals, dies_of=dies_of, oom_report=row)


def laws(found: Findings) -> Sequence[Law]:
    """Demand that it is killed for what it takes, in its own group, at its limit; or not at all."""
    request, seen = found.request, found.seen
    if seen["within"] == "addresses":
        return (
            equal("it is refused more", "ENOMEM", errno.errorcode.get(seen["errno"])),
            between(
                "its addresses end at the limit",
                seen["limit"] - _BLOCK,
                seen["limit"] + _BLOCK,
                found.rows[-1]["vss"] if found.rows else None,
            ),
        )
    if request.dies_of is None:
        return (
            equal("addresses alone kill nobody", "ends by itself", seen["ending"]),
            equal("kills in its group", 0, seen["group_kills"]),
        )
    demanded = [
        equal("it is killed", "SIGKILL", seen["ending"]),
        equal("kills in its group", 1, seen["group_kills"]),
        equal("most of what it had was", request.dies_of, of_what(found.rows)),
    ]
    if seen["peak"] is not None:
        demanded.append(equal("the group's peak is its limit", seen["limit"], seen["peak"]))
    if seen["kills_above"] is not None:
        demanded.append(equal("kills by the limit above", 0, seen["kills_above"]))
    return demanded


def of_what(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Say what most of its memory was when it was last looked at."""
    if not rows or None in (rows[-1]["rss_anon"], rows[-1]["page_tables"]):
        return None
    return "page tables" if rows[-1]["page_tables"] > rows[-1]["rss_anon"] else "anonymous memory"


def killed(found: Findings) -> Report | None:
    """Make oom-report's report of the kill; None where the log tells of none."""
    text, pid = found.seen["log"], found.seen["pid"]
    try:
        reports = [
            logged
            for logged in reports_in_ring("dmesg", text, found.facts.get("kernel"))
            if pid in (logged.report.told_pid, *(kill.pid for kill in logged.report.kills))
        ]
    except MemtoolsError:
        return None
    kills = list(explained(reports))
    return kills_report(kills[:1], found.facts) if kills else None
