"""``pymemtools what-if alloc``: would the kernel grant so much memory, and where would it come from?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import click

from pymemtools.cli.group_answers import (
    GROUP_RULE,
    deaths_answer,
    group_option,
    limit_lines,
    pid_option,
    ruled_text,
    together,
    who,
)
from pymemtools.cli.options import SIZE
from pymemtools.cli.what_if.question import Answer, Asked, question
from pymemtools.cli.what_if.tables import sentence, size, table
from pymemtools.errors import Missing
from pymemtools.models import overcommit
from pymemtools.models.allocation import Supply, Zone, page_tables, supply, zones_after
from pymemtools.models.group_charge import REFUSED, WAITS, supplied
from pymemtools.models.overcommit import HEURISTIC, Caller
from pymemtools.readings.doubt import swap_of
from pymemtools.readings.machine import Machine
from pymemtools.reports.estimates import available_of, available_then, memory_of
from pymemtools.reports.memory_groups.asking import asking
from pymemtools.reports.memory_groups.kill import Deaths, Hunt, deaths, weighed
from pymemtools.reports.memory_groups.room import Ruling, ruling
from pymemtools.reports.oom_scores.candidates import Candidate, grown, with_hypotheses
from pymemtools.reports.swap_stores import costs
from pymemtools.reports.what_if.commitments import commitment_of
from pymemtools.reports.what_if.pools import lacking, pools
from pymemtools.reports.what_if.supposed import OVERCOMMIT
from pymemtools.reports.zones import state_of

_RULE = (
    "free pages down to the low watermarks, then what can be reclaimed, then swap, at last free pages down to min "
    "(mm/page_alloc.c, __alloc_pages_slowpath()); how much can be reclaimed is known within an interval"
)
_RULE_OF_READS = (
    "reading untouched memory maps the one page of zeros, and takes page tables only (mm/memory.c, do_anonymous_page())"
)


class Request(NamedTuple):
    """What is asked for, in pages."""

    pages: int
    times: int
    touched: int  # of all, with page tables
    pid: int | None


class Grant(NamedTuple):
    """How many of the requests root and others are granted, at the least and at the most."""

    root: tuple[int, int]
    user: tuple[int, int]
    rule: str
    error_bound: int | None

    @property
    def most(self) -> int:
        """Give how many may be granted."""
        return self.user[1] or self.root[1]

    @property
    def is_sure(self) -> bool:
        """Tell whether all that it depends on is known."""
        return self.root[0] == self.root[1] and self.user[0] == self.user[1]


@question("alloc", OVERCOMMIT, zones=True)
@click.argument("amount", type=SIZE, metavar="SIZE")
@click.option("--count", type=click.IntRange(1, 1 << 22), default=1, metavar="N", help="So many requests. [1]")
@click.option(
    "--touch", type=click.Choice(["none", "read", "write"]), default="write", help="What is done with it. [write]"
)
@pid_option
@group_option
def command(asked: Asked, *, amount: int, count: int, touch: str, pid: int | None, group: str | None) -> Answer:
    """Say whether a private mapping of SIZE is granted, and where its memory comes from when it is touched."""
    machine = asked.machine
    pages = -(-amount // machine.page_size)
    grant = _grant(asked, pages, count, pid)
    data = pages * grant.most if touch == "write" else 0
    touched = data + (page_tables(pages, machine.page_size) * grant.most if touch != "none" else 0)
    request = Request(pages, count, touched, pid)
    zones = [_zone(zone) for zone in machine.zones]
    found, ruled = _supply(asked, request, zones, group)
    kills = found.missing_at_most and ruled.outcome != WAITS
    dying = _deaths(asked, request, found, ruled) if kills else Deaths(None, [])
    killed = dying.chosen
    if killed is not None and ruled.level is None and swap_of(machine.meminfo).total is None:
        killed = killed._replace(oom_score=None)  # a share of what is not known
    rows = _rows(found, machine.page_size, touch)
    totals = _totals(request, grant, found, machine, killed)
    if ruled.decided is not None and grant.is_sure and totals["outcome"] != REFUSED:
        totals["outcome"] = ruled.outcome
    after = [] if machine.doubt else _zones_after(zones, found, machine)
    lines = [line for text in _verdict(request, grant, found, machine, killed, ruled) for line in sentence(text)]
    rules = [grant.rule]
    if request.touched:
        lines += [line for text in together(dying) for line in sentence(text)]
        lines += ["", *_table(rows), *limit_lines(ruled.bounds), "", *_state(totals, after)]
        rules += [row["rule"] for row in rows] + [GROUP_RULE] * bool(ruled.bounds)
    answer = {**totals, "zones": after, **ruled.answer(), **deaths_answer(dying)}
    notes = [*machine.notes, *costs(machine.stores), *_lacking(machine, grant), *ruled.notes]
    return Answer(lines, rows, notes, answer, rules)


def _grant(asked: Asked, pages: int, count: int, pid: int | None) -> Grant:
    """Ask the rule of the mode that is set, for root and for others, or for one process."""
    machine = asked.machine
    memory, mode = memory_of(machine), machine.setting("vm.overcommit_memory") or HEURISTIC
    callers = [Caller(0, is_admin=True), Caller(0, is_admin=False)]
    if pid is not None:
        row = commitment_of(asked.source, pid)
        if row is None:
            raise Missing(f"what-if alloc: {pid} has no memory of its own")
        callers = [Caller(row.address_space // machine.page_size, row.is_admin)] * 2
    root, user = (
        [
            overcommit.granted(mode, pages, count, extreme, caller, machine.version, own=pid is not None)
            for extreme in overcommit.extremes(memory)
        ]
        for caller in callers
    )
    bound: int | None = 0
    if mode == overcommit.NEVER:
        bound = None
        if machine.cpus is not None:
            bound = overcommit.slack(memory.ram, machine.cpus, mode, machine.version) * machine.page_size
    return Grant((root[0], root[1]), (user[0], user[1]), overcommit.rule(mode, machine.version), bound)


def _zone(zone: Any) -> Zone:
    return Zone(zone.name, zone.free, zone.min, zone.low, max(zone.protection, default=0))


def _supply(asked: Asked, request: Request, zones: Sequence[Zone], group: str | None) -> tuple[Supply, Ruling]:
    """Say where the memory comes from: of the machine, as far as the limits of the group that asks let it be taken."""
    machine, page = asked.machine, asked.machine.page_size
    pages, stocks = request.touched, pools(machine)
    found = supply(pages, zones, *stocks, knows_marks=machine.doubt is None)
    room = (pages - found.missing_at_least) * page if found.missing_at_least else None
    ruled = ruling(asking(asked.source, request.pid, group), machine, pages * page, room)
    if ruled.pressed is not None:
        within = supply(ruled.pressed.free // page, zones, *stocks, knows_marks=machine.doubt is None)
        found = supplied(within, ruled.pressed, ruled.fatal, pages, page)
    return found, ruled


def _deaths(asked: Asked, request: Request, found: Supply, ruled: Ruling) -> Deaths:
    """Name whom the kernel kills when all is spent: the one who asked has got what there was by then."""
    got = (request.touched - found.missing_at_least) * asked.machine.page_size // request.times
    where = Hunt(ruled.asked, ruled.level)
    candidates = weighed(asked.source, asked.machine, where)
    if request.pid is not None:
        candidates = grown(candidates, request.pid, got * request.times)
    else:
        candidates = with_hypotheses(candidates, {}, [("the new process", got)])
    return deaths(asked.source, where, candidates)


def _rows(found: Supply, page_size: int, touch: str) -> list[dict[str, Any]]:
    return [
        {
            "source": each.source,
            "least": each.least * page_size,
            "most": each.most * page_size,
            "taken": each.taken * page_size,
            "rule": _RULE_OF_READS if touch == "read" else _RULE,
            "error_bound": (each.most - each.least) * page_size,
        }
        for each in found.yields
    ]


def _totals(
    request: Request, grant: Grant, found: Supply, machine: Machine, killed: Candidate | None
) -> dict[str, Any]:
    """Give the outcome, and the state of memory afterwards, if all that can be reclaimed is."""
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
    outcome = "fits" if not found.missing_at_most else "may not fit" if not found.missing_at_least else "OOM"
    if not grant.is_sure:
        outcome = "may be refused"
    return {
        "requested": request.pages * request.times * page,
        "granted_root": _if_sure(grant.root),
        "granted_user": _if_sure(grant.user),
        "touched": request.touched * page,
        "outcome": outcome if max(grant.root[1], grant.user[1]) else "refused",
        "missing_least": found.missing_at_least * page,
        "missing_most": found.missing_at_most * page,
        "victim_pid": killed.pid if killed else None,
        "victim_name": killed.name if killed else None,
        "victim_score": killed.oom_score if killed else None,
        "free_before": info.get("MemFree"),
        "free_after": after.get("MemFree"),
        "available_before": info.get("MemAvailable", available_of(machine)),
        "available_after": available_then(machine, machine._replace(meminfo=after)),
        "grant_rule": grant.rule,
        "grant_error_bound": grant.error_bound,
    }


def _verdict(
    request: Request, grant: Grant, found: Supply, machine: Machine, killed: Candidate | None, ruled: Ruling
) -> list[str]:
    """Say it in words."""
    page = machine.page_size
    what = f"{request.times} x {size(request.pages * page)}" if request.times > 1 else size(request.pages * page)
    lines = [_grant_line(what, request, grant)]
    if not max(grant.root[1], grant.user[1]):
        return lines
    if not request.touched:
        return [*lines, "Nothing is touched, so no memory is taken."]
    kills = f": the kernel would kill {_name(killed)}" if killed else ""
    if ruled.decided is not None:
        missing = found.missing_at_least * page
        return [*lines, f"Touched, it takes {size(request.touched * page)}; {ruled_text(ruled, missing, kills)}."]
    if not found.missing_at_most:
        return [*lines, f"Touched, it takes {size(request.touched * page)}, and it fits."]
    if not found.missing_at_least:
        return [*lines, f"Touched, it takes {size(request.touched * page)}; it may end in OOM{kills}."]
    return [*lines, f"Touched, it is out of memory with {size(found.missing_at_least * page)} missing{kills}."]


def _grant_line(what: str, request: Request, grant: Grant) -> str:
    if request.pid is not None:
        return f"{what} for {request.pid}: {_granted(grant.root, request.times)}."
    if grant.root == grant.user:
        return f"{what}: {_granted(grant.user, request.times)}."
    return f"{what}: root is {_granted(grant.root, request.times)}, others {_granted(grant.user, request.times)}."


def _if_sure(granted: tuple[int, int]) -> int | None:
    return granted[0] if granted[0] == granted[1] else None


def _granted(grant: tuple[int, int], count: int) -> str:
    least, granted = grant
    if least != granted:
        return f"granted or refused, {least} to {granted} of {count}" if count > 1 else "granted or refused"
    if granted == count:
        return "granted"
    return f"granted {granted} of {count}" if granted else "refused (ENOMEM)"


def _name(killed: Candidate) -> str:
    return who(killed) if killed.oom_score is None else f"{who(killed)}, score {killed.oom_score}"


def _table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    shown = [row for row in rows if row["most"] or row["taken"]]
    yield from table(
        ("from", "surely there", "at most", "taken"),
        [(row["source"], size(row["least"]), size(row["most"]), size(row["taken"])) for row in shown],
    )


def _zones_after(zones: Sequence[Zone], found: Supply, machine: Machine) -> list[dict[str, Any]]:
    """Give each zone afterwards, as state_of() puts it."""
    spent = sum(each.taken for each in found.yields if each.source.startswith("free"))
    rows = []
    for zone, free in zip(machine.zones, zones_after(zones, spent)):
        if zone.usable:
            page = machine.page_size
            rows.append(
                {
                    "node": zone.node,
                    "zone": zone.name,
                    "free_before": zone.free * page,
                    "free": free * page,
                    "min": zone.min * page,
                    "low": zone.low * page,
                    "high": zone.high * page,
                    "state": state_of(zone._replace(free=free)),
                }
            )
    return rows


def _state(totals: dict[str, Any], zones: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield from (
        f"{name}: {size(totals[f'{key}_before'])} -> {size(totals[f'{key}_after'])}"
        for key, name in (("free", "Free"), ("available", "Available"))
    )
    for zone in zones:
        yield (
            f"Node {zone['node']} {zone['zone']}: free {size(zone['free_before'])} -> {size(zone['free'])}, "
            f"low {size(zone['low'])}: {zone['state']}"
        )


def _lacking(machine: Machine, grant: Grant) -> Iterator[str]:
    """Name what the answer would be surer with."""
    if not grant.is_sure:
        mode = machine.setting("vm.overcommit_memory") or HEURISTIC
        names = ", ".join(overcommit.lacking(mode, memory_of(machine), machine.version))
        yield f"the source does not tell whether it is granted: {names} would"
    if names := ", ".join(lacking(machine)):
        yield f"the source does not tell {names}: how much can be had is known the less"
