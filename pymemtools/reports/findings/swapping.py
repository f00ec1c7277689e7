"""Findings on swap, on disks and in RAM."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.readings.doubt import swap_of
from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.finding import CRITICAL, NOTICE, WARNING, Rule, Seen
from pymemtools.units import human_size, minus

_FULL, _NEARLY = 95, 80  # percent of swap space
_PLENTY = 20  # percent of RAM that is available: what was swapped out once is not missed
_LIMIT = 90  # percent of a zram device


def _full(evidence: Evidence) -> Iterator[Seen]:
    total, free = swap_of(evidence.meminfo)
    used = minus(total, free)
    if not total or used is None or 100 * used < _NEARLY * total:
        return
    is_full, available = 100 * used >= _FULL * total, evidence.share(evidence.available)
    title = "Swap is full" if is_full else "Swap is nearly full"
    figure = f"{human_size(used)} of {human_size(total)}, {100 * used / total:.0f} %"
    if available is not None and available >= _PLENTY:
        title += ", of what nobody needs: there is memory available"
        figure += f"; {available:.0f} % of RAM available"
        yield Seen(NOTICE, title, figure, used, "bytes")
    else:
        yield Seen(CRITICAL if is_full else WARNING, title, figure, used, "bytes")


def _thrashing(evidence: Evidence) -> Iterator[Seen]:
    total, free = swap_of(evidence.meminfo)
    stall = evidence.pressure
    waits = None if stall is None else stall.full.avg10
    if total and free is not None and free < total and waits is not None and waits >= 10:
        used = total - free
        figure = f"{human_size(used)} swapped out, {waits:.1f} % of the last 10 s lost"
        yield Seen(
            CRITICAL,
            "All work waits for memory, and some of it is swapped out: it may be thrashing",
            figure,
            waits,
            "percent",
        )


def _none(evidence: Evidence) -> Iterator[Seen]:
    available = evidence.share(evidence.available)
    if swap_of(evidence.meminfo).total == 0 and available is not None and available < 20:
        figure = f"{available:.0f} % of RAM available"
        title = "There is no swap, and little memory left: the next step is the OOM killer"
        yield Seen(WARNING, title, figure, available, "percent")


def _zram(evidence: Evidence) -> Iterator[Seen]:
    stores = evidence.machine.stores
    for area in stores.compressed:
        device, name = stores.zram.get(area.zram or ""), area.path.decode("utf-8", "surrogateescape")
        used, size = area.used, area.size
        if size and 100 * used >= _LIMIT * size:
            figure = f"{human_size(used)} of {human_size(size)}"
            yield Seen(WARNING, f"{name} is about to fill", figure, used, "bytes")
        if device is None:
            continue
        if device.limit and 100 * device.ram >= _LIMIT * device.limit:
            figure = f"{human_size(device.ram)} of mem_limit {human_size(device.limit)}"
            yield Seen(CRITICAL, f"{name} reaches the limit of RAM that it may take", figure, device.ram, "bytes")
        ratio = device.ratio
        if ratio is not None and ratio > 0.8:
            figure = f"{human_size(device.ram)} hold {human_size(device.stored - device.written_back)}"
            title = f"What is in {name} hardly compresses: swapping to it frees little"
            yield Seen(NOTICE, title, figure, round(100 * ratio, 1), "percent")


RULES = (
    Rule(
        "swap-full",
        CRITICAL,
        f"{_NEARLY} % of swap space is used (critical: {_FULL} %; notice: {_PLENTY} % of RAM are available)",
        "mm/vmscan.c, can_reclaim_anon_pages(), Linux 6.1: without free slots anonymous memory cannot be reclaimed",
        "pymemtools swap",
        "see whose it is (swap); add swap, or make the largest of them smaller",
        _full,
    ),
    Rule(
        "swap-thrashing",
        CRITICAL,
        "something is swapped out, and PSI memory full avg10 is 10 % or more",
        "Documentation/accounting/psi.rst: refaults and swap-ins of what was just evicted count as stalls",
        "pymemtools groups -c +full_avg10,swap",
        "the working set does not fit: stop or limit the largest process",
        _thrashing,
    ),
    Rule(
        "swap-none",
        WARNING,
        "SwapTotal is 0, and less than 20 % of RAM is available",
        "mm/page_alloc.c, __alloc_pages_slowpath(), Linux 6.1: what cannot be reclaimed ends in out_of_memory()",
        "pymemtools what-if alloc 100M --swap 512M",
        "a little swap, or zram, lets memory that nobody uses go, and gives time to act",
        _none,
    ),
    Rule(
        "zram-full",
        CRITICAL,
        f"a zram device is {_LIMIT} % full or at {_LIMIT} % of its mem_limit, or compresses to more than 80 %",
        "Documentation/admin-guide/blockdev/zram.rst, mm_stat; drivers/block/zram/zram_drv.c, mm_stat_show()",
        "pymemtools swap",
        "make it larger, give it a backing device, or use less memory: what does not fit stays in RAM as it is",
        _zram,
    ),
)
