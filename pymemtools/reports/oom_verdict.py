"""What a report of the OOM killer comes to, in plain words; only what the report itself shows."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.kernel_log.oom_report import OomReport
from pymemtools.models.oom import adj_to_be_safer
from pymemtools.reports.oom_report import Analysis, memory_held, ranked, uncounted
from pymemtools.reports.oom_weights import Weighed, is_share
from pymemtools.units import human_size

_MUCH = 0.5  # a share that is worth a word
_HIGHMEM = 0x02  # ___GFP_HIGHMEM, in all versions
_SYSRQ = -1  # the order that a kill by hand has


def verdict(analysis: Analysis) -> list[str]:
    """Say what held the memory, why this process, and what would have saved it."""
    return [*_what(analysis), *_why(analysis), *_saved(analysis)]


def _what(analysis: Analysis) -> Iterator[str]:
    report = analysis.report
    held = memory_held(analysis)
    spent = {name: size for name, size in held.items() if name != "free" and size}
    largest = sorted(spent.items(), key=lambda each: -each[1])[:3]
    where = f"In the group {report.group}" if report.group else "In the group"
    if report.constraint == "CONSTRAINT_MEMCG":
        if "memory" in report.limits:
            usage, limit = report.limits["memory"]
            used = f"{human_size(usage)} of {human_size(limit)}"
            yield f"{where} {used} were used, and that is its limit, not the machine's."
    elif report.order == _SYSRQ:
        yield "Somebody asked for the kill (SysRq-f)."
    hidden = (uncounted(analysis) or 0) if report.constraint != "CONSTRAINT_MEMCG" else 0
    is_hidden = hidden > sum(spent.values())
    if is_hidden:
        yield (
            f"{human_size(hidden)} of RAM are in none of the report's counters: the kernel itself or its drivers "
            "have them, and no kill gives them back."
        )
    if largest:
        what = "Most of the rest" if is_hidden else "Most of it"
        yield f"{what} was {', '.join(f'{name} {human_size(size)}' for name, size in largest)}."
    if report.swap_total is not None and report.constraint != "CONSTRAINT_MEMCG":
        yield _swap(report.swap_total, report.swap_free)
    yield from _zones(report)


def _zones(report: OomReport) -> Iterator[str]:
    """Say what is odd: a kill though no zone was short, or though there was high memory left."""
    short = [zone for zone in report.zones if zone.min and zone.free < zone.low]
    if report.zones and not short and report.order is not None and report.order > 0:
        yield f"No zone was short of memory: what was missing are {1 << report.order} pages in one piece."
    high = sum(zone.free for zone in report.zones if zone.name == "HighMem" and zone.free > zone.high)
    takes_high = report.gfp_mask is None or report.order == _SYSRQ or int(report.gfp_mask, 16) & _HIGHMEM
    if short and high and not takes_high:
        yield f"Low memory was asked for, and short: {human_size(high)} of HighMem were free, but do not serve then."


def _swap(total: int, free: int | None) -> str:
    if not total:
        return "There was no swap."
    if free is None:
        return f"There were {human_size(total)} of swap."
    return f"Of {human_size(total)} of swap {human_size(free)} were free."


def _why(analysis: Analysis) -> Iterator[str]:
    report, killed = analysis.report, analysis.killed
    if report.panic:
        yield "The kernel panicked instead of killing."
    if killed is None:
        return
    who = f"{killed.pid} ({killed.name})"
    if report.kills_allocating_task:
        yield f"{who} was killed because it asked for memory then (vm.oom_kill_allocating_task)."
        return
    if report.chosen_pid is not None and report.chosen_pid != killed.pid:
        yield f"{report.chosen_pid} ({report.chosen_name}) was chosen, and its child {who} sacrificed."
    row = next((row for row in analysis.tasks if row.pid == (report.chosen_pid or killed.pid)), None)
    if row is None:
        return
    yield _points(row, analysis)
    predicted = analysis.predicted
    if predicted is not None and predicted.pid != row.pid:
        yield f"By the table, {predicted.pid} ({predicted.name}) had more: the table does not show why it was spared."


def _points(row: Weighed, analysis: Analysis) -> str:
    """Say what made the points of a task."""
    own = (row.rss or 0) + (row.swap or 0) + (row.page_tables or 0)
    total = analysis.total_pages
    share = f", {100 * own // (total * analysis.page_size)} % of all," if total else ""
    adj = row.oom_score_adj or 0
    others = [other for other in ranked(analysis) if other.pid != row.pid and other.points is not None]
    words = f"{row.pid} ({row.name}) had {human_size(own)}{share} of its own"
    if adj > 0 and total:
        extra = adj * (total // 1000) * analysis.page_size
        words += f", and oom_score_adj {adj} counted as {human_size(extra)} more"
    if row.points is not None and others and row.points >= (others[0].points or 0):
        words += f": the most points; next was {others[0].pid} ({others[0].name})"
    return f"{words}."


def _saved(analysis: Analysis) -> Iterator[str]:
    """Say what would have saved the one who was chosen, as far as the report tells."""
    report, killed = analysis.report, analysis.killed
    if killed is None or report.kills_allocating_task:
        return
    row = next((row for row in analysis.tasks if row.pid == (report.chosen_pid or killed.pid)), None)
    others = [other for other in ranked(analysis) if row and other.pid != row.pid and other.points is not None]
    total = analysis.total_pages
    if row is not None and row.points is not None and others and total:
        measure = 1000 if is_share(analysis.version) else total  # what points are a share of
        best = adj_to_be_safer(row.points, others[0].points or 0, row.oom_score_adj or 0, measure)
        instead = f"{others[0].pid} ({others[0].name}) would have been killed instead"
        if best is not None and row.points >= (others[0].points or 0):
            yield f"With oom_score_adj {best} or less, {instead}."
    if report.constraint == "CONSTRAINT_MEMCG":
        yield "A higher memory.max of the group, or less in it, saves all of them."
        return
    largest = max(analysis.tasks, key=lambda each: (each.rss or 0) + (each.swap or 0), default=None)
    if largest is not None and total:
        own = (largest.rss or 0) + (largest.swap or 0)
        if own > _MUCH * total * analysis.page_size:
            yield (
                f"{largest.pid} ({largest.name}) alone had {100 * own // (total * analysis.page_size)} %: "
                "a limit for it (memory.max of a group, or ulimit -v) ends it before the machine is short; "
                "vm.overcommit_memory=2 would have it refused memory instead."
            )
