"""The rules behind the figures of free, with this machine's figures put in: procps' own, and the kernel's estimate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pymemtools.readings.low_watermarks import read_low_watermarks
from pymemtools.readings.machine import Machine, read_machine
from pymemtools.reports.estimates import available_of
from pymemtools.reports.formulas import Formula
from pymemtools.reports.free import FreeRow, Memory, estimate_available
from pymemtools.sources.base import Source


def of_free(source: Source, found: Memory) -> Iterator[Formula]:
    """Say how procps makes what ``found`` shows, and the kernel ``available``, in KiB."""
    machine = read_machine(source)
    info = {key: size // 1024 for key, size in machine.meminfo.items()}
    mem = found.mem
    yield from _used(mem, "available", "procps 4.0.1 and later")
    parts = [info.get(key) for key in ("Buffers", "Cached", "SReclaimable")]
    if None not in parts:
        cache = f"{' + '.join(map(str, parts))} = {sum(filter(None, parts))}"
        yield Formula(
            ("buff/cache = Buffers + Cached + SReclaimable", f"           = {cache}"), "procps 3.3.10 and later"
        )
    low = read_low_watermarks(source)
    if "MemAvailable" in info or mem.available is None:
        told = info.get("MemAvailable")
        yield from _available(machine, info, "" if told is None else f"the kernel says {told}")
    elif mem.available == estimate_available(machine.meminfo, low):
        yield from _estimated(info, low or 0, mem.available)
    else:
        yield from _available(machine, info, "the kernel says more than there is, and what is free is shown")


def of_classic_free(found: Memory) -> Iterator[Formula]:
    """Say how procps made ``used`` up to 3.3.9, and what is beside it when caches count as free, in KiB."""
    mem = found.mem
    yield from _used(mem, "free", "procps up to 3.3.9")
    if None not in (mem.used, mem.free, mem.buff_cache):
        used, free, cache = ((size or 0) // 1024 for size in (mem.used, mem.free, mem.buff_cache))
        lines = (
            "-/+ buffers/cache: used - buffers - cached, free + buffers + cached",
            f"                 = {used} - {cache} = {used - cache}, {free} + {cache} = {free + cache}",
        )
        yield Formula(lines, "procps up to 3.3.9")


def _used(mem: FreeRow, less: str, since_when: str) -> Iterator[Formula]:
    """Say what ``used`` is: the total less that; or less what is free, where more is said to be available than is."""
    if mem.total is None or mem.used is None:
        return
    part = mem.available if less == "available" else mem.free
    if part is None or mem.total - part != mem.used:
        part, less = mem.free, "free"
    if part is not None and mem.total - part == mem.used:
        figures = f"{mem.total // 1024} - {part // 1024} = {mem.used // 1024}"
        yield Formula((f"used = total - {less}", f"     = {figures}"), since_when)


def _available(machine: Machine, info: Mapping[str, int], told: str) -> Iterator[Formula]:
    """Put figures into the rule of si_mem_available(); those of zones only where they are of the same memory."""
    given, reserve = available_of(machine), machine.total_reserve
    if given is None or reserve is None:
        return
    kib = machine.page_size // 1024
    low = machine.low_watermarks * kib
    kept, name = (low, "low") if machine.counts_from_low else (reserve * kib, "reserves")
    kernels = f"; {told}" if told else ""
    lines = _of_available(info, name, None if machine.doubt else (kept, low))
    if machine.doubt:
        lines += [f"  {machine.doubt}, nor can they be put in{kernels}"]
    else:
        lines += [f"          = {given // 1024}{kernels}"]
    yield Formula(tuple(lines), "si_mem_available(), mm/show_mem.c, Linux 3.14 to 6.18")


def _estimated(info: Mapping[str, int], low: int, available: int) -> Iterator[Formula]:
    """Put figures into the rule that procps estimates by, where the kernel does not; what is ``available`` in bytes."""
    slab = {"KReclaimable": info["SReclaimable"]} if "SReclaimable" in info else {}
    lines = _of_available({**info, **slab}, "low", (low // 1024, low // 1024))
    lines.append(f"          = {available // 1024}")
    lines.append("low = min_free_kbytes * 5 / 4, or where that is not told, the low watermarks of all zones")
    yield Formula(tuple(lines), "as Linux 3.14 works it out, 34e431b0ae39, and procps before it")


def _of_available(info: Mapping[str, int], name: str, reserves: tuple[int, int] | None) -> list[str]:
    """Write the rule, and with its figures: what is kept, and the low watermarks, in KiB."""
    lines = [
        f"available = free - {name} + files - min(files / 2, low)",
        "                           + slab - min(slab / 2, low)",
    ]
    if reserves is None:
        return lines
    kept, low = reserves
    files = info["Active(file)"] + info["Inactive(file)"]
    slab = info.get("KReclaimable", info.get("SReclaimable", 0))
    return [
        *lines,
        f"          = {info['MemFree']} - {kept} + {files} - min({files // 2}, {low})",
        f"                           + {slab} - min({slab // 2}, {low})",
    ]
