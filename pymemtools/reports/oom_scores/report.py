"""The question of oom-scores: its request, its columns, and its answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.errors import Missing
from pymemtools.readings.by_name import by_name
from pymemtools.readings.hidden import invisible, unread
from pymemtools.readings.machine import read_machine
from pymemtools.readings.processes import expect_processes
from pymemtools.report import Report, Table, table_of
from pymemtools.reports.memory_groups.kill import Hunt, deaths, hunt, weighed, with_newcomers
from pymemtools.reports.oom_scores.candidates import (
    Candidate,
    Candidates,
    all_candidates,
    by_badness,
    differences,
    victim,
)
from pymemtools.reports.oom_scores.columns import COLUMNS, LIVE
from pymemtools.reports.oom_scores.hypotheses import with_hypotheses
from pymemtools.reports.oom_scores.safer import safer, safer_table
from pymemtools.reports.oom_scores.verdict import together, verdict
from pymemtools.sources.base import Source


class ScoresRequest(NamedTuple):
    """What is supposed, who asks for memory, which processes are shown and in which order."""

    adjustments: Mapping[int, int] = {}  # oom_score_adj by PID
    allocations: Sequence[tuple[str, int]] = ()  # name and bytes of processes that do not exist
    pid: int | None = None  # who asks; or the group that does
    group: str | None = None
    verifies: bool = False  # the kernel's scores are compared with the model's
    safer_than: tuple[int, int] | None = None  # two processes are compared
    process: re.Pattern[str] | None = None
    user: re.Pattern[str] | None = None
    sort: str | None = None  # a column, not badness
    is_reversed: bool = False
    top: int | None = None
    is_wide: bool = False  # what only a live machine tells, too

    @property
    def is_asking(self) -> bool:
        """Tell whether somebody asks for memory, whose group may have less of it than the machine."""
        return bool(self.allocations) or self.pid is not None or self.group is not None


class Weighing(NamedTuple):
    """All processes that the kernel would choose from, and where it looks; None: nobody asks, so that is everywhere."""

    found: Candidates
    where: Hunt | None


class Ranking(NamedTuple):
    """The processes that were asked for, in order, and who is killed, in words."""

    rows: list[Candidate]
    said: list[str]
    victims: dict[str, Any]  # the same for programs
    doubts: tuple[str, ...]  # what the figures rest on


class Comparison(NamedTuple):
    """The kernel's scores and the model's."""

    rows: list[Candidate]
    differing: list[Candidate]
    scale: str  # the version since which scores are so


_VERIFIED = ("pid", "name", "oom_score", "oom_score_computed")  # what --verify compares


def scores_report(source: Source, request: ScoresRequest) -> Report:
    """Answer the request. Raises Missing for what the source does not have, and what reading meminfo does."""
    weighing = _weighing(source, request)
    if request.safer_than is not None:
        answer = safer(weighing.found, *request.safer_than)
        return _report(source, weighing, safer_table(answer), answer)
    if request.verifies:
        table = table_of(COLUMNS, weighing.found.rows).only(_VERIFIED)
        return _report(source, weighing, table, _comparison(weighing.found))
    ranking, cells = _ranking(source, request, weighing)
    report = _report(source, weighing, table_of((*COLUMNS, *LIVE) if request.is_wide else COLUMNS, cells), ranking)
    totals = {**(report.totals or {}), **ranking.victims}
    return report._replace(notes=(*report.notes, *ranking.said), totals=totals)


def _weighing(source: Source, request: ScoresRequest) -> Weighing:
    """Read all processes once, and weigh those among which the kernel would choose."""
    if not request.is_asking:
        expect_processes(source)
        return Weighing(all_candidates(source), None)
    machine = read_machine(source)
    where = hunt(source, machine, [size for _, size in request.allocations], request.pid, request.group)
    return Weighing(weighed(source, machine, where), where)


def _ranking(source: Source, request: ScoresRequest, weighing: Weighing) -> tuple[Ranking, list[dict[str, Any]]]:
    """Rank the processes, with what the hypotheses come to, say who is killed, and give the table's cells."""
    supposed, said, victims = _hypotheses(source, request, weighing)
    rows = _arranged(supposed._replace(rows=_chosen(source, supposed.rows, request)), request)[: request.top]
    cells = [row._asdict() for row in rows]
    if request.is_wide:
        from pymemtools.probes.live_facts import live_facts

        cells = [cell | live_facts(cell["pid"])._asdict() for cell in cells]
    return Ranking(rows, said, victims, _doubts(weighing)), cells


def _hypotheses(
    source: Source, request: ScoresRequest, weighing: Weighing
) -> tuple[Candidates, list[str], dict[str, Any]]:
    """Weigh anew with what is supposed, and say who would be killed, in words and for programs."""
    found, where = weighing
    if where is None:
        supposed = with_hypotheses(found, request.adjustments, ())
        if not request.adjustments:
            return supposed, [], {}
        return supposed, [verdict(supposed)], _victims(victim(supposed))
    supposed = with_newcomers(found, where, request.adjustments, request.allocations)
    dying, level = deaths(source, where, supposed), where.level
    said = [verdict(supposed, level), *together(dying)]
    return supposed, said, {**_victims(dying.chosen), "cgroup": level.path if level else None, **dying.answer()}


def _victims(first: Candidate | None) -> dict[str, Any]:
    """Name who is chosen; one that does not exist has PID 0."""
    pid, name, score = (first.pid, first.name, first.oom_score) if first else (None, None, None)
    return {"victim_pid": pid, "victim_name": name, "victim_score": score}


def _comparison(found: Candidates) -> Comparison:
    """Compare the kernel's scores with the model's. Raises Missing when there is nothing to compare."""
    if not found.has_scores:
        raise Missing("oom-scores: the source has no oom_score to compare with")
    if all(row.oom_score_computed is None for row in found.rows):
        raise Missing("oom-scores: no score of this kernel can be computed")
    return Comparison(found.rows, differences(found), found.scale)


def _doubts(weighing: Weighing) -> tuple[str, ...]:
    return (*weighing.found.notes, *(weighing.where.notes if weighing.where is not None else ()))


def _report(source: Source, weighing: Weighing, table: Table, answer: Any) -> Report:
    found, hidden = weighing.found, invisible(source)
    return Report(
        "oom-scores",
        table,
        answer,
        totals={"total_pages": found.total_pages, "score_scale": found.scale},
        facts=source.facts._asdict(),
        notes=(*hidden, *_doubts(weighing)),
        warnings=(*([unread(source, found.unreadable, found.seen)] if found.unreadable else []), *hidden),
        unreadable=found.unreadable,
    )


def _chosen(source: Source, rows: Sequence[Candidate], request: ScoresRequest) -> list[Candidate]:
    process, user = by_name(source, request.process), request.user
    return [
        row
        for row in rows
        if (process is None or process.chooses(row.pid, row.name, row.command))
        and (user is None or user.search(row.user or ""))
    ]


def _arranged(found: Candidates, request: ScoresRequest) -> list[Candidate]:
    """Sort by badness, or by a column, the largest first and what is unknown last."""
    if request.sort is None:
        arranged = by_badness(found.rows, found.version)
        return arranged[::-1] if request.is_reversed else arranged

    def key(row: Candidate) -> tuple[bool, Any, int]:
        value = getattr(row, str(request.sort))
        return value is not None, 0 if value is None else value, row.pid

    return sorted(found.rows, key=key, reverse=not request.is_reversed)
