"""What swapoff of all areas would take, by the models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.models import overcommit
from pymemtools.models.swapoff import DISK_RATES, RAM_RATES, Kept, Swapoff, swapoff
from pymemtools.readings.machine import Machine
from pymemtools.readings.stores import Stores
from pymemtools.reports.estimates import available_of, memory_of


class WayBack(NamedTuple):
    """What it takes, what there is, and what that was worked out by."""

    cost: Swapoff
    available: int | None  # bytes, without swapping
    is_refused: bool | None  # by the overcommit rule; None: not known
    disk_rates: tuple[int, int] | None  # bytes a second that were assumed; None: none is read from a disk
    ram_rates: tuple[int, int] | None

    def answer(self) -> dict[str, object]:
        """Give it for programs."""
        cost = self.cost
        return {
            "swapoff_size": cost.size,
            "swapoff_ram": list(cost.ram),
            "swapoff_seconds": [round(seconds, 3) for seconds in cost.seconds],
            "swapoff_fits": cost.fits,
            "swapoff_refused": self.is_refused,
            "available": self.available,
            "assumed_disk_rates": self.disk_rates and list(self.disk_rates),
            "assumed_ram_rates": self.ram_rates and list(self.ram_rates),
        }


def way_back(machine: Machine, used: int, rate: int | None = None) -> WayBack:
    """Work out what bringing ``used`` bytes back takes; ``rate`` is what the disks give a second."""
    disk = DISK_RATES if rate is None else (rate, rate)
    kept = list(_places(machine.stores, used, disk))
    available = machine.meminfo.get("MemAvailable", available_of(machine))
    rates = {each.rates for each in kept if each.size}
    return WayBack(
        swapoff(kept, machine.meminfo.get("SwapCached", 0), available),
        available,
        _is_refused(machine),
        disk if disk in rates else None,
        RAM_RATES if RAM_RATES in rates else None,
    )


def _places(stores: Stores, used: int, disk: tuple[int, int]) -> Iterator[Kept]:
    """Tell what is in RAM, compressed, from what is on disks."""
    left = used
    for area in stores.compressed:
        size = min(area.used, left)
        left -= size
        device = stores.zram.get(area.zram or "")
        on_disk = min(device.written_back, size) if device else 0
        yield Kept(size - on_disk, RAM_RATES, device.ram if device else 0)
        yield Kept(on_disk, disk)
    zswap = stores.zswap
    stored = min((zswap.stored or 0) if zswap else 0, left)
    if zswap is not None and stored:
        yield Kept(stored, RAM_RATES, zswap.pool or 0)
    yield Kept(left - stored, disk)


def _is_refused(machine: Machine) -> bool | None:
    """Tell whether the kernel refuses it at once, as memory that it could not promise.

    swapoff(2) charges the caller with the whole area before it begins: with overcommit_memory=2 what is promised must
    be below the limit without swap. Source: mm/util.c, __vm_enough_memory().
    """
    mode = machine.setting("vm.overcommit_memory")
    if mode is None:
        return None
    if mode != overcommit.NEVER:
        return False
    try:
        memory = memory_of(machine)
        limit = overcommit.allowed(memory, overcommit.Caller(0, is_admin=True), machine.version)
    except MemtoolsError:
        return None
    if memory.committed is None or memory.swap is None:
        return None
    return memory.committed + memory.swap >= limit
