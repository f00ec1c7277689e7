"""How the lines of a report of the OOM killer look, Linux 2.6.18 to 7.x, without what a log puts before them.

Source: mm/oom_kill.c, dump_header(), dump_tasks(), oom_kill_process(), oom_reap_task(); lib/show_mem.c;
mm/page_alloc.c, show_free_areas(); mm/slab_common.c, dump_unreclaimable_slab(); mm/memcontrol.c.
"""

from __future__ import annotations

import re

HEAD_SIGN = b"oom-killer: gfp_mask="
HEAD = re.compile(rb"(0x[0-9a-fA-F]{1,16})(?:\(([^)]{0,400})\))?(.*)", re.DOTALL)
INVOKED = b" invoked "
ORDER = re.compile(rb"order[=:] ?(-?[0-9]{1,3})")
HEAD_ADJ = re.compile(rb"(?:oom_score_adj|oom_adj|oomkilladj)=(-?[0-9]{1,5})")
NODES = re.compile(rb"(nodemask|mems_allowed)=([0-9][0-9,-]{0,400})")
CPU = re.compile(rb"CPU: ?[0-9]{1,5} (?:UID: ?[0-9]{1,10} )?PID: ?([0-9]{1,7}) Comm: .{1,64}? (?:Not t|T)ainted(.*)")
OLD_CPU = re.compile(rb"Pid: ?([0-9]{1,7}), comm: +.{1,64}? (?:Not t|T)ainted(.*)")
RELEASE = re.compile(rb" \(?([2-9]\.[0-9]{1,4}[0-9A-Za-z.+_~-]*)")
COUNTERS = re.compile(
    rb" *(?:active|inactive|unevictable|slab|mapped|shmem|free|sec_|kernel_|Active|bounce|dirty)[a-z_]*:[0-9]{1,20}"
    rb"(?: [a-z_-]+(?:\((?:anon|file)\))?:[0-9]{1,20})* ?"
)
COUNTER = re.compile(rb"([A-Za-z_()-]+):([0-9]{1,20})")
ZONE = re.compile(rb"(?:Node ([0-9]{1,5}) )?(DMA32|DMA|Normal|HighMem|Movable|Device) free:([0-9]{1,20})kB (.*)")
NODE = re.compile(rb"Node [0-9]{1,5} active_anon:[0-9]{1,20}kB .*")
KERNEL_STACK = re.compile(rb" kernel_stack:([0-9]{1,20})kB")
KIB = re.compile(rb"([A-Za-z_()]+):([0-9]{1,20})[kK]B")
AMOUNT = re.compile(rb"([a-z-]+):([0-9]{1,20})kB")
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
CONSTRAINT = re.compile(rb"oom-kill:constraint=([A-Z_]{1,40}),(.*)")
OF_TASK = re.compile(rb",pid=([0-9]{1,7}),uid=([0-9]{1,10})$")
CHOSEN = re.compile(rb"(.{0,100}?)[Kk]ill process ([0-9]{1,7}) ?\((.*)\) score ([0-9]{1,20}) (?:or|and) .*")
# RHEL has the UID too: before the name in version 6, behind it in 7.
KILLED = re.compile(
    rb"(.{0,100}?)[Kk]illed process ([0-9]{1,7})(?:, UID ([0-9]{1,10}),)? ?\((.*?)\)(?:, UID ([0-9]{1,10}))?"
    rb"(?:,? *(?:total-vm|vsz):(.*)|\.?)$"
)
REAPED = re.compile(rb"oom_reaper: reaped process ([0-9]{1,7}) \((.*)\), now (.*)")
UNREAPED = re.compile(rb"oom_reaper: unable to reap pid:([0-9]{1,7}) \((.*)\)")
EXITING = re.compile(rb".{0,100}: OOM victim ([0-9]{1,7}) \((.*)\) is already exiting\. Skip killing the task")
NOBODY = re.compile(rb"(?:Kernel panic - not syncing: )?Out of memory and no killable processes\.\.\..*")
PANIC = re.compile(rb"Kernel panic - not syncing: .*(?:[Oo]ut of memory|System is deadlocked on memory).*")
