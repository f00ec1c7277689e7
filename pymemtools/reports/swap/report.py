"""Whose pages are in swap, where that is, and what of it no process accounts for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pymemtools.readings.doubt import swap_of
from pymemtools.readings.hidden import invisible, told_by_ps, unread
from pymemtools.readings.machine import Machine, read_machine
from pymemtools.readings.process import ALIVE, Process
from pymemtools.readings.processes import Sample, read_processes
from pymemtools.readings.stores import Zswap
from pymemtools.readings.wants import Wants
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.swap.back import WayBack, way_back
from pymemtools.sources.base import Source
from pymemtools.units import minus

COLUMNS = (
    Column("pid", "PID", "process number", "count", 7),
    Column("user", "User", "owner", "text", 8, right=False, cut=True),
    Column("swap_pss", "SwapPSS", "its share of swap, each slot divided by its users; unknown of others", "bytes", 9),
    Column("swap", "Swap", "memory swapped out; of others its anonymous memory only, by status", "bytes", 9),
    Column("name", "Name", "the kernel's name of the process", "text", 15, right=False),
    Column("command", "Command", "command line", "text", 27, right=False),
)
WANTS = Wants(("SwapPss", "Swap"), rollup=True, status=True)


class SwapRequest(NamedTuple):
    """What is asked."""

    top: int | None = None
    rate: int | None = None  # what the disks give, in bytes a second, if it is known


class SwapUser(NamedTuple):
    """A process that has memory in swap, in bytes."""

    pid: int
    user: str
    swap_pss: int | None
    swap: int | None
    name: str
    command: str

    @property
    def counted(self) -> int:
        """Give what it is counted for in the sum."""
        return (self.swap or 0) if self.swap_pss is None else self.swap_pss


AREA_COLUMNS = (
    Column("path", "Area", "the device or file", "text", 24, right=False),
    Column("kind", "Kind", "partition or file", "text", 9, right=False),
    Column("size", "Size", "what it has room for", "bytes", 10),
    Column("used", "Used", "what of that is taken", "bytes", 10),
    Column("priority", "Prio", "areas of the highest are used first", "count", 5),
    Column("ratio", "RAM a byte takes", "zram is RAM: what a byte in it takes again", "ratio", 16),
)


class AreaRow(NamedTuple):
    """A device or file that is swapped to, in bytes."""

    path: str
    kind: str
    size: int
    used: int
    priority: int
    ratio: float | None  # RAM that a byte in it takes, where it is zram


class Swapped(NamedTuple):
    """All of it, in bytes; None where the source does not tell."""

    users: list[SwapUser]  # the largest first, as many as were asked for
    others: int  # processes with swap beyond these
    areas: list[AreaRow]
    zswap: Zswap | None
    total: int | None
    used: int | None
    of_processes: int | None  # None: the source has no process, or tells the swap of none
    cached: int | None  # in the swap cache: in RAM, too, their slot kept
    way_back: WayBack | None

    @property
    def remainder(self) -> int | None:
        """Give what is in swap and no process that was read has a share of."""
        return minus(self.used, self.of_processes)


def swap_report(source: Source, request: SwapRequest) -> Report:
    """Read processes and areas. Raises Missing for a source without meminfo."""
    machine = read_machine(source)
    machine.pages("MemTotal")
    sample = read_processes(source, WANTS)
    found = _swapped(machine, sample, request)
    hidden = tuple(invisible(source))
    refused = [unread(source, sample.unreadable, sample.seen, sample.reason)] if sample.unreadable else []
    notes = (*hidden, *told_by_ps(source), *_doubts(machine, sample, found))
    return Report(
        "swap",
        table_of(COLUMNS, found.users),
        found,
        totals=_totals(found),
        facts=source.facts._asdict(),
        notes=notes,
        warnings=(*refused, *notes),
        unreadable=sample.unreadable,
        within=AREA_COLUMNS if found.areas else (),
    )


def _swapped(machine: Machine, sample: Sample, request: SwapRequest) -> Swapped:
    users = sorted(_users(sample), key=lambda user: (-user.counted, user.pid))
    swap, stores = swap_of(machine.meminfo), machine.stores
    used = minus(swap.total, swap.free)
    ratios = {name: device.ratio for name, device in stores.zram.items()}
    areas = [
        AreaRow(_text(area.path), area.kind, area.size, area.used, area.priority, ratios.get(area.zram or ""))
        for area in sorted(stores.areas, key=lambda area: -area.priority)
    ]
    return Swapped(
        users=users[: request.top],
        others=len(users) - len(users[: request.top]),
        areas=areas,
        zswap=stores.zswap,
        total=swap.total,
        used=used,
        of_processes=sum(user.counted for user in users) if _is_told(sample) else None,
        cached=machine.meminfo.get("SwapCached"),
        way_back=None if used is None else way_back(machine, used, request.rate),
    )


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _users(sample: Sample) -> Iterator[SwapUser]:
    for process in sample.everybody:
        if process.life != ALIVE:
            continue
        pss, swap = _figures(process)
        if pss or swap:
            yield SwapUser(process.pid, process.owner, pss, swap, process.name, process.command)


def _is_told(sample: Sample) -> bool:
    return any(_figures(process) != (None, None) for process in sample.everybody if process.life == ALIVE)


def _figures(process: Process) -> tuple[int | None, int | None]:
    """Give SwapPss and Swap; of a process whose smaps is refused VmSwap, which counts shared slots whole."""
    if process.refused is None:
        return process.sums.get("SwapPss"), process.sums.get("Swap")
    return None, (process.status or {}).get("VmSwap")


def _doubts(machine: Machine, sample: Sample, found: Swapped) -> Iterator[str]:
    """Say what makes the sums less than exact."""
    yield from (note for note in machine.notes if note.startswith(("meminfo:", "swaps:", "mm_stat:", "bd_stat:")))
    if any(process.refused is not None and (process.status or {}).get("VmSwap") for process in sample.everybody):
        yield "of processes that could not be read VmSwap counts: memory shared after a fork whole for each"
    elif sample.processes and not any("SwapPss" in process.sums for process in sample.processes):
        yield "the kernel tells no SwapPss (Linux 4.3): memory shared after a fork counts whole for each"
    if (found.remainder or 0) < 0:
        yield "processes have more in swap than there is: they are read one after the other, or count some of it twice"


def _totals(found: Swapped) -> dict[str, Any]:
    zswap = found.zswap
    return {
        "swap_total": found.total,
        "swap_used": found.used,
        "swap_processes": found.of_processes,
        "swap_cached": found.cached,
        "swap_remainder": found.remainder,
        "areas": [area._asdict() for area in found.areas],
        "zswap_state": None if zswap is None else {**zswap._asdict(), "ratio": zswap.ratio},
        **(found.way_back.answer() if found.way_back is not None else {}),
    }
