"""The text of oom-report: what happened, the zones, the first of the tasks, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pymemtools.render.classic_table import classic_table, plain_kib
from pymemtools.render.escape import cut, escape
from pymemtools.render.fit import wrapped
from pymemtools.report import Report
from pymemtools.reports.oom_report.analysis import Analysis, freed, freed_swap, ranked
from pymemtools.reports.oom_report.report import Told
from pymemtools.reports.oom_report.task_columns import TASK_COLUMNS
from pymemtools.reports.oom_report.verdict import verdict
from pymemtools.reports.oom_report.weights import Weighed
from pymemtools.units import human_size

_FIRST = 5  # tasks that are shown without --tasks
_FEW = 8  # kills of one report that are named


def kill_lines(report: Report, width: int, *, cuts_table: bool, is_named: bool, is_whole: bool) -> Iterator[str]:
    """Lay out the one kill of a report."""
    (kill,) = report.answer
    return told_lines(kill, width, cuts_table=cuts_table, is_named=is_named, is_whole=is_whole)


def told_lines(
    kill: Told, width: int = 80, *, cuts_table: bool = False, is_named: bool = False, is_whole: bool
) -> Iterator[str]:
    """Lay a kill out for people, sentences broken at ``width`` columns, with all tasks or the first.

    ``cuts_table`` has the table of tasks end there, too; ``is_named`` names the log, where there are several.
    """
    analysis = kill.analysis
    yield _title(analysis, kill.told_when)
    facts = _facts(analysis)
    for name, text in [("log", kill.log), *facts] if is_named else facts:
        yield from _folded(f"  {name + ':':<9} {escape(text)}", 12, width)
    yield ""
    for zone in _zones(analysis):
        yield from _folded(zone, 4, width)
    yield from _tasks(analysis, width if cuts_table else None, is_whole=is_whole)
    for sentence in verdict(analysis):
        yield from _folded(escape(sentence), 2, width)
    if analysis.missing:
        yield from _folded(f"Missing, so not worked out: {', '.join(analysis.missing)}.", 2, width)


def _folded(text: str, indent: int, width: int) -> list[str]:
    """Break a line at blanks only: names and paths stay whole, to be searched for."""
    start = len(text) - len(text.lstrip(" "))
    return wrapped(
        text[start:],
        width,
        initial_indent=" " * start,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def _title(analysis: Analysis, told_when: str | None) -> str:
    report = analysis.report
    where = {
        "CONSTRAINT_MEMCG": f"memory group {escape(report.group or '?')}",
        "CONSTRAINT_CPUSET": "the nodes of a cpuset",
        "CONSTRAINT_MEMORY_POLICY": "the nodes of a memory policy",
    }.get(report.constraint or "", "whole machine")
    kernel = f", Linux {escape(report.kernel)}" if report.kernel else ""
    when = f" at {escape(told_when)}" if told_when else ""
    host = f" on {escape(report.host)}" if report.host else ""
    return f"Out of memory{when}{host}: {where}{kernel}"


def _facts(analysis: Analysis) -> Iterator[tuple[str, str]]:
    report = analysis.report
    if report.gfp_mask is not None:
        pid = f"{report.invoker_pid} " if report.invoker_pid is not None else ""
        order = f", order {report.order}" if report.order is not None else ""
        yield "asked", f"{pid}({report.invoker or '?'}), {report.gfp_flags or report.gfp_mask}{order}"
    elif report.is_headless:
        yield "asked", "not known: the log does not have the beginning of the report"
    yield from _ends(analysis)
    yield "model", _model(analysis)
    yield "score", _score(analysis)
    if analysis.total_pages is not None:
        whole = human_size(analysis.total_pages * analysis.page_size)
        yield "of", f"{analysis.total_pages} pages of {_measure(analysis)} = {whole}"
    if analysis.identities:
        agreeing = [f"{each.what} {each.line_kib} kB" for each in analysis.identities if each.holds]
        others = [
            f"{each.what} {each.line_kib} kB, in the table {each.table_kib} kB"
            for each in analysis.identities
            if not each.holds
        ]
        parts = [f"as in the table: {', '.join(agreeing)}"] if agreeing else []
        yield "check", "; ".join([*parts, *([f"not: {', '.join(others)}"] if others else [])])


def _ends(analysis: Analysis) -> Iterator[tuple[str, str]]:
    """Say who was killed, and what became of it."""
    report = analysis.report
    for kill in report.kills[:_FEW]:
        returned = [(freed(analysis, kill), ""), (freed_swap(analysis, kill), " of swap")]
        sizes = " and ".join(f"{human_size(size)}{what}" for size, what in returned if size or (size == 0 and not what))
        yield "killed", f"{kill.pid} ({kill.name})" + (f", which returned {sizes}" if sizes else "")
    if len(report.kills) > _FEW:
        yield "killed", f"and {len(report.kills) - _FEW} more (-f json names all)"
    if not report.kills:
        nobody = "nobody" if report.exiting or report.finds_nobody else "nobody, as far as the log goes"
        yield "killed", f"{report.told_pid} ({report.told_name})" if report.told_pid else nobody
    for exiting in report.exiting[:_FEW]:
        yield "spared", f"{exiting.pid} ({exiting.name}), which was about to end anyway"
    for reaped in report.reaped[:_FEW]:
        left = "not reaped" if reaped.left is None else f"{human_size(sum(reaped.left.values()))} left"
        yield "reaped", f"{reaped.pid} ({reaped.name}), {left}"


def _measure(analysis: Analysis) -> str:
    return {
        "CONSTRAINT_MEMCG": "the group's limit",
        "CONSTRAINT_CPUSET": "the cpuset's nodes, and swap",
        "CONSTRAINT_MEMORY_POLICY": "the policy's nodes, and swap",
    }.get(analysis.report.constraint or "", "RAM and swap")


def _model(analysis: Analysis) -> str:
    predicted, chosen = analysis.predicted, analysis.chosen_pid
    if predicted is None:
        return f"names no victim, for lack of {', '.join(analysis.missing) or 'any that may be killed'}"
    agrees = " (agrees)" if predicted.pid == chosen else " (differs)" if chosen is not None else ""
    return f"{predicted.pid} ({predicted.name}){agrees}"


def _score(analysis: Analysis) -> str:
    scores = analysis.scores
    printed = "none printed" if scores.printed is None else f"printed {scores.printed}"
    computed = "not computed" if scores.computed is None else f"computed {scores.computed}"
    parts = [printed, computed]
    if scores.other is not None:
        bonus = "with" if scores.other_has_bonus else "without"
        parts.append(f"{scores.other} {bonus} what root's tasks have less")
    if scores.totals is not None and analysis.total_pages is None:
        fewest, most = scores.totals
        parts.append(f"the printed one agrees with {fewest}..{most + 1} pages of RAM and swap, the last left out")
    return ", ".join(parts)


def _zones(analysis: Analysis) -> Iterator[str]:
    for zone in analysis.report.zones:
        marks = ", ".join(f"{mark} {human_size(getattr(zone, mark))}" for mark in ("min", "low", "high"))
        boost = f" (with boost {human_size(zone.boost)})" if zone.boost else ""
        state = " below min" if zone.free < zone.min else " below low" if zone.free < zone.low else ""
        yield f"  Node {zone.node} {zone.name}: free {human_size(zone.free)}{state}; {marks}{boost}"
    if analysis.report.zones:
        yield ""


def _tasks(analysis: Analysis, width: int | None, *, is_whole: bool) -> Iterator[str]:
    rows: Sequence[Weighed] = ranked(analysis)
    shown = rows if is_whole else rows[:_FIRST]
    if not rows:
        return
    cells = [[getattr(row, column.key) for column in TASK_COLUMNS] for row in shown]
    for line in classic_table(TASK_COLUMNS, cells, amount=plain_kib):
        yield line.rstrip() if width is None else cut(line.rstrip(), width)
    left = len(rows) - len(shown) + analysis.report.tasks_left_out
    if left:
        yield f"  ... and {left} more" + ("" if is_whole else " (--tasks shows all)")
    yield ""
