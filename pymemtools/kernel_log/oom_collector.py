"""Take a report of the OOM killer line by line.

The columns of the task table are those that its own header names. Lines in between that are not the report's are passed
over.
"""

from __future__ import annotations

import re

from pymemtools.kernel_log import oom_lines as lines
from pymemtools.kernel_log.learned_prefix import Prefixes, name_behind
from pymemtools.kernel_log.oom_report import Exiting, Kill, OomReport, Reaped, ReportedZone, Row
from pymemtools.kernel_log.prefix import Line

MAX_TASKS = 1 << 16  # rows that are kept of one table
_MAX_LINES = 1 << 10  # of other things that a report may have many of
MAX_LINE = 1 << 14  # bytes; the longest that the kernel writes is below 1 KiB, cgroup paths apart


def is_head(message: bytes) -> bool:
    """Tell whether a line begins a report."""
    return lines.HEAD_SIGN in message


class Collector:
    """Take the lines of one report after the other, and give the record."""

    def __init__(self, prefixes: Prefixes) -> None:
        self._prefixes = prefixes
        self._invoker: bytes | None = None  # with what may be left of a prefix
        self._before = b""  # with all of it
        self._comm = b""  # of the processor's line
        self._facts: dict[str, object] = {}
        self._cut: dict[str, None] = {}
        self._counters: dict[str, int] = {}
        self._zones: list[ReportedZone] = []
        self._limits: dict[str, tuple[int, int]] = {}
        self._group_stats: dict[str, int] = {}
        self._in_group_stats = False
        self._pools = 0  # bytes
        self._stacks: dict[str, list[int | None]] = {"zones": [], "nodes": []}  # bytes
        self._slab_caches: dict[str, int] = {}
        self._in_slab_caches = False
        self._row: re.Pattern[bytes] | None = None
        self._tasks: list[Row] = []
        self._kills: list[Kill] = []
        self._exiting: list[Exiting] = []
        self._reaped: list[Reaped] = []
        self.has_something = False

    @property
    def is_over(self) -> bool:
        """Tell whether somebody was killed: what follows can only be the reaper's."""
        return bool(self._kills or self._exiting) and not self._facts.get("is_group_kill")

    @property
    def is_end_only(self) -> bool:
        """Tell whether of the report only that is there with which it ends."""
        is_begun = self._facts.keys() & {"gfp_mask", "columns", "invoker_pid", "panic"}
        return self.has_something and not is_begun and not self._counters

    @property
    def is_report(self) -> bool:
        """Tell a report from a line that only looks like one's."""
        facts = self._facts
        is_kill = any(kill.sizes for kill in self._kills) or "chosen_pid" in facts or "told_pid" in facts
        return is_kill or not facts.keys().isdisjoint({"gfp_mask", "finds_nobody", "panic"}) or bool(self._tasks)

    def begins_another(self, message: bytes) -> bool:
        """Tell whether a line cannot be of this report any more."""
        if not self.has_something:
            return False
        if is_head(message) or (self._tasks and lines.TABLE.fullmatch(message)):
            return True
        if "told_pid" in self._facts and lines.CONSTRAINT.match(message):
            return True
        if not self.is_over:
            return False
        killed = lines.KILLED.match(message)
        is_kill = killed is not None and b"emory" in killed[1]
        return is_kill or any(pattern.match(message) for pattern in (lines.TABLE, lines.CONSTRAINT, lines.CHOSEN))

    def take(self, line: Line) -> bool:
        """Take a line, and tell whether it is one of a report's."""
        for take in _AFTER_A_KILL if self.is_over else _TAKERS:
            if take(self, line.message):
                self.has_something = True
                self._before = self._before or line.before
                return self._set(when=line.when, host=_text(line.host) or None)
        return False

    def report(self) -> OomReport:
        """Give what was taken."""
        return OomReport(
            **self._facts,  # type: ignore[arg-type]
            invoker=None if self._invoker is None else self._name(self._invoker),
            counters=self._counters,
            zones=self._zones,
            kernel_stacks=self._kernel_stacks(),
            limits=self._limits,
            group_stats=self._group_stats,
            tasks=self._tasks,
            kills=self._kills,
            slab_caches=self._slab_caches,
            exiting=self._exiting,
            reaped=self._reaped,
            cut=tuple(self._cut),
        )

    def _name(self, text: bytes) -> str | None:
        return name_behind(self._before, text, self._comm, self._prefixes)

    def _set(self, **facts: object) -> bool:
        for name, value in facts.items():
            if value is not None:
                self._facts.setdefault(name, value)
        return True

    def _take_row(self, message: bytes) -> bool:
        if self._row is None or message[:1] != b"[":
            return False
        match = self._row.fullmatch(message)
        if match is None:
            return self._note_cut("a row of the table") if lines.CUT_ROW.fullmatch(message) else False
        if len(self._tasks) >= MAX_TASKS:
            self._facts["tasks_left_out"] = int(str(self._facts.get("tasks_left_out", 0))) + 1
            return True
        self._tasks.append(
            Row(int(match[1]), tuple(map(int, match.groups()[1:-1])), _text(match[match.lastindex or 0]))
        )
        return True

    def _take_table(self, message: bytes) -> bool:
        if lines.TABLE.fullmatch(message) is None:
            return False
        names = tuple(message[message.index(b"]") + 1 :].decode("ascii").split()[:-1])
        self._in_slab_caches = False
        self._row = re.compile(rb"\[ *([0-9]{1,7})\]" + rb" +(-?[0-9]{1,20})" * len(names) + rb" (.*)", re.DOTALL)
        self._facts["columns"] = names
        return True

    def _take_head(self, message: bytes) -> bool:
        who, sign, what = message.partition(lines.HEAD_SIGN)
        match = lines.HEAD.match(what)
        if not sign or match is None:
            return False
        order, adj = lines.ORDER.search(match[3]), lines.HEAD_ADJ.search(match[3])
        if self._invoker is None and who.endswith(lines.INVOKED):
            self._invoker = who.removesuffix(lines.INVOKED)
        return self._set(
            gfp_mask=_text(match[1]),
            gfp_flags=None if match[2] is None else _text(match[2]),
            order=None if order is None else int(order[1]),
            invoker_adj=None if adj is None else int(adj[1]),
            is_headless=False,
            **_nodes(match[3]),
        )

    def _take_cpu(self, message: bytes) -> bool:
        match = lines.CPU.match(message) or lines.OLD_CPU.match(message)
        if match is None:
            return False
        self._take_comm(match[2].partition(b" Kdump: ")[0])
        release = lines.RELEASE.search(match[3])
        return self._set(invoker_pid=int(match[1]), kernel=None if release is None else _text(release[1]))

    def _take_comm(self, comm: bytes) -> None:
        """Take the name of who asks, which tells what stands before it on the first line."""
        if self._comm or not comm:
            return
        self._comm = comm
        if (self._invoker or b"").endswith(comm):
            self._prefixes.learn(self._before.removesuffix(comm))

    def _take_counters(self, message: bytes) -> bool:
        match = lines.COUNTERS.match(message) if b":" in message else None
        rest = b"" if match is None else message[match.end() :]
        if match is None or (rest and not lines.is_begun_counter(rest)):
            return False
        if rest:
            self._note_cut("counters")
        for name, value in lines.COUNTER.findall(match[0]):
            if len(self._counters) < _MAX_LINES:
                self._counters.setdefault(name.decode("ascii").lower(), int(value))
        return True

    def _take_zone(self, message: bytes) -> bool:
        if len(self._zones) < _MAX_LINES and (match := lines.ZONE.match(message)):
            get = {name.decode("ascii"): int(size) << 10 for name, size in lines.KIB.findall(match[4])}.get
            node, name, free = int(match[1] or 0), match[2].decode("ascii"), int(match[3]) << 10
            least, low, high, boost = (get(mark, 0) for mark in ("min", "low", "high", "boost"))
            is_whole = lines.SIZES_END.search(match[4]) is not None
            if is_whole or get("high") is not None:
                self._zones.append(
                    ReportedZone(node, name, free, least, low, high, boost, get("managed"), get("present"))
                )
            self._take_kernel_stacks("zones", message)
            return True if is_whole else self._note_cut(f"zone {name}")
        if (match := lines.RESERVE.fullmatch(message)) and self._zones:
            self._zones[-1] = self._zones[-1]._replace(lowmem_reserve=tuple(map(int, match[1].split())))
            return True
        return False

    def _take_node(self, message: bytes) -> bool:
        """Take the line of a node, Linux 4.8."""
        if lines.NODE.fullmatch(message) is None:
            return False
        self._take_kernel_stacks("nodes", message)
        return True if lines.SIZES_END.search(message) else self._note_cut("figures of a node")

    def _take_kernel_stacks(self, of: str, message: bytes) -> None:
        match = lines.KERNEL_STACK.search(message)
        if len(self._stacks[of]) < _MAX_LINES:
            self._stacks[of].append(None if match is None else int(match[1]) << 10)

    def _kernel_stacks(self) -> int | None:
        """Add up the stacks of tasks, which zones tell before 5.10, and nodes since; None where one was cut."""
        for stacks in self._stacks.values():
            told = [size for size in stacks if size is not None]
            if told:
                return sum(told) if len(told) == len(stacks) else None
        return None

    def _take_totals(self, message: bytes) -> bool:
        if match := lines.SWAP.match(message):
            return self._set(**{f"swap_{match[1].decode('ascii').lower()}": int(match[2]) << 10})
        if match := lines.PAGES.fullmatch(message):
            kind = match[2] or match[3]
            if kind == b"RAM":
                return self._set(ram_pages=int(match[1]))
            return self._set(reserved_pages=int(match[1])) if kind == b"reserved" else True
        return False

    def _take_pool(self, message: bytes) -> bool:
        """Add up the pools of huge pages, of each node and size."""
        match = lines.POOL.fullmatch(message)
        if match is None:
            return False
        self._pools += int(match[1]) * int(match[2]) << 10
        self._facts["hugetlb"] = self._pools
        return True

    def _take_slab(self, message: bytes) -> bool:
        """Take the kernel's caches that cannot be reclaimed, which it lists where they are larger than all else."""
        if message == lines.SLABS:
            self._in_slab_caches = True
            return True
        if self._in_slab_caches and len(self._slab_caches) < _MAX_LINES and (match := lines.SLAB.fullmatch(message)):
            self._slab_caches[_text(match[1])] = int(match[2]) << 10
            return True
        return False

    def _take_group(self, message: bytes) -> bool:
        if match := lines.LIMIT.match(message):
            self._limits[match[1].decode("ascii")] = (int(match[2]) << 10, int(match[3]) << 10)
            return self._set(constraint="CONSTRAINT_MEMCG")
        if match := lines.GROUP_STATS.fullmatch(message):
            self._in_group_stats = not match[2].strip()
            for name, size in lines.KIB.findall(match[2]):  # of each group below apart; together they are what counts
                key = name.decode("ascii")
                self._group_stats[key] = self._group_stats.get(key, 0) + (int(size) << 10)
            return self._set(group=None if match[1] is None else _text(match[1]), constraint="CONSTRAINT_MEMCG")
        if match := lines.GROUP_KILLED.match(message):
            return self._set(group=_text(match[2]), constraint="CONSTRAINT_MEMCG")
        if self._in_group_stats and len(self._group_stats) < _MAX_LINES and (match := lines.STAT.fullmatch(message)):
            self._group_stats[match[1].decode("ascii")] = int(match[2])
            return True
        return False

    def _take_constraint(self, message: bytes) -> bool:
        match = lines.CONSTRAINT.match(message)
        if match is None:
            return False
        self._in_group_stats = False
        self._facts["constraint"] = _text(match[1])
        told = match[2]
        task = lines.OF_TASK.search(told)
        _, is_told, name = told[: task.start() if task else 0].partition(b",task=")
        group, is_group, _ = told.partition(b"oom_memcg=")[2].partition(b",task_memcg=")
        if task is None:
            self._note_cut("the line oom-kill:")
        return self._set(
            told_pid=int(task[1]) if task and is_told else None,
            told_name=_text(name) if is_told else None,
            group=_text(group) if is_group else None,
            **_nodes(told.partition(b",task_memcg=")[0]),
        )

    def _take_kill(self, message: bytes) -> bool:
        if match := lines.CHOSEN.match(message):
            self._note_kind(match[1])
            return self._set(chosen_pid=int(match[2]), chosen_name=_text(match[3]), score_printed=int(match[4]))
        match = lines.KILLED.match(message)
        if match is None:
            return False
        self._note_kind(match[1])
        told = b"total-vm:" + (match[6] or b"")
        owner = match[3] or match[5]
        uid = _number(rb"UID:([0-9]{1,10})", told) if owner is None else int(owner)
        kill = Kill(int(match[2]), _text(match[4]), uid, _sizes(told), _number(rb"oom_score_adj:(-?[0-9]{1,5})", told))
        if len(self._kills) < _MAX_LINES and all(kill.pid != other.pid for other in self._kills):
            self._kills.append(kill)
        if match[6] is not None and lines.CUT_SIZES.search(told):
            self._note_cut("sizes of the killed process")
        return True

    def _note_cut(self, what: str) -> bool:
        """Note what a line told before it was cut."""
        self._cut[what] = None
        return True

    def _note_kind(self, words: bytes) -> None:
        if b"cgroup" in words:
            self._set(constraint="CONSTRAINT_MEMCG")
        if b"oom_kill_allocating_task" in words:
            self._set(kills_allocating_task=True)
        if b"MPOL_BIND" in words or b"mempolicy" in words:
            self._set(constraint="CONSTRAINT_MEMORY_POLICY")
        if b"cpuset" in words:
            self._set(constraint="CONSTRAINT_CPUSET")

    def _take_rest(self, message: bytes) -> bool:
        if len(self._reaped) < _MAX_LINES and (match := lines.REAPED.match(message)):
            self._reaped.append(Reaped(int(match[1]), _text(match[2]), _sizes(match[3])))
            return True
        if len(self._reaped) < _MAX_LINES and (match := lines.UNREAPED.match(message)):
            self._reaped.append(Reaped(int(match[1]), _text(match[2]), None))
            return True
        if len(self._exiting) < _MAX_LINES and (match := lines.EXITING.match(message)):
            self._exiting.append(Exiting(int(match[1]), _text(match[2])))
            return True
        if lines.NOBODY.match(message):
            self._set(finds_nobody=True)
        if match := lines.GROUP_ALL.match(message):
            return self._set(is_group_kill=True, group=_text(match[1]))
        if lines.PANIC.match(message):
            return self._set(panic=_text(message))
        return bool(lines.NOBODY.match(message))


_TAKERS = (
    Collector._take_row,
    Collector._take_counters,
    Collector._take_zone,
    Collector._take_node,
    Collector._take_totals,
    Collector._take_pool,
    Collector._take_slab,
    Collector._take_head,
    Collector._take_cpu,
    Collector._take_table,
    Collector._take_group,
    Collector._take_constraint,
    Collector._take_kill,
    Collector._take_rest,
)


_AFTER_A_KILL = (Collector._take_kill, Collector._take_rest)


def _number(pattern: bytes, text: bytes) -> int | None:
    match = re.search(pattern, text)
    return int(match[1]) if match else None


def _nodes(text: bytes) -> dict[str, str]:
    """Take the lists of nodes, as ``0-1,4``; none for (null), which is all."""
    return {name.decode("ascii"): nodes.decode("ascii").rstrip(",") for name, nodes in lines.NODES.findall(text)}


def _sizes(text: bytes) -> dict[str, int]:
    return {name.decode("ascii"): int(size) << 10 for name, size in lines.AMOUNT.findall(text)}


def _text(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")
