"""Drop slab, then file pages, with a file that is cached, and one that is mapped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pymemtools.control.caches import write_drop_caches
from pymemtools.lab.child import PROGRAM
from pymemtools.lab.experiment import Experiment
from pymemtools.lab.own_file import cached, evict, made, path_of, place
from pymemtools.lab.stage import Stage
from pymemtools.models.release import parse_release
from pymemtools.procfs.vmstat import parse_vmstat
from pymemtools.reports.drop_caches import FILES, SLAB, Moment, read_moment
from pymemtools.reports.lab.drop_caches import COLUMNS, DropTrial, allowance, freed, trial_report
from pymemtools.reports.lab.plan import Plan
from pymemtools.sources.base import Source
from pymemtools.units import minus

_PATH = "/proc/sys/vm/drop_caches"
_NAME = "drop-caches"
_MAPPED = 1 << 20
_PIECE = 1 << 20


def _obstacle(source: Source) -> str:
    return "" if os.access(_PATH, os.W_OK) else f"{_PATH} cannot be written (are you root?)"


def _plan(source: Source, request: DropTrial) -> Plan:
    happens = (
        "A file is read into the page cache, and another is mapped by a program. Then the kernel is told to drop its "
        "reclaimable slab, and then its file pages: of the whole machine. Nothing is lost by that, but what others had "
        "cached comes from the disk when they next need it.",
        "Clean pages that nobody maps go; what is mapped stays, and so does what is dirty. Dropping slab takes no page "
        "of a file that is open.",
    )
    return Plan(happens, request.size + _MAPPED + PROGRAM, request.size + _MAPPED, directory=place())


def _run(request: DropTrial, stage: Stage) -> Mapping[str, Any]:
    file, mapped = made(stage, request.size, _NAME), made(stage, _MAPPED, _NAME)
    evict(file, _NAME)
    at = 0
    while data := os.pread(file, _PIECE, at):
        at += len(data)
    page = stage.source.facts.page_size or 4096
    hand = stage.program("hand")
    start = hand.ask("map_file", path_of(mapped), _MAPPED)["start"]
    hand.ask("read", start, _MAPPED // page)

    def show(step: str, now: Moment, **cells: int | None) -> None:
        info = now.meminfo
        stage.row(
            step=step,
            file_cached=cached(file),
            mapped_cached=cached(mapped),
            cached=info.get("Cached"),
            reclaimable=info.get("KReclaimable", info.get("SReclaimable")),
            free=info.get("MemFree"),
            **cells,
        )

    show("before", read_moment(stage.source))
    for step, level, counter in (("2: slab", SLAB, "drop_slab"), ("1: files", FILES, "drop_pagecache")):
        before, drops = read_moment(stage.source), _count(stage.source, counter)
        write_drop_caches(level)
        after = read_moment(stage.source)
        drops = minus(_count(stage.source, counter), drops)
        show(step, after, drops=drops, **freed(level, before, after))
    hand.end()
    left = allowance(parse_release(stage.source.facts.kernel), os.cpu_count() or 1) * page
    return {"size": request.size, "allowance": left}


def _count(source: Source, counter: str) -> int | None:
    return parse_vmstat(source.read("vmstat")).get(counter)


EXPERIMENT = Experiment(_NAME, COLUMNS, _obstacle, _plan, _run, trial_report)
