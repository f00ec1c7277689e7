"""Would the kernel grant so much memory, and where would it come from?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pymemtools.errors import Missing
from pymemtools.models import overcommit
from pymemtools.models.allocation import Supply, Yield, ZoneLevels, page_tables, supply, zones_after
from pymemtools.models.group_charge import FITS, MAY_NOT_FIT, OOM, REFUSED, WAITS, supplied
from pymemtools.models.overcommit import Caller
from pymemtools.procfs import zoneinfo
from pymemtools.readings.doubt import swap_of
from pymemtools.readings.hidden import invisible
from pymemtools.readings.machine import Machine
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.estimates import available_of, available_then, memory_of
from pymemtools.reports.memory_groups.asking import asking
from pymemtools.reports.memory_groups.kill import NOBODY, Deaths, Hunt, deaths, weighed
from pymemtools.reports.memory_groups.room import GROUP_RULE, Ruling, ruling
from pymemtools.reports.oom_scores.hypotheses import grown, with_hypotheses
from pymemtools.reports.swap_stores import costs
from pymemtools.reports.what_if.asked import Asked, Needs, reported
from pymemtools.reports.what_if.commitments import commitment_of
from pymemtools.reports.what_if.pools import lacking, pools
from pymemtools.reports.what_if.promises import mode_of, rule_of, slack_of, unsure
from pymemtools.reports.what_if.supposed import OVERCOMMIT
from pymemtools.reports.zones import state_of

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


class Grant(NamedTuple):
    """How many of the requests root and others are granted, at the least and at the most."""

    root: tuple[int, int]
    user: tuple[int, int]
    rule: str
    error_bound: int | None  # bytes

    @property
    def most(self) -> int:
        """Give how many may be granted."""
        return self.user[1] or self.root[1]

    @property
    def is_sure(self) -> bool:
        """Tell whether all that it depends on is known."""
        return self.root[0] == self.root[1] and self.user[0] == self.user[1]


class Taken(NamedTuple):
    """What one source of memory gives, in bytes."""

    source: str
    least: int
    most: int
    taken: int
    error_bound: int


class ZoneAfter(NamedTuple):
    """A zone afterwards, in bytes, and its state as the kernel sees it."""

    node: int
    zone: str
    free_before: int
    free: int
    min: int
    low: int
    high: int
    state: str


class Left(NamedTuple):
    """Free and available memory before and afterwards, in bytes, if all that can be reclaimed is; None is unknown."""

    free_before: int | None
    free_after: int | None
    available_before: int | None
    available_after: int | None


class Allocation(NamedTuple):
    """The answer; amounts in bytes."""

    request: AllocRequest
    size: int  # of each mapping, in whole pages
    grant: Grant
    touched: int  # of all that are granted, with page tables
    sources: list[Taken]
    missing_least: int
    missing_most: int
    ruled: Ruling
    dying: Deaths
    outcome: str
    left: Left
    zones: list[ZoneAfter]  # none where they tell of other memory

    @property
    def rules(self) -> list[str]:
        """Give the rules that the answer was worked out by."""
        if not self.touched:
            return [self.grant.rule]
        return [self.grant.rule, self.rule, *[GROUP_RULE] * bool(self.ruled.bounds)]

    @property
    def rule(self) -> str:
        """Give the rule by which memory is taken."""
        return _RULE_OF_READS if self.request.touch == "read" else _RULE


def alloc_report(asked: Asked, request: AllocRequest) -> Report:
    """Say whether private mappings are granted, and where their memory comes from when it is touched."""
    found, machine = _allocation(asked, request), asked.machine
    hidden = [] if found.dying == NOBODY else invisible(asked.source)  # others could die, too
    notes = [*hidden, *machine.notes, *costs(machine.stores), *_lacking(machine, found.grant), *found.ruled.notes]
    return reported(asked, "alloc", table_of(COLUMNS, found.sources), found, _totals(found), notes)


def _allocation(asked: Asked, request: AllocRequest) -> Allocation:
    machine, page = asked.machine, asked.machine.page_size
    pages = -(-request.size // page)
    grant = _grant(asked, request, pages)
    touched = _touched(request, pages, page) * grant.most
    zones = [_zone(zone) for zone in machine.zones]
    found, ruled = _supply(asked, request, touched, zones)
    kills = found.missing_at_most and ruled.outcome != WAITS
    got = (touched - found.missing_at_least) * page
    return Allocation(
        request,
        pages * page,
        grant,
        touched * page,
        [_taken(each, page) for each in found.yields],
        found.missing_at_least * page,
        found.missing_at_most * page,
        ruled,
        _named(_deaths(asked, request, got, ruled), ruled, machine) if kills else NOBODY,
        _outcome(grant, found, ruled),
        _left(found, machine),
        [] if machine.doubt else _zones_after(zones, found, machine),
    )


def _touched(request: AllocRequest, pages: int, page_size: int) -> int:
    """Give the pages that one mapping takes when it is touched, its page tables with it."""
    if request.touch == "none":
        return 0
    return page_tables(pages, page_size) + (pages if request.touch == "write" else 0)


def _grant(asked: Asked, request: AllocRequest, pages: int) -> Grant:
    """Ask the rule of the mode that is set, for root and for others, or for one process."""
    machine, pid = asked.machine, request.pid
    mode = mode_of(machine)
    callers = [Caller(0, is_admin=True), Caller(0, is_admin=False)]
    if pid is not None:
        row = commitment_of(asked.source, pid)
        if row is None:
            raise Missing(f"what-if alloc: {pid} has no memory of its own")
        callers = [Caller(row.address_space // machine.page_size, row.is_admin)] * 2
    root, user = (
        [
            overcommit.granted(mode, pages, request.times, extreme, caller, machine.version, own=pid is not None)
            for extreme in overcommit.extremes(memory_of(machine))
        ]
        for caller in callers
    )
    return Grant((root[0], root[1]), (user[0], user[1]), rule_of(machine, mode), slack_of(machine, mode))


def _zone(zone: zoneinfo.Zone) -> ZoneLevels:
    return ZoneLevels(zone.name, zone.free, zone.min, zone.low, max(zone.protection, default=0))


def _supply(asked: Asked, request: AllocRequest, pages: int, zones: Sequence[ZoneLevels]) -> tuple[Supply, Ruling]:
    """Say where pages come from: of the machine, as far as the limits of the group that asks let them be taken."""
    machine, page = asked.machine, asked.machine.page_size
    stocks = pools(machine)
    found = supply(pages, zones, *stocks, knows_marks=machine.doubt is None)
    room = (pages - found.missing_at_least) * page if found.missing_at_least else None
    ruled = ruling(asking(asked.source, request.pid, request.group), machine, pages * page, room)
    if ruled.pressed is not None:
        within = supply(ruled.pressed.free // page, zones, *stocks, knows_marks=machine.doubt is None)
        found = supplied(within, ruled.pressed, ruled.fatal, pages, page)
    return found, ruled


def _deaths(asked: Asked, request: AllocRequest, got: int, ruled: Ruling) -> Deaths:
    """Name whom the kernel kills when all is spent: the one who asked has got what there was (bytes) by then."""
    each = got // request.times
    where = Hunt(ruled.asked, ruled.level)
    found = weighed(asked.source, asked.machine, where)
    if request.pid is not None:
        found = grown(found, request.pid, each * request.times)
    else:
        found = with_hypotheses(found, {}, [("the new process", each)])
    return deaths(asked.source, where, found)


def _named(dying: Deaths, ruled: Ruling, machine: Machine) -> Deaths:
    """Leave the victim's score out where it is a share of what is not known."""
    if dying.chosen is None or ruled.level is not None or swap_of(machine.meminfo).total is not None:
        return dying
    return dying._replace(killed=[dying.chosen._replace(oom_score=None), *dying.killed[1:]])


def _outcome(grant: Grant, found: Supply, ruled: Ruling) -> str:
    if not grant.most:
        return REFUSED
    if not grant.is_sure:
        return "may be refused"
    if ruled.decided is not None:
        return ruled.outcome
    if not found.missing_at_most:
        return FITS
    return OOM if found.missing_at_least else MAY_NOT_FIT


def _taken(each: Yield, page_size: int) -> Taken:
    least, most, taken = (pages * page_size for pages in (each.least, each.most, each.taken))
    return Taken(each.source, least, most, taken, most - least)


def _left(found: Supply, machine: Machine) -> Left:
    """Give the state of memory afterwards, if all that can be reclaimed is."""
    page, info = machine.page_size, machine.meminfo
    taken = {each.source: each.taken * page for each in found.yields}
    free = taken["free"] + taken["free below the low watermarks"]
    after = {**info, **({"MemFree": max(info["MemFree"] - free, 0)} if "MemFree" in info else {})}
    file = taken["clean file pages"] + taken["dirty file pages, once written"]
    for key in ("Inactive(file)", "Active(file)"):
        if key in info:
            after[key] = info[key] - min(info[key], file)
            file -= info[key] - after[key]
    slab = "KReclaimable" if "KReclaimable" in info else "SReclaimable"
    if slab in info:
        after[slab] = info[slab] - taken["reclaimable slab"]
    available = info.get("MemAvailable", available_of(machine))
    then = available_then(machine, machine._replace(meminfo=after))
    return Left(info.get("MemFree"), after.get("MemFree"), available, then)


def _zones_after(zones: Sequence[ZoneLevels], found: Supply, machine: Machine) -> list[ZoneAfter]:
    """Give each zone afterwards, as state_of() puts it."""
    spent = sum(each.taken for each in found.yields if each.source.startswith("free"))
    return [
        _zone_after(zone, free, machine.page_size)
        for zone, free in zip(machine.zones, zones_after(zones, spent))
        if zone.usable
    ]


def _zone_after(zone: zoneinfo.Zone, free: int, page_size: int) -> ZoneAfter:
    before, after, least, low, high = (pages * page_size for pages in (zone.free, free, zone.min, zone.low, zone.high))
    return ZoneAfter(zone.node, zone.name, before, after, least, low, high, state_of(zone._replace(free=free)))


def _totals(found: Allocation) -> dict[str, Any]:
    killed = found.dying.chosen
    return {
        "requested": found.size * found.request.times,
        "requests": found.request.times,
        **_granted("root", found.grant.root, found.request.times),
        **_granted("user", found.grant.user, found.request.times),
        "touched": found.touched,
        "outcome": found.outcome,
        "missing_least": found.missing_least,
        "missing_most": found.missing_most,
        "victim_pid": killed.pid if killed else None,
        "victim_name": killed.name if killed else None,
        "victim_score": killed.oom_score if killed else None,
        **found.left._asdict(),
        "grant_rule": found.grant.rule,
        "grant_error_bound": found.grant.error_bound,
        "zones": [zone._asdict() for zone in found.zones],
        **found.ruled.answer(),
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
