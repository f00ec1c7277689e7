"""Why was a process killed: a report of the OOM killer, its table weighed again by the rule of its kernel's era."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pymemtools.kernel_log.oom_report import Kill, OomReport, Row
from pymemtools.models.oom import ADJ_NEVER
from pymemtools.models.release import Version
from pymemtools.reports.oom_report.total import total_pages
from pymemtools.reports.oom_report.weights import (
    Columns,
    Scores,
    Weighed,
    beyond_doubt,
    has_bonus,
    predict,
    rule_of,
    scores_of,
    told_by_score,
    version_of,
    weigh,
)

_PAGE_SIZES = tuple(1 << shift for shift in (12, 13, 14, 15, 16, 18))


class Identity(NamedTuple):
    """Two places of a report that say the same: kB in the line of the kill, and what the table makes of it."""

    what: str
    line_kib: int
    table_kib: int

    @property
    def holds(self) -> bool:
        """Tell whether they agree. RSS need not: the process may have run on between the table and the kill."""
        return self.line_kib == self.table_kib


class Analysis(NamedTuple):
    """A report, and what the model makes of it."""

    report: OomReport
    page_size: int
    version: Version | None  # whose rule is taken: the kernel's, or the first with such a report
    rule: str
    total_least: int | None  # pages of RAM and swap, or of the group
    total_most: int | None
    tasks: Sequence[Weighed]
    predicted: Weighed | None
    killed: Kill | None
    chosen_pid: int | None  # the process of the table that was chosen: who was killed, or the parent
    scores: Scores
    identities: Sequence[Identity]
    missing: Sequence[str]

    @property
    def total_pages(self) -> int | None:
        """Give the pages that points are measured by, where they are known for certain."""
        return self.total_least if self.total_least == self.total_most else None

    @property
    def is_cut(self) -> bool:
        """Tell whether the log has only a part of the report."""
        report = self.report
        has_end = bool(report.kills or report.exiting or report.finds_nobody or report.panic)
        return report.is_headless or not has_end


def analyse(report: OomReport) -> Analysis:
    """Weigh the table of a report again, and compare."""
    page_size = _page_size(report)
    version, is_told = version_of(report)
    missing: list[str] = []
    total = total_pages(report, version, page_size, missing)
    columns = Columns(report, page_size)
    tasks = [columns.task(row, is_admin_if_root=has_bonus(version)) for row in report.tasks]
    if not (tasks or (report.columns and report.finds_nobody)):
        missing.append("task table")
    can_weigh = bool(tasks) and columns.can_weigh(version, missing)
    killed = report.kills[0] if report.kills else None
    chosen = _chosen(report)
    place = next((place for place, row in enumerate(report.tasks) if row.pid == chosen), None)
    scores = Scores(report.score_printed)
    if place is not None and can_weigh:
        task = tasks[place]
        total = told_by_score(task, total, version, report.score_printed)
        if total[0] is not None and total[0] == total[1] and "Total swap" in missing:
            missing.remove("Total swap")
        scores = scores_of(task, total, version, report.score_printed)
        if scores.other is not None and report.score_printed is None:
            missing.append("whether uid 0 had CAP_SYS_ADMIN")
        if scores.other_has_bonus:  # the printed score tells that the task had none
            tasks[place] = task._replace(is_admin=False)
    if not is_told:
        missing.append("kernel version")
    missing += [f"{what} (cut off)" for what in report.cut]
    rows = zip(report.tasks, tasks)
    weighed = [weigh(row, task, columns, total, version, can_weigh=can_weigh) for row, task in rows]
    return Analysis(
        report=report,
        page_size=page_size,
        version=version,
        rule=rule_of(version),
        total_least=total[0],
        total_most=total[1],
        tasks=weighed,
        predicted=predict(weighed, tasks, total, version)
        if can_weigh
        else beyond_doubt(columns, weighed, tasks, total, version),
        killed=killed,
        chosen_pid=chosen,
        scores=scores,
        identities=_identities(report, killed, page_size),
        missing=missing,
    )


def _chosen(report: OomReport) -> int | None:
    """Name the process that was chosen; of the table, where a thread of it was, as kernels to 4.19 may write."""
    killed = report.kills[0].pid if report.kills else report.told_pid
    if report.chosen_pid is None:
        return killed
    pids = {row.pid for row in report.tasks}
    return killed if killed in pids and report.chosen_pid not in pids else report.chosen_pid


def _page_size(report: OomReport) -> int:
    """Tell the page size by what the report says both in pages and in kB, or else by the kernel's name."""
    rows = {row.pid: row for row in report.tasks}
    for kill in report.kills:
        row = rows.get(kill.pid)
        pages = None if row is None else _figure(report, row, "total_vm")
        if (
            pages
            and (size := kill.sizes.get("total-vm", 0) // pages) in _PAGE_SIZES
            and not kill.sizes["total-vm"] % pages
        ):
            return size
    free = sum(zone.free for zone in report.zones)
    pages = report.counters.get("free", 0)
    near = [size for size in _PAGE_SIZES if pages and 0.8 < free / (pages * size) < 1.25]
    return near[0] if len(near) == 1 else _page_size_by_name(report.kernel or "")


def _page_size_by_name(release: str) -> int:
    """Guess the page size by the release: distributions build powerpc with 64 KiB, and say so of arm64."""
    return next((size for pattern, size in _NAMED_SIZES if pattern.search(release)), 4096)


_NAMED_SIZES = (
    (re.compile(r"ppc64|powerpc64|[-+.]64k\b|\.el8[^ ]*\.aarch64"), 1 << 16),
    (re.compile(r"[-+.]16k\b|-rpi-2712"), 1 << 14),
)


def _figure(report: OomReport, row: Row, column: str) -> int | None:
    return row.figures[report.columns.index(column)] if column in report.columns else None


def _identities(report: OomReport, killed: Kill | None, page_size: int) -> list[Identity]:
    """Compare the line of the kill with the table."""
    if killed is None:
        return []
    row = next((row for row in report.tasks if row.pid == killed.pid), None)
    if row is None:
        return []
    sizes = {name: size >> 10 for name, size in killed.sizes.items()}
    kib = page_size >> 10
    found = []
    total_vm, rss, tables = (_figure(report, row, name) for name in ("total_vm", "rss", "pgtables_bytes"))
    if total_vm is not None and "total-vm" in sizes:
        found.append(Identity("total-vm", sizes["total-vm"], total_vm * kib))
    resident = [sizes[name] for name in ("anon-rss", "file-rss", "shmem-rss") if name in sizes]
    if rss is not None and resident:
        found.append(Identity("rss", sum(resident), rss * kib))
    if tables is not None and "pgtables" in sizes:
        # 5.4 prints bytes and calls them kB; later stable kernels of it do not.
        is_bytes = sizes["pgtables"] == tables
        found.append(Identity("pgtables", sizes["pgtables"] >> (10 if is_bytes else 0), tables >> 10))
    return found


def memory_held(analysis: Analysis) -> Mapping[str, int]:
    """Say what held memory then, in bytes: of the machine, or of the group. Shared memory counts as that alone.

    On the lists of the machine it is among the anonymous pages; a group counts it as cache.
    """
    report, page = analysis.report, analysis.page_size
    if report.constraint == "CONSTRAINT_MEMCG" and report.group_stats:
        stats = report.group_stats
        names = {"anonymous": ("anon", "rss"), "file": ("file", "cache"), "shmem": ("shmem",), "slab": ("slab",)}
        names |= {"page tables": ("pagetables",), "kernel stacks": ("kernel_stack",)}
        firsts = {name: next((stats[key] for key in keys if key in stats), None) for name, keys in names.items()}
        return _without_shmem({name: size for name, size in firsts.items() if size is not None}, "file")
    counters = report.counters
    sums = {
        "anonymous": ("active_anon", "inactive_anon", "isolated_anon"),
        "file": ("active_file", "inactive_file", "isolated_file"),
        "anonymous and file": ("active", "inactive"),  # before 2.6.28 they shared their lists
        "shmem": ("shmem",),
        "slab": ("slab", "slab_reclaimable", "slab_unreclaimable"),
        "page tables": ("pagetables", "sec_pagetables"),
        "unevictable": ("unevictable",),
        "free": ("free", "free_pcp"),  # those on the lists of processors are not among the free
    }
    found = {
        name: sum(counters.get(key, 0) for key in keys) * page
        for name, keys in sums.items()
        if any(key in counters for key in keys)
    }
    if report.hugetlb is not None:
        found["hugetlb pool"] = report.hugetlb
    if report.kernel_stacks is not None:
        found["kernel stacks"] = report.kernel_stacks
    return _without_shmem(found, "anonymous")


def _without_shmem(held: Mapping[str, int], among: str) -> Mapping[str, int]:
    return {name: max(size - held.get("shmem", 0), 0) if name == among else size for name, size in held.items()}


def uncounted(analysis: Analysis) -> int | None:
    """Give the bytes of RAM that no counter of the report has: what the kernel and its drivers took for themselves."""
    report = analysis.report
    if report.constraint == "CONSTRAINT_MEMCG" or report.ram_pages is None or report.reserved_pages is None:
        return None
    if not {"free", "active_anon"} <= {*report.counters}:
        return None
    ram = (report.ram_pages - report.reserved_pages) * analysis.page_size
    return max(ram - sum(memory_held(analysis).values()), 0)


def freed(analysis: Analysis, kill: Kill) -> int | None:
    """Give the bytes of RAM that a kill returned: anonymous pages that were resident, less what the reaper left.

    Pages of files, shared memory among them, are no longer mapped, but stay in the page cache, where others may use
    them: a group of 64 MiB once "returned" 70, and those 7 were Python's own, charged to another group.
    """
    parts = [kill.sizes[name] for name in _RETURNED if name in kill.sizes]
    if not parts:
        return None
    left = [reaped.left or {} for reaped in analysis.report.reaped if reaped.pid == kill.pid]
    return max(sum(parts) - sum(sizes.get(name, 0) for sizes in left for name in _RETURNED), 0)


_RETURNED = ("anon-rss",)


def freed_swap(analysis: Analysis, kill: Kill) -> int | None:
    """Give the bytes of swap that a kill returned, where the table tells."""
    return next((row.swap for row in analysis.tasks if row.pid == kill.pid), None)


def ranked(analysis: Analysis) -> list[Weighed]:
    """Sort the tasks, the first to be killed first; by RSS and swap where points are not known, the spared last."""
    return sorted(
        analysis.tasks,
        key=lambda row: (
            row.points is None and (row.oom_score_adj == ADJ_NEVER or row.pid == 1),
            -(row.points if row.points is not None else resident(row) // analysis.page_size),
        ),
    )


def resident(row: Weighed) -> int:
    """Give the bytes that a task has in RAM and swap, page tables apart."""
    return (row.rss or 0) + (row.swap or 0)
