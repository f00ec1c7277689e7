"""What would scores be: with other settings, other processes, other memory, or the rules of another kernel?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pymemtools.errors import Missing, NoSuchProcess
from pymemtools.models.allocation import page_tables
from pymemtools.models.oom import Task, detect_scale
from pymemtools.models.release import Version
from pymemtools.reports.oom_scores.candidates import Candidate, Candidates, killable_of, share_of, weigh


def on_another_machine(found: Candidates, total_pages: int, version: Version | None) -> Candidates:
    """Weigh anew as a kernel of that version would, with that much RAM and swap."""
    scale = found.scale if version == found.version else detect_scale([], total_pages, version)
    rows = []
    for row in found.rows:
        if row.pid not in found.tasks:
            rows.append(row)
            continue
        points, score = weigh(found.tasks[row.pid], total_pages, version, scale)
        rows.append(
            row._replace(
                oom_score=score,
                oom_score_computed=score,
                badness_pages=points,
                share_permille=share_of(found.tasks[row.pid], total_pages),
                killable=killable_of(row.pid, points, version),
            )
        )
    return found._replace(rows=rows, total_pages=total_pages, version=version, scale=scale)


def with_hypotheses(
    found: Candidates, adjustments: Mapping[int, int], allocations: Sequence[tuple[str, int]]
) -> Candidates:
    """Weigh anew with other oom_score_adj by PID, and with processes that do not exist, of so many bytes.

    Raises Missing for a PID that is not there. Nothing is written anywhere.
    """
    rows = {row.pid: row for row in found.rows}
    for pid, adj in adjustments.items():
        task = _task_of(found, pid)._replace(oom_score_adj=adj)
        rows[pid] = _readjusted(rows[pid], task, found)
    made = [_imagined(name, size, found) for name, size in allocations]
    return found._replace(rows=[*rows.values(), *made])


def grown(found: Candidates, pid: int, size: int) -> Candidates:
    """Weigh anew with a process that is larger by so many bytes. Raises Missing for a PID that is not there."""
    rows = {row.pid: row for row in found.rows}
    task = _task_of(found, pid)
    pages = size // found.page_size
    task = task._replace(rss=task.rss + pages, page_tables=task.page_tables + page_tables(pages, found.page_size))
    points, score = weigh(task, found.total_pages, found.version, found.scale)
    rows[pid] = rows[pid]._replace(
        oom_score=score,
        oom_score_computed=score,
        badness_pages=points,
        share_permille=share_of(task, found.total_pages),
        rss=(rows[pid].rss or 0) + size,
        hypothetical=True,
    )
    return found._replace(rows=list(rows.values()), tasks={**found.tasks, pid: task})


def _task_of(found: Candidates, pid: int) -> Task:
    if pid not in found.tasks:
        if all(row.pid != pid for row in found.rows):
            raise NoSuchProcess(pid)
        raise Missing(f"{pid}: the source does not tell its memory")
    if all(row.pid != pid for row in found.rows):
        raise Missing(f"{pid}: no process of the memory group whose processes are weighed")
    return found.tasks[pid]


def _readjusted(row: Candidate, task: Task, found: Candidates) -> Candidate:
    points, score = weigh(task, found.total_pages, found.version, found.scale)
    return row._replace(
        oom_score=score,
        oom_score_computed=score,
        oom_score_adj=task.oom_score_adj,
        badness_pages=points,
        killable=killable_of(row.pid, points, found.version),
        hypothetical=True,
    )


def _imagined(name: str, size: int, found: Candidates) -> Candidate:
    tables = page_tables(size // found.page_size, found.page_size)
    task = Task(size // found.page_size, 0, tables)
    points, score = weigh(task, found.total_pages, found.version, found.scale)
    return Candidate(
        pid=0,
        user=None,
        oom_score=score,
        oom_score_adj=0,
        oom_score_computed=score,
        badness_pages=points,
        share_permille=share_of(task, found.total_pages),
        rss=size,
        swap=0,
        page_tables=tables * found.page_size,
        state=None,
        killable=True,
        name=name,
        command=name,
        hypothetical=True,
    )
