"""The kernel's rules behind the figures of a report, with this machine's figures put in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.models.oom import FAIR
from pymemtools.models.release import parse_release, since
from pymemtools.models.watermarks import movable_counts_as_high
from pymemtools.procfs.zoneinfo import Zone
from pymemtools.readings.machine import Machine, read_machine
from pymemtools.reports.estimates import available_of, marks_of
from pymemtools.reports.oom_scores.candidates import Candidate
from pymemtools.sources.base import Source


class Formula(NamedTuple):
    """One rule: in words, then with figures, and where it is from."""

    lines: tuple[str, ...]
    source: str  # function, file and versions


def of_free(source: Source) -> Iterator[Formula]:
    """Say how procps makes ``used`` and ``buff/cache``, and how the kernel makes ``available``, in KiB."""
    machine = read_machine(source)
    info = {key: size // 1024 for key, size in machine.meminfo.items()}
    if info.keys() >= {"MemTotal", "MemAvailable"}:
        used = info["MemTotal"] - info["MemAvailable"]
        figures = f"{info['MemTotal']} - {info['MemAvailable']} = {used}"
        yield Formula(("used = total - available", f"     = {figures}"), "procps 4.0.1 and later")
    parts = [info.get(key) for key in ("Buffers", "Cached", "SReclaimable")]
    if None not in parts:
        cache = f"{' + '.join(map(str, parts))} = {sum(filter(None, parts))}"
        yield Formula(
            ("buff/cache = Buffers + Cached + SReclaimable", f"           = {cache}"), "procps 3.3.10 and later"
        )
    yield from _available(machine, info)


def _available(machine: Machine, info: Mapping[str, int]) -> Iterator[Formula]:
    """Put figures into the rule of si_mem_available()."""
    given, reserve = available_of(machine), machine.total_reserve
    if given is None or reserve is None:
        return
    kib = machine.page_size // 1024
    low = machine.low_watermarks * kib
    kept, name = (low, "low") if machine.counts_from_low else (reserve * kib, "reserves")
    files = info["Active(file)"] + info["Inactive(file)"]
    slab = info.get("KReclaimable", info.get("SReclaimable", 0))
    told = info.get("MemAvailable")
    lines = [
        f"available = free - {name} + files - min(files / 2, low)",
        "                           + slab - min(slab / 2, low)",
        f"          = {info['MemFree']} - {kept} + {files} - min({files // 2}, {low})",
        f"                           + {slab} - min({slab // 2}, {low})",
        f"          = {given // 1024}" + ("" if told is None else f"; the kernel says {told}"),
    ]
    lines += [f"but {machine.doubt}"] if machine.doubt else []
    yield Formula(tuple(lines), "si_mem_available(), mm/show_mem.c, Linux 3.14 to 6.18")


def of_zones(source: Source) -> Iterator[Formula]:
    """Say how each zone's watermarks come about, in KiB."""
    machine = read_machine(source)
    least, scale = machine.setting("vm.min_free_kbytes"), machine.setting("vm.watermark_scale_factor")
    kib = machine.page_size // 1024
    is_old = not since(machine.version, (4, 6))
    seen = [(zone.name, zone.usable, zone.min) for zone in machine.zones]
    high_names = ("HighMem", "Movable") if movable_counts_as_high(seen, machine.version) else ("HighMem",)
    lowmem = sum(zone.usable for zone in machine.zones if zone.name not in high_names) * kib
    lines = ["min = min_free_kbytes * managed / lowmem"]
    if is_old:
        lines += ["low = min + min / 4, high = min + min / 2"]
    else:
        lines += ["step = max(min / 4, managed * watermark_scale_factor / 10000)"]
        lines += ["low = min + step, high = low + step"]
    for zone, marks in zip(machine.zones, marks_of(machine)):
        if marks is None or least is None or not zone.usable or zone.name in high_names:
            continue
        size, low, high = zone.usable * kib, marks.low_pages * kib, marks.high_pages * kib
        lines.append(f"node {zone.node} {zone.name}: min = {least} * {size} / {lowmem} = {marks.min_pages * kib}")
        lines += [] if is_old else [f"  step = max({marks.min_pages * kib // 4}, {size} * {scale} / 10000)"]
        lines.append(f"  low = {low}, high = {high}; the kernel says {_kernels_marks(zone, kib)}")
    rule = "4.6 to 6.18" if not is_old else "2.6.18 to 4.5"
    yield Formula(tuple(lines), f"__setup_per_zone_wmarks(), mm/page_alloc.c, Linux {rule}")


def _kernels_marks(zone: Zone, kib: int) -> str:
    boost = f", each with a boost of {zone.boost * kib}" if zone.boost else ""
    return f"{zone.min * kib}, {zone.low * kib}, {zone.high * kib}{boost}"


def of_system(meminfo: Mapping[str, int]) -> Iterator[Formula]:
    """Say how smem -w splits memory, in KiB; nothing of what the kernel does not tell."""
    info = {key: size // 1024 for key, size in meminfo.items()}
    if not info.keys() >= {"MemTotal", "MemFree", "AnonPages", "Mapped", "Buffers", "Cached", "SReclaimable"}:
        return
    anon, mapped, buffers, slab = (info[key] for key in ("AnonPages", "Mapped", "Buffers", "SReclaimable"))
    total, free, user, cached = info["MemTotal"], info["MemFree"], anon + mapped, info["Cached"]
    lines = (
        "userspace memory = AnonPages + Mapped",
        f"                 = {anon} + {mapped} = {user}, of which Mapped is cache",
        "kernel dynamic memory = MemTotal - MemFree - userspace memory",
        f"                      = {total} - {free} - {user} = {total - free - user}",
        "its cache = Buffers + SReclaimable + Cached - Mapped",
        f"          = {buffers} + {slab} + {cached} - {mapped} = {buffers + slab + cached - mapped}",
    )
    yield Formula(lines, "smem 1.5; the figures: meminfo_proc_show(), fs/proc/meminfo.c, Linux 2.6.19 to 6.18")


def of_scores(rows: Sequence[Candidate], totals: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[Formula]:
    """Say how the first process comes to its score, in pages; nothing before Linux 2.6.36, which had another rule."""
    row = next((row for row in rows if None not in (row.oom_score_computed, row.rss, row.swap, row.page_tables)), None)
    total = totals["total_pages"]
    if row is None or row.badness_pages is None or not total:
        return
    sizes = [(size or 0) // (facts["page_size"] or 4096) for size in (row.rss, row.swap, row.page_tables)]
    adj, badness = row.oom_score_adj or 0, row.badness_pages
    figures = " + ".join(map(str, sizes))
    is_share = not since(parse_release(facts["kernel"]), (3, 6))
    if is_share:
        sum_of = sum(sizes) * 1000 // total + adj
        lines = [
            "badness = (RSS + swap + page tables) * 1000 / total + adj; total: RAM and swap, in pages",
            f"{row.pid} = ({figures}) * 1000 / {total} + {adj} = {sum_of}",
        ]
    else:
        sum_of = sum(sizes) + adj * (total // 1000)
        lines = [
            "badness = RSS + swap + page tables + adj * (total / 1000), in pages; total: RAM and swap",
            f"{row.pid} = {figures} + {adj} * {total // 1000} = {sum_of}",
        ]
    if sum_of != badness:
        lines.append(f"  by this kernel's rules {badness} (before 4.17 those of root are 3 % less)")
    if is_share:
        lines += ["score = badness"]
    elif totals["score_scale"] == FAIR:
        lines += ["score = (1000 + badness * 1000 / total) * 2 / 3, at least 0"]
        lines += [f"      = (1000 + {badness} * 1000 / {total}) * 2 / 3 = {row.oom_score_computed}"]
    else:
        lines += ["score = badness * 1000 / total", f"      = {badness} * 1000 / {total} = {row.oom_score_computed}"]
    versions = "2.6.36 to 3.5" if is_share else "3.6 to 6.18"
    yield Formula(tuple(lines), f"oom_badness(), mm/oom_kill.c; proc_oom_score(), fs/proc/base.c; Linux {versions}")
