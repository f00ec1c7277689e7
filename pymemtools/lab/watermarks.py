"""Fill free memory with clean page cache until kswapd wakes: it is given back at once, and nobody starves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pymemtools.lab.experiment import Experiment
from pymemtools.lab.own_file import cached, place
from pymemtools.lab.stage import Stage
from pymemtools.procfs.meminfo import parse_meminfo
from pymemtools.procfs.vmstat import grown, paging_events, parse_vmstat
from pymemtools.procfs.zoneinfo import Zone, parse_zoneinfo
from pymemtools.reports.lab.plan import CannotRun, Plan, own_levels
from pymemtools.reports.lab.watermarks import (
    COLUMNS,
    STEP,
    FillRequest,
    fill_report,
    held_back,
    is_near,
    predicted_low,
    zone_rows,
)
from pymemtools.reports.what_if.asked import ask
from pymemtools.reports.what_if.watermarks import NEEDS
from pymemtools.sources.base import Source

_MARGIN = 32 << 20
_SAMPLES = 8
_MORE = 4  # times what is free at the beginning: then kswapd does not wake


def _obstacle(source: Source) -> str:
    events = paging_events(parse_vmstat(source.read("vmstat")))
    return "this kernel does not count what kswapd scans" if events.kswapd_scanned_pages is None else ""


def _plan(source: Source, request: FillRequest) -> Plan:
    free = _free(source)
    limits = [level.limit for level in own_levels(source) if level.limit is not None]
    if limits and min(limits) < 2 * free:
        raise CannotRun("lab watermarks: cannot run here: our memory group has a limit below what is free")
    happens = (
        "A file of zeros that takes no room on the disk is read until free memory is used up by the page cache, which "
        "the kernel takes back whenever somebody needs memory.",
        "As long as a zone has more free than its low watermark, and what it keeps for others, nothing else happens. "
        "When no zone has, the kernel thread kswapd wakes, and reclaims until each has more than high; only below min "
        "would those who allocate have to wait. It ends when kswapd has begun, and the file is gone with its pages.",
    )
    return Plan(happens, _MARGIN, seconds=600.0, directory=place())


def _free(source: Source) -> int:
    return parse_meminfo(source.read("meminfo")).get("MemFree", 0)


def _run(request: FillRequest, stage: Stage) -> Mapping[str, Any]:
    free = _free(stage.source)
    fd = stage.temporary(place())
    os.ftruncate(fd, _MORE * free)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)  # page by page: nothing is read ahead in large blocks
    filling = _Filling(stage)
    buffer, at, shown = bytearray(STEP), 0, 0
    while at < _MORE * free and not filling.has_kswapd_run():
        if at >= shown:
            filling.show(at)
            shown += free // _SAMPLES
        count = os.preadv(fd, [buffer], at)
        if at == 0 and not cached(fd):
            raise CannotRun(f"lab watermarks: cannot run here: holes of files in {place()} are not cached")
        at += count
    filling.show(at)
    if filling.ran_early:
        stage.note(
            "kswapd ran with more free, too: for larger blocks, or as kinds of pages mixed (vm.watermark_boost_factor)"
        )
    return {}


class _Filling:
    """The zones, and what was scanned since the beginning."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._page = stage.source.facts.page_size or 4096
        self._lows = predicted_low(ask(stage.source, needs=NEEDS))
        self._start = stage.seconds
        self._before = self._last = parse_vmstat(stage.source.read("vmstat"))
        self.ran_early = False
        self._ahead: list[Zone] = []
        self._close = 2 * sum(zone.low + max(zone.protection, default=0) + held_back(zone) for zone in self._zones())

    def _zones(self) -> list[Zone]:
        return [zone for zone in parse_zoneinfo(self._stage.source.read("zoneinfo")) if zone.usable]

    def has_kswapd_run(self) -> bool:
        """Tell whether it has for want of memory; else look at the zones, when it is soon to wake.

        Once it has, others may have given much back before we look. It runs with more free, too: where a larger block
        is wanted than there is, and for a while after a block was taken for pages of another kind. Source:
        mm/page_alloc.c, boost_watermark(), Linux 6.12
        """
        now = parse_vmstat(self._stage.source.read("vmstat"))
        if paging_events(grown(self._last, now, wraps=False)).kswapd_scanned_pages:
            if is_near(zone_rows(self._zones(), self._ahead, self._lows, self._page)):
                return True
            self._last, self.ran_early = now, True
        if now.get("nr_free_pages", 0) <= self._close:
            self._ahead = self._zones()
        return False

    def show(self, read: int) -> None:
        """Take a sample of each zone."""
        events = paging_events(grown(self._before, parse_vmstat(self._stage.source.read("vmstat")), wraps=False))
        for row in zone_rows(self._zones(), self._ahead, self._lows, self._page):
            self._stage.row(
                seconds=round(self._stage.seconds - self._start, 3),
                read=read,
                **row,
                kswapd_scanned_pages=events.kswapd_scanned_pages,
                direct_scanned_pages=events.direct_scanned_pages,
            )


EXPERIMENT = Experiment("watermarks", COLUMNS, _obstacle, _plan, _run, fill_report)
