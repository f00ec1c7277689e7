"""``pymemtools oom-scores``: whom would the kernel kill next, and what would change that?"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence

import click

from pymemtools.cli import say
from pymemtools.cli.options import (
    SECONDS,
    SIZE,
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
from pymemtools.errors import Missing, UsageProblem
from pymemtools.models.oom import adj_to_be_safer
from pymemtools.render.columns import Column, classic_table, plain_kib, sort_key
from pymemtools.render.escape import escape
from pymemtools.reports.oom_scores import (
    Candidate,
    Candidates,
    by_badness,
    candidates,
    differences,
    victim,
    with_hypotheses,
)

COLUMNS = (
    Column("pid", "PID", "process number", "count", 7),
    Column("user", "User", "owner", "text", 8, right=False),
    Column("oom_score", "Score", "the kernel's score", "count", 5),
    Column("oom_score_adj", "Adj", "oom_score_adj", "count", 5),
    Column("share_permille", "Share", "thousandths of RAM and swap", "count", 5),
    Column("rss", "RSS", "resident memory", "amount", 9),
    Column("swap", "Swap", "memory swapped out", "amount", 8),
    Column("page_tables", "Tables", "page tables", "amount", 7),
    Column("killable", "Kill", "never: init, and those of adj -1000", "text", 5, right=False),
    Column("command", "Command", "command line", "text", 27, right=False),
)
WIDE = (
    Column("ppid", "PPID", "parent", "count", 7),
    Column("threads", "Thr", "threads", "count", 4),
    Column("nice", "Nice", "nice value", "count", 4),
    Column("state", "S", "state", "text", 1, right=False),
    Column("cpu_seconds", "CPU s", "processor time, in seconds", "count", 7),
    Column("memory_percent", "MEM%", "RSS in percent of RAM", "text", 5),
    Column("read_bytes", "Read", "bytes read from disks", "amount", 9),
    Column("write_bytes", "Written", "bytes written to disks", "amount", 9),
)
_LIVE = tuple(column.field for column in WIDE if column.field != "state")
_SORTS = tuple(column.field for column in COLUMNS)


@click.command("oom-scores", cls=AbbreviatingCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--classic", is_flag=True, help="Print PID, score, adjustment and name as the well-known script does.")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.option("-P", "--processfilter", metavar="REGEX", help="Only processes whose name or command matches.")
@click.option("-U", "--userfilter", metavar="REGEX", help="Only processes of users whose name matches.")
@click.option("-s", "--sort", metavar="COLUMN", shell_complete=offer(*_SORTS), help="Column to sort by, not badness.")
@click.option("-r", "--reverse", is_flag=True, help="Sort the other way round.")
@click.option("--wide", is_flag=True, help="Show parent, threads, nice, state, CPU time, MEM% and I/O, too.")
@click.option("--verify", is_flag=True, help="Compare the kernel's scores with the model's.")
@click.option("--set-adj", multiple=True, metavar="PID=ADJ", help="What if a process had this oom_score_adj?")
@click.option("--alloc", multiple=True, metavar="SIZE[:NAME]", help="What if there were a process of this size?")
@click.option("--safer-than", nargs=2, type=int, metavar="A B", help="Which oom_score_adj makes A safer than B?")
@click.option("--watch", type=SECONDS, metavar="SECONDS", help="Report again and again.")
@source_options
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    top: int | None,
    processfilter: str | None,
    userfilter: str | None,
    sort: str | None,
    set_adj: tuple[str, ...],
    alloc: tuple[str, ...],
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
    adjustments, allocations = dict(map(_adjustment, set_adj)), list(map(_allocation, alloc))
    if sort is not None and sort not in _SORTS:
        raise UsageProblem(f"oom-scores: unknown column '{sort}'; there are: {' '.join(_SORTS)}")
    patterns = (_regex(processfilter), _regex(userfilter))
    if classic and (style != "text" or wide or verify):
        raise UsageProblem("oom-scores: --classic has its own columns: no --format, --wide and --verify")
    opened = open_from(ctx, source, partial=partial, max_size=max_size)
    if watch is not None and opened.facts.kind == "archive":
        raise UsageProblem("oom-scores: a capture does not change: --watch is for a live machine")
    if wide and not opened.is_live:
        raise UsageProblem("oom-scores: --wide shows what only a live machine tells")
    while True:
        found = candidates(opened)
        if found.unreadable:
            say(f"oom-scores: {found.unreadable} processes could not be read; run as root for all")
            ctx.meta["incomplete"] = ctx.meta.get("incomplete", False) or strict
        if safer_than is not None:
            write_lines([_safer(found, *safer_than)])
            return exit_status(ctx)
        whole = with_hypotheses(found, adjustments, allocations)
        rows = _arranged(_chosen(whole.rows, *patterns), sort, reverse=reverse)[:top]
        if verify:
            write_lines(_verified(found))
        elif classic:
            write_lines(_classic(rows))
        elif style == "text":
            for note in found.notes:
                say(f"oom-scores: {note}")
            write_lines(_table(rows, wide=wide))
            if adjustments or allocations:
                write_lines([_verdict(whole)])
        else:
            from pymemtools.render.machine import machine_lines

            data = [row._asdict() | (_live_facts(row.pid) if wide else {}) for row in rows]
            fields = [
                *Candidate._fields,
                *([column.field for column in WIDE if column.field != "state"] if wide else []),
            ]
            facts = {**facts_as_json(opened.facts), "total_pages": found.total_pages, "score_scale": found.scale}
            first = victim(whole)
            notes = [*found.notes, *([_verdict(whole)] if first and (adjustments or allocations) else [])]
            write_lines(
                machine_lines(
                    style, "oom-scores", data, fields=fields, source=facts, unreadable=found.unreadable, notes=notes
                )
            )
        if watch is None:
            return exit_status(ctx)
        sys.stdout.write("\n" if style == "text" else "")
        sys.stdout.flush()
        time.sleep(watch)


def _adjustment(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9][0-9]{0,6})=(-?[0-9]{1,4})", text, re.ASCII)
    if match is None or not -1000 <= int(match[2]) <= 1000:
        raise UsageProblem(f"oom-scores: '{text}': write --set-adj PID=ADJ, with ADJ from -1000 to 1000")
    return int(match[1]), int(match[2])


def _allocation(text: str) -> tuple[str, int]:
    size, _, name = text.partition(":")
    return name or "(new process)", SIZE.convert(size, None, None)


def _regex(pattern: str | None) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageProblem(f"oom-scores: bad regular expression '{pattern}': {error}") from None


def _chosen(
    rows: Sequence[Candidate], process: re.Pattern[str] | None, user: re.Pattern[str] | None
) -> list[Candidate]:
    return [
        row
        for row in rows
        if (process is None or process.search(row.name) or process.search(row.command))
        and (user is None or user.search(row.user))
    ]


def _arranged(rows: list[Candidate], sort: str | None, *, reverse: bool) -> list[Candidate]:
    if sort is None:
        arranged = by_badness(rows)
        return arranged[::-1] if reverse else arranged
    return sorted(rows, key=lambda row: sort_key([getattr(row, sort), row.pid]), reverse=not reverse)


def _table(rows: Sequence[Candidate], *, wide: bool) -> list[str]:
    columns = (*COLUMNS[:-1], *WIDE, COLUMNS[-1]) if wide else COLUMNS
    cells = []
    for row in rows:
        known = row._asdict() | (_live_facts(row.pid) if wide else {})
        cells.append([known[column.field] for column in columns])
    return [line.rstrip() for line in classic_table(columns, cells, amount=plain_kib)]


def _live_facts(pid: int) -> dict[str, int | str | None]:
    """Ask psutil for what htop would show; what is gone or not allowed is None."""
    import psutil

    facts: dict[str, int | str | None] = dict.fromkeys(_LIVE)
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            facts |= {"ppid": process.ppid(), "threads": process.num_threads(), "nice": process.nice()}
            times = process.cpu_times()
            facts["cpu_seconds"] = int(times.user + times.system)
            facts["memory_percent"] = f"{process.memory_percent():.1f}"
            counters = process.io_counters()
            facts |= {"read_bytes": counters.read_bytes, "write_bytes": counters.write_bytes}
    except (psutil.Error, ValueError):
        pass
    return facts


def _classic(rows: Sequence[Candidate]) -> list[str]:
    """Print the bytes of the well-known script: every process with a score, sort -k 2nr."""
    lines = [
        (row.oom_score or 0, f"{row.pid}\t{row.oom_score}\t\t{row.oom_score_adj or 0}\t{escape(row.name)}")
        for row in rows
        if row.oom_score
    ]
    return [
        "PID\tOOM Score\tOOM Adj\tCommand",
        *(line for _, line in sorted(lines, key=lambda each: (-each[0], each[1]))),
    ]


def _verified(found: Candidates) -> list[str]:
    if not found.has_scores:
        raise Missing("oom-scores: the source has no oom_score to compare with")
    wrong = differences(found)
    lines = [
        f"{row.pid} {escape(row.name)}: the kernel says {row.oom_score}, the model {row.computed_score}"
        for row in wrong
    ]
    count = f"{len(found.rows)} processes, {len(wrong)} differ"
    return [*lines, f"{count}; scores are those of Linux {found.scale} and later"]


def _verdict(found: Candidates) -> str:
    first = victim(found)
    if first is None:
        return "Nobody could be killed."
    who = first.name if first.pid == 0 else f"{first.pid} ({escape(first.name)})"
    return f"Out of memory, the kernel would kill {who}, score {first.oom_score}."


def _safer(found: Candidates, a: int, b: int) -> str:
    rows = {row.pid: row for row in found.rows}
    for pid in (a, b):
        if pid not in rows:
            raise Missing(f"oom-scores: {pid}: no such process")
    one, other = rows[a], rows[b]
    if one.badness_pages is None:
        return f"{a} is never killed."
    if other.badness_pages is None:
        return f"{b} is never killed: only oom_score_adj -1000 makes {a} as safe."
    if one.badness_pages < other.badness_pages:
        return f"{a} is safer than {b} already, with oom_score_adj {one.oom_score_adj or 0}."
    best = adj_to_be_safer(one.badness_pages, other.badness_pages, one.oom_score_adj or 0, found.total_pages)
    if best is None:
        return f"No oom_score_adj but -1000 makes {a} safer than {b}."
    return f"oom_score_adj {best} or less makes {a} safer than {b}."
