"""What is known of each tunable: one entry each, from which list, get, explain and set all read.

Source: Documentation/admin-guide/sysctl/vm.rst and mm/*.c of Linux 2.6.18 to 6.18; the words are our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pymemtools.models.release import Version, brief_release, since

_INT_MAX = 2**31 - 1
_LONG_MAX = 2**63 - 1


class Tunable(NamedTuple):
    """One file that sets something."""

    name: str  # as sysctl writes it; those of /sys by their folder
    path: str  # below /proc, or of the machine with a leading "/"
    unit: str
    low: int
    high: int
    default: str  # a number, or the rule that gives it
    meaning: str
    since: Version | None = None  # the kernel that it came with; None: older than 2.6.18, or not known
    only_with: str = ""  # what the kernel must be built with, or the machine must have
    former: str = ""  # what it was called before ``since``
    changes: str = ""  # what else depends on the version, in words
    related: tuple[str, ...] = ()
    twin: str = ""  # the other name of the same setting in another unit: writing one sets the other to 0
    danger: str = ""
    choices: tuple[str, ...] = ()  # words instead of numbers
    is_list: bool = False  # several numbers
    is_action: bool = False  # writing does something; there is no value
    high_once: tuple[Version, int] | None = None  # before this version the highest value was that
    defaults_once: tuple[tuple[Version, str], ...] = ()  # before these versions the default was that, oldest first

    def is_in(self, version: Version | None) -> bool:
        """Tell whether a kernel is new enough to have it."""
        return self.since is None or since(version, self.since)

    @property
    def versions(self) -> str:
        """Say which kernels have it, and what changed between them.

        >>> TUNABLES["vm.watermark_scale_factor"].versions, TUNABLES["vm.numa_stat"].versions
        ('4.6; to 1000 before 5.17', '4.15, only with NUMA')
        """
        came = "" if self.since is None else brief_release(self.since)
        came += f", only with {self.only_with}" if self.only_with else ""
        came += f", before it {self.former}" if self.former else ""
        once = self.high_once
        highest = f"to {once[1]} before {brief_release(once[0])}" if once else ""
        return "; ".join(part for part in (came, highest, self.changes) if part)


def _vm(name: str, unit: str, low: int, high: int, default: str, meaning: str, **others: object) -> Tunable:
    return Tunable(f"vm.{name}", f"sys/vm/{name}", unit, low, high, default, meaning, **others)  # type: ignore[arg-type]


def _mm(name: str, path: str, unit: str, low: int, high: int, default: str, meaning: str, **others: object) -> Tunable:
    return Tunable(name, f"/sys/kernel/mm/{path}", unit, low, high, default, meaning, **others)  # type: ignore[arg-type]


_ENTRIES = (
    _vm(
        *("admin_reserve_kbytes", "kB", 0, _LONG_MAX, "3 % of free memory at boot, at most 8192"),
        "Memory that stays allocatable for processes with CAP_SYS_ADMIN, so that root can log in and kill something.",
        since=(3, 10, 0),
        related=("vm.user_reserve_kbytes", "vm.overcommit_memory"),
        danger="Too little of it, with overcommit_memory=2, and root cannot start a program either.",
    ),
    _vm(
        *("compact_memory", "", 1, 1, ""),
        "Writing 1 puts free pages of all zones together into large blocks, at once.",
        since=(2, 6, 35),
        related=("vm.compaction_proactiveness",),
        danger="All of memory is moved about: it takes time, and programs stall.",
        is_action=True,
    ),
    _vm(
        *("compact_unevictable_allowed", "switch", 0, 1, "1"),
        "Whether compaction may move locked pages, whose owners then stall for a moment.",
        since=(4, 1, 0),
        changes="0 with PREEMPT_RT",
        related=("vm.compaction_proactiveness",),
    ),
    _vm(
        *("compaction_proactiveness", "%", 0, 100, "20"),
        "How hard the kernel works ahead to put free pages together into large blocks; 0 leaves it until one is asked for.",
        since=(5, 9, 0),
        related=("transparent_hugepage.defrag",),
    ),
    _vm(
        *("defrag_mode", "switch", 0, 1, "0"),
        "Whether the allocator would rather reclaim and compact than mix kinds of pages, so that large blocks stay possible.",
        since=(6, 15, 0),
        related=("vm.compaction_proactiveness", "vm.watermark_boost_factor"),
    ),
    _vm(
        *("dirty_background_bytes", "bytes", 1, _LONG_MAX, "0"),
        "How much may be dirty before the kernel starts to write it back in the background; 0: the ratio counts.",
        since=(2, 6, 29),
        related=("vm.dirty_bytes",),
        twin="vm.dirty_background_ratio",
    ),
    _vm(
        *("dirty_background_ratio", "% of dirtyable memory", 0, 100, "10"),
        "How much of free and file memory may be dirty before the kernel starts to write it back in the background.",
        changes="10 since 2.6.30, 5 in 2.6.24, 10 in 2.6.18",
        defaults_once=(((2, 6, 22), "10"), ((2, 6, 30), "5")),
        related=("vm.dirty_ratio", "vm.dirty_expire_centisecs"),
        twin="vm.dirty_background_bytes",
    ),
    _vm(
        *("dirty_bytes", "bytes", 1, _LONG_MAX, "0"),
        "How much may be dirty before those who write must wait for the disk; 0: the ratio counts.",
        since=(2, 6, 29),
        related=("vm.dirty_background_bytes",),
        twin="vm.dirty_ratio",
        danger="Very small values make every writer wait.",
    ),
    _vm(
        *("dirty_expire_centisecs", "1/100 s", 0, _INT_MAX, "3000"),
        "How old dirty data may get before the next writeback takes it along.",
        related=("vm.dirty_writeback_centisecs",),
        danger="What is not yet written is lost when the power fails.",
    ),
    _vm(
        *("dirty_ratio", "% of dirtyable memory", 0, 100, "20"),
        "How much of free and file memory may be dirty before those who write must wait for the disk.",
        changes="20 since 2.6.30, 10 in 2.6.24, 40 in 2.6.18",
        defaults_once=(((2, 6, 22), "40"), ((2, 6, 30), "10")),
        related=("vm.dirty_background_ratio",),
        twin="vm.dirty_bytes",
    ),
    _vm(
        *("dirty_writeback_centisecs", "1/100 s", 0, _INT_MAX, "500"),
        "How often the kernel looks for data old enough to be written back; 0 switches that off.",
        related=("vm.dirty_expire_centisecs",),
        danger="With 0, data waits until there is too much of it.",
    ),
    _vm(
        *("dirtytime_expire_seconds", "s", 0, _INT_MAX, "43200"),
        "How old an inode may get of which only times have changed, on file systems with lazytime, before it is written.",
        since=(4, 0, 0),
        related=("vm.dirty_expire_centisecs",),
    ),
    _vm(
        *("drop_caches", "", 1, 3, ""),
        "Writing 1 drops clean file pages, 2 dentries, inodes and other reclaimable slab, 3 both. Nothing dirty is dropped, "
        "and whatever is needed again must be read again.",
        since=(2, 6, 16),
        danger="Programs slow down until their files are back in memory: use pymemtools drop-caches, which says how far.",
        is_action=True,
    ),
    _vm(
        *("extfrag_threshold", "1/1000", 0, 1000, "500"),
        "When a large block cannot be had: up to this degree of fragmentation memory is reclaimed, above it compacted.",
        since=(2, 6, 35),
        related=("vm.compaction_proactiveness",),
    ),
    _vm(
        *("highmem_is_dirtyable", "switch", 0, 1, "0"),
        "Whether pages of high memory count as dirtyable: 1 raises the dirty thresholds of a 32-bit machine.",
        since=(2, 6, 25),
        only_with="high memory",
        related=("vm.dirty_ratio", "vm.dirty_background_ratio"),
        danger="With much high memory, low memory may fill up with what is waiting to be written.",
    ),
    _vm(
        *("laptop_mode", "s", 0, _INT_MAX, "0"),
        "How long after a read all dirty data is written, so that the disk may rest in between; 0 switches that off.",
        related=("vm.dirty_writeback_centisecs", "vm.dirty_expire_centisecs"),
    ),
    _vm(
        *("legacy_va_layout", "switch", 0, 1, "0"),
        "Whether programs that start get the layout of Linux 2.4: mappings from the bottom up, below the stack.",
    ),
    _vm(
        *("lowmem_reserve_ratio", "1/n of the zones above", 0, _INT_MAX, "256 256 32 0 0 on x86_64"),
        "What part of the memory of higher zones each zone keeps back from allocations that could use those, a number for "
        "each zone; 0 keeps back nothing.",
        related=("vm.min_free_kbytes",),
        is_list=True,
    ),
    _vm(
        *("max_map_count", "mappings", 0, _INT_MAX, "65530"),
        "How many mappings a process may have; beyond it mmap, mprotect and thread creation fail with ENOMEM.",
        danger="Running programs that have more already cannot map anything.",
    ),
    _vm(
        *("memfd_noexec", "mode", 0, 2, "0"),
        "What memfd_create() without a flag makes: 0 a file that may be executed, 1 one that may not; 2 refuses what could be.",
        since=(6, 3, 0),
        changes="for each PID namespace",
    ),
    _vm(
        *("memory_failure_early_kill", "switch", 0, 1, "0"),
        "Whether a process is killed as soon as a page of its memory is found broken, or only when it touches that.",
        since=(2, 6, 32),
        related=("vm.memory_failure_recovery",),
    ),
    _vm(
        *("memory_failure_recovery", "switch", 0, 1, "1"),
        "Whether the kernel tries to go on without a page that is found broken; 0 panics.",
        since=(2, 6, 32),
        related=("vm.memory_failure_early_kill",),
        danger="With 0 the machine goes down for a single broken page.",
    ),
    _vm(
        *("min_free_kbytes", "kB", 0, _INT_MAX, "4 * sqrt(lowmem in kB), or what huge pages ask for"),
        "What the kernel keeps free, spread over the zones as their min watermarks: the last reserve, for interrupts and for "
        "reclaim itself.",
        changes="at most 65536 by itself to 5.4, 262144 from 5.10",
        related=("vm.watermark_scale_factor", "vm.lowmem_reserve_ratio"),
        danger="Below 1024 the machine may deadlock under load; too much of it brings the OOM killer at once.",
    ),
    _vm(
        *("min_slab_ratio", "% of the node", 0, 100, "5"),
        "How much of a node must be reclaimable slab before zone_reclaim_mode takes any of it.",
        since=(2, 6, 19),
        only_with="NUMA",
        related=("vm.zone_reclaim_mode",),
    ),
    _vm(
        *("min_unmapped_ratio", "% of the node", 0, 100, "1"),
        "How much of a node must be file pages that nobody maps before zone_reclaim_mode takes any of them.",
        since=(2, 6, 18),
        only_with="NUMA",
        related=("vm.zone_reclaim_mode",),
    ),
    _vm(
        *("mmap_min_addr", "bytes", 0, _LONG_MAX, "4096, or as the kernel was built (65536)"),
        "Below this address nothing can be mapped, so that following a NULL pointer faults.",
        danger="0 lets bugs of the kernel be used by whoever can map page 0.",
    ),
    _vm(
        *("nr_hugepages", "pages", 0, _LONG_MAX, "0"),
        "How many huge pages of the default size are in the pool, whether used or not: nobody else can have that memory.",
        related=("transparent_hugepage.enabled",),
        danger="The kernel gives as many as it finds, which may be fewer; too many starve everything else.",
    ),
    _vm(
        *("nr_overcommit_hugepages", "pages", 0, _LONG_MAX, "0"),
        "How many huge pages beyond nr_hugepages the pool may take from free memory while they are asked for.",
        since=(2, 6, 24),
        related=("vm.nr_hugepages",),
    ),
    _vm(
        *("numa_stat", "switch", 0, 1, "1"),
        "Whether allocations are counted by node: the numa_ lines of vmstat and zoneinfo.",
        since=(4, 15, 0),
        only_with="NUMA",
    ),
    _vm(
        *("oom_dump_tasks", "switch", 0, 1, "1"),
        "Whether an OOM kill writes the table of all processes to the kernel's log.",
        since=(2, 6, 25),
        changes="1 since 2.6.36, 0 before",
        defaults_once=(((2, 6, 36), "0"),),
        related=("vm.oom_kill_allocating_task",),
    ),
    _vm(
        *("oom_kill_allocating_task", "switch", 0, 1, "0"),
        "Whether, out of memory, the process that asked for more is killed instead of the one that is worst.",
        related=("vm.panic_on_oom",),
    ),
    _vm(
        *("overcommit_kbytes", "kB", 0, _LONG_MAX, "0"),
        "How much memory beside swap may be promised with overcommit_memory=2; 0: the ratio counts.",
        since=(3, 14, 0),
        related=("vm.overcommit_memory",),
        twin="vm.overcommit_ratio",
    ),
    _vm(
        *("overcommit_memory", "mode", 0, 2, "0"),
        "Which requests for memory are refused: 0 only what is plainly too much, 1 none, 2 what would promise more than "
        "CommitLimit in all.",
        related=("vm.overcommit_ratio", "vm.overcommit_kbytes", "vm.admin_reserve_kbytes", "vm.user_reserve_kbytes"),
        danger="2 fails fork and malloc at once when Committed_AS is above CommitLimit already.",
    ),
    _vm(
        *("overcommit_ratio", "% of RAM", 0, _INT_MAX, "50"),
        "How much of RAM, beside swap, may be promised with overcommit_memory=2.",
        related=("vm.overcommit_memory",),
        twin="vm.overcommit_kbytes",
    ),
    _vm(
        *("page-cluster", "power of 2", 0, 31, "3"),
        "How many pages are read from swap at a time: 2 to this power; 0 reads one. For swap in RAM (zram) 0 is best.",
        changes="below 16 MB of RAM 2",
    ),
    _vm(
        *("page_lock_unfairness", "times", 0, _INT_MAX, "5"),
        "How often the lock of a page may be taken from under who waits for it, before that one gets it in turn.",
        since=(5, 9, 0),
    ),
    _vm(
        *("panic_on_oom", "mode", 0, 2, "0"),
        "1 panics instead of killing a process when the whole machine is out of memory, 2 also when a group or node is.",
        danger="The machine goes down.",
    ),
    _vm(
        *("stat_interval", "s", 0, _INT_MAX, "1"),
        "How often processors fold their own counters into those of /proc/vmstat.",
    ),
    _vm(
        *("percpu_pagelist_high_fraction", "1/n of the zone", 0, _INT_MAX, "0"),
        "What part of a zone the processors' own lists of free pages may hold; 0 lets the kernel choose by the low watermark, "
        "and 1 to 7 are refused.",
        since=(5, 14, 0),
        former="percpu_pagelist_fraction",
    ),
    _vm(
        *("swappiness", "cost of swapping, 100 being that of files", 0, 200, "60"),
        "How reclaim weighs anonymous pages against file pages: at 100 both cost the same to bring back, below it file pages "
        "go first, 0 swaps only to prevent OOM.",
        high_once=((5, 8, 0), 100),
    ),
    _vm(
        *("unprivileged_userfaultfd", "switch", 0, 1, "0"),
        "Whether userfaultfd() of users without CAP_SYS_PTRACE may handle faults of the kernel, too.",
        since=(5, 2, 0),
        changes="1 before 5.11",
        defaults_once=(((5, 11, 0), "1"),),
        danger="1 helps who wants to use a race in the kernel.",
    ),
    _vm(
        *("user_reserve_kbytes", "kB", 0, _LONG_MAX, "3 % of free memory at boot, at most 131072"),
        "With overcommit_memory=2, what of its share a single process must leave: at most this, or 3 % of its size.",
        since=(3, 10, 0),
        related=("vm.overcommit_memory", "vm.admin_reserve_kbytes"),
    ),
    _vm(
        *("vfs_cache_pressure", "%", 0, _INT_MAX, "100"),
        "How eagerly dentries and inodes are reclaimed beside file pages; below 100 they stay longer.",
        danger="0 never reclaims them, until memory is full of them.",
    ),
    _vm(
        *("vfs_cache_pressure_denom", "", 100, _INT_MAX, "100"),
        "What vfs_cache_pressure is a part of: dentries and inodes are as dear as file pages where the two are equal.",
        since=(6, 16, 0),
        related=("vm.vfs_cache_pressure",),
    ),
    _vm(
        *("watermark_boost_factor", "1/10000 of high", 0, _INT_MAX, "15000"),
        "How far the watermarks may rise for a while after allocations had to mix kinds of pages; 0 switches that off.",
        since=(5, 0, 0),
        related=("vm.watermark_scale_factor",),
    ),
    _vm(
        *("watermark_scale_factor", "1/10000 of the zone", 1, 3000, "10"),
        "How far apart the watermarks are: kswapd starts earlier and works longer with more.",
        since=(4, 6, 0),
        high_once=((5, 17, 0), 1000),
        related=("vm.min_free_kbytes",),
    ),
    _vm(
        *("zone_reclaim_mode", "bits", 0, 7, "0"),
        "What is tried before memory is taken from another node: 1 reclaim here, 2 write dirty pages, 4 swap.",
        changes="0 since 3.16, before it depended on the distance of nodes",
    ),
    Tunable(
        *("kernel.randomize_va_space", "sys/kernel/randomize_va_space", "mode", 0, 2, "2"),
        "What of an address space is put at random places: 1 stack, mmap base and vdso, 2 the heap, too, 0 nothing.",
        danger="0 makes attacks on memory errors easy.",
    ),
    _mm(
        *("ksm.run", "ksm/run", "mode", 0, 2, "0"),
        "1 lets ksmd merge equal pages of those who asked for it, 0 stops it and keeps what is merged, 2 takes all apart.",
    ),
    _mm(
        *("ksm.pages_to_scan", "ksm/pages_to_scan", "pages", 0, _INT_MAX, "100"),
        "How many pages ksmd looks at before it sleeps.",
        changes="from 6.8 on the kernel's own choice, not to be set, while ksm/advisor_mode is scan-time",
        related=("ksm.sleep_millisecs",),
    ),
    _mm(
        *("ksm.sleep_millisecs", "ksm/sleep_millisecs", "ms", 0, _INT_MAX, "20"),
        "How long ksmd sleeps between its rounds.",
        related=("ksm.pages_to_scan",),
    ),
    _mm(
        *("ksm.max_page_sharing", "ksm/max_page_sharing", "mappings", 2, _INT_MAX, "256"),
        "How many mappings one merged page may have: beyond it ksmd keeps another copy.",
        since=(4, 13, 0),
        changes="changes only while nothing is merged",
    ),
    _mm(
        *("ksm.merge_across_nodes", "ksm/merge_across_nodes", "switch", 0, 1, "1"),
        "Whether pages of different nodes are merged, which makes them far for some.",
        since=(3, 9, 0),
        changes="changes only while nothing is merged",
    ),
    _mm(
        *("ksm.smart_scan", "ksm/smart_scan", "switch", 0, 1, "1"),
        "Whether ksmd passes over pages that it could not merge before.",
        since=(6, 7, 0),
        related=("ksm.pages_to_scan",),
    ),
    _mm(
        *("ksm.use_zero_pages", "ksm/use_zero_pages", "switch", 0, 1, "0"),
        "Whether ksmd merges pages of zeros with the kernel's own zero page.",
        since=(4, 11, 0),
    ),
    _mm(
        *(
            "transparent_hugepage.enabled",
            "transparent_hugepage/enabled",
            "",
            0,
            0,
            "always or madvise, as the kernel was built; never below 512 MiB of RAM",
        ),
        "Who gets huge pages for anonymous memory without asking for each: all, those who call madvise, nobody.",
        since=(2, 6, 38),
        choices=("always", "madvise", "never"),
        related=("transparent_hugepage.defrag", "vm.min_free_kbytes"),
    ),
    _mm(
        *("transparent_hugepage.defrag", "transparent_hugepage/defrag", "", 0, 0, "madvise"),
        "What a fault does when no huge page is free: stall and make one, leave it to kswapd, or take small pages.",
        since=(2, 6, 38),
        changes="always before 4.6, which brought defer; 4.11 brought defer+madvise",
        defaults_once=(((4, 6, 0), "always"),),
        choices=("always", "defer", "defer+madvise", "madvise", "never"),
        related=("transparent_hugepage.enabled",),
    ),
    _mm(
        *("transparent_hugepage.shmem_enabled", "transparent_hugepage/shmem_enabled", "", 0, 0, "never"),
        "Who gets huge pages for shared memory that no mount of tmpfs stands for: all, all within a file's size, those who "
        "call madvise, nobody; deny and force overrule every mount.",
        since=(4, 8, 0),
        choices=("always", "within_size", "advise", "never", "deny", "force"),
        related=("transparent_hugepage.enabled",),
    ),
    _mm(
        *("transparent_hugepage.use_zero_page", "transparent_hugepage/use_zero_page", "switch", 0, 1, "1"),
        "Whether reading untouched memory maps a huge page of zeros.",
        since=(3, 8, 0),
        related=("transparent_hugepage.enabled",),
    ),
)

TUNABLES: Mapping[str, Tunable] = {entry.name: entry for entry in _ENTRIES}
ONLY_WRITTEN = frozenset(entry.name for entry in _ENTRIES if entry.is_action)
NEVER_READ = frozenset(("vm.stat_refresh",))  # reading it makes the kernel do something


def limits(entry: Tunable, version: Version | None = None, page_size: int | None = None) -> tuple[int, int]:
    """Give the least and the most that a kernel takes; what it is or how large its pages are may be unknown.

    >>> limits(TUNABLES["vm.swappiness"], (5, 4, 0)), limits(TUNABLES["vm.dirty_bytes"], page_size=4096)[0]
    ((0, 100), 8192)
    """
    low, high = entry.low, entry.high
    if entry.high_once is not None and version is not None and version < entry.high_once[0]:
        high = entry.high_once[1]
    if entry.name == "vm.dirty_bytes" and page_size is not None:
        low = 2 * page_size  # mm/page-writeback.c, dirty_bytes_min
    return low, high


def range_in_words(low: int, high: int) -> str:
    """Write a range for people, who need not be told how large the kernel's types are.

    >>> range_in_words(0, 100), range_in_words(1, _INT_MAX)
    ('0 to 100', '1 or more')
    """
    return f"{low} to {high}" if high < _INT_MAX else f"{low} or more"


def default_of(entry: Tunable, version: Version | None = None) -> str:
    """Give the default of a kernel: a value, or the rule that gives it.

    >>> default_of(TUNABLES["vm.dirty_ratio"], (2, 6, 24)), default_of(TUNABLES["vm.dirty_ratio"])
    ('10', '20')
    """
    if version is not None:
        for before, default in entry.defaults_once:
            if version < before:
                return default
    return entry.default


def canonical(name: str) -> str:
    """Give the one spelling of a name: ``swappiness``, ``vm/swappiness`` and its file's path are ``vm.swappiness``.

    >>> canonical("page-cluster"), canonical("vm/swappiness"), canonical("randomize_va_space")
    ('vm.page-cluster', 'vm.swappiness', 'kernel.randomize_va_space')
    >>> canonical("/proc/sys/vm/swappiness"), canonical("/sys/kernel/mm/ksm/run"), canonical("/proc/sys/net/core/x")
    ('vm.swappiness', 'ksm.run', 'net.core.x')
    """
    if name.startswith("/"):
        path = name.removeprefix("/proc/")
        known = next((each for each, entry in TUNABLES.items() if entry.path == path), None)
        return known or path.removeprefix("sys/").replace("/", ".")
    name = name.replace("/", ".")
    if "." in name:
        return name
    named = next((each for each in TUNABLES if each.rpartition(".")[2] == name), None)
    return named or f"vm.{name}"
