"""How the lines of a report of the OOM killer look, Linux 2.6.18 to 7.x, without what a log puts before them.

Source: mm/oom_kill.c, dump_header(), dump_tasks(), oom_kill_process(), oom_reap_task(); lib/show_mem.c;
mm/page_alloc.c, show_free_areas(); mm/slab_common.c, dump_unreclaimable_slab(); mm/memcontrol.c.
"""

from __future__ import annotations

import re

MAX_LINES = 1 << 10  # of other things than tasks that a report may have many of
MAX_LINE = 1 << 14  # bytes; the longest that the kernel writes is below 1 KiB, cgroup paths apart
HEAD_SIGN = b"oom-killer: gfp_mask="
HEAD = re.compile(rb"(0x[0-9a-fA-F]{1,16})(?:\(([^)]{0,400})\))?(.*)", re.DOTALL)
INVOKED = b" invoked "
ORDER = re.compile(rb"order[=:] ?(-?[0-9]{1,3})")
HEAD_ADJ = re.compile(rb"(?:oom_score_adj|oom_adj|oomkilladj)=(-?[0-9]{1,5})")
NODES = re.compile(rb"(nodemask|mems_allowed)=([0-9][0-9,-]{0,400})")
CPU = re.compile(rb"CPU: ?[0-9]{1,5} (?:UID: ?[0-9]{1,10} )?PID: ?([0-9]{1,7}) Comm: (.{1,64}?) (?:Not t|T)ainted(.*)")
OLD_CPU = re.compile(rb"Pid: ?([0-9]{1,7}), comm: +(.{1,64}?) (?:Not t|T)ainted(.*)")
RELEASE = re.compile(rb" \(?([2-9]\.[0-9]{1,4}[0-9A-Za-z.+_~-]*)")
COUNTERS = re.compile(
    rb" *(?:active|inactive|isolated|unevictable|slab|mapped|shmem|free|sec_|kernel_|Active|bounce|dirty|writeback"
    rb"|pagetables|unstable)[a-z_]*:[0-9]{1,20}"
    rb"(?: [a-z_-]+(?:\((?:anon|file)\))?:[0-9]{1,20})* ?"
)
_COUNTERS = (
    *(b"active_anon", b"inactive_anon", b"isolated_anon", b"active_file", b"inactive_file", b"isolated_file"),
    *(b"unevictable", b"dirty", b"writeback", b"unstable", b"slab_reclaimable", b"slab_unreclaimable", b"mapped"),
    *(b"shmem", b"pagetables", b"sec_pagetables", b"bounce", b"kernel_misc_reclaimable", b"free_pcp", b"free_cma"),
)
COUNTER = re.compile(rb"([A-Za-z_()-]+):([0-9]{1,20})")
ZONE = re.compile(rb"(?:Node ([0-9]{1,5}) )?(DMA32|DMA|Normal|HighMem|Movable|Device) free:([0-9]{1,20})kB (.*)")
NODE = re.compile(rb"Node [0-9]{1,5} active_anon:[0-9]{1,20}kB .*")
KERNEL_STACK = re.compile(rb" kernel_stack:([0-9]{1,20})kB")
KIB = re.compile(rb"([A-Za-z_()]+):([0-9]{1,20})[kK]B")
AMOUNT = re.compile(rb"([a-z-]+):([0-9]{1,20})kB")
SIZES_END = re.compile(rb"(?:[kK]B|yes|no)[^0-9A-Za-z:]*$")
CUT_SIZES = re.compile(rb"(?:,|[, ][a-z]+(?:-[a-z]*)?|-rss:[0-9]*k?|total-vm:[0-9]*k?)\s*$")
RESERVE = re.compile(rb"lowmem_reserve\[\]:((?: [0-9]{1,20})+) *")
SWAP = re.compile(rb"(Free|Total) swap *[=:] *([0-9]{1,20})kB")
PAGES = re.compile(rb"([0-9]{1,20}) (?:pages (?:of )?(RAM|reserved|HighMem|cma reserved)|(reserved) pages)\b.*")
POOL = re.compile(rb"(?:Node [0-9]{1,5} )?hugepages_total=([0-9]{1,20}) .*hugepages_size=([0-9]{1,20})kB *")
SLABS = b"Unreclaimable slab info:"
SLAB = re.compile(rb"([^ ]{1,100}) +[0-9]{1,20}KB +([0-9]{1,20})KB *")
LIMIT = re.compile(rb"(memory|memory\+swap|swap|kmem): usage ([0-9]{1,20})kB, limit ([0-9]{1,20})kB")
GROUP_STATS = re.compile(rb"Memory cgroup stats(?: for (.{1,4096}?))?:((?: ?[a-z_]+:[0-9]{1,20}KB)*) *")
GROUP_KILLED = re.compile(rb"Task in (.{1,4096}) killed as a result of limit of (.{1,4096})")
GROUP_ALL = re.compile(rb"Tasks in (.{1,4096}) are going to be killed due to memory\.oom\.group set")
STAT = re.compile(rb" *(?:total_)?([a-z_]{2,40}) ([0-9]{1,20})")
TABLE = re.compile(rb"\[ *pid *\] +uid +tgid +total_vm +rss(?: [a-z_ ]*)? name *")
CUT_ROW = re.compile(rb"\[ *[0-9]{1,7}\] +[0-9]{1,10} +[0-9]{1,7}(?: +-?[0-9]{1,20})* *")
ANY_ROW = re.compile(rb"\[ *[0-9]{1,7}\](?: +-?[0-9]{1,20}){4} ")
CONSTRAINT = re.compile(rb"oom-kill:constraint=([A-Z_]{1,40}),(.*)")
OF_TASK = re.compile(rb",pid=([0-9]{1,7}),uid=([0-9]{1,10})(?:[^0-9,][^,]{0,20})?$")
CHOSEN = re.compile(rb"(.{0,100}?)[Kk]ill process ([0-9]{1,7}) ?\((.*)\) score ([0-9]{1,20}) (?:or|and) .*")
# RHEL has the UID too: before the name in version 6, behind it in 7.
KILLED = re.compile(
    rb"(.{0,100}?)[Kk]illed process ([0-9]{1,7})(?:, UID ([0-9]{1,10}),)? ?\((.*?)\)(?:, UID ([0-9]{1,10}))?"
    rb"(?:,? *(?:total-vm|vsz):(.*)|[. ]{0,8})$"
)
REAPED = re.compile(rb"oom_reaper: reaped process ([0-9]{1,7}) \((.*)\), now (.*)")
UNREAPED = re.compile(rb"oom_reaper: unable to reap pid:([0-9]{1,7}) \((.*)\)")
EXITING = re.compile(rb".{0,100}: OOM victim ([0-9]{1,7}) \((.*)\) is already exiting\. Skip killing the task")
NOBODY = re.compile(rb"(?:Kernel panic - not syncing: )?Out of memory and no killable processes\.\.\..*")
PANIC = re.compile(rb"Kernel panic - not syncing: .*(?:[Oo]ut of memory|System is deadlocked on memory).*")


def is_begun_counter(text: bytes) -> bool:
    """Tell the beginning of a counter, as where a line was cut."""
    return any(name.startswith(text.partition(b":")[0].strip()) for name in _COUNTERS) and not text.endswith(b" ")


# Where a line of a report begins, whatever stands before: words that nobody else writes. What others may write, as that
# of free swap, is found by the prefixes that these lines teach.
_ANCHOR = re.compile(
    rb"CPU: ?[0-9]{1,5} (?:UID: ?[0-9]{1,10} )?PID: ?[0-9]|Pid: ?[0-9]{1,7}, comm: |Call [Tt]race:|Hardware name: "
    rb"|Mem-[Ii]nfo:|[Aa]ctive_anon:[0-9]|Active:[0-9]{1,20} inactive:"
    rb"|(?:Node [0-9]{1,5} )?(?:active_anon:[0-9]|(?:DMA32|DMA|Normal|HighMem|Movable|Device) free:[0-9]{1,20}kB )"
    rb"|lowmem_reserve\[\]: |Tasks state \(|\[ *pid *\] +uid +tgid "
    rb"|\[ *[0-9]{1,7}\](?: +-?[0-9]{1,20}){4} |oom-kill:constraint=[A-Z]|oom_reaper: (?:reaped|unable)"
    rb"|(?:Memory cgroup out|Out) of [Mm]emory(?: \([a-z_]{1,40}\))?: [Kk]ill(?:ed)? process [0-9]"
    rb"|Killed process [0-9]{1,7} \([^\n]{0,64}\),? total-vm:"
    rb"|(?:memory|memory\+swap|swap|kmem): usage [0-9]{1,20}kB, limit |Memory cgroup stats"
    rb"|Tasks? in /|Unreclaimable slab info:"
    rb"|Kernel panic - not syncing: "
)
_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+")
_FARTHEST = 1024  # bytes that may stand before
# Lines that end with these words: what follows is not the kernel's, but what all lines of a log end with.
ENDS = re.compile(
    rb"(?:Mem-[Ii]nfo:|Call [Tt]race:|Tasks state \(memory values in pages\):)( *)([^ ].{0,63})$", re.DOTALL
)
SUFFIX = re.compile(rb"(?:\x1b\[[0-9;]{0,9}[mK]|\^M|</?[A-Za-z][^<>]{0,40}>|[^0-9A-Za-z_\s]){1,8}")


def anchor(text: bytes) -> int | None:
    """Tell where in a text a line of a report begins; None for one that is not, or not for certain."""
    at = 0
    while match := _ANCHOR.search(text, at, at + 2 * _FARTHEST):
        if match.start() == 0 or text[match.start() - 1] not in _WORD:
            return match.start()
        at = match.start() + 1
    return None


def is_kernel(text: bytes) -> bool:
    """Tell whether somewhere in a text are words that only a report of the kernel has."""
    return HEAD_SIGN in text or anchor(text) is not None


def number_in(pattern: bytes, text: bytes) -> int | None:
    """Give the number that a pattern finds."""
    match = re.search(pattern, text)
    return int(match[1]) if match else None


def nodes_in(text: bytes) -> dict[str, str]:
    """Take the lists of nodes, as ``0-1,4``; none for (null), which is all."""
    return {name.decode("ascii"): nodes.decode("ascii").rstrip(",") for name, nodes in NODES.findall(text)}


def sizes_in(text: bytes) -> dict[str, int]:
    """Take ``anon-rss:4kB`` and its like, in bytes."""
    return {name.decode("ascii"): int(size) << 10 for name, size in AMOUNT.findall(text)}


def text_of(text: bytes) -> str:
    """Decode what may be no UTF-8."""
    return text.decode("utf-8", "surrogateescape")
