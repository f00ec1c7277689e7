"""The answer of oom-report: a row for each kill."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from pymemtools.cells import Derived
from pymemtools.kernel_log.oom_report import OomReport
from pymemtools.readings.kernel_logs import Logged
from pymemtools.report import Column, Report, Rowlike, Table
from pymemtools.reports.oom_report import nested
from pymemtools.reports.oom_report.analysis import Analysis, analyse, freed, freed_swap, memory_held, uncounted
from pymemtools.reports.oom_report.task_columns import TASK_COLUMNS
from pymemtools.reports.oom_report.verdict import verdict
from pymemtools.sources.base import utc


class Told(NamedTuple):
    """A report, explained, and the log that has it; sizes in bytes, unknown is None."""

    log: str
    analysis: Analysis
    started_at: float | None = None  # the machine, in seconds since 1970

    @property
    def report(self) -> OomReport:
        """Give what the log says."""
        return self.analysis.report

    @property
    def when_utc(self) -> str | None:
        """Give the time in ISO 8601, of a log that counts from a start of the machine that is known."""
        when = self.report.when
        if when is None or self.started_at is None or not _SINCE_START.fullmatch(when):
            return None
        return utc(int(self.started_at + float(when)))

    @property
    def told_when(self) -> str | None:
        """Write the time as the log has it, and by the clock where that is known."""
        when, clock = self.report.when, self.when_utc
        return when if clock is None else f"{when} ({clock[:10]} {clock[11:-1]} UTC)"

    @property
    def killed_pid(self) -> int | None:
        """Name who was killed, the first of several."""
        killed = self.analysis.killed
        return killed.pid if killed else self.report.told_pid

    @property
    def killed_name(self) -> str | None:
        """Give its name."""
        killed = self.analysis.killed
        return killed.name if killed else self.report.told_name

    @property
    def chosen_pid(self) -> int | None:
        """Name who was chosen, and perhaps not killed."""
        report = self.report
        return report.chosen_pid if report.chosen_pid is not None else report.told_pid

    @property
    def freed(self) -> int | None:
        """Give the RAM that the first kill returned."""
        killed = self.analysis.killed
        return None if killed is None else freed(self.analysis, killed)

    @property
    def freed_swap(self) -> int | None:
        """Give the swap that it returned."""
        killed = self.analysis.killed
        return None if killed is None else freed_swap(self.analysis, killed)

    @property
    def predicted_pid(self) -> int | None:
        """Name whom the model chooses."""
        predicted = self.analysis.predicted
        return predicted.pid if predicted else None

    @property
    def predicted_name(self) -> str | None:
        """Give its name."""
        predicted = self.analysis.predicted
        return predicted.name if predicted else None


_SINCE_START = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}", re.ASCII)


def _dicts(records: Iterable[Rowlike]) -> list[dict[str, Any]]:
    return [record._asdict() for record in records]


_FIELDS: tuple[tuple[Column, Callable[[Told], Any]], ...] = (
    (Column("file", "File", "the log", "text", right=False), attrgetter("log")),
    (
        Column("when", "When", "the time as the log has it, or as ISO 8601 where JSON counts from 1970", "text"),
        attrgetter("report.when"),
    ),
    (
        Column(
            "when_utc", "UTC", "the same by the clock, of a log that counts from a start that the source tells", "text"
        ),
        attrgetter("when_utc"),
    ),
    (Column("host", "Host", "who logged it, if the log names it", "text"), attrgetter("report.host")),
    (Column("kernel", "Kernel", "the kernel's release", "text"), attrgetter("report.kernel")),
    (
        Column("constraint", "Constraint", "what was out of memory: CONSTRAINT_NONE, _MEMCG, _CPUSET ...", "text"),
        attrgetter("report.constraint"),
    ),
    (Column("cgroup", "Group", "the memory group whose limit was met", "text"), attrgetter("report.group")),
    (Column("invoker", "Invoker", "who asked for memory", "text"), attrgetter("report.invoker")),
    (Column("invoker_pid", "PID", "its process number", "count"), attrgetter("report.invoker_pid")),
    (Column("gfp_mask", "Mask", "for what it asked, as the kernel's mask", "text"), attrgetter("report.gfp_mask")),
    (Column("gfp_flags", "Flags", "the same by name", "text"), attrgetter("report.gfp_flags")),
    (
        Column("order", "Order", "2 to this power are the pages asked for; -1: by hand (SysRq-f)", "count"),
        attrgetter("report.order"),
    ),
    (Column("killed_pid", "Killed", "who was killed", "count"), attrgetter("killed_pid")),
    (Column("killed_name", "Name", "its name", "text"), attrgetter("killed_name")),
    (
        Column(
            "chosen_pid", "Chosen", "who was chosen: before Linux 5.1 a child may have been killed instead", "count"
        ),
        attrgetter("chosen_pid"),
    ),
    (
        Column("predicted_pid", "Predicted", "the victim by the model; none where the log tells too little", "count"),
        attrgetter("predicted_pid"),
    ),
    (Column("predicted_name", "Name", "its name", "text"), attrgetter("predicted_name")),
    (
        Column("oom_score_printed", "Printed", "the score that the kernel printed, in thousandths", "score"),
        attrgetter("analysis.scores.printed"),
    ),
    (
        Column("oom_score_computed", "Computed", "the score by the model", "score"),
        attrgetter("analysis.scores.computed"),
    ),
    (
        Column(
            "oom_score_other", "Other", "if what root's tasks have less holds, or does not, other than there", "score"
        ),
        attrgetter("analysis.scores.other"),
    ),
    (
        Column("possible_total_pages", "Possible", "least and most pages that the printed score agrees with", "nested"),
        attrgetter("analysis.scores.totals"),
    ),
    (Column("total_pages", "Pages", "what scores are a share of", "pages"), attrgetter("analysis.total_pages")),
    (Column("page_size", "Page", "the size of a page", "bytes"), attrgetter("analysis.page_size")),
    (Column("freed", "Freed", "the RAM that the first kill returned", "bytes"), attrgetter("freed")),
    (Column("freed_swap", "Swap", "the swap that it returned", "bytes"), attrgetter("freed_swap")),
    (Column("swap_total", "Swap", "swap space", "bytes"), attrgetter("report.swap_total")),
    (Column("swap_free", "Free swap", "what of it was free", "bytes"), attrgetter("report.swap_free")),
    (
        Column("memory", "Memory", "where memory was, each page in one figure only", "nested"),
        lambda kill: nested.by_key(memory_held(kill.analysis)),
    ),
    (
        Column("uncounted", "Uncounted", "what of the RAM is in none of the figures", "bytes"),
        lambda kill: uncounted(kill.analysis),
    ),
    (
        Column("slab_caches", "Caches", "the caches that cannot be reclaimed, where the kernel lists them", "nested"),
        attrgetter("report.slab_caches"),
    ),
    (
        Column("zones", "Zones", "the zones and their watermarks", "nested"),
        lambda kill: nested.zones(kill.report.zones),
    ),
    (
        Column("limits", "Limits", "usage and limit of the group", "nested"),
        lambda kill: nested.limits(kill.report.limits),
    ),
    (Column("killed", "Killed", "the lines of the kills", "nested"), lambda kill: nested.kills(kill.report.kills)),
    (Column("exiting", "Exiting", "who was about to end anyway", "nested"), lambda kill: _dicts(kill.report.exiting)),
    (Column("reaped", "Reaped", "the reaper's lines", "nested"), lambda kill: nested.reaped(kill.report.reaped)),
    (
        Column("identities", "Check", "the figures of the kill against the table's", "nested"),
        lambda kill: nested.identities(kill.analysis.identities),
    ),
    (Column("rule", "Rule", "the rule of the kernel's era", "text"), attrgetter("analysis.rule")),
    (Column("verdict", "Verdict", "what it comes to, in words", "nested"), lambda kill: verdict(kill.analysis)),
    (
        Column("missing_inputs", "Missing", "what the log does not tell, and is not worked out", "list"),
        lambda kill: tuple(kill.analysis.missing),
    ),
    (Column("tasks", "Tasks", "the task table, with points", "nested"), lambda kill: _dicts(kill.analysis.tasks)),
)
COLUMNS = tuple(column for column, _ in _FIELDS)


def explained(logged: Iterable[Logged]) -> Iterator[Told]:
    """Explain reports one after the other."""
    return (Told(log, analyse(report), started_at) for log, report, started_at in logged)


def kills_report(kills: Sequence[Told], facts: Mapping[str, Any], notes: Sequence[str] = ()) -> Report:
    """Make a table of kills, whose cells are worked out when they are asked for."""
    cells = {column.key: Derived(cell, kills) for column, cell in _FIELDS}
    return Report("oom-report", Table(COLUMNS, cells), kills, facts=facts, notes=tuple(notes), within=TASK_COLUMNS)
