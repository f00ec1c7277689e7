"""How much a limit of a memory control group lets its processes take before it is out of memory, or slowed down.

Figures are in bytes. Source: mm/memcontrol.c, try_charge_memcg(), Linux 6.1 (try_charge() before 5.14): a charge that
goes beyond a limit reclaims from the group whose limit it is, and when that yields nothing, mem_cgroup_out_of_memory()
kills within that group. Beyond memory.high nobody is killed: who asks has to reclaim and, since 5.4, to sleep, in
mem_cgroup_handle_over_high().
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pymemtools.models.allocation import Supply
from pymemtools.models.release import Version, since

FITS, MAY_NOT_FIT, OOM, REFUSED = "fits", "may not fit", "OOM", "refused"
THROTTLED, MAY_BE_THROTTLED, WAITS = "throttled", "may be throttled", "waits"
_BATCH_PAGES, _GROUPS_AHEAD = 64, 7  # MEMCG_CHARGE_BATCH; NR_MEMCG_STOCK
SLEEPS = (5, 4, 0)  # commit 0e4b01df8659: before, memory.high only made processes reclaim, and they grew past it


class Holdings(NamedTuple):
    """What a group holds that a charge could get back, and how much swap it may still use."""

    file: int  # on the active and inactive file lists
    dirty: int  # of it, and under writeback
    mapped: int  # of it, by programs
    slab: int  # reclaimable
    swap: int  # within all limits on the way up, and free on the machine
    swap_at_most: int  # within those of the group and above: processes of its other groups may be swapped out, too
    kept: int = 0  # of file, at the most, by memory.min of the groups in it


class Bound(NamedTuple):
    """One limit on the way up."""

    path: str
    file: str  # such as "memory.max"
    limit: int
    usage: int | None  # None: not told, so that all of the limit may be free, or nothing
    free: int  # surely: the limit less the usage; never negative
    holdings: Holdings
    slows: bool = False  # beyond it, processes are slowed down, not killed
    never_kills: bool = False  # v1's oom_kill_disable: who asks waits until somebody frees memory
    is_hidden: bool = False  # its group is not to be seen, nor how much of it others use
    ahead: int = 0  # of usage, at the most, by processors that have charged more than they use

    @property
    def free_at_most(self) -> int:
        """Give what may be free: as much as is surely free where the usage is told."""
        held = self.holdings
        return self.free + self.ahead if self.usage is not None else max(self.limit - held.file - held.slab, 0)

    @property
    def sources(self) -> list[tuple[str, int, int]]:
        """Give what could be had, in the order in which it goes, and how much at the least and at the most."""
        held = self.holdings
        clean = max(held.file - held.dirty, 0)
        dirty = min(held.dirty, held.file)
        sources = [
            ("free", self.free, self.free_at_most),
            ("clean file pages", max(clean - held.mapped - held.kept, 0), clean),
            ("reclaimable slab", 0, held.slab),
            ("dirty file pages, once written", dirty, dirty),
            ("swap", held.swap, held.swap_at_most),
        ]
        return [(name, 0, most) for name, _, most in sources] if self.is_hidden else sources

    @property
    def least(self) -> int:
        """Give what may surely be taken."""
        return sum(least for _, least, _ in self.sources)

    @property
    def most(self) -> int:
        """Give what may be taken, if all goes that can."""
        return sum(most for _, _, most in self.sources)


def deciding(
    bounds: Sequence[Bound], amount: int, version: Version | None = None, machine: int | None = None
) -> Bound | None:
    """Give the limit that ``amount`` may hit first; None where all have room, or where the machine has less.

    ``machine`` is what it has at most, None for enough.

    >>> empty = Holdings(0, 0, 0, 0, 0, 0)
    >>> small = Bound("/a", "memory.max", 64 << 20, 14 << 20, 50 << 20, empty)
    >>> deciding([small], 100 << 20) == small, deciding([small], 10 << 20)
    (True, None)
    """
    short = [bound for bound in bounds if bound.least < amount and (machine is None or bound.most <= machine)]
    if version is not None and version < SLEEPS:
        short = [bound for bound in short if not bound.slows] or short
    return min(short, key=lambda bound: (bound.most, bound.least), default=None)


def outcome(bound: Bound | None, amount: int) -> str:
    """Name what comes of ``amount`` where that limit decides."""
    if bound is None or bound.least >= amount:
        return FITS
    is_sure = bound.most < amount
    if bound.slows:
        return THROTTLED if is_sure else MAY_BE_THROTTLED
    if not is_sure:
        return MAY_NOT_FIT
    return WAITS if bound.never_kills else OOM


def charged_ahead(usage: int, charged: int, cpus: int, version: Version | None, page_size: int) -> int:
    """Give the bytes of ``usage``, at the most, that processors have charged ahead, and that a limit gets back.

    ``charged`` is what memory.stat adds up to. A processor keeps a batch of 64 pages for the group that charged there
    last, since 6.16 for seven. Source: mm/memcontrol.c, try_charge_memcg(), drain_all_stock(), MEMCG_CHARGE_BATCH.

    >>> charged_ahead(usage=60 << 20, charged=59 << 20, cpus=2, version=(6, 1, 0), page_size=4096)
    524288
    """
    most = _BATCH_PAGES * page_size * cpus * (_GROUPS_AHEAD if since(version, (6, 16)) else 1)
    return max(min(usage - charged, most), 0)


def supplied(machine: Supply, bound: Bound, fatal: Bound | None, pages: int, page_size: int) -> Supply:
    """Say where ``pages`` come from when they go beyond ``bound``; ``machine`` gives as much as is free below it.

    What a group takes beyond that it gives up itself: its own file pages, and what it swaps out. Those are pages of
    the machine's, too, so they count as taken from its sources of the same names. What is missing is the more of what
    the machine lacks and what the limit lacks that kills, ``fatal``.
    """
    own = {}
    left = pages - min(pages, bound.free_at_most // page_size)
    for name, _, most in bound.sources[1:]:
        own[name] = min(left, most // page_size)
        left -= own[name]
    swapped = own.pop("swap")
    yields = []
    for each in machine.yields:
        more = own.get(each.source, swapped if "swap" in each.source else 0)  # "swap on zram0"
        taken = min(each.taken + more, each.most)
        swapped -= taken - each.taken if "swap" in each.source else 0
        yields.append(each._replace(taken=taken))
    lacking = (0, 0) if fatal is None else (pages - fatal.most // page_size, pages - fatal.least // page_size)
    return Supply(yields, max(machine.missing_at_least, lacking[0]), max(machine.missing_at_most, lacking[1]))


def pages_of_total(limit: int, swap_max: int | None, swap_total: int, swappiness: int | None, page_size: int) -> int:
    """Give the pages that badness is measured by in a group: its limit, and as much swap as it may have.

    Without swappiness swap counts for nothing. ``swap_max`` is None without a limit of swap. Source:
    mem_cgroup_get_max(), Linux 6.1.

    >>> pages_of_total(64 << 20, None, 1 << 30, 60, 4096), pages_of_total(64 << 20, 0, 1 << 30, 60, 4096)
    (278528, 16384)
    """
    swap = 0 if swappiness == 0 else min(swap_total, swap_total if swap_max is None else max(swap_max, 0))
    return max((limit // page_size) + swap // page_size, 1)
