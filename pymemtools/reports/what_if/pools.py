"""What could be had of a machine's memory, by its meminfo: the least and the most, where that does not tell all."""

from __future__ import annotations

from pymemtools.models.allocation import Pools
from pymemtools.models.reclaimable import reclaimable, told_figures
from pymemtools.readings.doubt import swap_of
from pymemtools.readings.machine import Machine
from pymemtools.reports.swap_stores import gains


def pools(machine: Machine, kept: int = 0) -> tuple[Pools, Pools]:
    """Give the pools with which least can be had, and those with which most can.

    ``kept`` are bytes of file pages that memory groups may keep from reclaim.
    """
    found, swap = reclaimable(machine.meminfo), swap_of(machine.meminfo)
    mapped = max(found.mapped.most - machine.meminfo.get("Shmem", 0), 0)
    least_swap, most_swap = (0, swap.total or 0) if swap.free is None else (swap.free, swap.free)
    least, most = (
        _pools(machine, *each)
        for each in (
            (max(found.file.least - kept, 0), found.dirty.most, mapped, found.slab.least, least_swap),
            (found.file.most, found.dirty.least, mapped, found.slab.most, most_swap),
        )
    )
    return least, most


def _pools(machine: Machine, file: int, dirty: int, mapped: int, slab: int, swap_free: int) -> Pools:
    size = machine.page_size
    others, on_disks = gains(machine.stores, swap_free, machine.meminfo, size)
    return Pools(file // size, dirty // size, mapped // size, slab // size, on_disks, others)


def lacking(machine: Machine) -> list[str]:
    """Name the figures with which the pools would be known better."""
    told = {**told_figures(machine.meminfo), "SwapFree": swap_of(machine.meminfo).free is not None}
    return [key for key, is_there in told.items() if not is_there]
