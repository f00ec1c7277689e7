"""All checks, a rule each."""

from __future__ import annotations

from pymemtools.reports.selftest import meminfo_checks as meminfo
from pymemtools.reports.selftest import process_checks as process
from pymemtools.reports.selftest import zone_checks as zone
from pymemtools.reports.selftest.compared import Check

# The kernels that rules were read from; on others they may have changed.
FIRST, LAST = (2, 6, 18), (7, 2)

CHECKS = (
    Check(
        "commit-limit",
        "CommitLimit is what overcommit_ratio or overcommit_kbytes makes of RAM and swap",
        "mm/util.c, vm_commit_limit(); Linux 2.6.18 to 7.2",
        "bytes",
        meminfo.commit_limit,
        mixes=True,
    ),
    Check(
        "committed",
        "Committed_AS is at least what it counts of all processes' mappings",
        "include/linux/mman.h, vm_acct_memory(); fs/proc/task_mmu.c, VmFlags ac; Linux 3.8 to 7.2",
        "bytes",
        meminfo.committed,
        mixes=True,
        of_all=True,
    ),
    Check(
        "available",
        "MemAvailable is what is free and could be freed, less the zones' reserves",
        "mm/show_mem.c (before 6.4 mm/page_alloc.c), si_mem_available(); Linux 3.14 to 7.2",
        "bytes",
        meminfo.available,
        mixes=True,
    ),
    Check(
        "dirty-limits",
        "the dirty thresholds are what vm.dirty_* make of free memory and page cache",
        "mm/page-writeback.c, global_dirty_limits(); Linux 2.6.37 to 7.2",
        "bytes",
        meminfo.dirty,
        mixes=True,
    ),
    Check(
        "watermarks",
        "min, low and high of each zone follow from min_free_kbytes and watermark_scale_factor",
        "mm/page_alloc.c, __setup_per_zone_wmarks(); Linux 2.6.18 to 7.2",
        "bytes",
        zone.watermarks,
        mixes=True,
    ),
    Check(
        "zone-reserves",
        "what each zone keeps from allocations for higher ones follows from lowmem_reserve_ratio",
        "mm/page_alloc.c, setup_per_zone_lowmem_reserve(); Linux 2.6.18 to 7.2",
        "bytes",
        zone.reserves,
        mixes=True,
    ),
    Check(
        "zone-sizes",
        "MemTotal is what the zones manage together",
        "mm/page_alloc.c, adjust_managed_page_count(); Linux 3.11 to 7.2",
        "bytes",
        zone.managed,
        mixes=True,
    ),
    Check(
        "zone-free",
        "MemFree is what the zones have free together",
        "mm/show_mem.c, si_meminfo(); mm/vmstat.c, zoneinfo_show_print(); Linux 2.6.18 to 7.2",
        "bytes",
        zone.free,
        mixes=True,
    ),
    Check(
        "free-blocks",
        "a zone's free blocks of all sizes are what it has free",
        "mm/vmstat.c, frag_show_print(); Linux 2.6.18 to 7.2",
        "bytes",
        zone.blocks,
    ),
    Check(
        "page-cache",
        "Buffers, Cached and SwapCached are nr_file_pages together",
        "fs/proc/meminfo.c, meminfo_proc_show(); Linux 2.6.18 to 7.2",
        "bytes",
        meminfo.cache,
        mixes=True,
    ),
    Check(
        "counters",
        "what meminfo and vmstat both tell (AnonPages, Mapped, Shmem ...) is alike",
        "fs/proc/meminfo.c, meminfo_proc_show(); mm/vmstat.c, vmstat_start(); Linux 2.6.18 to 7.2",
        "bytes",
        meminfo.counters,
        mixes=True,
    ),
    Check(
        "active-inactive",
        "Active and Inactive are their anonymous and file parts together",
        "fs/proc/meminfo.c, meminfo_proc_show(); Linux 2.6.28 to 7.2",
        "bytes",
        meminfo.lists,
    ),
    Check(
        "slab",
        "Slab is SReclaimable and SUnreclaim together",
        "fs/proc/meminfo.c, meminfo_proc_show(); Linux 2.6.19 to 7.2",
        "bytes",
        meminfo.slab,
    ),
    Check(
        "swap-areas",
        "SwapTotal and SwapFree are those of all swap areas together",
        "mm/swapfile.c, si_swapinfo(), swap_show(); Linux 2.6.18 to 7.2",
        "bytes",
        meminfo.swap,
        mixes=True,
    ),
    Check(
        "huge-pages",
        "no part of the hugetlb pool is more than the pool",
        "mm/hugetlb.c, hugetlb_report_meminfo(); Linux 2.6.24 to 7.2",
        "bytes",
        meminfo.huge_pages,
    ),
    Check(
        "oom-scores",
        "each process's oom_score is the model's",
        "mm/oom_kill.c, oom_badness(); fs/proc/base.c, proc_oom_score(); Linux 2.6.36 to 7.2",
        "score",
        process.scores,
        mixes=True,
    ),
    Check(
        "smaps-rollup",
        "a process's mappings add up to its smaps_rollup",
        "fs/proc/task_mmu.c, show_smaps_rollup(); Linux 4.14 to 7.2",
        "bytes",
        process.rollups,
    ),
    Check(
        "vm-size",
        "VmSize is the size of all mappings, and alike in status, stat and statm",
        "fs/proc/task_mmu.c, task_mem(), task_statm(), show_smap(); Linux 2.6.18 to 7.2",
        "bytes",
        process.address_spaces,
    ),
    Check(
        "vm-rss",
        "VmRSS is RssAnon, RssFile and RssShmem together, and alike in status, stat and statm",
        "fs/proc/task_mmu.c, task_mem(), task_statm(); Linux 2.6.18 to 7.2",
        "bytes",
        process.resident,
    ),
    Check(
        "page-size",
        "pages are of one size in smaps, statm and what the source says of itself",
        "fs/proc/task_mmu.c, show_smap(), task_statm(); Linux 2.6.29 to 7.2",
        "bytes",
        process.page_size,
        of_all=True,
    ),
    Check(
        "groups",
        "a memory group's usage is what its memory.stat adds up to",
        "mm/memcontrol.c, memory_current_read(), memcg_stat_format(); Linux 2.6.25 to 7.2",
        "bytes",
        process.groups,
        of_all=True,
    ),
)
