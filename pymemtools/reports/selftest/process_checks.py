"""Checks of processes and memory groups: what several of the kernel's files tell of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from pymemtools.errors import Missing
from pymemtools.models.oom import oom_score
from pymemtools.models.release import since
from pymemtools.procfs.meminfo import hugetlb_pool
from pymemtools.readings.twice_told import Charged, Told
from pymemtools.reports.oom_scores.candidates import Candidate, Candidates
from pymemtools.reports.selftest.compared import Compared
from pymemtools.reports.selftest.evidence import Evidence, lacks

# Of these the kernel rounds down each mapping's, or once the sum: PSS is kept in fractions of a byte.
_ROUNDED = ("Pss", "Pss_Dirty", "Pss_Anon", "Pss_File", "Pss_Shmem", "SwapPss", "Locked")
_BATCH_PAGES = 64  # MEMCG_CHARGE_BATCH: what a processor charges, and counts, at once


def scores(look: Evidence) -> Iterator[Compared]:
    """Compare each process's oom_score with the model's; since 6.2 the kernel reads its counters in haste."""
    found = look.scores
    if found is None:
        look.figure("SwapTotal")
        raise lacks("meminfo")
    if not found.has_scores:
        raise lacks("oom_score of any process")
    if not since(found.version, (2, 6, 36)):
        raise Missing("before Linux 2.6.36 scores are of virtual size and time, which no model here works out")
    known = {told.process.pid: told.process for told in look.processes}
    for row in found.rows:
        process = known[row.pid]
        sizes = process.status or {}
        is_whole = process.oom_score_adj is not None and ("VmPTE" in sizes or not row.rss)
        if row.oom_score is not None and row.oom_score_computed is not None and is_whole:
            yield _score(row, found, look)


def _score(row: Candidate, found: Candidates, look: Evidence) -> Compared:
    expected, seen = row.oom_score_computed or 0, row.oom_score or 0
    less = more = 0 if look.is_live else 1  # a copy's status and oom_score are of two moments
    slack = look.counter_slack_pages
    if row.badness_pages is not None and slack:
        least, most = (
            oom_score(row.badness_pages + pages, found.total_pages, found.scale) for pages in (-slack, slack)
        )
        less, more = max(less, expected - least), max(more, most - expected)
    return Compared(_named(row.pid, row.name), expected, seen, less, more, row.pid)


def rollups(look: Evidence) -> Iterator[Compared]:
    """Compare the sums of each process's smaps with the kernel's own in smaps_rollup."""
    if not any(told.rollup for told in look.processes):
        look.need_smaps()
        raise lacks("smaps_rollup of any process: it came with Linux 4.14")
    for told in look.processes:
        if told.rollup is None or told.smaps is None:
            continue
        for key in told.rollup.keys() & told.smaps.sums.keys():
            slack = _moved(look, told)
            lost = told.smaps.mappings * 1024 if key in _ROUNDED else 0
            subject = f"{_who(told)} {key}"
            expected = told.smaps.sums[key]
            yield Compared(subject, expected, told.rollup[key], slack, slack + lost, told.process.pid)


def address_spaces(look: Evidence) -> Iterator[Compared]:
    """Compare VmSize with the sizes of all mappings, and with stat and statm; a gate that all have counts for none."""
    _need_status(look)
    for told in look.processes:
        size = (told.process.status or {}).get("VmSize")
        if size is None:
            continue
        others = {
            "smaps": told.smaps and told.smaps.sums["Size"],
            "stat": told.stat and told.stat.vsize,
            "statm": told.statm and told.statm.size_pages * look.machine.page_size,
        }
        yield from _alike(look, told, "VmSize", size, others)


def resident(look: Evidence) -> Iterator[Compared]:
    """Compare VmRSS with its parts, and with statm and stat.

    From 6.2 on each processor counts a part, which not all of the three files wait for.
    """
    _need_status(look)
    page, slack = look.machine.page_size, look.counter_slack_pages * look.machine.page_size
    for told in look.processes:
        status = told.process.status or {}
        size = status.get("VmRSS")
        if size is None:
            continue
        parts = [status.get(key) for key in ("RssAnon", "RssFile", "RssShmem")]
        known = [part for part in parts if part is not None]
        others = {"parts": sum(known) if len(known) == 3 else None}
        yield from _alike(look, told, "VmRSS", size, others)
        others = {
            "statm": told.statm and told.statm.resident_pages * page,
            "stat": told.stat.rss_pages * page if told.stat and told.stat.rss_pages is not None else None,
        }
        yield from _alike(look, told, "VmRSS", size, others, slack)


def page_size(look: Evidence) -> Iterator[Compared]:
    """Compare the page size that the source tells with that of mappings, and with what turns pages into VmSize."""
    expected = look.page_size
    if expected is None:
        raise lacks("page size: 4096 is assumed")
    smallest = [told.smaps.page_size for told in look.processes if told.smaps and told.smaps.page_size]
    if not smallest and not any(told.statm for told in look.processes):
        raise lacks("smaps or statm of any process")
    if smallest:
        yield Compared("smaps", expected, min(smallest))
    ratios = Counter(
        told.process.status["VmSize"] // told.statm.size_pages
        for told in look.processes
        if told.statm and told.statm.size_pages and told.process.status and "VmSize" in told.process.status
    )
    if ratios:
        yield Compared("VmSize by statm", expected, ratios.most_common(1)[0][0])


def groups(look: Evidence) -> Iterator[Compared]:
    """Compare each group's usage with the sum of its memory.stat.

    Each processor charges, and counts, up to a batch ahead; v1 has the kernel's own memory in usage alone, and so has
    v2 before 5.18. Source: mm/memcontrol.c, try_charge_memcg(), memcg_rstat_updated().
    """
    if not look.groups:
        raise lacks("memory group below the root")
    batch = _BATCH_PAGES * (look.machine.cpus or 1) * look.machine.page_size
    slack = look.between_files
    pools = hugetlb_pool(look.machine.meminfo) or 0  # charged, where so mounted, since 6.7 and told since 6.13
    for group in look.groups:
        found = _charges(group)
        if found is not None:
            expected, is_all, cached = found
            more = 2 * batch + cached + pools + slack if is_all else None
            yield Compared(f"group {group.path}", expected, group.usage, batch + cached + slack, more)


def _charges(group: Charged) -> tuple[int, bool, int] | None:
    """Add up memory.stat: the sum, whether it is all that is charged, and what of it may count twice."""
    stat, before = group.stat, "total_" if group.version == 1 else ""
    keys = ("cache", "rss") if group.version == 1 else ("anon", "file", "kernel", "sock", "hugetlb")
    parts = [stat[f"{before}{key}"] for key in keys if f"{before}{key}" in stat]
    if not parts:
        return None
    return sum(parts), "kernel" in stat, stat.get(f"{before}swapcached", 0)


def _need_status(look: Evidence) -> None:
    if not any(told.process.status for told in look.processes):
        raise lacks("status of any process")


def _alike(
    look: Evidence, told: Told, key: str, size: int, others: Mapping[str, int | None], slack: int = 0
) -> Iterator[Compared]:
    for name, other in others.items():
        if other is not None:
            most = max(slack, _moved(look, told))
            yield Compared(f"{_who(told)} {key} by {name}", size, other, most, most, told.process.pid)


def _moved(look: Evidence, told: Told) -> int:
    """Give the bytes by which a process may have grown between two of its files in a copy."""
    if look.is_live:
        return 0
    return max((told.process.status or {}).get("VmRSS", 0) // 16, 1 << 20)


def _who(told: Told) -> str:
    return _named(told.process.pid, told.process.name)


def _named(pid: int, name: str) -> str:
    return f"PID {pid} ({name})"
