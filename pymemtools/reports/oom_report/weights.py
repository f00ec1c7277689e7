"""Weigh the task table of a report of the OOM killer again, by the rule of its kernel's era."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pymemtools.kernel_log.oom_report import OomReport, Row
from pymemtools.models.oom import ADJ_NEVER, TABLES_COUNT, Task, badness, printed_score, select, totals_of_score
from pymemtools.models.release import Version, parse_release, since
from pymemtools.units import times

_OOM_DISABLE = -17  # of oom_adj, before 2.6.36
_BOUNDLESS = 1 << 40  # pages: more than any machine has
_PAGE_TABLES = ("nr_ptes", "nr_pmds", "nr_puds")
_PAGES_OF_A_TABLE = 512  # or more
_MAX_AREAS = 65530  # of a process, vm.max_map_count; a sysctl, but few raise it


class Weighed(NamedTuple):
    """A row of the task table with its points; sizes in bytes, None where the table does not tell."""

    pid: int
    name: str
    uid: int | None
    vss: int | None
    rss: int | None
    swap: int | None
    page_tables: int | None
    oom_score_adj: int | None
    points: int | None  # None: never killed, or not to be worked out
    oom_score_computed: int | None  # as the kernel prints it, in thousandths of RAM and swap


class Scores(NamedTuple):
    """The score of who was chosen, in thousandths; None where the report does not tell enough."""

    printed: int | None = None
    computed: int | None = None
    other: int | None = None  # if root, whose tasks had less to 4.16, was CAP_SYS_ADMIN or not, and computed is if not
    other_has_bonus: bool = False
    totals: tuple[int, int] | None = None  # pages of RAM and swap that the printed score agrees with


def version_of(report: OomReport) -> tuple[Version | None, bool]:
    """Give the version whose rule holds, and whether the log names the kernel; else the form of the report tells it."""
    version, columns = parse_release(report.kernel), set(report.columns)
    if "oom_score_adj" in columns and not since(version, (2, 6, 36)):
        return (2, 6, 36), True  # the algorithm came to 2.6.32 of RHEL 6 with that column
    if version is not None:
        return version, True
    if "rss_anon" in columns:
        return (6, 8, 0), False
    if "pgtables_bytes" in columns:
        return ((4, 17, 0) if report.score_printed is not None else (5, 9, 0)), False
    if "nr_pmds" in columns:
        return (4, 4, 0), False
    if "nr_ptes" in columns:
        return (3, 10, 0), False
    if "oom_score_adj" in columns:
        return (2, 6, 36), False
    return ((2, 6, 32) if "oom_adj" in columns else None), False


def has_bonus(version: Version | None) -> bool:
    return not since(version, (4, 17))


def is_share(version: Version | None) -> bool:
    """Tell whether points are thousandths themselves."""
    return not since(version, (3, 6))


def rule_of(version: Version | None) -> str:
    """Name the rule of an era. Source: mm/oom_kill.c, oom_badness(), before 2.6.36 badness()."""
    where = "mm/oom_kill.c"
    if since(version, (5, 9)):
        return f"RSS, swap and page tables, and oom_score_adj, signed ({where}, oom_badness(), since Linux 5.9)"
    if since(version, (4, 17)):
        return f"RSS, swap and page tables, and oom_score_adj, at least 1 ({where}, oom_badness(), Linux 4.17 to 5.8)"
    if since(version, (3, 10)):
        return f"RSS, swap and page tables, root's 3 % less, and oom_score_adj ({where}, oom_badness(), to Linux 4.16)"
    if since(version, (3, 6)):
        return f"RSS, swap and page tables, and oom_score_adj, root's 30 less ({where}, oom_badness(), Linux 3.6)"
    if since(version, (2, 6, 36)):
        what, until = (
            ("RSS, swap and page tables", "3.5") if since(version, TABLES_COUNT) else ("RSS and swap", "2.6.38")
        )
        return f"thousandths of {what}, and oom_score_adj, root's 30 less ({where}, oom_badness(), to Linux {until})"
    return f"virtual size by CPU and run time, nice value and children ({where}, badness(), before Linux 2.6.36)"


class Columns:
    """What the columns of a table tell."""

    def __init__(self, report: OomReport, page_size: int) -> None:
        self._report = report
        self.page_size = page_size
        self._places = {name: place for place, name in enumerate(report.columns)}
        # Without the column, nothing was swapped out where there was nothing to swap to.
        self._no_swap = report.swap_total == 0 or (
            report.swap_total is not None and report.swap_total == report.swap_free
        )

    def figure(self, row: Row, name: str) -> int | None:
        place = self._places.get(name)
        return None if place is None else row.figures[place]

    def count(self, row: Row, name: str) -> int | None:
        """Give what cannot be below 0; a damaged log, or a counter that was read while it changed, may say so."""
        figure = self.figure(row, name)
        return None if figure is None else max(figure, 0)

    def task(self, row: Row, *, is_admin_if_root: bool) -> Task:
        adj = self.figure(row, "oom_score_adj")
        if adj is None:
            adj = ADJ_NEVER if self.figure(row, "oom_adj") == _OOM_DISABLE else 0
        return Task(
            self.count(row, "rss") or 0,
            self.count(row, "swapents") or 0,
            self.page_tables(row) or 0,
            adj,
            is_admin_if_root and self.figure(row, "uid") == 0,
            row.pid == 1,
        )

    def page_tables(self, row: Row) -> int | None:
        """Give the pages of page tables: counted by level to 4.14, in bytes since."""
        size = self.count(row, "pgtables_bytes")
        if size is not None:
            return size // self.page_size
        levels = [pages for pages in (self.count(row, name) for name in _PAGE_TABLES) if pages is not None]
        return sum(levels) if levels else None

    def page_table_size(self, row: Row) -> int | None:
        """Give the bytes of page tables, which need not be whole pages: several share one where pages are large."""
        pages = self.page_tables(row)
        size = self.count(row, "pgtables_bytes")
        return times(pages, self.page_size) if size is None else size

    @property
    def has_page_tables(self) -> bool:
        """Tell whether the table has the page tables of each task."""
        return any(name in self._places for name in (*_PAGE_TABLES, "pgtables_bytes"))

    @property
    def has_swap_by_task(self) -> bool:
        """Tell whether the table says how much of each task was swapped out."""
        return "swapents" in self._places

    def most_swapped(self, row: Weighed) -> int:
        """Give the most pages of a task that can have been swapped out."""
        report = self._report
        elsewhere = max((row.vss or 0) - (row.rss or 0), 0)
        used = elsewhere if report.swap_total is None else report.swap_total - (report.swap_free or 0)
        return min(elsewhere, used) // self.page_size

    def most_tables(self, row: Weighed) -> int:
        """Give the most pages that the page tables of a task can have: each maps 512 pages, but for the areas' ends."""
        pages = (row.vss or 0) // self.page_size
        return min(pages, pages // _PAGES_OF_A_TABLE + 2 * _MAX_AREAS)

    def can_weigh(self, version: Version | None, missing: list[str]) -> bool:
        """Tell whether the rule's inputs are in the table, and name those that are not."""
        if not since(version, (2, 6, 36)):
            missing.extend(["CPU time", "run time", "nice value", "children"])
            return False
        lacks_tables = not self.has_page_tables and (since(version, TABLES_COUNT))
        lacks_swap = not self.has_swap_by_task and not self._no_swap
        missing.extend(["nr_ptes"] * lacks_tables + ["swapents"] * lacks_swap)
        return "rss" in self._places and not (lacks_tables or lacks_swap)


def weigh(
    row: Row,
    task: Task,
    columns: Columns,
    total: tuple[int | None, int | None],
    version: Version | None,
    *,
    can_weigh: bool,
) -> Weighed:
    points = score = None
    if can_weigh and total[0] is not None and total[0] == total[1]:
        points = badness(task, total[0], version)
        score = None if points is None else _score(points, total[0], version)
    elif can_weigh and not is_share(version) and task.oom_score_adj in (0, ADJ_NEVER):
        points = badness(task, 0, version)
    page = columns.page_size
    swap, total_vm = columns.count(row, "swapents"), columns.count(row, "total_vm")
    return Weighed(
        pid=row.pid,
        name=row.name,
        uid=columns.figure(row, "uid"),
        vss=None if total_vm is None else total_vm * page,
        rss=task.rss * page,
        swap=None if swap is None else swap * page,
        page_tables=columns.page_table_size(row),
        oom_score_adj=columns.figure(row, "oom_score_adj"),
        points=points,
        oom_score_computed=score,
    )


def _score(points: int, total: int, version: Version | None) -> int:
    return points if is_share(version) else printed_score(points, total)


def predict(
    weighed: Sequence[Weighed], tasks: Sequence[Task], total: tuple[int | None, int | None], version: Version | None
) -> Weighed | None:
    """Name the victim, where all totals that are possible give the same one.

    Without an adjustment in the table, the total does not matter: points are pages.
    """
    least, most = total
    if least is None:
        needs_total = is_share(version) or any(task.oom_score_adj not in (0, ADJ_NEVER) for task in tasks)
        totals = [] if needs_total else [0]
    else:
        # Points grow evenly with the total, so who has the most at both ends has them all the way.
        totals = [least, _BOUNDLESS if most is None else most]
    found = {
        select([(row.pid, badness(task, each, version)) for row, task in zip(weighed, tasks)], version)
        for each in totals
    }
    if len(found) != 1:
        return None
    pid = found.pop()
    return next((row for row in weighed if row.pid == pid), None)


def told_by_score(
    task: Task, total: tuple[int | None, int | None], version: Version | None, printed: int | None
) -> tuple[int | None, int | None]:
    """Choose between the least and the most pages that a group may have, where the printed score agrees with one only.

    Whether swap counts, a report of a group does not tell.
    """
    least, most = total
    if printed is None or least is None or most is None or is_share(version):
        return total
    fits = []
    for each in dict.fromkeys((least, most)):
        points = [badness(task._replace(is_admin=is_admin), each, version) for is_admin in (task.is_admin, False)]
        if printed in [printed_score(score, each) for score in points if score is not None]:
            fits.append(each)
    return (fits[0], fits[0]) if len(fits) == 1 else total


def beyond_doubt(
    columns: Columns,
    weighed: Sequence[Weighed],
    tasks: Sequence[Task],
    total: tuple[int | None, int | None],
    version: Version | None,
) -> Weighed | None:
    """Name the victim where the table has no swapents or nr_ptes, if it has the most points whatever they were.

    Swapped out is at most what is not resident of a task, and what was swapped out in all.
    """
    is_old = not since(version, (2, 6, 36))
    if is_old or total[0] is None or total[0] != total[1]:
        return None
    bounds = []
    for row, task in zip(weighed, tasks):
        swap = task.swap if columns.has_swap_by_task else columns.most_swapped(row)
        resident = task.rss if columns.has_page_tables else task.rss + columns.most_tables(row)
        most = task._replace(rss=resident, swap=swap, is_admin=False)
        least, highest = (badness(each, total[0], version) for each in (task, most))
        if least is not None and highest is not None:
            bounds.append((least, highest, row))
    first = max(bounds, key=lambda each: each[0], default=None)
    if first is None or any(highest >= first[0] for _, highest, row in bounds if row is not first[2]):
        return None
    return first[2]


def scores_of(task: Task, total: tuple[int | None, int | None], version: Version | None, printed: int | None) -> Scores:
    """Work out the score, with and without what root's tasks have less; the printed one tells which it was.

    In a container root may lack CAP_SYS_ADMIN, and has no bonus then.
    """
    totals = None
    points = badness(task, 0, version)
    if printed is not None and points is not None and not task.oom_score_adj and not is_share(version):
        totals = totals_of_score(points, printed)
    least, most = total
    if least is None or least != most:
        return Scores(printed, totals=totals)
    both = []
    for is_admin in dict.fromkeys((task.is_admin, False)):
        points = badness(task._replace(is_admin=is_admin), least, version)
        both.append(None if points is None else _score(points, least, version))
    if len(both) == 1 or both[0] == both[1]:
        return Scores(printed, both[0], totals=totals)
    with_bonus, without = both
    if printed is not None and without == printed:
        return Scores(printed, without, with_bonus, other_has_bonus=True, totals=totals)
    return Scores(printed, with_bonus, without, totals=totals)
