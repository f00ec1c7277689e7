"""Which oom_score_adj makes one process safer than another?"""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.errors import NoSuchProcess
from pymemtools.models.oom import ADJ_NEVER, adj_to_be_safer
from pymemtools.report import Column, Table, table_of
from pymemtools.reports.oom_scores.candidates import Candidate, Candidates


class Safer(NamedTuple):
    """Two processes, and what makes the first safer than the second."""

    one: Candidate
    other: Candidate
    is_safer: bool  # as it is
    needed_adj: int | None  # or less; None: nothing need be changed


COLUMNS = (
    Column("pid", "PID", "who is to be safer", "count"),
    Column("name", "Name", "its name", "text", right=False),
    Column("than_pid", "Than", "safer than whom", "count"),
    Column("than_name", "Name", "its name", "text", right=False),
    Column("oom_score_adj", "Adj", "what the first has", "score"),
    Column("is_safer", "Safer", "whether it is safer as it is", "bool"),
    Column("needed_oom_score_adj", "Needed", "what makes it safer, or less; none: nothing need be changed", "score"),
)


def safer(found: Candidates, a: int, b: int) -> Safer:
    """Compare two processes. Raises NoSuchProcess."""
    rows = {row.pid: row for row in found.rows}
    for pid in (a, b):
        if pid not in rows:
            raise NoSuchProcess(pid)
    one, other = rows[a], rows[b]
    if one.badness_pages is None:
        return Safer(one, other, is_safer=True, needed_adj=None)
    if other.badness_pages is None:
        return Safer(one, other, is_safer=False, needed_adj=ADJ_NEVER)
    if one.badness_pages < other.badness_pages:
        return Safer(one, other, is_safer=True, needed_adj=None)
    best = adj_to_be_safer(one.badness_pages, other.badness_pages, one.oom_score_adj or 0, found.total_pages)
    return Safer(one, other, is_safer=False, needed_adj=ADJ_NEVER if best is None else best)


def safer_table(found: Safer) -> Table:
    """Make a row of the comparison."""
    row = {
        "pid": found.one.pid,
        "name": found.one.name,
        "than_pid": found.other.pid,
        "than_name": found.other.name,
        "oom_score_adj": found.one.oom_score_adj,
        "is_safer": found.is_safer,
        "needed_oom_score_adj": found.needed_adj,
    }
    return table_of(COLUMNS, [row])
