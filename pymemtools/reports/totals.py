"""What the keys of totals mean, command by command: of these docs/json.md is made. No command loads this."""

from __future__ import annotations

from collections.abc import Mapping

from pymemtools.report import Column

# The totals of these are their columns' sums, by the same keys.
SUMMED = frozenset(
    {
        *("smem", "smem -m", "smem -u", "smem -g", "smem -g tree", "smem -w", "smem --diff"),
        *("pmap", "status", "numa PID"),
    }
)


def _of(key: str, meaning: str, kind: str = "bytes") -> Column:
    return Column(key, "", meaning, kind)


_RULE = _of("rule", "the kernel's rule", "text")
_PID = _of("pid", "process number", "count")
_LIMITS = (
    _of("cgroup", "the control group that asks", "text"),
    _of("cgroup_room_least", "what the limit that leaves the least leaves it, at the least; null: none is told"),
    _of("cgroup_room_most", "and at the most"),
    _of("decided_by_cgroup", "the group whose limit decides; null: none does", "text"),
    _of("decided_by_file", "the kernel's file that holds this limit", "text"),
    _of(
        "limits",
        "of each limit upwards: cgroup, file, limit, used, room_least, room_most in bytes; slows: it kills nobody",
        "nested",
    ),
)
_VICTIM = (
    _of("victim_pid", "who is killed first; 0 for one that does not exist, null for nobody", "count"),
    _of("victim_name", "the kernel's name of it", "text"),
    _of("victim_score", "its score", "score"),
)
_KILLED = (
    _of("oom_cgroup", "the control group that dies as a whole (memory.oom.group); null: none", "text"),
    _of("killed_pids", "all who die", "nested"),
)
_OUTCOME = _of("outcome", "what comes of it, in words: fits, may not fit, OOM, refused, throttled ...", "text")
_WHERE = _of("cgroup", "the control group that is out of memory; null: the machine", "text")
_SCORES = (
    _of("total_pages", "RAM and swap, or the group's limit: what scores are a share of", "pages"),
    _of("score_scale", "the Linux version since which scores are so", "text"),
)
_PAGES_OF_FILES = (
    _of("files", "number of files", "count"),
    _of("directories", "number of directories", "count"),
    _of("size", "of all files"),
    _of("in_cache", "of it in the page cache"),
    _of("dirty", "of it not yet written; null: not told"),
    _of("writeback", "of it being written; null: not told"),
    _of("evicted_bytes", "of it that was in the cache and was evicted; null: not told"),
    _of("unknown", "number of files of which it is not known, and which are not counted", "count"),
)
_FLEET = (
    _of("captures", "captures in the dataset", "count"),
    _of("hosts", "machines that they are of", "count"),
    _of("rejected", "captures that could not be taken in", "count"),
    _of("rows", "rows without --top", "count"),
)
_HUGE = (
    _of("huge_page_size", "of a huge page that one entry of the second level maps"),
    _of("settings", "of transparent_hugepage/, by name", "nested"),
    _of("khugepaged", "of transparent_hugepage/khugepaged/, by name", "nested"),
    _of("sizes", "of each size of page (bytes): size, enabled, shmem_enabled, and stats by name", "nested"),
    _of("counters", "the thp_ counters of vmstat, by name", "nested"),
    _of("amounts", "of meminfo, by the kernel's name, in bytes", "nested"),
)
LAWS = _of("laws", "name, holds, expected and seen of each law", "nested")
_LAB: Mapping[str, tuple[Column, ...]] = {
    "page-cache": (
        _of("files", "number of files", "count"),
        _of("size", "of all files"),
        _of("whole_pages", "the same in whole pages"),
        _of("directory", "the folder that was read; null: a file of our own", "text"),
        _of("method", "what told what is in the cache: cachestat or mincore", "text"),
    ),
    "drop-caches": (_of("size", "of the file"),),
    "writeback": (
        _of("size", "of the file"),
        _of("write_seconds", "until write() had returned", "seconds"),
        _of("sync_seconds", "that fsync() took after it", "seconds"),
        _of("slack", "by so much what processors count for themselves may make the books differ"),
        _of("background_threshold", "from so much on the kernel writes"),
        _of("dirty_threshold", "below so much writers wait"),
        _of("predicted_peak_least", "the most that is dirty or under writeback, by what-if dirty, at the least"),
        _of("predicted_peak_most", "and at the most"),
        _of("peak", "the most that was dirty or under writeback, more than before"),
    ),
    "mmap-vs-read": (
        _of("whole_pages", "the file in whole pages"),
        _of("mmap_memory", "what all who map take, the page cache included"),
        _of("read_memory", "what all who read take, the page cache included"),
    ),
    "watch": (
        _of("status", "the exit status", "count"),
        _of("words", "the command, word by word", "nested"),
        _of("started_seconds", "when it began, since the first sample", "seconds"),
        _of("ended_seconds", "and when it had ended", "seconds"),
        _of("peaks", "least, most and change of each amount, in bytes", "nested"),
    ),
    "ksm": (_of("scans", "so often ksmd looked at all pages", "count"),),
    "malloc": (_of("libc", "the C library", "text"),),
    "aslr": (_of("randomize_va_space", "the setting: 0, 1 or 2", "count"),),
    "segv": (
        _of("machine", "the architecture", "text"),
        _of("is_known", "whether all that it must tell is known here", "bool"),
    ),
    "watermarks": (_of("read", "so much was read until kswapd woke"),),
    "oom": (
        _of("within", "what was limited: group or addresses", "text"),
        _of("ending", "how the program ended", "text"),
        _of("dies_of", "what most of its memory was; null: addresses were limited", "text"),
        _of("group_kills", "kills that the group counts", "count"),
        _of("peak", "the most that the group was charged"),
        _of("limit", "of the group, or of addresses"),
        _of("cgroup", "the group that was made for it", "text"),
        _of("oom_report", "the row of oom-report for the kill; null: the kernel's log tells nothing of it", "nested"),
    ),
    **dict.fromkeys(("demand-paging", "cow", "stack", "swap", "overcommit"), ()),
}
TOTALS: Mapping[str, tuple[Column, ...]] = {
    **{f"lab {name}": (LAWS, *columns) for name, columns in _LAB.items()},
    **{f"fleet {name}": _FLEET for name in ("hosts", "report", "risk", "grew", "top", "tunables", "what-if")},
    "groups": (
        _of("cgroup_version", "of the hierarchy that accounts for memory: 1 or 2", "count"),
        _of("groups", "number of groups", "count"),
        _of("folded", "of these left out, as nothing is in them", "count"),
    ),
    "vgraph": (
        _of("mappings", "number of mappings", "count"),
        _of("vss", "all that is mapped"),
        _of("rss", "of it in RAM"),
        _of("swap", "of it swapped out"),
        _of("largest_hole", "between two mappings"),
        _of("hole_count", "number of holes", "count"),
        _of("writable_code_count", "number of mappings that may be written to and run", "count"),
        _of("max_map_count", "the most mappings that a process may have", "count"),
        _of("mmap_min_addr", "the lowest address that may be mapped", "bytes"),
    ),
    "vgraph --pages": (
        _of("present_pages", "in RAM", "pages"),
        _of("swapped_pages", "swapped out", "pages"),
        _of("absent_pages", "nowhere yet", "pages"),
        _of("guard_pages", "guards (MADV_GUARD_INSTALL)", "pages"),
        _of("zero_pages", "the kernel's page of zeros", "pages"),
        _of("mapped_once_pages", "that nobody else maps; null: only root is told", "pages"),
        _of("pages_by_flag", "number of pages by what their frames are; null: only root is told", "nested"),
    ),
    "oom-scores": (*_SCORES, *_VICTIM, _WHERE, *_KILLED),
    "oom-scores --wide": _SCORES,
    "oom-scores --safer-than": _SCORES,
    "swap": (
        _of("swap_total", "room of all areas"),
        _of("swap_used", "what is taken of it"),
        _of("swap_processes", "what the processes that were read have of it, by SwapPss where that is told"),
        _of("swap_cached", "what is in RAM, too (SwapCached)"),
        _of("swap_remainder", "what is taken and no process accounts for"),
        _of("areas", "of each: path, kind, size, used, priority, ratio (RAM that a byte in zram takes)", "nested"),
        _of(
            "zswap_state",
            "is_on, pool, stored, most_pool_percent, shrinks, ratio; null: the kernel has none",
            "nested",
        ),
        _of("swapoff_size", "what swapoff would read back"),
        _of("swapoff_ram", "RAM that it takes: the least and the most, in bytes", "nested"),
        _of("swapoff_seconds", "the least and the most seconds", "nested"),
        _of("swapoff_fits", "whether there is room in RAM; null: perhaps", "bool"),
        _of("swapoff_refused", "whether the kernel refuses it by vm.overcommit_memory", "bool"),
        _of("available", "RAM that can be had without swapping"),
        _of("assumed_disk_rates", "bytes a second, the least and the most; null: none is read from a disk", "nested"),
        _of("assumed_ram_rates", "the same of zram and zswap", "nested"),
    ),
    "cache": (
        *_PAGES_OF_FILES,
        _of("trees", "the same of each path that was named", "nested"),
        _of("cached", "meminfo's Cached, with --all or of a capture"),
        _of("rest", "with --all: what of it is in none of the files"),
        _of("shmem", "with --all: what of it is tmpfs and shared memory"),
        _of("pss", "of a capture: PSS of all who map"),
        _of("rss", "of a capture: RSS of all who map"),
        _of("anonymous", "of a capture: copies that processes made of the pages"),
        _of("mapped", "of a capture: meminfo's Mapped"),
    ),
    "pages": (
        _of("present", "RAM that there are frames of, without holes"),
        _of("holes", "frames that are of no memory"),
        _of("zones_present", "the same as present, by the zones"),
        _of("told_by", "the file that told the frames", "text"),
    ),
    "pages -p": (_PID, _of("present", "in RAM")),
    "pages --flags": (
        _of("frames", "number of frames", "pages"),
        _of("told_by", "the file that told the frames", "text"),
    ),
    "pages --unexplained": (
        _of("mem_total", "installed memory"),
        _of("unexplained", "what no counter explains; null: counters contradict each other"),
        _of("named", "what candidates have that is not counted otherwise"),
    ),
    "thp": _HUGE,
    "thp PID": (*_HUGE, _PID, _of("thp", "memory in huge pages")),
    "trend": (
        _of("by", "process, command, user or cgroup", "text"),
        _of("figure", "the column that was followed", "text"),
        _of("rows", "rows without --top", "count"),
        _of("from", "the first sample, UTC", "text"),
        _of("to", "the last sample, UTC", "text"),
        _of("samples", "number of samples", "count"),
        _of("runs", "of these without a gap between them", "count"),
        _of("p", "so likely chance alone is called growth", "ratio"),
        _of("confidence", "so likely the interval of a rate holds it", "ratio"),
        _of("available", "RAM that can be had without swapping, in the end"),
        _of("commit_left", "what may be promised still, in the end; null: no limit", "bytes"),
        _of("available_trend", "the verdict on what is available", "text"),
        _of("available_rise_per_hour", "by how much that grows", "bytes/h"),
        _of("available_rise_per_hour_low", "at the least", "bytes/h"),
        _of("available_rise_per_hour_high", "and at the most", "bytes/h"),
        _of("ram_full_in_seconds_low", "until RAM is used up, at the least; null: never, or not known", "seconds"),
        _of("ram_full_in_seconds_high", "and at the most", "seconds"),
    ),
    "numa PID": (_PID,),
    "wss": (
        _PID,
        _of("method", "how it was measured: idle, referenced or soft-dirty", "text"),
        _of("cleared_referenced", "what the kernel took for used, and for unused then"),
        _of("cleared_soft_dirty", "whether soft-dirty bits were cleared, too", "bool"),
        _of("flushed_tlb", "whether the TLB was flushed", "bool"),
        _of("marked_idle_pages", "pages that were marked as idle", "count"),
        _of("clear_seconds", "that clearing took", "seconds"),
    ),
    "ksm": (
        _of("saved", "what users beyond the first of each page, and pages of zeros, come to"),
        _of("profit", "general_profit"),
        _of("cost", "what the kernel takes to remember the pages that it looks at"),
        _of("limit_copies", "pages that are kept only since one may have no more users", "pages"),
        _of("scan_seconds", "that a look at all pages takes, at the least", "seconds"),
        _of("sysfs", "what /sys/kernel/mm/ksm/ tells, by its names", "nested"),
        _of("much", "from so much anonymous memory on a process is a candidate"),
    ),
    "ksm --estimate": (
        _of("saved_pages", "users beyond the first of each page, and pages of zeros", "pages"),
        _of("saved", "the same in bytes"),
        _of("freed", "of RAM: what processes share since a fork is one page already"),
        _of("scanned_pages", "that were read", "pages"),
        _of("shared_pages", "that several would have (pages_shared)", "pages"),
        _of("sharing_pages", "users beyond the first of each (pages_sharing)", "pages"),
        _of("zero_pages", "that would be the kernel's page of zeros (ksm_zero_pages)", "pages"),
        _of("unshared_pages", "that have nothing like them", "pages"),
        _of("limit_copies", "that are kept only since one may have no more users", "pages"),
        _of("cost", "what the kernel takes to remember the pages that it looks at"),
        _of("profit", "saved - cost"),
        _of("max_page_sharing", "the most users of a page", "count"),
        _of("use_zero_pages", "whether pages of zeros become the kernel's", "bool"),
        _of("ended_pids", "processes that ended while they were read", "nested"),
    ),
    "iomem-graph": (
        _of("ram", "RAM, each address counted once"),
        _of("reserved", "reserved, and not RAM"),
        _of("devices", "of devices"),
        _of("holes", "nobody's, up to the highest address that is named"),
        _of("reserved_ram", "reserved within RAM"),
    ),
    "info": (
        _of("mem_total", "installed memory"),
        _of("swap_total", "swap space"),
        _of("processes", "number of processes", "count"),
        _of("kernel_threads", "number of kernel threads", "count"),
    ),
    "report": (
        _of("critical", "findings that are", "count"),
        _of("warning", "findings that are", "count"),
        _of("notice", "findings that are", "count"),
        _of("rules", "number of rules that were held against it", "count"),
        _of("not_told", "what the source does not tell of, so that rules on it found nothing", "list"),
    ),
    "selftest": (
        _of("held", "rules that hold", "count"),
        _of("failed", "rules that do not", "count"),
        _of("unknown", "rules whose figures are not told", "count"),
    ),
    "what-if alloc": (
        _of("requested", "by all requests"),
        _of("requests", "number of requests", "count"),
        _of("granted_root", "whether the kernel grants all to root; null: not sure", "bool"),
        _of("requests_granted_root", "how many it grants; null: not sure", "count"),
        _of("granted_user", "the same for others", "bool"),
        _of("requests_granted_user", "the same for others", "count"),
        _of("touched", "what of it is touched, page tables included"),
        _OUTCOME,
        _of("missing_least", "what is missing when it is touched, at the least"),
        _of("missing_most", "and at the most"),
        *_VICTIM,
        _of("free_before", "free memory"),
        _of("free_after", "and when all that can be reclaimed is"),
        _of("available_before", "MemAvailable"),
        _of("available_after", "and afterwards"),
        _of("grant_rule", "the kernel's rule for granting", "text"),
        _of("grant_error_bound", "how far off the counter of mode 2 may be"),
        _of(
            "zones", "of each zone afterwards: node, zone, free_before, free, min, low, high in bytes, state", "nested"
        ),
        *_LIMITS,
        *_KILLED,
        _RULE,
    ),
    "what-if cache": (
        _of("room", "what the page cache has room for"),
        _of("cached_before", "what is cached now"),
        _of("readers", "so many processes read the file", "count"),
        *(
            column
            for how in ("read", "mmap")
            for column in (
                _of(f"{how}_cache", f"in the page cache, when all have read it by {how}()"),
                _of(f"{how}_anonymous", "in their own memory"),
                _of(f"{how}_page_tables", "in page tables"),
                _of(f"{how}_total", "together"),
            )
        ),
        _of("cgroup", "the control group that reads", "text"),
        _of("limited_by_cgroup", "the group whose limit leaves the room; null: the machine does", "text"),
        _of("limited_by_file", "the kernel's file that holds this limit", "text"),
        _of("seconds_by_lru", "that all passes take; null: the disk's rate is not given", "nested"),
        _of("rule_by_lru", "the kernel's rule", "nested"),
    ),
    "what-if drop-caches": (
        _of("free_before", "free memory"),
        _of("free_least", "and afterwards, at the least"),
        _of("free_most", "and at the most"),
    ),
    "what-if fork": (_OUTCOME, *_LIMITS, *_KILLED, _RULE, _of("error_bound", "how far off what is promised may be")),
    "what-if malloc": (
        _of("word", "size of a size_t"),
        _of("align", "chunks begin at multiples of it"),
        _of("tcache", "what a thread's cache asks for first; 0: there is none"),
        _of("threshold", "from which size on chunks are mapped, in the end"),
        _of("threshold_max", "the most that it may become"),
        _RULE,
        _of("error_bound", "0: what glibc does is exact"),
    ),
    "what-if oom": (
        *_SCORES,
        *_VICTIM,
        _of("victim_swap_in_ram_least", "RAM that holds the victim's swap, where it is in zram or zswap: at the least"),
        _of("victim_swap_in_ram_most", "and at the most"),
        _WHERE,
        *_KILLED,
        _RULE,
        _of("score_error_bound", "how far off scores may be", "score"),
    ),
    "what-if overcommit --processes": (_RULE, _of("error_bound", "how far off the counter of mode 2 may be")),
    "what-if pss": (
        _of("rss", "all pages"),
        _of("pss", "shared ones divided by their users"),
        _of("uss", "what it has alone"),
        _of("pss_by_the_kernel", "as smaps shows it, rounded down; null: no whole pages"),
        _RULE,
    ),
    "what-if watermarks": (
        _of("reserve_before", "what zones keep back, together"),
        _of("reserve", "and as supposed"),
        _of("no_longer_usable", "by how much less programs may use"),
        _of("available_before", "MemAvailable"),
        _of("available", "and as supposed"),
        _of("low_before", "low of all zones together"),
        _of("low", "and as supposed"),
        _RULE,
        _of("error_bound", "0: the rule is exact"),
    ),
}
