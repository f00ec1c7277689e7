"""A report of the OOM killer, as a record: Linux 2.6.18 to 7.x, of a machine or of a memory control group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class ReportedZone(NamedTuple):
    """A zone as the report has it; bytes, lowmem_reserve in pages."""

    node: int
    name: str
    free: int
    min: int
    low: int
    high: int
    boost: int
    managed: int | None
    present: int | None
    lowmem_reserve: tuple[int, ...] = ()


class Row(NamedTuple):
    """A row of the task table: the figures in the order of the header's columns, mostly pages, and the name."""

    pid: int
    figures: tuple[int, ...]
    name: str


class Kill(NamedTuple):
    """A line that says what was killed; sizes in bytes as printed, None where a kernel prints none."""

    pid: int
    name: str
    uid: int | None
    sizes: Mapping[str, int]  # total-vm, anon-rss, file-rss, shmem-rss, pgtables
    oom_score_adj: int | None


class Reaped(NamedTuple):
    """A line of the OOM reaper: what was left of a process when it was done, in bytes; None if it gave up."""

    pid: int
    name: str
    left: Mapping[str, int] | None


class Exiting(NamedTuple):
    """A line that says who was not killed, being about to end anyway; since 6.13."""

    pid: int
    name: str


class OomReport(NamedTuple):
    """All that one report says; what it does not say is None or empty."""

    when: str | None = None
    host: str | None = None  # who logged it, where the log says so
    invoker: str | None = None
    gfp_mask: str | None = None
    gfp_flags: str | None = None
    order: int | None = None
    invoker_adj: int | None = None
    invoker_pid: int | None = None
    kernel: str | None = None
    constraint: str | None = None
    nodemask: str | None = None  # the nodes of a memory policy, as 0-1,4
    mems_allowed: str | None = None  # those of the cpuset
    counters: Mapping[str, int] = {}  # of Mem-Info, pages
    zones: Sequence[ReportedZone] = ()
    swap_total: int | None = None  # bytes
    swap_free: int | None = None
    ram_pages: int | None = None
    reserved_pages: int | None = None
    hugetlb: int | None = None  # bytes of all pools of huge pages, used or not
    kernel_stacks: int | None = None  # bytes
    group: str | None = None  # whose limit was met
    slab_caches: Mapping[str, int] = {}  # bytes; those that cannot be reclaimed, listed where they are most of all
    limits: Mapping[str, tuple[int, int]] = {}  # memory, memory+swap, swap, kmem: usage and limit in bytes
    group_stats: Mapping[str, int] = {}
    columns: Sequence[str] = ()
    tasks: Sequence[Row] = ()
    tasks_left_out: int = 0
    chosen_pid: int | None = None  # the one with the most points, whose child may have been killed instead
    chosen_name: str | None = None
    score_printed: int | None = None
    told_pid: int | None = None  # by the line oom-kill:constraint=
    told_name: str | None = None
    kills: Sequence[Kill] = ()
    exiting: Sequence[Exiting] = ()
    reaped: Sequence[Reaped] = ()
    is_group_kill: bool = False
    kills_allocating_task: bool = False
    finds_nobody: bool = False  # who may be killed
    panic: str | None = None
    cut: Sequence[str] = ()  # what lines told that a relay made shorter
    is_headless: bool = True  # the log does not have its beginning
