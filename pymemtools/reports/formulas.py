"""The kernel's rules behind the figures of a report, with this machine's figures put in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.models.oom import FAIR
from pymemtools.models.release import parse_release, since
from pymemtools.models.watermarks import Marks, movable_counts_as_high
from pymemtools.procfs.zoneinfo import Zone
from pymemtools.readings.machine import Machine, read_machine
from pymemtools.reports.estimates import marks_of
from pymemtools.reports.oom_scores.candidates import Candidate
from pymemtools.sources.base import Source


class Formula(NamedTuple):
    """One rule: in words, then with figures, and where it is from."""

    lines: tuple[str, ...]
    source: str  # function, file and versions


def of_zones(source: Source) -> Iterator[Formula]:
    """Say how each zone's watermarks come about, in KiB."""
    machine = read_machine(source)
    is_old = not since(machine.version, (4, 6))
    seen = [(zone.name, zone.usable, zone.min) for zone in machine.zones]
    high_names = ("HighMem", "Movable") if movable_counts_as_high(seen, machine.version) else ("HighMem",)
    lowmem = sum(zone.usable for zone in machine.zones if zone.name not in high_names)
    lines = ["min = min_free_kbytes * managed / lowmem"]
    if is_old:
        lines += ["low = min + min / 4, high = min + min / 2"]
    else:
        lines += ["step = max(min / 4, managed * watermark_scale_factor / 10000)"]
        lines += ["low = min + step, high = low + step"]
    if any(zone.usable and zone.name in high_names for zone in machine.zones):
        lines += ["of high memory, whose share this min is: min = managed / 1024, at least 32 pages, at most 128"]
    for zone, marks in zip(machine.zones, marks_of(machine)):
        if marks is not None and zone.usable and lowmem:
            lines += _marks_lines(machine, zone, marks, lowmem, is_high=zone.name in high_names)
    rule = "4.6 to 6.18" if not is_old else "2.6.18 to 4.5"
    yield Formula(tuple(lines), f"__setup_per_zone_wmarks(), mm/page_alloc.c, Linux {rule}")


def _marks_lines(machine: Machine, zone: Zone, marks: Marks, lowmem: int, *, is_high: bool) -> Iterator[str]:
    """Put the figures of a zone in, in KiB; ``lowmem`` is in pages. Half and quarter are of its share, also if high."""
    least, scale = machine.setting("vm.min_free_kbytes") or 0, machine.setting("vm.watermark_scale_factor")
    kib, size = machine.page_size // 1024, zone.usable * machine.page_size // 1024
    share = least // kib * zone.usable // lowmem * kib
    name = "share" if is_high else "min"
    yield f"node {zone.node} {zone.name}: {name} = {least} * {size} / {lowmem * kib} = {share}"
    if is_high:
        yield f"  min = {marks.min_pages * kib}"
    if since(machine.version, (4, 6)):
        yield f"  step = max({share // 4}, {size} * {scale} / 10000)"
    low, high = marks.low_pages * kib, marks.high_pages * kib
    yield f"  low = {low}, high = {high}; the kernel says {_kernels_marks(zone, kib)}"


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
    whole = "RAM and swap" if totals.get("cgroup") is None else f"the limit of {totals['cgroup']}, and its swap"
    is_share = not since(parse_release(facts["kernel"]), (3, 6))
    if is_share:
        sum_of = sum(sizes) * 1000 // total + adj
        lines = [
            f"badness = (RSS + swap + page tables) * 1000 / total + adj; total: {whole}, in pages",
            f"{row.pid} = ({figures}) * 1000 / {total} + {adj} = {sum_of}",
        ]
    else:
        sum_of = sum(sizes) + adj * (total // 1000)
        lines = [
            f"badness = RSS + swap + page tables + adj * (total / 1000), in pages; total: {whole}",
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
    if row.oom_score != row.oom_score_computed and row.oom_score is not None:
        lines[-1] += f"; the kernel says {row.oom_score}"
    versions = "2.6.36 to 3.5" if is_share else "3.6 to 6.18"
    yield Formula(tuple(lines), f"oom_badness(), mm/oom_kill.c; proc_oom_score(), fs/proc/base.c; Linux {versions}")
