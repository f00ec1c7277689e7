"""``pymemtools oom-scores``: whom would the kernel kill next, and what would change that?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import click

from pymemtools.cli import say
from pymemtools.cli.group_answers import group_option, pid_option, together
from pymemtools.cli.oom_scores.layouts import (
    LIVE,
    SORTS,
    adjustment,
    allocation,
    classic_lines,
    live_facts,
    safer_line,
    table_lines,
    verdict,
    verified_lines,
)
from pymemtools.cli.options import (
    REGEX,
    SECONDS,
    AbbreviatingCommand,
    check_style,
    exit_status,
    facts_as_json,
    format_option,
    offer,
    open_from,
    source_options,
    write_lines,
)
from pymemtools.cli.watch import gap_between, samples
from pymemtools.errors import UsageProblem
from pymemtools.readings.by_name import ByName, by_name
from pymemtools.readings.hidden import unread
from pymemtools.readings.machine import read_machine
from pymemtools.readings.processes import expect_processes
from pymemtools.render.columns import sort_key
from pymemtools.render.escape import escape
from pymemtools.reports.memory_groups.kill import Hunt, deaths, hunt, weighed, with_newcomers
from pymemtools.reports.oom_scores.candidates import Candidate, Candidates, by_badness, candidates, with_hypotheses
from pymemtools.sources.base import Source


@click.command("oom-scores", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--classic", is_flag=True, help="Print PID, score, adjustment and name as the well-known script does.")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.option(
    "-P", "--processfilter", type=REGEX, metavar="REGEX", help="Only processes whose name or command matches."
)
@click.option("-U", "--userfilter", type=REGEX, metavar="REGEX", help="Only processes of users whose name matches.")
@click.option("-s", "--sort", metavar="COLUMN", shell_complete=offer(*SORTS), help="Column to sort by, not badness.")
@click.option("-r", "--reverse", is_flag=True, help="Sort the other way round.")
@click.option("--wide", is_flag=True, help="Show parent, threads, nice, state, CPU time, MEM% and I/O, too.")
@click.option("--verify", is_flag=True, help="Compare the kernel's scores with the model's.")
@click.option("--set-adj", multiple=True, metavar="PID=ADJ", help="What if a process had this oom_score_adj?")
@click.option("--alloc", multiple=True, metavar="SIZE[:NAME]", help="What if there were a process of this size?")
@pid_option
@group_option
@click.option("--safer-than", nargs=2, type=int, metavar="A B", help="Which oom_score_adj makes A safer than B?")
@click.option("--watch", type=SECONDS, metavar="SECONDS", help="Report again and again.")
@source_options
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    top: int | None,
    processfilter: re.Pattern[str] | None,
    userfilter: re.Pattern[str] | None,
    sort: str | None,
    set_adj: tuple[str, ...],
    alloc: tuple[str, ...],
    pid: int | None,
    group: str | None,
    safer_than: tuple[int, int] | None,
    watch: float | None,
    source: str | None,
    style: str,
    *,
    classic: bool,
    reverse: bool,
    wide: bool,
    verify: bool,
    max_size: int,
    partial: bool,
    strict: bool,
) -> int:
    """Show each process's OOM score and what it is made of; the first is killed first. In KiB."""
    check_style(style)
    if classic and (style != "text" or wide or verify):
        raise UsageProblem("oom-scores: --classic has its own columns: no --format, --wide and --verify")
    adjustments, allocations = dict(map(adjustment, set_adj)), list(map(allocation, alloc))
    sort = _sort(sort)
    opened = open_from(ctx, source, partial=partial, max_size=max_size)
    view = View(style, sort, reverse, top, by_name(opened, processfilter), userfilter, classic, wide)
    if watch is not None and opened.facts.kind == "archive":
        raise UsageProblem("oom-scores: a capture does not change: --watch is for a live machine")
    if wide and not opened.is_live:
        raise UsageProblem("oom-scores: --wide shows what only a live machine tells")
    if verify and (pid is not None or group is not None):
        raise UsageProblem(
            "oom-scores: the kernel's scores are of the whole machine: no --pid and --group for --verify"
        )
    for _ in samples(watch, None if watch else 1, gap_between(style)):
        where = _hunt(opened, [size for _, size in allocations], pid, group)
        found = candidates(opened) if where is None else weighed(opened, read_machine(opened), where)
        if found.unreadable:
            say(f"oom-scores: {unread(opened, found.unreadable, found.seen)}")
            ctx.meta["incomplete"] = ctx.meta.get("incomplete", False) or strict
        if safer_than is not None:
            write_lines([safer_line(found, *safer_than)])
        elif verify:
            write_lines(verified_lines(found))
        else:
            _show(found, adjustments, allocations, view, opened, where)
    return exit_status(ctx)


def _hunt(source: Source, sizes: Sequence[int], pid: int | None, group: str | None) -> Hunt | None:
    """Say where the kernel would look for a victim; None where nobody asks for memory. Raises Missing for nobody."""
    if not sizes and pid is None and group is None:
        expect_processes(source)
        return None
    return hunt(source, read_machine(source), sizes, pid, group)


class View(NamedTuple):
    """Which rows are shown, in which order, and how."""

    style: str
    sort: str | None
    reverse: bool
    top: int | None
    process: ByName | None
    user: re.Pattern[str] | None
    classic: bool
    wide: bool


def _show(
    found: Candidates,
    adjustments: Mapping[int, int],
    allocations: Sequence[tuple[str, int]],
    view: View,
    source: Source,
    where: Hunt | None,
) -> None:
    """Print the rows, with what the hypotheses come to."""
    supposed = with_hypotheses(found, adjustments, allocations)
    if where is not None:
        supposed = with_newcomers(found, where, adjustments, allocations)
    said = _said(supposed, where, source) if where is not None or adjustments else []
    notes = [*found.notes, *(where.notes if where is not None else ())]
    rows = _arranged(_chosen(supposed.rows, view.process, view.user), view.sort, reverse=view.reverse)[: view.top]
    if view.classic:
        write_lines(classic_lines(rows))
    elif view.style == "text":
        for note in notes:
            say(f"oom-scores: {note}")
        write_lines([*table_lines(rows, wide=view.wide), *said])
    else:
        from pymemtools.render.machine import machine_lines

        data = [row._asdict() | (live_facts(row.pid) if view.wide else {}) for row in rows]
        facts = {**facts_as_json(source.facts), "total_pages": found.total_pages, "score_scale": found.scale}
        write_lines(
            machine_lines(
                view.style,
                "oom-scores",
                data,
                fields=[*Candidate._fields, *(LIVE if view.wide else ())],
                source=facts,
                unreadable=found.unreadable,
                notes=[*notes, *said],
            )
        )


def _said(supposed: Candidates, where: Hunt | None, source: Source) -> list[str]:
    """Say who is killed, and who with it."""
    if where is None:
        return [verdict(supposed)]
    return [verdict(supposed, where.level), *map(escape, together(deaths(source, where, supposed)))]


def _sort(name: str | None) -> str | None:
    if name is not None and name not in SORTS:
        raise UsageProblem(f"oom-scores: unknown column '{name}'; there are: {' '.join(SORTS)}")
    return name


def _chosen(rows: Sequence[Candidate], process: ByName | None, user: re.Pattern[str] | None) -> list[Candidate]:
    return [
        row
        for row in rows
        if (process is None or process.chooses(row.pid, row.name, row.command))
        and (user is None or user.search(row.user))
    ]


def _arranged(rows: list[Candidate], sort: str | None, *, reverse: bool) -> list[Candidate]:
    if sort is None:
        arranged = by_badness(rows)
        return arranged[::-1] if reverse else arranged
    return sorted(rows, key=lambda row: sort_key([getattr(row, sort), row.pid]), reverse=not reverse)
