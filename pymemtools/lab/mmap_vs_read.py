"""Have programs map a file, and others read it: who has how many copies."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from pymemtools.lab.child import PROGRAM, Child
from pymemtools.lab.experiment import Experiment, nothing_in_the_way
from pymemtools.lab.mapping import look
from pymemtools.lab.own_file import cached, evict, made, path_of, place
from pymemtools.lab.stage import Stage
from pymemtools.reports.lab.mmap_vs_read import COLUMNS, MMAP, READ, ReadersRequest, readers_report
from pymemtools.reports.lab.plan import Plan
from pymemtools.sources.base import Source


def _plan(source: Source, request: ReadersRequest) -> Plan:
    readers, size = request
    happens = (
        f"{readers} programs map a file, and read a byte of each page, one after the other; then as many read it with "
        "read() into memory of their own. Before both it is taken out of the page cache.",
        "What is mapped is the page cache itself: all have the same pages, and a fault maps several of them at once. "
        "read() copies: the cache has the file, and each reader once more.",
    )
    return Plan(happens, readers * (size + PROGRAM) + size, size, directory=place())


def _run(request: ReadersRequest, stage: Stage) -> Mapping[str, Any]:
    size, page = request.size, stage.source.facts.page_size or 4096
    fd = made(stage, size, "mmap-vs-read")
    for way in (MMAP, READ):
        evict(fd, "mmap-vs-read")
        readers = [_reader(stage, way, fd, size) for _ in range(request.readers)]
        for number, (hand, cost) in enumerate(readers, 1):
            there = look(stage.source, hand.pid, cost["start"])
            stage.row(
                way=way,
                reader=number,
                **{key: cost[key] for key in ("seconds", "minor", "major")},
                rss=there.rss,
                pss=there.pss,
                private=there.private_dirty,
                in_cache=cached(fd),
            )
        for hand, _ in readers:
            hand.end()
    pages = -(-size // page)
    return {"pages": pages, "whole_pages": pages * page}


def _reader(stage: Stage, way: str, fd: int, size: int) -> tuple[Child, dict[str, Any]]:
    """Start a program that reads the file in a way, and give what that cost it."""
    hand, page = stage.program("hand"), stage.source.facts.page_size or 4096
    path, begin = path_of(fd), time.perf_counter()
    if way == MMAP:
        start = hand.ask("map_file", path, size)["start"]
        cost = hand.ask("read", start, -(-size // page))
    else:
        start = hand.ask("map", -(-size // page) * page)["start"]
        cost = hand.ask("load_file", path, size, start)
    seconds = round(time.perf_counter() - begin, 4)
    return hand, {**cost, "start": start, "seconds": seconds}


EXPERIMENT = Experiment("mmap-vs-read", COLUMNS, nothing_in_the_way, _plan, _run, readers_report)
