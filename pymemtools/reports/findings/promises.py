"""Findings on overcommit: what is promised, and what is refused before memory is short."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.readings.doubt import swap_of
from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.finding import CRITICAL, NOTICE, WARNING, Rule, Seen
from pymemtools.units import human_size

_NEAR, _VERY_NEAR = 90, 97  # percent of CommitLimit


def _mode(evidence: Evidence) -> int | None:
    return evidence.machine.setting("vm.overcommit_memory")


def _limit_close(evidence: Evidence) -> Iterator[Seen]:
    limit, promised = evidence.meminfo.get("CommitLimit"), evidence.meminfo.get("Committed_AS")
    if _mode(evidence) != 2 or not limit or promised is None or 100 * promised < _NEAR * limit:
        return
    severity = CRITICAL if 100 * promised >= _VERY_NEAR * limit else WARNING
    figure = f"{human_size(promised)} of {human_size(limit)}, {100 * promised / limit:.0f} %"
    yield Seen(severity, "fork and malloc are about to fail: the commit limit is close", figure, promised, "bytes")


def _no_swap(evidence: Evidence) -> Iterator[Seen]:
    limit, ram = evidence.meminfo.get("CommitLimit"), evidence.ram
    if _mode(evidence) == 2 and swap_of(evidence.meminfo).total == 0 and limit and ram and limit < ram * 8 // 10:
        title = "Strict overcommit without swap: a part of RAM can never be promised to programs"
        yield Seen(WARNING, title, f"{human_size(limit)} of {human_size(ram)}", limit, "bytes")


def _always(evidence: Evidence) -> Iterator[Seen]:
    promised, ram = evidence.meminfo.get("Committed_AS"), evidence.ram
    if _mode(evidence) != 1:
        return
    figure = "vm.overcommit_memory = 1"
    if promised is not None and ram:
        figure += f", {human_size(promised)} promised, {100 * promised / ram:.0f} % of RAM"
    yield Seen(NOTICE, "No request for memory is refused, however large", figure, promised, "bytes")


def _promised(evidence: Evidence) -> Iterator[Seen]:
    promised, ram, swap = evidence.meminfo.get("Committed_AS"), evidence.ram, swap_of(evidence.meminfo).total
    if _mode(evidence) == 2 or promised is None or ram is None or swap is None or promised <= 2 * (ram + swap):
        return
    figure = f"{human_size(promised)} of {human_size(ram + swap)} RAM and swap"
    yield Seen(
        NOTICE, "Far more is promised than there is: if it is used, processes are killed", figure, promised, "bytes"
    )


RULES = (
    Rule(
        "commit-limit",
        CRITICAL,
        f"with overcommit_memory=2, Committed_AS is {_NEAR} % of CommitLimit or more (critical: {_VERY_NEAR} %)",
        "Documentation/mm/overcommit-accounting.rst; mm/util.c, __vm_enough_memory(), Linux 6.1",
        "pymemtools what-if overcommit --processes",
        "raise vm.overcommit_ratio or add swap; see which process has most promised to it",
        _limit_close,
    ),
    Rule(
        "strict-without-swap",
        WARNING,
        "overcommit_memory is 2, SwapTotal 0, and CommitLimit less than 80 % of RAM",
        "mm/util.c, vm_commit_limit(), Linux 6.1: overcommit_ratio (50 %) of RAM, and swap",
        "pymemtools what-if overcommit",
        "raise vm.overcommit_ratio, for there is no swap for promises to fall back on",
        _no_swap,
    ),
    Rule(
        "overcommit-always",
        NOTICE,
        "overcommit_memory is 1",
        "Documentation/mm/overcommit-accounting.rst",
        "pymemtools tunables explain overcommit_memory",
        "right for programs that fork large (Redis) or map sparse arrays; else 0 refuses what is plainly too much",
        _always,
    ),
    Rule(
        "promised-twice",
        NOTICE,
        "Committed_AS is more than twice RAM and swap",
        "Documentation/filesystems/proc.rst, Committed_AS",
        "pymemtools what-if overcommit --processes",
        "mostly address space that is never used (Go, Java, threads' stacks); limit those that matter by groups",
        _promised,
    ),
)
