"""What a capture holds, a file a line: the program and the script take these, archives are read for these, and ``info``
and every command ask for no other.
"""

from __future__ import annotations

from typing import NamedTuple

_MIB = 1 << 20
_ARGUMENTS = 8 * _MIB  # Linux allows 6 MiB of arguments (fs/exec.c, bprm_stack_limits(), since 4.13)
_LOG = 64 * _MIB
HIDDEN, LEFT_OUT = "hidden", "left out"


class Kept(NamedTuple):
    """One file of the kernel's, or all those that a pattern names."""

    # Below /proc, or of the machine with a leading slash; PID/ is any process's, GROUP/ any memory group's.
    # A * is any name, or part of one.
    path: str
    what: str  # what it tells
    since: tuple[int, int] | None = None  # the first kernel with it, where some that are in use have none
    veil: str = ""  # what --anonymize does with it: names in it are HIDDEN, or it is LEFT_OUT
    # Bytes, above which it is refused: cpuinfo and zoneinfo of a thousand processors have more than one MiB. Without a
    # limit but that of the archive are those that are never held whole.
    most: int | None = 16 * _MIB
    is_taken: bool = True  # or else only read, where there is one: of a live machine, or in others' copies
    each: bool = False  # a recording takes it with each sample, or else with every Nth


_VM = "/sys/kernel/mm"
_HUGE = f"{_VM}/transparent_hugepage"
_ZRAM = "/sys/block/zram*"
# In this order; of a process the large ones last: what follows them is read latest after the first look at stat.
FILES = (
    Kept("meminfo", "what memory is used for", each=True),
    Kept("version", "the kernel's release", veil=HIDDEN),
    Kept("vmstat", "events since the start, and counts of pages", each=True),
    Kept("zoneinfo", "zones: pages, watermarks, reserves", each=True),
    Kept("buddyinfo", "free blocks by size", each=True),
    Kept("pagetypeinfo", "the size of a pageblock"),
    Kept("slabinfo", "the kernel's own objects"),
    Kept("swaps", "where is swapped to", veil=HIDDEN, each=True),
    Kept("cmdline", "what the kernel was started with", veil=LEFT_OUT),
    Kept("uptime", "seconds since the start", each=True),
    Kept("iomem", "the physical address space"),
    Kept("cpuinfo", "processors"),
    Kept("stat", "time of the start, processors"),
    Kept("loadavg", "how many want to run", each=True),
    Kept("pressure/memory", "time lost waiting for memory", (4, 20), each=True),
    Kept("pressure/cpu", "time lost waiting for a processor", (4, 20), each=True),
    Kept("pressure/io", "time lost waiting for disks", (4, 20), each=True),
    Kept("mounts", "file systems, those in memory among them", veil=LEFT_OUT),
    Kept("net/sockstat", "sockets, and the pages in their buffers", each=True),
    Kept("net/sockstat6", "the same of IPv6", each=True),
    Kept("vmallocinfo", "the kernel's large areas, by who made them"),
    Kept("allocinfo", "what each place in the kernel's code has allocated", (6, 10)),
    Kept("sys/kernel/hostname", "the machine's name", veil=LEFT_OUT),
    Kept("sys/kernel/random/boot_id", "which start of which machine this is", veil=LEFT_OUT, each=True),
    Kept("sys/kernel/randomize_va_space", "whether address spaces are laid out at random"),
    Kept("sys/kernel/pid_max", "how many processes there can be"),
    Kept("sys/vm/*", "tunables", each=True),
    Kept(f"{_VM}/ksm/*", "merging of equal pages: settings and counts", each=True),
    Kept(f"{_HUGE}/*", "huge pages: settings", each=True),
    Kept(f"{_HUGE}/khugepaged/*", "huge pages: settings and counts of the thread that makes them"),
    Kept(f"{_HUGE}/hugepages-*kB/enabled", "pages of more sizes: who gets them", (6, 8)),
    Kept(f"{_HUGE}/hugepages-*kB/shmem_enabled", "pages of more sizes: who gets them for shared memory", (6, 10)),
    Kept(f"{_HUGE}/hugepages-*kB/stats/anon_fault_*", "pages of more sizes: faults", (6, 10)),
    Kept(f"{_HUGE}/hugepages-*kB/stats/nr_anon", "pages of more sizes: how many there are", (6, 12)),
    Kept(f"{_HUGE}/hugepages-*kB/stats/s*", "pages of more sizes: shared memory, splits and swap", (6, 10)),
    Kept(f"{_VM}/lru_gen/*", "reclaim by generations", (6, 1)),
    Kept(f"{_VM}/swap/*", "read-ahead of swap", (4, 14)),
    Kept(f"{_VM}/hugepages/*/*_hugepages", "huge pages set aside, by size", each=True),
    Kept("/sys/devices/system/node/node*/meminfo", "what the memory of a node is used for", each=True),
    Kept("/sys/devices/system/node/node*/numastat", "how often a node's memory was given to others than asked for"),
    # Memory that meminfo does not tell of: what swap takes of RAM, and the cache of ZFS.
    Kept(f"{_ZRAM}/mm_stat", "swap in RAM: what it stores, and what that takes", (4, 1), each=True),
    Kept(f"{_ZRAM}/bd_stat", "swap in RAM: what of it was written to a disk", (4, 20)),
    Kept(f"{_ZRAM}/disksize", "swap in RAM: the most that it stores"),
    Kept(f"{_ZRAM}/comp_algorithm", "swap in RAM: how it is compressed"),
    Kept("/sys/module/zswap/parameters/*", "a cache before swap: settings", (3, 11)),
    Kept("/sys/kernel/debug/zswap/*", "a cache before swap: counts"),
    Kept("spl/kstat/zfs/arcstats", "the cache of ZFS"),
    Kept("/sys/kernel/debug/dma_buf/*", "buffers that devices share", (3, 5)),
    # Who kills before the kernel does: of earlyoom the command line says it
    Kept("/etc/systemd/oomd.conf", "when systemd-oomd kills", veil=LEFT_OUT),
    Kept("/etc/systemd/oomd.conf.d/*.conf", "... changed for this machine", veil=LEFT_OUT),
    # A process's
    Kept("PID/stat", "whose child it is, since when it runs; whether it has memory", most=_MIB, each=True),
    Kept("PID/status", "its owner, and figures of its memory", most=_MIB, each=True),
    Kept("PID/cmdline", "its command", veil=HIDDEN, most=_ARGUMENTS),
    Kept("PID/comm", "its name", most=_MIB),
    Kept("PID/cgroup", "its control groups", veil=HIDDEN, most=_MIB, each=True),
    Kept("PID/oom_score", "how likely it is killed for want of memory", most=_MIB, each=True),
    Kept("PID/oom_score_adj", "what was added to that", most=_MIB, each=True),
    Kept("PID/statm", "its pages", most=_MIB, each=True),
    Kept("PID/ksm_stat", "what of it is merged with equal pages", (6, 1), most=_MIB),
    Kept("PID/maps", "its mappings", veil=HIDDEN, most=None),
    Kept("PID/smaps_rollup", "what its memory costs, in sum", (4, 14), most=_MIB),
    Kept("PID/smaps", "what each of its mappings costs", veil=HIDDEN, most=None),
    # A memory group's, of version 2 and of version 1
    Kept("GROUP/memory.max", "its limit", (4, 5), each=True),
    Kept("GROUP/memory.high", "above which it is slowed down", (4, 5), each=True),
    Kept("GROUP/memory.min", "what is never taken from it", (4, 18)),
    Kept("GROUP/memory.low", "what is taken from it last", (4, 5)),
    Kept("GROUP/memory.current", "what it uses", (4, 5), each=True),
    Kept("GROUP/memory.stat", "what it uses that for", each=True),
    Kept("GROUP/memory.events", "how often it met its limits", (4, 5), each=True),
    Kept("GROUP/memory.pressure", "time lost in it waiting for memory", (4, 20), each=True),
    Kept("GROUP/memory.peak", "the most that it used", (5, 19)),
    Kept("GROUP/memory.swap.max", "its limit of swap", (4, 5)),
    Kept("GROUP/memory.swap.current", "what it has in swap", (4, 5), each=True),
    Kept("GROUP/memory.zswap.current", "what it has in the cache before swap", (5, 19)),
    Kept("GROUP/memory.oom.group", "whether it is killed as a whole", (4, 19)),
    Kept("GROUP/memory.limit_in_bytes", "its limit", each=True),
    Kept("GROUP/memory.usage_in_bytes", "what it uses", each=True),
    Kept("GROUP/memory.max_usage_in_bytes", "the most that it used"),
    Kept("GROUP/memory.failcnt", "how often it met its limit", each=True),
    Kept("GROUP/memory.memsw.limit_in_bytes", "its limit of memory and swap"),
    Kept("GROUP/memory.memsw.usage_in_bytes", "what it uses of both", each=True),
    Kept("GROUP/memory.kmem.usage_in_bytes", "what the kernel has taken for it", each=True),
    Kept("GROUP/memory.kmem.tcp.usage_in_bytes", "what buffers of sockets take"),
    Kept("GROUP/memory.soft_limit_in_bytes", "above which it is reclaimed from first"),
    Kept("GROUP/memory.use_hierarchy", "whether limits are those of the groups in it, too"),
    Kept("GROUP/memory.swappiness", "how readily it is swapped out"),
    Kept("GROUP/memory.oom_control", "whether it is paused where others are killed"),
    # Not taken
    Kept("GROUP/cgroup.procs", "who is in it", is_taken=False),
    Kept("PID/numa_maps", "on which nodes its pages are: capture --numa-maps", veil=HIDDEN, is_taken=False),
    Kept("self/stat", "the PID of whoever looks", is_taken=False),
    Kept("self/status", "the rights and the memory of whoever looks", is_taken=False),
    Kept("self/cgroup", "the groups of whoever looks", is_taken=False),
    Kept("self/mountinfo", "where groups are mounted, and whether processes are hidden", is_taken=False),
    Kept(f"{_ZRAM}/orig_data_size", "swap in RAM, before mm_stat: what it stores", is_taken=False),
    Kept(f"{_ZRAM}/compr_data_size", "... that, compressed", is_taken=False),
    Kept(f"{_ZRAM}/mem_used_total", "... the RAM that takes", is_taken=False),
    Kept(f"{_ZRAM}/mem_limit", "... the most of that; can only be written from mm_stat on", is_taken=False),
    Kept("sys/kernel/osrelease", "the kernel's release, where there is no version", is_taken=False),
    Kept("dmesg", "the kernel's log: capture --dmesg", most=_LOG, is_taken=False),
    Kept("mounts.tmpfs", "how full file systems in memory are: no file of the kernel's", veil=LEFT_OUT, is_taken=False),
    Kept("kpageflags.hist", "how many page frames have which flags: capture --kpageflags", is_taken=False),
    Kept("/etc/passwd", "the names of users", is_taken=False),
    Kept("/manifest.json", "what a capture says of itself", is_taken=False),
    Kept("GROUP/*", "that there is such a group, in a copy that others made", is_taken=False),
)
# Reading stat_refresh makes the kernel fold its per-processor counters; the others can only be written.
NEVER_READ = ("sys/vm/stat_refresh", "sys/vm/drop_caches", "sys/vm/compact_memory")
