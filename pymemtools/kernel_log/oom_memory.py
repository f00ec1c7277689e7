"""Take what a report of the OOM killer says of the machine's memory: counters, nodes, zones, swap, pools, slab."""

from __future__ import annotations

from pymemtools.kernel_log import oom_lines as lines
from pymemtools.kernel_log.oom_facts import KillFacts
from pymemtools.kernel_log.oom_lines import MAX_LINES, text_of
from pymemtools.kernel_log.oom_report import ReportedZone


class MemoryInfo:
    """Take the lines between the head and the task table."""

    def __init__(self, facts: KillFacts) -> None:
        self._facts = facts
        self.counters: dict[str, int] = {}
        self.zones: list[ReportedZone] = []
        self.slab_caches: dict[str, int] = {}
        self.in_slab_caches = False
        self._pools = 0  # bytes
        self._stacks: dict[str, list[int | None]] = {"zones": [], "nodes": []}  # bytes

    def take_counters(self, message: bytes) -> bool:
        """Take the figures of the machine, in pages."""
        match = lines.COUNTERS.match(message) if b":" in message else None
        rest = b"" if match is None else message[match.end() :]
        if match is None or (rest and not lines.is_begun_counter(rest)):
            return False
        if rest:
            self._facts.note_cut("counters")
        for name, value in lines.COUNTER.findall(match[0]):
            if len(self.counters) < MAX_LINES:
                self.counters.setdefault(name.decode("ascii").lower(), int(value))
        return True

    def take_zone(self, message: bytes) -> bool:
        """Take a zone, and what it keeps from higher ones."""
        if len(self.zones) < MAX_LINES and (match := lines.ZONE.match(message)):
            get = {name.decode("ascii"): int(size) << 10 for name, size in lines.KIB.findall(match[4])}.get
            node, name, free = int(match[1] or 0), match[2].decode("ascii"), int(match[3]) << 10
            least, low, high, boost = (get(mark, 0) for mark in ("min", "low", "high", "boost"))
            is_whole = lines.SIZES_END.search(match[4]) is not None
            if is_whole or get("high") is not None:
                self.zones.append(
                    ReportedZone(
                        node=node,
                        name=name,
                        free=free,
                        min=least,
                        low=low,
                        high=high,
                        boost=boost,
                        managed=get("managed"),
                        present=get("present"),
                    )
                )
            self._take_kernel_stacks("zones", message)
            return True if is_whole else self._facts.note_cut(f"zone {name}")
        if (match := lines.RESERVE.fullmatch(message)) and self.zones:
            self.zones[-1] = self.zones[-1]._replace(lowmem_reserve=tuple(map(int, match[1].split())))
            return True
        return False

    def take_node(self, message: bytes) -> bool:
        """Take the line of a node, Linux 4.8."""
        if lines.NODE.fullmatch(message) is None:
            return False
        self._take_kernel_stacks("nodes", message)
        return True if lines.SIZES_END.search(message) else self._facts.note_cut("figures of a node")

    def _take_kernel_stacks(self, of: str, message: bytes) -> None:
        match = lines.KERNEL_STACK.search(message)
        if len(self._stacks[of]) < MAX_LINES:
            self._stacks[of].append(None if match is None else int(match[1]) << 10)

    def kernel_stacks(self) -> int | None:
        """Add up the stacks of tasks, which zones tell before 5.10, and nodes since; None where one was cut."""
        for stacks in self._stacks.values():
            told = [size for size in stacks if size is not None]
            if told:
                return sum(told) if len(told) == len(stacks) else None
        return None

    def take_totals(self, message: bytes) -> bool:
        """Take swap and the pages of RAM."""
        if match := lines.SWAP.match(message):
            return self._facts.set(**{f"swap_{match[1].decode('ascii').lower()}": int(match[2]) << 10})
        if match := lines.PAGES.fullmatch(message):
            kind = match[2] or match[3]
            if kind == b"RAM":
                return self._facts.set(ram_pages=int(match[1]))
            return self._facts.set(reserved_pages=int(match[1])) if kind == b"reserved" else True
        return False

    def take_pool(self, message: bytes) -> bool:
        """Add up the pools of huge pages, of each node and size."""
        match = lines.POOL.fullmatch(message)
        if match is None:
            return False
        self._pools += int(match[1]) * int(match[2]) << 10
        self._facts.values["hugetlb"] = self._pools
        return True

    def take_slab(self, message: bytes) -> bool:
        """Take the kernel's caches that cannot be reclaimed, which it lists where they are larger than all else."""
        if message == lines.SLABS:
            self.in_slab_caches = True
            return True
        if self.in_slab_caches and len(self.slab_caches) < MAX_LINES and (match := lines.SLAB.fullmatch(message)):
            self.slab_caches[text_of(match[1])] = int(match[2]) << 10
            return True
        return False
