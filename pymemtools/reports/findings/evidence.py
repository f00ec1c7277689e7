"""All answers that findings rest on, each worked out when it is first asked for, of one reading of the source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.procfs.pressure import Pressure, parse_pressure
from pymemtools.readings.machine import Machine, read_machine
from pymemtools.readings.once import Once
from pymemtools.readings.paging import uptime_of
from pymemtools.readings.processes import Sample, read_processes
from pymemtools.readings.tmpfs import Tmpfs, read_tmpfs
from pymemtools.readings.wants import Wants
from pymemtools.report import Report
from pymemtools.reports.groups.mapped import WANTS as OF_GROUPS
from pymemtools.reports.groups.mapped import WANTS_PSS
from pymemtools.reports.groups.report import GroupsRequest, groups_report
from pymemtools.reports.oom_scores.candidates import WANTS as WEIGHTS
from pymemtools.reports.oom_scores.report import ScoresRequest, scores_report
from pymemtools.reports.smem.report import smem_report
from pymemtools.reports.smem.request import Request
from pymemtools.reports.swap.report import WANTS as SWAPPED
from pymemtools.reports.swap.report import SwapRequest, swap_report
from pymemtools.reports.thp.machine import thp_report
from pymemtools.reports.tunables.report import list_report
from pymemtools.reports.what_if import overcommit
from pymemtools.reports.what_if.asked import ask
from pymemtools.reports.what_if.commitments import WANTS as COMMITMENTS
from pymemtools.reports.zones import reserves, zones_report
from pymemtools.sources.base import Source
from pymemtools.sources.left_behind import host_of
from pymemtools.units import human_size, plus

if TYPE_CHECKING:
    from pymemtools.readings.recorded import Recorded
    from pymemtools.reports.oom_report.report import Told

_BOOT_ID = "sys/kernel/random/boot_id"


class Questions(NamedTuple):
    """How much is asked: of processes and groups all that a page shows, or what findings need."""

    processes: Request = Request()  # of which the figures "thp" and "mappings" are needed
    groups: GroupsRequest = GroupsRequest(shows_all=True)
    more: Wants = SWAPPED  # of processes, for what else is asked
    forks: bool = True  # whether it is counted who could not fork in mode 2

    @property
    def wants(self) -> Wants:
        """Say what they want of processes, all together."""
        return _wants_of(self)


@lru_cache(maxsize=8)
def _wants_of(questions: Questions) -> Wants:
    of_groups = WANTS_PSS if questions.groups.with_pss else OF_GROUPS
    own = Wants(cgroup=True, status=True)
    of_forks = COMMITMENTS if questions.forks else own
    return questions.processes.resolved().wants | WEIGHTS | of_forks | of_groups | questions.more | own


PAGE = Questions()


class Evidence:
    """One source, and what was asked of it; an answer that it cannot give is None, and ``untold`` says why."""

    def __init__(
        self,
        source: Source,
        kills: Sequence[Told] | None = None,
        before: Evidence | None = None,
        questions: Questions = PAGE,
        recorded: Recorded | None = None,
    ) -> None:
        self.source = Once(source, questions.wants)
        self._questions = questions
        self.recorded = recorded  # the span of the recording that the source is a moment of
        self.kills = kills  # in its logs; None: it has none
        self.before = before  # what it is to be compared with
        self.untold: dict[str, str] = {}
        self._rows: dict[str, list[dict[str, Any]]] = {}

    @cached_property
    def another(self) -> str | None:
        """Say why what was before is no earlier state of this machine; None where it is, or nothing was."""
        if self.before is None:
            return None
        hosts = [own_name(each.source) for each in (self.before, self)]
        if None not in hosts:  # a balloon may have taken RAM since
            return None if hosts[0] == hosts[1] else f"it is of {hosts[0]}, and this is {hosts[1]}"
        was, now = self.before.ram, self.ram
        if was and now and 10 * abs(was - now) > max(was, now):
            return f"it has {human_size(was)} of RAM, and this {human_size(now)}"
        return None

    @cached_property
    def is_turned(self) -> bool:
        """Tell whether what was to be before was taken later: by the time that the machine was up, or the clock."""
        if self.before is None or self.another:
            return False
        sources = self.before.source, self.source
        boots = [each.text(_BOOT_ID) for each in (self.before, self)]
        was, now = map(uptime_of, sources)
        if boots[0] is not None and boots[0] == boots[1] and was is not None and now is not None:
            return was > now
        taken = [each.facts.taken_at for each in sources]
        return taken[0] is not None and taken[1] is not None and taken[0] > taken[1]

    @property
    def earlier(self) -> Evidence | None:
        """Give the same machine earlier."""
        return None if self.another or self.is_turned else self.before

    def answer(self, question: str, ask_it: Callable[[], Report]) -> Report | None:
        """Ask, or say in ``untold`` why there is no answer."""
        try:
            return ask_it()
        except MemtoolsError as error:
            self.untold[question] = str(error)
            return None

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Give the rows of ``processes``, ``zones`` ..., none without an answer; made once: many ask."""
        if name not in self._rows:
            self._rows[name] = rows_of(getattr(self, name))
        return self._rows[name]

    @cached_property
    def machine(self) -> Machine:
        """Give the machine's figures and settings."""
        return read_machine(self.source)

    @cached_property
    def sample(self) -> Sample:
        """Give the processes."""
        return read_processes(self.source, self._questions.wants)

    @cached_property
    def processes(self) -> Report | None:
        """Answer ``smem -c all``."""
        return self.answer("smem", lambda: smem_report(self.source, self._questions.processes))

    @cached_property
    def scores(self) -> Report | None:
        """Answer ``oom-scores``."""
        return self.answer("oom-scores", lambda: scores_report(self.source, ScoresRequest()))

    @cached_property
    def system(self) -> Report | None:
        """Answer ``smem -W``."""
        return self.answer("smem -W", lambda: smem_report(self.source, Request("system", detailed=True)))

    @cached_property
    def tmpfs(self) -> list[Tmpfs]:
        """Give file systems in memory, the fullest in bytes first; none where the source does not tell."""
        return read_tmpfs(self.source) or []

    @cached_property
    def zones(self) -> Report | None:
        """Answer ``zones``."""
        return self.answer("zones", lambda: zones_report(reserves(self.source), self.source.facts._asdict()))

    @cached_property
    def groups(self) -> Report | None:
        """Answer ``groups --all``."""
        return self.answer("groups", lambda: groups_report(self.source, self._questions.groups))

    @cached_property
    def swap(self) -> Report | None:
        """Answer ``swap``."""
        return self.answer("swap", lambda: swap_report(self.source, SwapRequest()))

    @cached_property
    def huge_pages(self) -> Report | None:
        """Answer ``thp``."""
        return self.answer("thp", lambda: thp_report(self.source))

    @cached_property
    def tunables(self) -> Report | None:
        """Answer ``tunables list``."""
        return self.answer("tunables", lambda: list_report(self.source, None, self.source.facts._asdict()))

    @cached_property
    def overcommit(self) -> Report | None:
        """Answer ``what-if overcommit``."""

        def answer() -> Report:
            asked = ask(self.source, needs=overcommit.NEEDS)
            return overcommit.overcommit_report(asked, overcommit.OvercommitRequest(counts_forks=self._questions.forks))

        return self.answer("what-if overcommit", answer)

    @cached_property
    def growing(self) -> Report | None:
        """Answer ``trend``; None of what is no recording."""
        return self._trend("process")

    @cached_property
    def growing_commands(self) -> Report | None:
        """Answer ``trend --by command``."""
        return self._trend("command")

    @cached_property
    def growing_groups(self) -> Report | None:
        """Answer ``trend --by cgroup``."""
        return self._trend("cgroup")

    def _trend(self, by: str) -> Report | None:
        recorded = self.recorded
        if recorded is None:
            return None
        from pymemtools.reports.trend.report import TrendRequest, trend_report

        request = TrendRequest(by, first=recorded.first)
        return self.answer(f"trend --by {by}", lambda: trend_report(recorded.replay, request))

    @cached_property
    def pressure(self) -> Pressure | None:
        """Give the machine's memory pressure; None before Linux 4.20, and where it is switched off."""
        try:
            return parse_pressure(self.source.read("pressure/memory"), "pressure/memory")
        except MemtoolsError:
            return None

    def text(self, path: str) -> str | None:
        """Read a small file; None where the source does not have it."""
        try:
            return self.source.read(path).decode("utf-8", "surrogateescape")
        except (Missing, Denied):
            return None

    @property
    def meminfo(self) -> Mapping[str, int]:
        """Give what meminfo says, without what cannot be."""
        return self.machine.meminfo

    @property
    def available(self) -> int | None:
        """Give what can be had without swapping, in bytes: MemAvailable, and what the cache of ZFS can give back."""
        arc = self.machine.stores.arc
        return plus(self.meminfo.get("MemAvailable"), 0 if arc is None else arc.reclaimable)

    @property
    def ram(self) -> int | None:
        """Give MemTotal in bytes."""
        return self.meminfo.get("MemTotal") or None

    def share(self, amount: int | None) -> float | None:
        """Give an amount in percent of MemTotal."""
        return None if amount is None or self.ram is None else 100 * amount / self.ram


def own_name(source: Source) -> str | None:
    """Name the machine; None where nobody gave it a name of its own."""
    name = host_of(source)
    return None if name in ("localhost", "localhost.localdomain", "(none)") else name


def rows_of(report: Report | None) -> list[dict[str, Any]]:
    """Give an answer's rows, none where there is no answer."""
    return [] if report is None else list(report.table.rows())
