"""Would the kernel grant so much memory, and where would it come from?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pymemtools.models.allocation import page_tables
from pymemtools.models.group_charge import REFUSED, WAITS
from pymemtools.readings.doubt import swap_of
from pymemtools.readings.hidden import invisible
from pymemtools.readings.machine import Machine
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.memory_groups.kill import NOBODY, Deaths, Hunt, deaths, weighed
from pymemtools.reports.memory_groups.room import GROUP_RULE, LIMIT_COLUMNS, Ruling
from pymemtools.reports.oom_scores.hypotheses import grown, with_hypotheses
from pymemtools.reports.swap_stores import costs
from pymemtools.reports.what_if.asked import Asked, Needs, reported
from pymemtools.reports.what_if.pools import lacking
from pymemtools.reports.what_if.promises import Grant, grant_of, unsure
from pymemtools.reports.what_if.spending import Spending, spend
from pymemtools.reports.what_if.supposed import OVERCOMMIT

NEEDS = Needs(OVERCOMMIT, zones=True)
_RULE = (
    "free pages down to the low watermarks, then what can be reclaimed, then swap, at last free pages down to min "
    "(mm/page_alloc.c, __alloc_pages_slowpath()); how much can be reclaimed is known within an interval"
)
_RULE_OF_READS = (
    "reading untouched memory maps the one page of zeros, and takes page tables only (mm/memory.c, do_anonymous_page())"
)
COLUMNS = (
    Column("source", "from", "where memory comes from, in the order in which it goes", "text", right=False),
    Column("least", "surely there", "the least that it can give", "bytes"),
    Column("most", "at most", "the most that it can give", "bytes"),
    Column("taken", "taken", "what is taken of it, if all goes that can", "bytes"),
    Column("error_bound", "+-", "most - least", "bytes"),
)


class AllocRequest(NamedTuple):
    """Private mappings that are asked for, what is done with them, and who asks."""

    size: int  # of each, in bytes; the kernel gives whole pages
    times: int = 1
    touch: str = "write"  # or "read", or "none"
    pid: int | None = None  # None: a new process
    group: str | None = None  # the path or unit of the memory group of who asks


class Allocation(NamedTuple):
    """The answer; amounts in bytes."""

    request: AllocRequest
    size: int  # of each mapping, in whole pages
    grant: Grant
    touched: int  # of all that are granted, with page tables
    spent: Spending
    dying: Deaths

    @property
    def outcome(self) -> str:
        """Name what comes of it."""
        if not self.grant.most:
            return REFUSED
        return self.spent.outcome if self.grant.is_sure else "may be refused"

    @property
    def rules(self) -> list[str]:
        """Give the rules that the answer was worked out by."""
        if not self.touched:
            return [self.grant.rule]
        return [self.grant.rule, self.rule, *[GROUP_RULE] * bool(self.spent.ruled.bounds)]

    @property
    def rule(self) -> str:
        """Give the rule by which memory is taken."""
        return _RULE_OF_READS if self.request.touch == "read" else _RULE


def alloc_report(asked: Asked, request: AllocRequest) -> Report:
    """Say whether private mappings are granted, and where their memory comes from when it is touched."""
    found, machine = allocation(asked, request), asked.machine
    hidden = [] if found.dying == NOBODY else invisible(asked.source)  # others could die, too
    notes = [*hidden, *machine.notes, *costs(machine.stores), *_lacking(machine, found.grant), *found.spent.ruled.notes]
    report = reported(asked, "alloc", table_of(COLUMNS, found.spent.sources), found, _totals(found), notes)
    return report._replace(within=LIMIT_COLUMNS if found.spent.ruled.bounds else ())


def allocation(asked: Asked, request: AllocRequest) -> Allocation:
    """Say whether mappings are granted, where their memory comes from, and who dies of it."""
    page = asked.machine.page_size
    pages = -(-request.size // page)
    grant = grant_of(asked, pages, request.times, request.pid)
    touched = _touched(request, pages, page) * grant.most
    spent = spend(asked, touched, request.pid, request.group)
    kills = spent.missing_most and spent.ruled.outcome != WAITS
    dying = _deaths(asked, request, touched * page - spent.missing_least, spent.ruled) if kills else NOBODY
    return Allocation(request, pages * page, grant, touched * page, spent, dying)


def _touched(request: AllocRequest, pages: int, page_size: int) -> int:
    """Give the pages that one mapping takes when it is touched, its page tables with it."""
    if request.touch == "none":
        return 0
    return page_tables(pages, page_size) + (pages if request.touch == "write" else 0)


def _deaths(asked: Asked, request: AllocRequest, got: int, ruled: Ruling) -> Deaths:
    """Name whom the kernel kills when all is spent: the one who asked has got what there was (bytes) by then."""
    each = got // request.times
    where = Hunt(ruled.asked, ruled.level)
    found = weighed(asked.source, asked.machine, where)
    if request.pid is not None:
        found = grown(found, request.pid, each * request.times)
    else:
        found = with_hypotheses(found, {}, [("the new process", each)])
    dying = deaths(asked.source, where, found)
    if dying.chosen is None or where.level is not None or swap_of(asked.machine.meminfo).total is not None:
        return dying
    # The victim's score is a share of what is not known.
    return dying._replace(killed=[dying.chosen._replace(oom_score=None), *dying.killed[1:]])


def _totals(found: Allocation) -> dict[str, Any]:
    killed = found.dying.chosen
    return {
        "requested": found.size * found.request.times,
        "requests": found.request.times,
        **_granted("root", found.grant.root, found.request.times),
        **_granted("user", found.grant.user, found.request.times),
        "touched": found.touched,
        "outcome": found.outcome,
        "missing_least": found.spent.missing_least,
        "missing_most": found.spent.missing_most,
        "victim_pid": killed.pid if killed else None,
        "victim_name": killed.name if killed else None,
        "victim_score": killed.oom_score if killed else None,
        **found.spent.left._asdict(),
        "grant_rule": found.grant.rule,
        "grant_error_bound": found.grant.error_bound,
        "zones": [zone._asdict() for zone in found.spent.zones],
        **found.spent.ruled.answer(),
        **found.dying.answer(),
        "rule": found.rule,
    }


def _granted(who: str, granted: tuple[int, int], times: int) -> dict[str, bool | int | None]:
    """Say whether all requests are granted, and how many; None where that is not sure."""
    least, most = granted
    is_sure = least == most
    is_granted = least == times if is_sure else None
    return {f"granted_{who}": is_granted, f"requests_granted_{who}": least if is_sure else None}


def _lacking(machine: Machine, grant: Grant) -> Iterator[str]:
    """Name what the answer would be surer with."""
    if not grant.is_sure:
        yield unsure(machine)
    if names := ", ".join(lacking(machine)):
        yield f"the source does not tell {names}: how much can be had is known the less"
