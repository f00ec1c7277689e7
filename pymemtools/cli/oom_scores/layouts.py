"""How oom-scores lays out its rows: its own table, the well-known script's, and lines of words."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from pymemtools.cli.options import SIZE
from pymemtools.cli.terminal import terminal_columns
from pymemtools.errors import Missing, UsageProblem
from pymemtools.models.oom import adj_to_be_safer
from pymemtools.readings.groups import Level
from pymemtools.render.columns import classic_table, plain_kib
from pymemtools.render.escape import cut, escape
from pymemtools.report import Column
from pymemtools.reports.oom_scores.candidates import Candidate, Candidates, differences, victim
from pymemtools.units import human_size

COLUMNS = (
    Column("pid", "PID", "process number", "count", 7),
    Column("user", "User", "owner", "text", 8, right=False),
    Column("oom_score", "Score", "the kernel's score", "count", 5),
    Column("oom_score_adj", "Adj", "oom_score_adj", "count", 5),
    Column("share_permille", "Share", "thousandths of RAM and swap", "count", 5),
    Column("rss", "RSS", "resident memory", "bytes", 9),
    Column("swap", "Swap", "memory swapped out", "bytes", 8),
    Column("page_tables", "Tables", "page tables", "bytes", 7),
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
    Column("read_bytes", "Read", "bytes read from disks", "bytes", 9),
    Column("write_bytes", "Written", "bytes written to disks", "bytes", 9),
)
LIVE = tuple(column.key for column in WIDE if column.key != "state")
SORTS = tuple(column.key for column in COLUMNS)


def adjustment(text: str) -> tuple[int, int]:
    """Read ``PID=ADJ``. Raises UsageProblem."""
    match = re.fullmatch(r"([1-9][0-9]{0,6})=(-?[0-9]{1,4})", text, re.ASCII)
    if match is None or not -1000 <= int(match[2]) <= 1000:
        raise UsageProblem(f"'{text}': write --set-adj PID=ADJ, with ADJ from -1000 to 1000")
    return int(match[1]), int(match[2])


def allocation(text: str) -> tuple[str, int]:
    """Read ``SIZE[:NAME]``, a process that does not exist."""
    size, _, name = text.partition(":")
    return name or "(new process)", SIZE.convert(size, None, None)


def table_lines(rows: Sequence[Candidate], *, wide: bool) -> list[str]:
    """Lay out the table, on a terminal no wider than it."""
    columns = (*COLUMNS[:-1], *WIDE, COLUMNS[-1]) if wide else COLUMNS
    cells = []
    for row in rows:
        known = row._asdict() | (live_facts(row.pid) if wide else {})
        cells.append([known[column.key] for column in columns])
    lines = [line.rstrip() for line in classic_table(columns, cells, amount=plain_kib)]
    if not sys.stdout.isatty():
        return lines
    width = terminal_columns(sys.stdout, least=80)
    return [cut(line, width) for line in lines]


def live_facts(pid: int) -> dict[str, int | str | None]:
    """Ask psutil for what htop would show; what is gone or not allowed is None."""
    import psutil

    facts: dict[str, int | str | None] = dict.fromkeys(LIVE)
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


def classic_lines(rows: Sequence[Candidate]) -> list[str]:
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


def verified_lines(found: Candidates) -> list[str]:
    """Say where the kernel's scores and the model's differ. Raises Missing when the source has none."""
    if not found.has_scores:
        raise Missing("oom-scores: the source has no oom_score to compare with")
    if all(row.computed_score is None for row in found.rows):
        raise Missing("oom-scores: no score of this kernel can be computed")
    wrong = differences(found)
    lines = [
        f"{row.pid} {escape(row.name)}: the kernel says {row.oom_score}, the model {row.computed_score}"
        for row in wrong
    ]
    count = f"{len(found.rows)} processes, {len(wrong)} differ"
    return [*lines, f"{count}; scores are those of Linux {found.scale} and later"]


def verdict(found: Candidates, level: Level | None = None) -> str:
    """Say who is killed when the machine, or that memory group, is out of memory."""
    where = "" if level is None else f" in {escape(level.path)} ({level.max_file} {human_size(level.max or 0)})"
    first = victim(found)
    if first is None:
        return f"Nobody{where} could be killed."
    who = first.name if first.pid == 0 else f"{first.pid} ({escape(first.name)})"
    return f"Out of memory{where}, the kernel would kill {who}, score {first.oom_score}."


def safer_line(found: Candidates, a: int, b: int) -> str:
    """Say which oom_score_adj makes one process safer than another. Raises Missing for one that is not there."""
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
