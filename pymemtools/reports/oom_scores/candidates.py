"""Whom would the kernel kill next, and how would that change?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pymemtools.errors import Missing
from pymemtools.models.oom import FAIR, Task, badness, detect_scale, oom_score
from pymemtools.models.release import Version, parse_release, since
from pymemtools.readings.doubt import read_meminfo, swap_of
from pymemtools.readings.page_size import IS_ASSUMED, page_size_of
from pymemtools.readings.process import KERNEL, ZOMBIE, Process
from pymemtools.readings.processes import Sample, read_processes
from pymemtools.readings.recalled import recalled
from pymemtools.readings.wants import Wants
from pymemtools.sources.base import Source

CAP_SYS_ADMIN = 21  # include/uapi/linux/capability.h


class Candidate(NamedTuple):
    """One process as the OOM killer sees it; sizes in bytes, None where the source does not tell."""

    pid: int
    user: str | None
    oom_score: int | None  # the kernel's, or computed where the source has none
    oom_score_adj: int | None
    oom_score_computed: int | None
    badness_pages: int | None  # the points that decide; None: never killed, or not known
    share_permille: int | None  # of RAM and swap, without the adjustment
    rss: int | None
    swap: int | None
    page_tables: int | None
    state: str | None
    killable: bool | None
    name: str
    command: str
    hypothetical: bool = False


class Candidates(NamedTuple):
    """All processes, and what their scores are of."""

    rows: list[Candidate]
    total_pages: int
    page_size: int
    version: Version | None
    scale: str
    has_scores: bool  # False: the source has no oom_score, and all are computed
    unreadable: int
    notes: list[str]
    tasks: Mapping[int, Task]  # what is weighed of each row, by PID; of some nothing is known
    groups: Mapping[int, str] = {}  # path of each one's memory group, by PID, where memory groups decide

    @property
    def seen(self) -> int:
        """Count the processes with memory, as every command does: without kernel threads and the dead."""
        return sum(row.pid > 0 and row.state not in ("Z", "X", "x") for row in self.rows) + self.unreadable


WANTS = Wants(status=True, memory=True, oom_score=True, oom_score_adj=True)


def all_candidates(source: Source) -> Candidates:
    """Weigh every process of a source; once, where that recalls it. What it gives is not to be changed."""
    return recalled(source, _all_candidates)


def _all_candidates(source: Source) -> Candidates:
    return candidates(source, read_processes(source, WANTS))


def candidates(source: Source, sample: Sample, scale: str | None = None) -> Candidates:
    """Weigh every process but the kernel's, of a sample read with WANTS. Raises what reading meminfo does.

    ``scale`` is the machine's, where a larger sample has told it.
    """
    meminfo, doubts = read_meminfo(source)
    page_size, is_assumed = page_size_of(source)
    total = (meminfo["MemTotal"] + meminfo.get("SwapTotal", 0)) // page_size
    version = parse_release(source.facts.kernel)
    users, unreadable = _weighable(sample)
    has_scores = any(each.oom_score is not None for each in users)
    tasks = {each.pid: _task(each, page_size, version) for each in users if _is_known(each)}
    scale = scale or _scale(users, tasks, total, version)
    rows = [_candidate(each, tasks.get(each.pid), total, version, scale) for each in users]
    notes = [*doubts]
    if swap_of(meminfo).total is None:
        notes.append("meminfo: no SwapTotal field: what scores are shares of is not known, and RAM alone decides here")
        rows = [_without_shares(row, has_scores=has_scores) for row in rows]
    if is_assumed:
        notes.append(IS_ASSUMED)
    if _is_before_oom_badness(version):
        notes.append("before Linux 2.6.36 scores are of virtual size and time: they are not computed")
    else:
        notes += _assumptions(users, has_scores=has_scores)
    if source.commands_from is not None:
        notes.append(f"without a cmdline: commands are those of {source.commands_from}")
    return Candidates(
        rows=rows,
        total_pages=total,
        page_size=page_size,
        version=version,
        scale=scale,
        has_scores=has_scores,
        unreadable=unreadable,
        notes=notes,
        tasks=tasks,
    )


def _without_shares(row: Candidate, *, has_scores: bool) -> Candidate:
    """Leave out what rests on the sum of RAM and swap; the kernel's own score does not."""
    row = row._replace(oom_score_computed=None, share_permille=None)
    return row if has_scores else row._replace(oom_score=None)


def _assumptions(users: Sequence[Process], *, has_scores: bool) -> Iterator[str]:
    if not has_scores:
        yield "the source has no oom_score: scores are computed"
    if any(each.oom_score_adj is None for each in users):
        yield "the source has no oom_score_adj: 0 is assumed"
    if any("VmPTE" not in _sizes(each) and each.life != ZOMBIE for each in users):
        yield "the source does not tell the size of page tables: computed scores leave them out"


def _weighable(sample: Sample) -> tuple[list[Process], int]:
    """Choose who is weighed, all but the kernel's threads, and count those of whom neither memory nor score is told."""
    users, unreadable = [], 0
    for process in sample.everybody:
        if process.life == KERNEL:
            continue
        if process.life == ZOMBIE or "VmRSS" in _sizes(process) or process.oom_score is not None:
            users.append(process)
        else:
            unreadable += not process.status
    return users, unreadable


def _sizes(process: Process) -> Mapping[str, int]:
    """Give the sizes that are weighed: those of status, or what smaps add up to (smemcap's): no page tables then."""
    if "VmRSS" in (process.status or {}):
        return process.status or {}
    sums = {"VmRSS": process.sums.get("Rss"), "VmSwap": process.sums.get("Swap")}
    return {**{name: size for name, size in sums.items() if size is not None}, **(process.status or {})}


def _is_known(process: Process) -> bool:
    """Tell whether there is something to weigh: of some, a capture has but the kernel's score."""
    return "VmRSS" in _sizes(process) or process.life == ZOMBIE


def _task(process: Process, page_size: int, version: Version | None) -> Task:
    get = _sizes(process).get
    tables = get("VmPTE", 0) + (0 if since(version, (4, 15)) else get("VmPMD", 0))  # apart from 4.0 to 4.14
    rss, swap = get("VmRSS"), get("VmSwap", 0) // page_size
    # A leader that is dead may have threads that live: then the kernel's score is theirs.
    has_memory = process.life != ZOMBIE or rss is not None or bool(process.oom_score)
    is_admin = bool((process.capabilities or 0) >> CAP_SYS_ADMIN & 1)
    adj = process.oom_score_adj or 0
    return Task((rss or 0) // page_size, swap, tables // page_size, adj, is_admin, _is_init(process), has_memory)


def _is_init(process: Process) -> bool:
    """Tell the machine's init from that of a container, which is killed like others: the kernel gives it a score."""
    return process.pid == 1 and not process.oom_score


def _scale(users: Sequence[Process], tasks: Mapping[int, Task], total: int, version: Version | None) -> str:
    known = ((each.oom_score, tasks.get(each.pid)) for each in users)
    samples = [
        (score, badness(task, total, version, FAIR)) for score, task in known if score is not None and task is not None
    ]
    return detect_scale(samples, total, version)


def _candidate(process: Process, task: Task | None, total: int, version: Version | None, scale: str) -> Candidate:
    points: int | None = None
    score: int | None = None
    if _is_before_oom_badness(version):
        points = process.oom_score
    elif task is not None:
        points, score = weigh(task, total, version, scale)
    get = _sizes(process).get
    return Candidate(
        pid=process.pid,
        user=process.owner,
        oom_score=score if process.oom_score is None else process.oom_score,
        oom_score_adj=process.oom_score_adj,
        oom_score_computed=score,
        badness_pages=points,
        share_permille=None if task is None else share_of(task, total),
        rss=get("VmRSS"),
        swap=get("VmSwap"),
        page_tables=get("VmPTE"),
        state=process.state,
        killable=None if task is None else killable_of(process.pid, points, version),
        name=process.name,
        command=process.command,
    )


def _is_before_oom_badness(version: Version | None) -> bool:
    """Tell a kernel that goes by virtual size, CPU and run time: its points are what it shows as oom_score."""
    return not since(version, (2, 6, 36))


def weigh(task: Task, total: int, version: Version | None, scale: str) -> tuple[int | None, int]:
    """Give a task's points, and its score as /proc shows it. Raises Missing before Linux 2.6.36."""
    if _is_before_oom_badness(version):
        raise Missing("before Linux 2.6.36 scores are of virtual size and time: what they would be is not known")
    points = badness(task, total, version, scale)
    is_share = not since(version, (3, 6))  # points are thousandths already
    return points, (points or 0) if is_share else oom_score(points, total, scale)


def killable_of(pid: int, points: int | None, version: Version | None) -> bool | None:
    """Tell whether a process may be killed at all; no points need not mean never where no rule makes them."""
    is_before = _is_before_oom_badness(version)
    if (points is None and not is_before) or (pid == 1 and is_before):
        return False
    return None if points is None else True


def share_of(task: Task, total: int) -> int | None:
    return (task.rss + task.swap + task.page_tables) * 1000 // total if total else None


def by_badness(rows: Sequence[Candidate], version: Version | None) -> list[Candidate]:
    """Sort by what the kernel goes by: the first is killed first; what is never killed comes last.

    Of those with the same points the youngest is killed since 5.1, as in models.oom.select(): by number the last, as
    long as numbers have not begun again, and one that does not exist yet after all others.
    """
    by_age = sorted(rows, key=lambda row: (row.pid == 0, row.pid), reverse=since(version, (5, 1)))

    def points(row: Candidate) -> tuple[bool, int]:
        return (True, row.pid) if row.badness_pages is None else (False, -row.badness_pages)

    return sorted(by_age, key=points)


def victim(found: Candidates) -> Candidate | None:
    """Name the process that a global OOM kills, or None."""
    arranged = by_badness(found.rows, found.version)
    rows = [row for row in arranged if row.badness_pages is not None and row.rss is not None]
    return rows[0] if rows else None


def differences(found: Candidates) -> list[Candidate]:
    """Give the processes whose computed score is not the kernel's."""
    known = [row for row in found.rows if row.oom_score is not None and row.oom_score_computed is not None]
    return [row for row in known if row.oom_score != row.oom_score_computed]
