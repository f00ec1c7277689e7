"""Have the kernel merge equal pages of a program, and write to some of them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from pymemtools.control.settings import current, write_text
from pymemtools.control.undo import SETTING, Debt
from pymemtools.errors import MemtoolsError
from pymemtools.lab.child import Child
from pymemtools.lab.experiment import Experiment
from pymemtools.lab.mapping import look
from pymemtools.lab.stage import Stage
from pymemtools.procfs.status import parse_status_capabilities
from pymemtools.readings.ksm import read_ksm
from pymemtools.readings.namespaces import is_in_user_namespace
from pymemtools.reports.ksm.estimate import EstimateRequest, estimate_report
from pymemtools.reports.ksm.status import KsmRequest, candidates_of
from pymemtools.reports.lab.ksm import COLUMNS, MergeRequest, merge_report, predicted
from pymemtools.reports.lab.plan import CannotRun, Plan
from pymemtools.reports.what_if.commitments import CAP_SYS_ADMIN
from pymemtools.sources.base import Source
from pymemtools.units import minus, times

_FOLDER = "/sys/kernel/mm/ksm"
_RUN = f"{_FOLDER}/run"
_MARGIN = 48 << 20
_ALIKE, _WRITTEN = 64, 8  # contents of half of the pages; one page in so many is written to
_FAST = {"advisor_mode": "none", "smart_scan": "0", "sleep_millisecs": "0", "pages_to_scan": "20000"}
_MOST_SCANS, _PATIENCE = 200, 60.0  # scans of all memory, and seconds, after which what was seen is what there is
_NOTHING = {"predicted_merging": 0, "predicted_saved": 0}
_STOP, _MERGE, _PART = "0", "1", "2"


def _obstacle(source: Source) -> str:
    if not os.path.exists(_RUN):
        return "this kernel merges no pages (CONFIG_KSM)"
    if not os.access(_RUN, os.W_OK):
        return f"{_RUN} cannot be written (are you root?)"
    return "" if _is_told_of_frames(source) else "which pages are merged, only the machine's own root is told"


def _is_told_of_frames(source: Source) -> bool:
    """Tell whether pagemap shows frames: to CAP_SYS_ADMIN, which root of a user namespace has in there only."""
    ours = parse_status_capabilities(source.read("self/status"))
    return (ours is None or bool(ours >> CAP_SYS_ADMIN & 1)) and not is_in_user_namespace(source)


def _plan(source: Source, request: MergeRequest) -> Plan:
    happens = (
        f"A program writes {request.pages} pages: half have one of {_ALIKE} contents, a quarter are zeros, the others "
        "are like no other. It lets them be merged (MADV_MERGEABLE), and ksmd, which is switched on and hurried until "
        "the end, compares them.",
        "Equal pages become one, which is copied again by whoever writes to it: a fault. One page serves at most "
        "max_page_sharing users, so of many equal ones several are kept. What is merged is beside what ksm --estimate "
        "found by reading the same memory.",
        "Merging is switched off again, and what was merged of others meanwhile parts again.",
    )
    return Plan(happens, 2 * request.pages * (source.facts.page_size or 4096) + _MARGIN, seconds=300.0, claim=_RUN)


def _run(request: MergeRequest, stage: Stage) -> Mapping[str, Any]:
    hand, page = stage.program("hand"), stage.source.facts.page_size or 4096
    half, quarter = request.pages // 2, request.pages // 4
    start = hand.ask("map", request.pages * page)["start"]
    hand.ask("fill", start, half, _ALIKE, "alike")
    hand.ask("fill", start + half * page, quarter, 0, "")
    others = request.pages - half - quarter
    hand.ask("fill", start + (half + quarter) * page, others, others, "like no other")
    seen = _Merging(stage, hand, start)  # where ksmd is at work, it may merge them as soon as they are advised
    if refused := hand.ask("advise", start, request.pages * page, "mergeable").get("refused"):
        raise CannotRun(f"lab ksm: cannot run here: MADV_MERGEABLE: {refused}")
    _switch_on(stage)
    seen.show("ksmd looks at all")
    part = half // _WRITTEN
    cost = hand.ask("fill", start, part, part, "no longer alike")
    seen.show(f"{part} of them are written", minor=cost["minor"], expected_minor=part)
    hand.ask("advise", start, request.pages * page, "unmergeable")
    seen.show("MADV_UNMERGEABLE", may_merge=False)
    hand.end()
    return {"scans": seen.scans}


def _switch_on(stage: Stage) -> None:
    """Let ksmd run, without pauses; if it did not, what it merges of others parts again in the end."""
    if current(_RUN) == _PART:
        raise CannotRun(f"lab ksm: cannot run here: {_RUN} is {_PART}: somebody has all pages part")
    for name, value in _FAST.items():
        if os.path.exists(path := f"{_FOLDER}/{name}"):
            stage.set(name, path, value)
    was = current(_RUN)
    stage.owe(Debt(SETTING, _RUN, was))
    if was == _STOP and not (read_ksm(stage.source).number("pages_shared") or 0):
        stage.owe(Debt(SETTING, _RUN, _PART))
    write_text("run", _RUN, _MERGE)


class _Merging:
    """What is merged of the program, and in all more than at the beginning."""

    def __init__(self, stage: Stage, hand: Child, start: int) -> None:
        self._stage, self._hand, self._start = stage, hand, start
        self._page = stage.source.facts.page_size or 4096
        self._others = [
            row.pid for row in candidates_of(stage.source, KsmRequest()).rows if row.mergeable and row.pid != hand.pid
        ]
        if self._others:
            stage.note("others let their memory be merged, too: what is saved in all is theirs and ours")
        self._before = read_ksm(stage.source).saved_pages
        self.scans = 0

    def show(self, step: str, *, may_merge: bool = True, **cells: int) -> None:
        """Predict, wait until ksmd has no more to do, and take a sample."""
        expected: Mapping[str, int] = _NOTHING
        if may_merge:
            expected = predicted(estimate_report(self._stage.source, EstimateRequest((self._hand.pid,))).answer)
        self._settle(expected)
        there = look(self._stage.source, self._hand.pid, self._start)
        row = {"minor": None, "expected_minor": None, **cells, **expected, **self._counts()}
        self._stage.row(step=step, rss=there.rss, pss=there.pss, **row)

    def _counts(self) -> dict[str, int | None]:
        saved = None if self._others else minus(read_ksm(self._stage.source).saved_pages, self._before)
        return {"merging": times(self._merging_pages(), self._page), "saved": times(saved, self._page)}

    def _merging_pages(self) -> int | None:
        try:
            return int(self._stage.source.read(f"{self._hand.pid}/ksm_merging_pages"))
        except MemtoolsError:  # before Linux 5.19
            return None

    def _settle(self, expected: Mapping[str, int]) -> None:
        """Wait until what is predicted has outlasted two scans of all memory, or for as long as there is patience."""
        first = last = self._scans()
        end, is_so = time.monotonic() + _PATIENCE, False
        while time.monotonic() < end and (scans := self._scans()) < first + _MOST_SCANS:
            was_so, is_so = is_so, all(expected[f"predicted_{key}"] == value for key, value in self._known())
            if not (was_so and is_so):
                last = scans
            elif scans >= last + 2 or not expected["predicted_merging"]:
                break  # ksmd, too, rests where nobody has anything to merge
            time.sleep(0.01)
        self.scans = self._scans() - first

    def _known(self) -> list[tuple[str, int]]:
        return [(key, value) for key, value in self._counts().items() if value is not None]

    def _scans(self) -> int:
        return read_ksm(self._stage.source).number("full_scans") or 0


EXPERIMENT = Experiment("ksm", COLUMNS, _obstacle, _plan, _run, merge_report)
