"""For each model of the test points, how a case's inputs are put to ours; decided by inputs and eras only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pymemtools.kernel_log.scan import oom_reports
from pymemtools.models import drop_caches, overcommit, watermarks
from pymemtools.models.available import counts_from_low, low_watermarks, mem_available
from pymemtools.models.dirty_timeline import Limits, Timeline, Window, Writer, timeline
from pymemtools.models.oom import FAIR, THOUSANDTHS, Task, badness, oom_score, printed_score, totals_of_score
from pymemtools.models.overcommit import Caller, Memory, commit_limit
from pymemtools.models.release import Version, parse_release
from pymemtools.models.watermarks import SizedZone, lowmem_reserve, movable_counts_as_high, zone_types
from pymemtools.models.writeback import DirtySettings, HighZone, dirtyable, thresholds, total_reserve
from pymemtools.reports.oom_report.analysis import analyse

from .cache_adapters import CACHE_ADAPTERS
from .judge import Adapter, Bounds, Case, NotModelled

PAGE = 4096
MIB = 1 << 20
_PROBED = 1 << 26  # pages: where the search for the largest mapping began


def version_of(case: Case) -> Version | None:
    """Read the first version that a case's kernel names; None for 'any'."""
    match = re.search(r"\d+\.\d+(\.\d+)?", case.kernel)
    return parse_release(match[0]) if match else None


def _min_free_kbytes(case: Case) -> Mapping[str, Any]:
    inputs = case.inputs
    if "lowmem_kbytes" in inputs:
        lowmem = inputs["lowmem_kbytes"]
    else:
        lowmem = (inputs["totalram_pages"] - inputs["sum_high_wmark_pages"]) * PAGE // 1024
    found = watermarks.boot_min_free_kbytes(lowmem, watermarks.min_free_cap_kbytes(version_of(case)))
    return {"min_free_kbytes": found, "min_pages_kb": found // 4 * 4}


def _thp(case: Case) -> Mapping[str, Any]:
    inputs = case.inputs
    if "MemTotal_kB" in inputs:
        return {"raised": watermarks.huge_pages_at_boot(inputs["MemTotal_kB"] * 1024)}
    return {
        "min_free_kbytes": watermarks.huge_pages_min_free_kbytes(
            inputs["nr_zones_le_GFP_USER"], inputs["nr_free_buffer_pages"], inputs["pageblock_nr_pages"]
        )
    }


def _usable(zone: Mapping[str, Any]) -> int:
    return int(zone["managed"] if zone.get("managed") is not None else zone["present"])


def _watermarks(case: Case) -> Mapping[str, Any]:
    inputs = case.inputs
    zones = [SizedZone(zone["name"], _usable(zone)) for zone in inputs["zones"]]
    seen = [(zone["name"], _usable(zone), zone.get("min")) for zone in inputs["zones"]]
    marks = watermarks.watermarks(
        zones,
        inputs["min_free_kbytes"],
        inputs.get("watermark_scale_factor"),
        page_kib=(inputs.get("page_size") or PAGE) // 1024,
        movable_is_high=movable_counts_as_high(seen, version_of(case)),
    )
    return {zone.name: list(mark) for zone, mark in zip(zones, marks)}


def _lowmem_reserve(case: Case) -> Mapping[str, Any]:
    inputs = case.inputs
    if "zones" not in inputs:
        rows = lowmem_reserve(inputs["present"], inputs["ratio"])
        names = [name.partition("(")[0] for name in inputs["zone_order"]]
        return {f"{low}->{high}": rows[i][j] for i, low in enumerate(names) for j, high in enumerate(names) if j > i}
    count = len(next(iter(case.expected.values())))  # how many zone types the kernel was built with
    types = zone_types([zone["name"] for zone in inputs["zones"]], count)
    managed = {zone["name"]: _usable(zone) for zone in inputs["zones"]}
    rows = lowmem_reserve([managed.get(name, 0) for name in types], inputs["ratio"])
    return dict(zip(types, rows))


def _available(case: Case) -> Mapping[str, Any]:
    inputs = case.inputs
    zones = inputs["zones"]
    reserve = total_reserve([(_usable(zone), zone["high"], zone["protection"]) for zone in zones])
    low = low_watermarks([(zone["name"], _usable(zone), zone["low"]) for zone in zones])
    kib = PAGE // 1024
    reclaimable = inputs["SReclaimable_kB"] if inputs["KReclaimable_kB"] is None else inputs["KReclaimable_kB"]
    pages = mem_available(
        inputs["MemFree_kB"] // kib,
        (inputs["active_file_kB"] + inputs["inactive_file_kB"]) // kib,
        reclaimable // kib,
        low,
        reserve,
        from_low=counts_from_low(version_of(case)),
    )
    return {"MemAvailable_kB": pages * kib}


def _available_and_dirty(case: Case) -> Mapping[str, Any]:
    """Work out three figures of one machine with the default ratios, which nobody had changed."""
    inputs = case.inputs
    free, file, reserve = inputs["free"], inputs["pc"], inputs["totalreserve"]
    from_low = counts_from_low(version_of(case))
    pages = mem_available(free, file, inputs["rc"], inputs["wlow"], reserve, from_low=from_low)
    settings = DirtySettings(20, 10)
    marks = thresholds(dirtyable(free, file, reserve, (), version_of(case)), settings, version=version_of(case))
    limit = commit_limit(inputs["memtotal"] * 1024, 0, 0, 50)
    return {
        "MemAvailable_kB": pages * PAGE // 1024,
        "nr_dirty_threshold": marks.dirty,
        "nr_dirty_background_threshold": marks.background,
        "CommitLimit_kB": limit // 1024,
    }


def _largest_mmap(case: Case) -> Mapping[str, Any]:
    inputs, get = case.inputs, case.inputs.get
    ram, swap, mode = inputs["totalram_pages"], get("swap_total_pages", 0), inputs["mode"]
    limit = commit_limit(ram * PAGE, swap * PAGE, 0, get("overcommit_ratio", 50), get("overcommit_kbytes") or 0)
    memory = Memory(
        ram,
        swap,
        (get("committed_as_kB") or 0) * 1024 // PAGE,
        limit // PAGE,
        (get("admin_reserve_kbytes") or 0) * 1024 // PAGE,
        (get("user_reserve_kbytes") or 0) * 1024 // PAGE,
        get("nr_free_pages"),
        get("nr_file_pages"),
        get("nr_shmem"),
        get("nr_slab_reclaimable"),
        get("swap_free_pages"),
        get("totalreserve_pages"),
    )
    kind = get("kind", "rw")
    is_counted = overcommit.charge(
        1, mode, writable=kind != "none", shared=kind == "shared", noreserve=kind == "noreserve"
    )
    caller = Caller(get("total_vm_pages") or 0, is_admin=get("uid", 0) == 0)
    largest = overcommit.largest_mapping(mode, memory, caller, version_of(case)) if is_counted else None
    found: dict[str, Any] = {"commitlimit_kB": limit // 1024}
    if largest is not None:
        return {**found, "max_pages": largest, "unlimited_up_to_pages": largest}
    # Nothing of memory limits it: the search ended where it began, or at the end of the address space.
    ends = Bounds(min(ram + swap, _PROBED), _PROBED)
    return {**found, "max_pages": ends, "unlimited_up_to_pages": ends}


def _accounting(case: Case) -> Mapping[str, Any]:
    inputs = case.inputs
    words, mode = inputs["mapping"].split("_"), inputs["mode"]
    pages = -(-inputs["bytes"] // PAGE)
    is_file, is_shared, noreserve = "file" in words, "shared" in words, "noreserve" in words
    writable = not ({"ro", "none"} & set(words))

    def charged(*, writable: bool) -> int:
        found = overcommit.charge(pages, mode, writable=writable, shared=is_shared, file=is_file, noreserve=noreserve)
        return found * PAGE // 1024

    # What could be written already was not changed: the experiment says -1.
    after = -1 if writable else charged(writable=True)
    return {"delta_kB": charged(writable=writable), "after_mprotect_rw_delta_kB": after}


def _fork(case: Case) -> Mapping[str, Any]:
    """What a parent has accounted is not among the inputs: the first two of its children tell it."""
    inputs, expected = case.inputs, case.expected
    if "limit_kB" not in inputs:
        size = inputs["private_MB"] * 1024
        quarter = 256 * 1024 * 1024 // PAGE
        kib = PAGE // 1024
        return {
            "mmap_delta_kB": overcommit.charge(size // kib, overcommit.NEVER) * kib,
            "fork_delta_kB": NotModelled("what else the parent has accounted is not among the inputs"),
            "noreserve_256M_delta_kB_mode2": overcommit.charge(quarter, overcommit.NEVER, noreserve=True) * kib,
            "noreserve_256M_delta_kB_mode0": overcommit.charge(quarter, overcommit.HEURISTIC, noreserve=True) * kib,
        }
    start, series = inputs["committed_kB_at_start"], expected.get("committed_kB_after_each") or []
    charged = series[1] - series[0] if len(series) > 1 else inputs["private_MB"] * 1024
    start = series[0] - charged if len(series) > 1 else start
    memory = Memory(
        0,
        0,
        start * 1024 // PAGE,
        inputs["limit_kB"] * 1024 // PAGE,
        inputs["admin_reserve_kbytes"] * 1024 // PAGE,
        inputs["user_reserve_kbytes"] * 1024 // PAGE,
    )
    caller = Caller(inputs["total_vm_pages"], is_admin=inputs["uid"] == 0)
    count = overcommit.forks(charged * 1024 // PAGE, memory, caller, version_of(case)) or 0
    return {
        "forks_that_succeed": count,
        "committed_kB_after_each": [start + charged * (each + 1) for each in range(count)],
    }


def _dirty_thresholds(case: Case) -> Mapping[str, Any]:
    inputs, version = case.inputs, version_of(case)
    high = [
        HighZone(
            zone["free"], zone["high"], zone["managed"], zone["protection"], zone["active_file"] + zone["inactive_file"]
        )
        for zone in inputs.get("highmem_zones") or ()
        if not inputs.get("highmem_is_dirtyable")
    ]
    file = inputs["nr_active_file"] + inputs["nr_inactive_file"]
    memory = dirtyable(inputs["nr_free_pages"], file, inputs["totalreserve_pages"], high, version)
    marks = thresholds(memory, DirtySettings(*(inputs[name] for name in DirtySettings._fields)), version=version)
    return {"nr_dirty_threshold": marks.dirty, "nr_dirty_background_threshold": marks.background}


def _dirty_timeline(case: Case) -> Mapping[str, Any]:
    inputs, get = case.inputs, case.inputs.get
    rate = float("inf") if inputs["write_rate_MBps"] == "unbounded" else inputs["write_rate_MBps"] * MIB
    background = inputs["bg_pages"] * PAGE
    limits = Limits(
        (get("thresh_pages") or inputs["bg_pages"] * 2) * PAGE,
        background,
        get("expire_cs", 3000) / 100,
        get("writeback_cs", 500) / 100,
    )
    found = timeline(Writer(rate, inputs["disk_MBps"] * MIB, inputs["file_MB"] * MIB), limits)
    return _figures_of(found)


def _figures_of(found: Timeline) -> dict[str, Any]:
    def bounds(window: Window | None, unit: float = 1) -> Bounds | NotModelled:
        return NotModelled("it does not happen") if window is None else Bounds(window.least / unit, window.most / unit)

    pages = bounds(found.peak, PAGE)
    return {
        "background_starts_s": bounds(found.background_starts),
        "first_writeback_s": bounds(found.first_writeback),
        "throttle_visible_s": bounds(found.throttled_from),
        "plateau_dirty_plus_writeback_pages": pages,
        "peak_dirty_plus_writeback": pages,
        "peak_dirty_pages": pages,
        "steady_write_MBps": bounds(found.write_rate, MIB),
        "disk_MBps_measured": bounds(found.disk_rate, MIB),
        "write_ends_s": bounds(found.write_ends),
        "left_dirty_after_background_stops_pages": bounds(found.left_dirty, PAGE),
        "all_clean_by_s": bounds(found.data_safe),
    }


def _proc_oom_score(case: Case) -> Mapping[str, Any]:
    inputs = case.inputs
    names = ("rss_pages", "swap_pages", "pgtable_pages", "oom_score_adj", "cap_sys_admin", "pid1")
    scale = THOUSANDTHS if inputs["scale"] == "x1000/total" else FAIR
    points = badness(Task(*(inputs[key] for key in names)), inputs["total_pages"], version_of(case), scale)
    return {"oom_score": oom_score(points, inputs["total_pages"], scale)}


def _oom_score_2636(case: Case) -> Mapping[str, Any]:
    inputs = case.inputs
    task = Task(inputs["rss"], inputs["swap"], 0, inputs["oom_score_adj"], inputs["root"])
    return {"score": badness(task, inputs["total_pages"], version_of(case))}


def _oom_victim(case: Case) -> Mapping[str, Any]:
    """Read the report that a case names, which lies beside the file of cases or in ours."""
    name = case.inputs["report"]
    folders = (case.folder, case.folder.parent / "oom-reports", case.folder.parent / "oom_reports")
    file = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if file is None:
        raise LookupError(f"the report {name} is not among the files")
    found = analyse(list(oom_reports([file.read_bytes()]))[case.inputs["report_index"]])
    if found.predicted is None:
        raise LookupError(f"the report lacks {', '.join(found.missing)}")
    return {
        "victim_pid": found.predicted.pid,
        "victim_name": found.predicted.name,
        "printed_score": NotModelled(f"the report lacks {', '.join(found.missing)}")
        if found.scores.computed is None
        else found.scores.computed,
    }


def _oom_score_interval(case: Case) -> Mapping[str, Any]:
    """Say which totals a printed score agrees with: these must be in what is expected."""
    inputs, expected = case.inputs, case.expected
    if "rss" not in inputs:
        raise LookupError("page tables, swap and RAM of the machine are not among the inputs")
    task = Task(inputs["rss"], inputs["swapents"], inputs["nr_ptes"], inputs["oom_score_adj"], inputs["uid"] == 0)
    points = badness(task, 0, version_of(case)) or 0
    least, most = totals_of_score(points, expected["printed_score"]) or (0, 0)
    low, high = expected["total_pages_must_be_in"]
    swap = 25599  # pages of a swap file of 100 MiB, less its header
    return {
        "printed_score": printed_score(points, least),
        "total_pages_must_be_in": [low, high] if low <= least <= most <= high else [least, most],
        "totalram_pages_must_be_in_if_swap_25599": [low - swap, high - swap]
        if low <= least <= most <= high
        else [least - swap, most - swap],
    }


def _oom_identities(case: Case) -> Mapping[str, Any]:
    get = case.inputs.get
    kib = PAGE // 1024
    found: dict[str, Any] = {"pgtables_kB": (get("pgtables_bytes") or 0) >> 10}
    return found | {"total-vm_kB": (get("total_vm") or 0) * kib, "anon_plus_file_kB": (get("rss") or 0) * kib}


def _drop_caches(case: Case) -> Mapping[str, Any]:
    inputs = {key.removesuffix("_kB"): value * 1024 for key, value in case.inputs.items()}
    meminfo = {
        "Active(file)": 0,
        "Inactive(file)": inputs["file_lru"],
        "Dirty": inputs["dirty"],
        "Writeback": inputs["writeback"],
        "Mapped": inputs["mapped"],
    }
    least, most = (size // 1024 for size in drop_caches.predict(meminfo, 1).page_cache)
    return {
        "predicted_interval_kB": [least, most],
        "freed_file_lru_kB": Bounds(least, most),
        "MemFree_delta_kB": NotModelled("others take and free memory meanwhile"),
    }


def _commit_limit(case: Case) -> Mapping[str, Any]:
    inputs, gib = case.inputs, 1 << 30
    limit = commit_limit(inputs["ram_GB"] * gib, inputs["swap_GB"] * gib, 0, inputs["ratio"])
    return {"commit_limit_GB": limit / gib}


def _free_old(case: Case) -> Mapping[str, Any]:
    inputs = case.inputs
    return {"minus_buffers_cache_free_MB": inputs["free_MB"] + inputs["buffers_MB"] + inputs["cached_MB"]}


ADAPTERS: dict[str, Adapter] = {
    "min_free_kbytes": _min_free_kbytes,
    "thp_recommended_min_free": _thp,
    "watermarks": _watermarks,
    "lowmem_reserve": _lowmem_reserve,
    "MemAvailable": _available,
    "MemAvailable+dirty": _available_and_dirty,
    "overcommit_max_mmap": _largest_mmap,
    "commit_accounting": _accounting,
    "fork_commit": _fork,
    "dirty_thresholds": _dirty_thresholds,
    "dirty_timeline": _dirty_timeline,
    "proc_oom_score": _proc_oom_score,
    "oom_score_2636": _oom_score_2636,
    "oom_victim": _oom_victim,
    "oom_score_interval": _oom_score_interval,
    "oom_line_identities": _oom_identities,
    "drop_caches": _drop_caches,
    "commit_limit": _commit_limit,
    "free_old_columns": _free_old,
    **CACHE_ADAPTERS,
}
