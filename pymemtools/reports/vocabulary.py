"""What the keys of rows mean, command by command: of these columns docs/json.md is made. No command loads this."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pymemtools.report import READ_AT, Column
from pymemtools.reports import (
    drop_caches,
    fleet_columns,
    free,
    info,
    numa,
    physical,
    status,
    vss_ratio,
    zones,
)
from pymemtools.reports.cache import columns as cached
from pymemtools.reports.faults import processes as process_faults
from pymemtools.reports.faults import rates as faults
from pymemtools.reports.findings import report as findings
from pymemtools.reports.groups import columns as groups
from pymemtools.reports.ksm import estimate as ksm_estimate
from pymemtools.reports.ksm import status as ksm
from pymemtools.reports.lab import aslr, cow, demand_paging, listing, mmap_vs_read, segv, stack, watch
from pymemtools.reports.lab import drop_caches as lab_drop
from pymemtools.reports.lab import ksm as lab_ksm
from pymemtools.reports.lab import malloc as lab_malloc
from pymemtools.reports.lab import oom as lab_oom
from pymemtools.reports.lab import overcommit as lab_overcommit
from pymemtools.reports.lab import page_cache as lab_cache
from pymemtools.reports.lab import swap as lab_swap
from pymemtools.reports.lab import watermarks as lab_watermarks
from pymemtools.reports.lab import writeback as lab_writeback
from pymemtools.reports.metrics import report as metrics
from pymemtools.reports.oom_report import report as oom_report
from pymemtools.reports.oom_scores import columns as oom_scores
from pymemtools.reports.oom_scores import safer
from pymemtools.reports.pages import columns as pages
from pymemtools.reports.pages import unexplained
from pymemtools.reports.pmap import columns as pmap
from pymemtools.reports.selftest import report as selftest
from pymemtools.reports.smem import columns as smem
from pymemtools.reports.smem.diff import AFTER, BEFORE, CHANGE, DELTA
from pymemtools.reports.swap import report as swap
from pymemtools.reports.thp import machine as thp
from pymemtools.reports.thp import process as thp_process
from pymemtools.reports.totals import TOTALS
from pymemtools.reports.trend import columns as trend
from pymemtools.reports.tunables import report as tunables
from pymemtools.reports.vgraph import pages as vgraph_pages
from pymemtools.reports.vgraph import report as vgraph
from pymemtools.reports.what_if import alloc, cache, dirty, fork, malloc, oom, overcommit, pss, watermarks
from pymemtools.reports.what_if import drop_caches as dropping
from pymemtools.reports.wss import report as wss

Columns = tuple[Column, ...]


class Rows(NamedTuple):
    """What the rows of one command, or of one of its ways, may hold."""

    command: str  # as it is typed
    columns: Columns


_GROWN = Column("delta_KEY", "+KEY", "by how much KEY, any of the amounts, grew", "bytes")
VOCABULARY = (
    Rows("free", free.COLUMNS),
    Rows("free -s", (READ_AT, *free.COLUMNS)),
    Rows("smem", smem.PROCESS_COLUMNS),
    Rows("smem -m", smem.MAPPING_COLUMNS),
    Rows("smem -u", smem.USER_COLUMNS),
    Rows("smem -g", smem.GROUP_COLUMNS),
    Rows("smem -g tree", smem.TREE_COLUMNS),
    Rows("smem -w", smem.SYSTEM_COLUMNS),
    Rows("smem --diff", (*smem.PROCESS_COLUMNS, CHANGE, BEFORE, AFTER, DELTA, _GROWN)),
    Rows("groups", groups.COLUMNS),
    Rows("pmap", (*pmap.OWN.values(), *pmap.NUMBERS.values())),
    Rows("vgraph", vgraph.COLUMNS),
    Rows("vgraph --pages", vgraph_pages.COLUMNS),
    Rows("status", status.COLUMNS),
    Rows("status --all", vss_ratio.COLUMNS),
    Rows("oom-scores", oom_scores.COLUMNS),
    Rows("oom-scores --wide", (*oom_scores.COLUMNS, *oom_scores.LIVE)),
    Rows("oom-scores --safer-than", safer.COLUMNS),
    Rows("oom-report", oom_report.COLUMNS),
    Rows("swap", swap.COLUMNS),
    Rows("cache", cached.ALL),
    Rows("pages", pages.COLUMNS),
    Rows("pages -p", pages.PROCESS_COLUMNS),
    Rows("pages --flags", pages.FLAG_COLUMNS),
    Rows("pages --unexplained", unexplained.COLUMNS),
    Rows("thp", thp.COLUMNS),
    Rows("thp PID", thp_process.COLUMNS),
    Rows("faults", faults.COLUMNS),
    Rows("faults --top", process_faults.PROCESS_COLUMNS),
    Rows("metrics", metrics.COLUMNS),
    Rows("trend", trend.COLUMNS),
    Rows("numa", numa.COLUMNS),
    Rows("numa PID", numa.PROCESS_COLUMNS),
    Rows("lab", listing.COLUMNS),
    Rows("lab page-cache", lab_cache.COLUMNS),
    Rows("lab drop-caches", lab_drop.COLUMNS),
    Rows("lab writeback", lab_writeback.COLUMNS),
    Rows("lab mmap-vs-read", mmap_vs_read.COLUMNS),
    Rows("lab watch", watch.COLUMNS),
    Rows("lab demand-paging", demand_paging.COLUMNS),
    Rows("wss", wss.COLUMNS),
    Rows("lab cow", cow.COLUMNS),
    Rows("lab ksm", lab_ksm.COLUMNS),
    Rows("lab swap", lab_swap.COLUMNS),
    Rows("lab watermarks", lab_watermarks.COLUMNS),
    Rows("lab stack", stack.COLUMNS),
    Rows("lab malloc", lab_malloc.COLUMNS),
    Rows("lab aslr", aslr.COLUMNS),
    Rows("lab segv", segv.COLUMNS),
    Rows("lab oom", lab_oom.COLUMNS),
    Rows("lab overcommit", lab_overcommit.COLUMNS),
    Rows("ksm", ksm.COLUMNS),
    Rows("ksm --estimate", ksm_estimate.COLUMNS),
    Rows("zones", zones.COLUMNS),
    Rows("zones --table", zones.BOOT_COLUMNS),
    Rows("iomem-graph", physical.COLUMNS),
    Rows("info", info.COLUMNS),
    Rows("tunables list", tunables.COLUMNS),
    Rows("tunables get", tunables.VALUE_COLUMNS),
    Rows("tunables explain", tunables.EXPLANATION_COLUMNS),
    Rows("tunables set", tunables.CHANGE_COLUMNS),
    Rows("report", findings.COLUMNS),
    Rows("report --list", findings.RULE_COLUMNS),
    Rows("fleet hosts", fleet_columns.HOSTS),
    Rows("fleet report", fleet_columns.FINDINGS),
    Rows("fleet risk", fleet_columns.RISK),
    Rows("fleet grew", fleet_columns.GREW),
    Rows("fleet top", fleet_columns.TOP),
    Rows("fleet tunables", fleet_columns.TUNABLES),
    Rows("fleet what-if", fleet_columns.WHAT_IF),
    Rows("selftest", selftest.COLUMNS),
    Rows("drop-caches", drop_caches.COLUMNS),
    Rows("what-if alloc", alloc.COLUMNS),
    Rows("what-if cache", cache.COLUMNS),
    Rows("what-if dirty", dirty.COLUMNS),
    Rows("what-if drop-caches", dropping.COLUMNS),
    Rows("what-if fork", fork.COLUMNS),
    Rows("what-if malloc", malloc.COLUMNS),
    Rows("what-if oom", oom.COLUMNS),
    Rows("what-if overcommit", overcommit.COLUMNS),
    Rows("what-if overcommit --processes", overcommit.PROCESS_COLUMNS),
    Rows("what-if pss", pss.COLUMNS),
    Rows("what-if watermarks", watermarks.COLUMNS),
)


def clashes() -> Iterator[str]:
    """Name the keys that mean amounts of different units in different commands, or in rows and totals.

    A number may be of any unit, which its row tells.
    """
    first: dict[str, tuple[str, str]] = {}
    of_totals = ((f"totals of {command}", columns) for command, columns in TOTALS.items())
    for command, columns in (*VOCABULARY, *of_totals):
        for column in columns:
            kind, where = first.setdefault(column.key, (column.kind, command))
            if column.kind != kind and "number" not in (column.kind, kind):
                yield f"{column.key}: {kind} in {where}, {column.kind} in {command}"
