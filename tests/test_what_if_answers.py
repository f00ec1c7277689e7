"""The answers of what-if as values, asked of a source without a command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import CAPTURES

from pymemtools.readings.machine import Machine
from pymemtools.reports.oom_scores.report import ScoresRequest, scores_report
from pymemtools.reports.what_if.alloc import Allocation, AllocRequest, alloc_report
from pymemtools.reports.what_if.asked import Supposition, ask
from pymemtools.reports.what_if.cache import CacheRequest, cache_report
from pymemtools.reports.what_if.dirty import Dirtying, DirtyRequest, dirty_report
from pymemtools.reports.what_if.fork import ForkRequest, fork_report
from pymemtools.reports.what_if.malloc import MallocRequest, malloc_report
from pymemtools.reports.what_if.oom import Kill, OomRequest, oom_report
from pymemtools.reports.what_if.overcommit import OvercommitRequest, overcommit_report
from pymemtools.reports.what_if.pss import PssRequest, pss_report
from pymemtools.reports.what_if.watermarks import WatermarksRequest, watermarks_report
from pymemtools.sources import open_source
from pymemtools.sources.base import ProcessFiles

EXAMPLE = Path(__file__).parent.parent / "pymemtools" / "data" / "example.tar.gz"
GUEST = CAPTURES / "groups-6.1"  # see its README


class Watched:
    """A source that counts the reads of each process's files, and may be mounted with hidepid as if it were live."""

    def __init__(self, path: Path, options: str | None = None) -> None:
        self._source = open_source(str(path))
        self._options = options
        self.reads: Counter[tuple[int, str]] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    @property
    def is_live(self) -> bool:
        return self._options is not None

    def read(self, path: str) -> bytes:
        pid, _, file = path.partition("/")
        if pid.isdigit():
            self.reads[int(pid), file] += 1
        if path == "self/mountinfo" and self._options is not None:
            return f"22 1 0:22 / /proc rw - proc proc {self._options}\n".encode()
        if path == "self/status":
            return b"Name:\tx\nUid:\t7\t7\t7\t7\nGid:\t7\t7\t7\t7\nCapEff:\t0000000000000000\nGroups:\t7 \n"
        return self._source.read(path)

    @contextmanager
    def process(self, pid: int) -> Iterator[ProcessFiles]:
        with self._source.process(pid) as files:
            yield WatchedFiles(files, self.reads)


class WatchedFiles:
    """One process's files, of which each read is counted."""

    def __init__(self, files: ProcessFiles, reads: Counter[tuple[int, str]]) -> None:
        self._files = files
        self._reads = reads

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)

    def read(self, name: str) -> bytes:
        self._reads[self._files.pid, name] += 1
        return self._files.read(name)


def test_an_allocation_in_bytes() -> None:
    report = alloc_report(ask(open_source(str(EXAMPLE))), AllocRequest(600 << 20, times=2))
    found: Allocation = report.answer
    assert (found.outcome, found.size, found.touched) == ("OOM", 600 << 20, (1200 << 20) + (2 * 300 << 12))
    assert found.spent.missing_most >= found.spent.missing_least > 0
    assert [each._asdict() for each in found.spent.sources] == list(report.table.rows())
    assert report.totals is not None
    assert (report.totals["granted_root"], report.totals["requests_granted_root"]) == (True, 2)


def test_what_is_granted_is_true_or_false() -> None:
    """Mode 2 leaves room for a second mapping of root only."""
    asked = ask(open_source(str(EXAMPLE)), Supposition({"vm.overcommit_memory": "2", "vm.overcommit_ratio": "100"}))
    totals = alloc_report(asked, AllocRequest(50 << 20, times=2)).totals
    assert totals is not None
    assert (totals["granted_root"], totals["requests_granted_root"]) == (True, 2)
    assert (totals["granted_user"], totals["requests_granted_user"]) == (False, 1)


def test_a_machine_that_is_supposed() -> None:
    source = open_source(str(EXAMPLE))
    asked = ask(source, Supposition(ram=4 << 30, version=(4, 9, 0)))
    assert isinstance(asked.machine, Machine)
    assert (asked.machine.meminfo["MemTotal"], asked.machine.version) == (4 << 30, (4, 9, 0))
    assert asked.before.meminfo["MemTotal"] < 1 << 30
    zones = watermarks_report(asked, WatermarksRequest()).answer.zones
    assert [(zone.zone, zone.before.managed > 0) for zone in zones] == [
        ("DMA", True),
        ("DMA32", True),
        ("Normal", False),
    ]


def test_each_row_says_only_what_is_its_own() -> None:
    """A rule that holds for every row stands once, in the totals; where rows differ in it, it is a column."""
    asked = ask(open_source(str(EXAMPLE)))
    once = (
        alloc_report(asked, AllocRequest(1 << 20)),
        fork_report(asked, ForkRequest(297)),
        oom_report(asked, OomRequest()),
        watermarks_report(asked, WatermarksRequest()),
        malloc_report(asked, MallocRequest([8])),
        pss_report(asked, PssRequest()),
        overcommit_report(asked, OvercommitRequest(processes=True)),
    )
    for report in once:
        assert report.totals is not None
        assert ("rule" in report.totals, "rule" in report.table.keys) == (True, False), report.command
    for report in (dirty_report(asked, DirtyRequest(9e6, 5e6)), overcommit_report(asked, OvercommitRequest())):
        assert len(set(report.table.cells["rule"])) > 1, report.command
    caches = cache_report(asked, CacheRequest(1 << 20)).totals
    assert caches is not None
    assert list(caches["rule_by_lru"]) == ["classic", "mglru"]


def test_each_key_has_one_unit() -> None:
    report = dirty_report(ask(open_source(str(EXAMPLE))), DirtyRequest(20 << 20, 10 << 20, 200 << 20))
    found: Dirtying = report.answer
    rows = {row["what"]: row for row in report.table.rows()}
    units = {"s": "_seconds", "bytes": "", "bytes/s": "_bytes_per_second"}
    for fact in found.facts:
        for unit, suffix in units.items():
            ends = (rows[fact.what][f"least{suffix}"], rows[fact.what][f"most{suffix}"])
            assert ends == ((fact.least, fact.most) if unit == fact.unit else (None, None))


def test_groups_are_read_with_what_is_weighed() -> None:
    """The group of each process is that of the moment in which its memory was read: its cgroup file is read once."""
    watched = Watched(GUEST / "together.tar.gz")
    found: Kill = oom_report(ask(watched), OomRequest(group="/pod/x")).answer
    assert (found.where.top, found.dying.group) == ("/pod", "/pod/x")
    assert len(found.dying.killed) > 1
    times = {pid: watched.reads[pid, "cgroup"] for pid in watched.pids()}
    assert {times[killed.pid] for killed in found.dying.killed} == {1}
    assert max(times.values()) == 1


@pytest.mark.parametrize("option", ["hidepid=invisible", "hidepid=ptraceable"])
def test_that_others_are_invisible_is_said(option: str) -> None:
    asked = ask(Watched(EXAMPLE, f"rw,{option}"))
    for report in (
        oom_report(asked, OomRequest()),
        fork_report(asked, ForkRequest(297)),
        overcommit_report(asked, OvercommitRequest()),
    ):
        assert f"/proc is mounted {option}: other users' processes are not visible" in report.notes, report.command
    assert not any("visible" in note for note in alloc_report(asked, AllocRequest(1 << 20)).notes)  # nobody dies
    scores = scores_report(asked.source, ScoresRequest(top=1))
    assert scores.notes == scores.warnings == (f"/proc is mounted {option}: other users' processes are not visible",)
    assert scores_report(Watched(EXAMPLE), ScoresRequest()).warnings == ()
