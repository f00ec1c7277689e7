"""What a report of the OOM killer comes to, in plain words; only what the report itself shows."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.kernel_log.oom_report import OomReport, ReportedZone
from pymemtools.models.oom import adj_to_be_safer
from pymemtools.reports.oom_report.analysis import Analysis, memory_held, ranked, resident, uncounted
from pymemtools.reports.oom_report.weights import Weighed, is_share
from pymemtools.units import human_size

_MUCH = 0.5  # shares that are worth a word
_NOTABLE = 0.2
_ALMOST_NONE = 0.01
_MANY_TIMES = 2
_HIGHMEM = 0x02  # ___GFP_HIGHMEM, in all versions
_OF_NODES = {"CONSTRAINT_CPUSET": "the cpuset (cpuset.mems)", "CONSTRAINT_MEMORY_POLICY": "the memory policy"}
_SYSRQ = -1  # the order that a kill by hand has


def verdict(analysis: Analysis) -> list[str]:
    """Say what held the memory, why this process, and what would have saved it."""
    return [*_what(analysis), *_whose(analysis), *_why(analysis), *_saved(analysis)]


def _is_group(analysis: Analysis) -> bool:
    return analysis.report.constraint == "CONSTRAINT_MEMCG"


def _what(analysis: Analysis) -> Iterator[str]:
    report = analysis.report
    if _is_group(analysis):
        yield from _limits(analysis)
    elif report.order == _SYSRQ:
        yield "Somebody asked for the kill (SysRq-f)."
    yield from _held(analysis)
    if report.swap_total is not None and not _is_group(analysis):
        yield _swap(report.swap_total, report.swap_free)
    yield from _zones(report, analysis.page_size)


def _limits(analysis: Analysis) -> Iterator[str]:
    """Say which limit of the group was met."""
    report = analysis.report
    where = f"In the group {report.group}" if report.group else "In the group"
    full = [name for name, (usage, limit) in report.limits.items() if usage >= limit > 0]
    if "memory" in report.limits:
        name = "memory+swap" if full == ["memory+swap"] else "memory"
        usage, limit = report.limits[name]
        with_swap = " with swap" if name == "memory+swap" else ""
        used = f"{human_size(usage)} of {human_size(limit)}"
        yield f"{where} {used}{with_swap} were used, and that is its limit, not the machine's."


def _held(analysis: Analysis) -> Iterator[str]:
    """Say what most of the memory was, and what of it no kill gives back."""
    held = memory_held(analysis)
    spent = {name: size for name, size in held.items() if name != "free" and size}
    together, hidden = sum(spent.values()), uncounted(analysis) or 0
    if hidden > together:
        yield (
            f"{human_size(hidden)} of RAM are in none of the report's counters: the kernel itself or its drivers "
            "have them, and no kill gives them back."
        )
    largest = sorted(spent.items(), key=lambda each: -each[1])[:3]
    if largest:
        what = "Most of the rest" if hidden > together else "Most of it"
        yield f"{what} was {', '.join(f'{name} {human_size(size)}' for name, size in largest)}."
    if together >= hidden > _NOTABLE * together:
        yield f"{human_size(hidden)} more are in none of the report's counters: the kernel or its drivers have them."
    shmem = held.get("shmem", 0)
    if shmem > _NOTABLE * together:
        yield f"Shared memory and files on tmpfs ({human_size(shmem)}) stay after a kill, until they are deleted."
    yield from _caches(analysis)


def _caches(analysis: Analysis) -> Iterator[str]:
    caches = sorted(analysis.report.slab_caches.items(), key=lambda each: -each[1])[:3]
    if caches:
        most = ", ".join(f"{name} {human_size(size)}" for name, size in caches)
        yield f"Of the kernel's caches that cannot be reclaimed the largest were {most}."


def _zones(report: OomReport, page_size: int) -> Iterator[str]:
    """Say what is odd: a kill though no zone was short, or though there was high memory left."""
    short = [zone for zone in report.zones if zone.min and zone.free < zone.low]
    is_short = short or any(_is_short_beside(zone, page_size) for zone in report.zones if zone.min)
    if report.zones and not is_short and report.order is not None and report.order > 0:
        yield f"No zone was short of memory: what was missing are {1 << report.order} pages in one piece."
    high = sum(zone.free for zone in report.zones if zone.name == "HighMem" and zone.free > zone.high)
    takes_high = report.gfp_mask is None or report.order == _SYSRQ or int(report.gfp_mask, 16) & _HIGHMEM
    if short and high and not takes_high:
        yield f"Low memory was asked for, and short: {human_size(high)} of HighMem were free, but do not serve then."


def _is_short_beside(zone: ReportedZone, page_size: int) -> bool:
    """Tell whether a zone had no more than it keeps from who could use a higher one; not so one that gives none at all.

    Source: mm/page_alloc.c, __zone_watermark_ok(), Linux 6.1.
    """
    kept = zone.low + max(zone.lowmem_reserve, default=0) * page_size
    whole = zone.present if zone.managed is None else zone.managed
    return zone.free < kept and (whole is None or kept < whole)


def _swap(total: int, free: int | None) -> str:
    if not total:
        return "There was no swap."
    if free is None:
        return f"There were {human_size(total)} of swap."
    return f"Of {human_size(total)} of swap {human_size(free)} were free."


def _whose(analysis: Analysis) -> Iterator[str]:
    """Say which processes had the most, where that is not who was killed: by one, and by those of one name."""
    by_name: dict[str, list[Weighed]] = {}
    for row in analysis.tasks:
        by_name.setdefault(row.name, []).append(row)
    largest = max(analysis.tasks, key=resident, default=None)
    most = max(by_name.values(), key=lambda rows: sum(map(resident, rows)), default=[])
    if largest is None or not resident(largest):
        return
    together = sum(map(resident, most))
    if together > _MANY_TIMES * resident(largest):
        yield (
            f"The {len(most)} processes named {most[0].name} had {human_size(together)} with swap; what they share "
            "counts for each."
        )
    if largest.pid != analysis.chosen_pid:
        yield f"The largest was {largest.pid} ({largest.name}) with {human_size(resident(largest))}."


def _why(analysis: Analysis) -> Iterator[str]:
    report, killed = analysis.report, analysis.killed
    if report.finds_nobody:
        yield "The kernel found nobody that it may kill."
    if report.panic:
        yield "The kernel panicked instead of killing."
    if killed is None:
        return
    who = f"{killed.pid} ({killed.name})"
    if report.kills_allocating_task:
        yield f"{who} was killed because it asked for memory then (vm.oom_kill_allocating_task)."
        return
    if report.chosen_pid is not None and report.chosen_pid != killed.pid:
        yield f"{report.chosen_pid} ({report.chosen_name}) was chosen, {_instead(analysis, who)}."
    row = _chosen(analysis)
    if row is not None:
        yield _points(row, analysis)
    predicted = analysis.predicted
    if row is not None and predicted is not None and predicted.pid != row.pid:
        yield f"By the table, {predicted.pid} ({predicted.name}) had more: the table does not show why it was spared."
    if report.is_group_kill:
        yield "With it all of its group were killed, as memory.oom.group of the group asks."


def _instead(analysis: Analysis, who: str) -> str:
    """Say what another process has to do with the one that was chosen; its line may name a thread."""
    if not analysis.tasks:
        return f"and {who} killed for it: its child, or the process whose thread it is"
    if analysis.chosen_pid == analysis.report.chosen_pid:
        return f"and its child {who} sacrificed"
    return f"which is no process of the table: a thread of {who}, it seems"


def _chosen(analysis: Analysis) -> Weighed | None:
    return next((row for row in analysis.tasks if row.pid == analysis.chosen_pid), None)


def _next(analysis: Analysis, row: Weighed) -> Weighed | None:
    """Give the first of the others to be killed."""
    return next((other for other in ranked(analysis) if other.pid != row.pid and other.points is not None), None)


def _points(row: Weighed, analysis: Analysis) -> str:
    """Say what made the points of a task."""
    own = resident(row) + (row.page_tables or 0)
    total = analysis.total_pages
    of_all = (total or 0) * analysis.page_size
    # Of a group one may have more than all: resident are pages of files, too, that are charged to other groups
    share = f", {100 * own / of_all:.0f} % of all," if own <= of_all > 0 else ""
    adj = row.oom_score_adj or 0
    other = _next(analysis, row)
    words = f"{row.pid} ({row.name}) had {human_size(own)}{share} of its own"
    if adj > 0 and total:
        extra = adj * (total // 1000) * analysis.page_size
        words += f", and oom_score_adj {adj} counted as {human_size(extra)} more"
    if row.points is not None and other and row.points >= (other.points or 0):
        words += f": the most points; next was {other.pid} ({other.name})"
    return f"{words}."


def _saved(analysis: Analysis) -> Iterator[str]:
    """Say what would have saved the one who was chosen, as far as the report tells."""
    report, killed = analysis.report, analysis.killed
    if killed is None or report.kills_allocating_task:
        return
    row = _chosen(analysis)
    other = None if row is None else _next(analysis, row)
    total = analysis.total_pages
    if row is not None and row.points is not None and other and total:
        measure = 1000 if is_share(analysis.version) else total  # what points are a share of
        best = adj_to_be_safer(row.points, other.points or 0, row.oom_score_adj or 0, measure)
        if best is not None and row.points >= (other.points or 0):
            yield f"With oom_score_adj {best} or less, {other.pid} ({other.name}) would have been killed instead."
    if _is_group(analysis):
        yield _higher_limit(analysis)
        return
    yield from _more_swap(analysis)
    if report.constraint in _OF_NODES:
        yield from _other_nodes(analysis, _OF_NODES[report.constraint])
    else:
        yield from _limit_of_largest(analysis)


def _higher_limit(analysis: Analysis) -> str:
    limits = analysis.report.limits
    setting = " (memory.limit_in_bytes)" if "memory+swap" in limits else " (memory.max)" if "swap" in limits else ""
    return f"A higher limit of the group{setting}, or less in it, would have saved all of them."


def _more_swap(analysis: Analysis) -> Iterator[str]:
    report, held = analysis.report, memory_held(analysis)
    if report.swap_total is None or report.order == _SYSRQ or not held:
        return
    is_anonymous = held.get("anonymous", 0) + held.get("shmem", 0) > _MUCH * sum(held.values())
    used_up = report.swap_free is not None and report.swap_free < _ALMOST_NONE * report.swap_total
    if is_anonymous and (used_up or not report.swap_total):
        more = "More swap" if report.swap_total else "Swap"
        yield f"{more} would have had room for some of what is anonymous, and put the kill off."


def _other_nodes(analysis: Analysis, chooser: str) -> Iterator[str]:
    """Say what was free where nobody could take it: the report lists the zones of the nodes that were allowed."""
    report = analysis.report
    elsewhere = report.counters.get("free", 0) * analysis.page_size - sum(zone.free for zone in report.zones)
    if report.zones and elsewhere > 0:
        yield f"On other nodes {human_size(elsewhere)} were free: more nodes in {chooser} would have put the kill off."


def _limit_of_largest(analysis: Analysis) -> Iterator[str]:
    total = analysis.total_pages
    largest = max(analysis.tasks, key=resident, default=None)
    if largest is None or not total:
        return
    share = 100 * resident(largest) / (total * analysis.page_size)
    if 100 * _MUCH <= share <= 100:  # beyond are damaged figures
        yield (
            f"{largest.pid} ({largest.name}) alone had {share:.0f} %: "
            "a limit for it (memory.max of a group, or ulimit -v) stops it before the machine is short; with "
            "vm.overcommit_memory=2 whoever asks is refused before memory runs out."
        )
