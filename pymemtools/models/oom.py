"""Whom the kernel kills when memory runs out: badness, and the scores that /proc shows of it.

Amounts are in pages. Source: mm/oom_kill.c, oom_badness(); fs/proc/base.c, proc_oom_score(); Linux 2.6.36 to 6.18.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pymemtools.models.release import Version, since

ADJ_NEVER = -1000  # OOM_SCORE_ADJ_MIN
TABLES_COUNT = (2, 6, 39)  # page tables do, by commit f755a042d82b
FAIR, THOUSANDTHS = "5.9", "3.6"  # the scales of /proc/PID/oom_score, by the version they came with


class Task(NamedTuple):
    """What the kernel weighs of a process."""

    rss: int
    swap: int
    page_tables: int
    oom_score_adj: int = 0
    is_admin: bool = False  # has CAP_SYS_ADMIN
    is_init: bool = False
    has_memory: bool = True  # a zombie has none, nor has any of its threads: find_lock_task_mm()


def badness(task: Task, total: int, version: Version | None = None, scale: str | None = None) -> int | None:
    """Give the points of a task, None for one that is never killed; ``total`` is RAM and swap.

    From 3.6 on points are pages: RSS, swap and page tables, and for each thousandth of oom_score_adj a thousandth of
    ``total``, rounded down first. Root's are 3 % less until 4.16. From 5.9 on, and wherever ``scale`` is FAIR, they
    may be negative. In 2.6.36 to 3.5 they are thousandths of ``total``, before 2.6.39 without page tables, root's 30
    less, and at least 1.
    """
    if task.is_init or task.oom_score_adj == ADJ_NEVER or not task.has_memory:
        return None
    if not since(version, (3, 6)):
        tables = task.page_tables if since(version, TABLES_COUNT) else 0
        points = (task.rss + task.swap + tables) * 1000 // total if total else 0
        points -= 30 if task.is_admin else 0
        return max(1, min(points + task.oom_score_adj, 1000))
    points = task.rss + task.swap + task.page_tables
    if task.is_admin and not since(version, (4, 17)):
        if not since(version, (3, 10)):
            return max(1, points + (task.oom_score_adj - 30) * (total // 1000))
        points -= points * 3 // 100
    points += task.oom_score_adj * (total // 1000)
    is_signed = scale == FAIR or since(version, (5, 9))
    return points if is_signed else max(1, points)


def oom_score(points: int | None, total: int, scale: str = FAIR) -> int:
    """Give /proc/PID/oom_score for points from 3.6 on; 0 for a task that is never killed.

    Since 5.9, and in stable kernels before whose numbers do not tell, an idle process scores 666 or 667, so that a
    negative adjustment shows; before, it scored 0. See detect_scale().
    """
    if points is None or not total:
        return 0
    if scale == THOUSANDTHS:
        return max(points, 0) * 1000 // total
    return max(_truncated((1000 + _truncated(points * 1000, total)) * 2, 3), 0)


def detect_scale(samples: list[tuple[int, int | None]], total: int, version: Version | None) -> str:
    """Tell which scale a machine's scores have, from (score, points) of its processes; by version without any.

    The scale that fits more of them is taken: stable kernels of 5.4 have that of 5.9.
    """
    fits = {
        scale: sum(abs(oom_score(points, total, scale) - score) <= 1 for score, points in samples)
        for scale in (FAIR, THOUSANDTHS)
    }
    if fits[FAIR] != fits[THOUSANDTHS]:
        return FAIR if fits[FAIR] > fits[THOUSANDTHS] else THOUSANDTHS
    return FAIR if since(version, (5, 9)) else THOUSANDTHS


def select(points: Sequence[tuple[int, int | None]], version: Version | None) -> int | None:
    """Give the PID that is chosen from (PID, points) in the order of the task list; None when all are spared.

    Of those with the same points, the first is chosen before 5.1, and the last since. Source: select_bad_process(),
    oom_evaluate_task().
    """
    known = [(score, pid) for pid, score in points if score is not None]
    if not known:
        return None
    most = max(score for score, _ in known)
    same = [pid for score, pid in known if score == most]
    return same[-1] if since(version, (5, 1)) else same[0]


def printed_score(points: int, total: int) -> int:
    """Give the score in "Kill process ... score", in thousandths of RAM and swap; Linux 3.6 to 5.0.

    It can be above 1000 with an adjustment. Source: oom_kill_process().
    """
    return _truncated(points * 1000, total) if total else 0


def totals_of_score(points: int, score: int) -> tuple[int, int] | None:
    """Give the least and the most pages of RAM and swap with which ``points`` are printed as ``score``.

    >>> totals_of_score(119914, 829)
    (144475, 144648)

    That holds for a task without an adjustment, whose points do not depend on the total. None for a score of 0, which
    any large total gives.
    """
    return (points * 1000 // (score + 1) + 1, points * 1000 // score) if score > 0 else None


def group_total(limit: int, swap_room: int | None, total_swap: int | None) -> tuple[int, int | None]:
    """Give the least and the most pages that points are measured by in a memory control group.

    That is its limit and as much swap as it may have (``swap_room``, None without limit) and the machine has. None:
    nobody told how much swap there is. Without swappiness, swap does not count. Source: mem_cgroup_get_max().
    """
    if swap_room == 0 or total_swap == 0:
        return limit, limit
    if total_swap is None:
        return limit, None if swap_room is None else limit + swap_room
    return limit, limit + min(total_swap, total_swap if swap_room is None else swap_room)


def adj_to_be_safer(points: int, than: int, adj: int, total: int) -> int | None:
    """Give the largest oom_score_adj with which a task of ``points`` (with ``adj``) scores below one of ``than``.

    None where even -999 is not enough: then only -1000 saves it.
    """
    step = total // 1000
    bare = points - adj * step
    if not step:
        return None
    best = -((bare - than) // step + 1)
    best = min(best, 1000)
    return best if best > ADJ_NEVER else None


def _truncated(value: int, divisor: int) -> int:
    """Divide as C does, towards zero."""
    return value // divisor if value >= 0 else -(-value // divisor)
