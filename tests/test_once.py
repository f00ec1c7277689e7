"""A page asks a dozen questions of one reading: each is answered as if it had been asked alone."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import CAPTURES, HERE

from pymemtools.errors import MemtoolsError, Missing
from pymemtools.readings.machine import read_machine
from pymemtools.readings.once import Once
from pymemtools.readings.processes import read_processes
from pymemtools.readings.wants import Wants
from pymemtools.report import Report
from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.logged import kills_in
from pymemtools.reports.findings.report import findings_report
from pymemtools.reports.groups.mapped import WANTS_PSS
from pymemtools.reports.groups.report import GroupsRequest, groups_report
from pymemtools.reports.machine_page import page_of
from pymemtools.reports.oom_scores.candidates import WANTS as WEIGHTS
from pymemtools.reports.oom_scores.report import ScoresRequest, scores_report
from pymemtools.reports.smem.report import smem_report
from pymemtools.reports.smem.request import Request
from pymemtools.reports.swap.report import WANTS as SWAPPED
from pymemtools.reports.swap.report import SwapRequest, swap_report
from pymemtools.reports.what_if import alloc, overcommit
from pymemtools.reports.what_if.asked import ask
from pymemtools.reports.what_if.commitments import WANTS as COMMITMENTS
from pymemtools.sources import open_source
from pymemtools.sources.base import ProcessFiles, Source

EXAMPLE = HERE.parent / "pymemtools/data/example.tar.gz"
GROWN = 8 << 30
QUESTIONS: dict[str, Callable[[Source], Report]] = {
    "smem": lambda source: smem_report(source, Request()),
    "smem -u": lambda source: smem_report(source, Request("users")),
    "oom-scores": lambda source: scores_report(source, ScoresRequest()),
    "groups": lambda source: groups_report(source, GroupsRequest()),
    "swap": lambda source: swap_report(source, SwapRequest()),
    "what-if alloc": lambda source: alloc.alloc_report(ask(source, needs=alloc.NEEDS), alloc.AllocRequest(GROWN)),
    "what-if overcommit": lambda source: overcommit.overcommit_report(
        ask(source, needs=overcommit.NEEDS), overcommit.OvercommitRequest()
    ),
}
WANTS = Request().resolved().wants | Request("users").resolved().wants | WEIGHTS | COMMITMENTS | WANTS_PSS | SWAPPED
SOURCES = sorted(path for path in CAPTURES.rglob("*.tar.gz"))
TREES = sorted({path.parent.parent for path in HERE.rglob("proc/meminfo")})


def answer(question: Callable[[Source], Report], source: Source) -> Any:
    """Give all that there is to compare of an answer, which may be that there is none."""
    try:
        report = question(source)
    except MemtoolsError as error:
        return str(error)
    return list(report.table.rows()), report.totals, report.notes, report.warnings, report.unreadable


@pytest.mark.parametrize("path", [*SOURCES, *TREES], ids=lambda path: str(path.relative_to(HERE)))
def test_answers_are_those_of_a_source_read_for_each(path: Path) -> None:
    source = open_source(str(path))
    once = Once(source, WANTS)
    for name, question in QUESTIONS.items():
        assert answer(question, once) == answer(question, source), name


class Counting:
    """A source that counts what is read of it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.reads: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def read(self, path: str) -> bytes:
        self.reads[path] += 1
        return self._source.read(path)

    def chunks_beside(self, path: str) -> Iterator[bytes]:
        self.reads[path] += 1
        return self._source.chunks_beside(path)

    @contextmanager
    def process(self, pid: int) -> Iterator[ProcessFiles]:
        with self._source.process(pid) as files:
            yield _CountedFiles(files, self.reads)


class _CountedFiles:
    def __init__(self, files: ProcessFiles, reads: Counter[str]) -> None:
        self.pid = files.pid
        self._files = files
        self._reads = reads

    def read(self, name: str) -> bytes:
        self._reads[f"{self.pid}/{name}"] += 1
        return self._files.read(name)

    def chunks(self, name: str) -> Iterator[bytes]:
        self._reads[f"{self.pid}/{name}"] += 1
        return self._files.chunks(name)

    def uid(self) -> int | None:
        return self._files.uid()


def test_each_file_is_read_once() -> None:
    counted = Counting(open_source(str(EXAMPLE)))
    once = Once(counted, WANTS)
    for question in QUESTIONS.values():
        answer(question, once)
    assert counted.reads["meminfo"] == 1
    assert {path: times for path, times in counted.reads.items() if times > 1} == {}


@pytest.mark.parametrize("name", ["groups-6.1/together.tar.gz", "x86_64-7.2/selftest.tar.gz"])
def test_a_page_reads_each_file_once(name: str) -> None:
    """The address spaces of the largest processes are read again: that they are is known only when all were read."""
    counted = Counting(open_source(str(CAPTURES / name), with_logs=True))
    evidence = Evidence(counted, kills_in(counted, 1 << 30, []))
    findings_report(evidence)
    assert {path: times for path, times in counted.reads.items() if times > 1} == {}
    largest = {scene.space.title.partition(":")[0] for scene in page_of(evidence).spaces}
    again = {path for path, times in counted.reads.items() if times > 1}
    assert {path.partition("/")[0] for path in again} == largest


class Filling:
    """A machine on which 200 MiB were freed between the first look at meminfo and the one at zoneinfo."""

    is_live = True

    def __init__(self) -> None:
        self._source = open_source(str(EXAMPLE))
        self._looks = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def read(self, path: str) -> bytes:
        self._looks += path == "meminfo"
        text = self._source.read(path)
        return text.replace(b" 522636 kB", b" 317836 kB") if path == "meminfo" and self._looks == 1 else text


def test_memory_that_moves_while_it_is_read_is_no_contradiction() -> None:
    """Meminfo is looked at again after zoneinfo, not remembered; what questions are told is the first."""
    machine = read_machine(Once(Filling(), Wants()))
    assert (machine.doubt, machine.meminfo["MemFree"]) == (None, 317836 << 10)


def test_what_was_not_read_is_read_for_who_asks() -> None:
    once = Once(open_source(str(EXAMPLE)), Wants(status=True))
    assert once.sample(Wants(("Pss",))) is None
    assert read_processes(once, Wants(("Pss",))).processes[0].sums["Pss"]


def test_a_source_that_lacks_a_file_is_not_kept_alive() -> None:
    """An error that was remembered with its traceback would keep the source, with all its bytes, until a collection."""
    source = Once(open_source(str(EXAMPLE)), Wants())
    for _ in range(2):
        with pytest.raises(Missing, match=r"^no/such/file: not in "):
            source.read("no/such/file")
    kept = weakref.ref(source)
    gc.disable()
    try:
        del source
        assert kept() is None
    finally:
        gc.enable()
