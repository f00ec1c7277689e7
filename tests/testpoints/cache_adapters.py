"""Cases of the models page_cache, malloc, malloc_rss and pss put to the models, by the meaning of their inputs.

Where inputs leave something open (which LRU, how much memory), all that it can be is tried, and figures that differ
are given as bounds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from pymemtools.models.cache_room import (
    dma_zone_room,
    readers,
    room,
    room_at_boot,
    room_of_cgroup,
    with_readahead,
)
from pymemtools.models.generations import Generations
from pymemtools.models.malloc import Build, Granted, Heap, build
from pymemtools.models.page_cache import Access, PageCache, Step
from pymemtools.models.pss import Shared, exact_pss, sizes
from pymemtools.models.release import Version, parse_release
from pymemtools.models.two_lists import TwoLists, inactive_ratio

from .judge import Adapter, Bounds, Case

Inputs = Mapping[str, Any]
Figures = dict[str, Any]
_START = "free_plus_file_pages_at_start"
_GUEST = re.compile(r"guest.*?\b([0-9]+)([MG])\b")
_LIMIT = re.compile(r"memcg limit ([0-9]+) ?([MG])")
_LRU_GEN = re.compile(r"lru_gen/enabled=(0x[0-9a-fA-F]+|[0-9]+)")
_GLIBC = re.compile(r"glibc ([0-9]+)\.([0-9]+)")
_64BIT = re.compile(r"x86_64|amd64|aarch64|arm64|ppc64|riscv64|s390x|64-bit")
_MISSES_THAT_HIT = 0.004  # of a file that does not fit: reclaim does not take the very oldest page each time
_NO_X86 = re.compile(r"arm|aarch64|ppc|riscv|s390|mips")


def completed(point: Mapping[str, Any], points: Iterable[Mapping[str, Any]]) -> Inputs:
    """Give a case's inputs with what is known of its machine from its own words and from cases of the same source.

    A source "guest 384M" tells the RAM, "memcg limit 256 MiB" the limit, "lru_gen/enabled=0x0007" the switch; that a
    machine had so many pages free or cached when a run began is told by one case of the run. What was measured is
    never taken from another case.
    """
    inputs, source = point["inputs"], str(point.get("source", ""))
    known: dict[str, Any] = {}
    for key, pattern in (("ram_pages", _GUEST), ("limit_pages", _LIMIT)):
        if amount := pattern.search(source):
            known[key] = int(amount[1]) << (8 if amount[2] == "M" else 18)
    if switch := _LRU_GEN.search(source):
        known["lru_gen_enabled"] = switch[1]
    if point["model"] == "page_cache":
        for other in points:
            if other["model"] == "page_cache" and other.get("source") == source and _START in other["inputs"]:
                known[_START] = other["inputs"][_START]
    return {**known, **inputs}


def _page_cache(case: Case) -> Figures:
    """A trace of reads, a mapping, a read with readahead, or dropped caches."""
    inputs = case.inputs
    if "resident_clean_pages" in inputs:
        return {"resident_after": 0, "free_delta": inputs["resident_clean_pages"]}
    for key, pages in inputs.items():
        if mapping := re.fullmatch(r"mmap_(shared|private)_(ro|rw|written)_pages", key):
            return _of_mapping(pages, inputs, is_copied=mapping[1] == "private" and mapping[2] != "ro")
    if "read_bytes" in inputs:
        return _of_read(inputs)
    trace = _trace(inputs)
    answers = [_of_trace(cache, trace, inputs) for cache in _caches(inputs, case.kernel)]
    return {key: _united([answer[key] for answer in answers]) for key in answers[0]}


def _version(kernel: str) -> Version | None:
    found = re.search(r"[0-9]+\.[0-9]+.*", kernel)
    return parse_release(found[0]) if found else None


def _united(values: Sequence[Any]) -> Any:
    """Give what all agree on, else bounds."""
    if all(value == values[0] for value in values):
        return values[0]
    if isinstance(values[0], list):
        return [_united(each) for each in zip(*values)]
    ends = [end for value in values for end in (value if isinstance(value, Bounds) else (value, value))]
    return Bounds(min(ends), max(ends))


def _of_mapping(pages: int, inputs: Inputs, *, is_copied: bool) -> Figures:
    found = readers(pages, inputs.get("readers", 1), mapped=True, page_size=inputs.get("page_size", 4096))
    each = pages * inputs.get("readers", 1)
    return {"rss_delta": each, "cache_delta": found.cache, "anon_delta": each if is_copied else 0}


def _of_read(inputs: Inputs) -> Figures:
    size = inputs.get("page_size", 4096)
    pages = -(-inputs["read_bytes"] // size)
    window = inputs.get("read_ahead_kb", 0) * 1024 // size
    found = readers(pages, inputs.get("readers", 1), mapped=False, page_size=size)
    cached = with_readahead(pages, window, inputs.get("file_pages"))
    return {"anon_delta_pages": found.anonymous, "cache_delta_pages": cached}


def _trace(inputs: Inputs) -> list[Access]:
    trace = inputs.get("trace")
    if isinstance(trace, str):
        return [Access(name, inputs[name]) for name in trace.replace(" ", "").split(",")]
    if trace is not None:
        words = [(*step[0].split(), "file") for step in trace]
        return [Access(how[1], step[1], mapped=how[0] == "mmap") for how, step in zip(words, trace)]
    if "file_pages" in inputs:
        return [Access("file", inputs["file_pages"])] * inputs.get("passes", 1)
    raise LookupError("neither a trace nor a file")


def _caches(inputs: Inputs, kernel: str) -> list[PageCache]:
    """Make a cache for each end of what the room can be, and for each LRU that it can be."""
    version = _version(kernel)
    caches: list[PageCache] = []
    for pages in _rooms(inputs, version):
        for has_generations in _kinds(inputs, kernel, version):
            if has_generations:
                caches.append(Generations(pages, _kept(inputs, kernel)))
            else:
                ratio = inactive_ratio(pages, inputs.get("page_size", 4096), version)
                caches.append(TwoLists(pages, inputs.get("inactive_ratio", ratio), inputs.get("anon_pages", 0)))
    return caches


def _rooms(inputs: Inputs, version: Version | None) -> list[int]:
    size = inputs.get("page_size", 4096)
    if "capacity_pages" in inputs:
        return [inputs["capacity_pages"]]
    if "cache_pages" in inputs or "limit_pages" in inputs:
        return [room_of_cgroup(inputs.get("cache_pages", inputs.get("limit_pages")), version)]
    if _START in inputs and "sum_high_pages" in inputs:
        return [room(inputs[_START], 0, inputs["sum_high_pages"])]
    if _START in inputs:
        return [room_at_boot(inputs[_START], page_size=size, version=version)]
    if "ram_pages" in inputs:  # what runs takes less than a half
        return [inputs["ram_pages"] // 2, inputs["ram_pages"]]
    raise LookupError("the case does not say how much memory there was")


def _kinds(inputs: Inputs, kernel: str, version: Version | None) -> list[bool]:
    """Tell whether the kernel has generations; both where nothing tells: builds of 6.1 and later differ."""
    switch = inputs.get("lru_gen_enabled", inputs.get("lru_gen"))
    if switch is not None:
        return [bool((int(switch, 0) if isinstance(switch, str) else int(switch)) & 1)]
    if re.search(r"mglru|lru_gen|generations", kernel, re.IGNORECASE):
        return [True]
    if "classic" in kernel.lower() or (version is not None and version < (6, 1, 0)):
        return [False]
    return [False, True]


def _kept(inputs: Inputs, kernel: str) -> int:
    is_x86 = _NO_X86.search(kernel) is None
    is_whole_machine = "cache_pages" not in inputs and "limit_pages" not in inputs
    ram = inputs.get("ram_pages", inputs.get(_START))
    return dma_zone_room(ram) if is_x86 and is_whole_machine and ram else 0


def _of_trace(cache: PageCache, trace: Sequence[Access], inputs: Inputs) -> Figures:
    steps = [cache.access(access) for access in trace]
    own = [step.resident[access.file] for access, step in zip(trace, steps)]
    kib = inputs.get("page_size", 4096) // 1024
    refaults = [step.refaults for step in steps]
    activations = [step.activations for step in steps]
    if isinstance(cache, Generations):  # where workingset_activate counts every refault, and pgactivate none
        activations = refaults
    return {
        "resident": own,
        "resident_after": own,
        "hits": [step.hits for step in steps],
        "misses": [step.misses for step in steps],
        "refaults": refaults,
        "activations": activations,
        "pgactivate": [step.activations for step in steps],
        "active_after": [step.active for step in steps],
        "pgpgin_kB": [_read_in(step, kib) for step in steps],
        **_around_the_stream(trace, steps),
    }


def _read_in(step: Step, kib: int) -> float | Bounds:
    least = step.misses - step.refaults * _MISSES_THAT_HIT
    return Bounds(least * kib, step.misses * kib) if step.refaults else step.misses * kib


def _around_the_stream(trace: Sequence[Access], steps: Sequence[Step]) -> Figures:
    """Tell what was cached after the last read of another file than the first, and what reading on came to."""
    stream = max((i for i, access in enumerate(trace) if access.file != trace[0].file), default=len(trace) - 1)
    found: Figures = {"restores": sum(step.restores for step in steps[stream + 1 :])}
    for file, pages in steps[stream].resident.items():
        again = [step for access, step in zip(trace[stream + 1 :], steps[stream + 1 :]) if access.file == file]
        found[f"{file}_resident"] = found[f"{file}_resident_after_stream"] = pages
        found[f"refaults_rereading_{file}"] = sum(step.refaults for step in again)
        found[f"hits_rereading_{file}"] = sum(step.hits for step in again)
    return found


def _malloc(case: Case) -> Figures:
    """Some requests, one request again and again, or requests and frees."""
    inputs = case.inputs
    heap = Heap(_build(inputs, case.kernel), inputs.get("initial_break", 0))
    if "requests" in inputs:
        return _of_requests(heap, inputs["requests"])
    if "request" in inputs:
        return _of_repeated(heap, inputs, {int(key) for key in case.expected if key.isdigit()})
    if "sequence" in inputs:
        return _of_sequence(heap, inputs["sequence"])
    raise LookupError("no request")


def _build(inputs: Inputs, kernel: str) -> Build:
    if other := re.search(r"musl|uclibc|jemalloc|tcmalloc|bionic", kernel, re.IGNORECASE):
        raise LookupError(f"the model is glibc's, not {other[0]}'s")
    version = _GLIBC.search(kernel)
    bits = 64 if _64BIT.search(kernel) else 32
    is_i386 = re.search(r"i[3-6]86", kernel) is not None
    release = (int(version[1]), int(version[2])) if version else (2, 25)
    bits = 8 * inputs["size_t"] if "size_t" in inputs else bits
    usual = build(bits, release, i386=is_i386, page_size=inputs.get("page_size", 4096))
    return usual._replace(align=inputs.get("align", usual.align), tcache=inputs.get("tcache_first_alloc", usual.tcache))


def _of_requests(heap: Heap, requests: Sequence[int]) -> Figures:
    names = (
        *("pointers", "heap_offsets", "break", "brk_delta", "arena_system_bytes", "total_system_bytes"),
        *("in_use_bytes", "uordblks", "hblkhd", "hblks", "mmap_regions", "max_mmap_bytes", "uses_mmap", "usable"),
    )
    found: Figures = {name: [] for name in names}
    for request in requests:
        granted = heap.malloc(request)
        pointer, whole = granted.pointer, heap.system + heap.mapped
        offset = None if pointer is None else pointer - heap.start
        address = (
            Bounds(0, 1 << 8 * heap.build.word) if pointer is None else pointer
        )  # of a mapping: the kernel's choice
        overhead = heap.build.word * (2 if granted.is_mapped else 1)
        row = (
            *(address, offset, heap.brk, heap.system, heap.system, whole, heap.in_use, heap.in_use - heap.mapped),
            *(heap.mapped, heap.regions, heap.regions, heap.most_mapped, granted.is_mapped, granted.size - overhead),
        )
        for name, value in zip(names, row):
            found[name].append(value)
    return found


def _of_repeated(heap: Heap, inputs: Inputs, indices: Collection[int]) -> Figures:
    base = inputs.get("index_base", 0)
    found: Figures = {}
    for index in range(base, max(indices, default=base - 1) + 1):
        granted = heap.malloc(inputs["request"])
        if index in indices:
            found[str(index)] = {"addr": granted.pointer, "break": heap.brk}
    return found


def _of_sequence(heap: Heap, sequence: Sequence[str]) -> Figures:
    found: Figures = {"brk_delta": [], "mmapped": [], "threshold": []}
    latest: Granted | None = None
    for step in sequence:
        verb, *sizes_ = step.split()
        if verb not in ("malloc", "malloc+free", "free"):
            raise LookupError(f"the model knows no '{verb}'")
        if verb != "free":
            latest = heap.malloc(int(sizes_[0]))
        is_mapped = latest is not None and latest.is_mapped
        if verb != "malloc" and latest is not None:
            heap.free(latest)
            latest = None
        found["brk_delta"].append(heap.brk - heap.start)
        found["mmapped"].append(is_mapped if verb == "malloc" else None)
        found["threshold"].append(heap.threshold)
    return found


def _malloc_rss(case: Case) -> Figures:
    """What so many calls make resident: nobody touches the memory, reads it, or writes to it."""
    inputs = case.inputs
    heap = Heap(_build(inputs, case.kernel), inputs.get("initial_break", 0))
    for _ in range(inputs["calls"]):
        heap.malloc(inputs["request"])
    untouched, written = heap.resident_untouched, heap.resident_written
    known = {"untouched": untouched, "read": untouched, "written": written}
    found = {f"rss_delta_{how}{which}": known[how] for how in known for which in ("", "_both_pages")}
    return found | {f"{name}_kB": pages * heap.build.page_size // 1024 for name, pages in found.items()}


def _pss(case: Case) -> Figures:
    """PSS by the kernel's rule where a kernel was asked, else by arithmetic."""
    inputs = case.inputs
    private = inputs.get("private_kB", 0) << 10
    shared = [Shared(size << 10, processes) for size, processes in inputs.get("shared", ())]
    by_rule = sizes(private, shared, inputs.get("page_size", 4096))
    kib = exact_pss(private, shared) / 1024 if _version(case.kernel) is None else by_rule.pss >> 10
    return {"pss_kB": kib, "rss_kB": by_rule.rss >> 10, "uss_kB": by_rule.uss >> 10}


CACHE_ADAPTERS: dict[str, Adapter] = {
    "page_cache": _page_cache,
    "malloc": _malloc,
    "malloc_rss": _malloc_rss,
    "pss": _pss,
}
