"""Candidates for memory that no counter explains: who may have it, how much, and how far that is counted otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pymemtools.models.release import since
from pymemtools.procfs.allocinfo import AllocSite
from pymemtools.readings.machine import Machine
from pymemtools.readings.unnamed import Unnamed
from pymemtools.reports.pages.counters import of_others
from pymemtools.reports.system_memory import vmalloc_pages
from pymemtools.units import human_size

NONE, PART, WHOLE = "none", "part", "whole"  # of a candidate's figure: counted as something else, too
_MOST = 8  # callers and places in the code
# What these allocate is counted by its use: pages of processes and files, slab, page tables, vmalloc, hugetlb.
_COUNTED_SITES = frozenset(
    (
        *("mm/slub.c", "mm/slab.c", "mm/slab_common.c", "mm/filemap.c", "mm/readahead.c", "mm/memory.c", "mm/shmem.c"),
        *("mm/huge_memory.c", "mm/hugetlb.c", "mm/khugepaged.c", "mm/ksm.c", "mm/migrate.c", "mm/mempolicy.c"),
        *("mm/swap_state.c", "mm/vmalloc.c", "mm/percpu.c", "mm/percpu-vm.c", "mm/zsmalloc.c", "kernel/fork.c"),
        *("include/linux/mm.h", "include/linux/pagemap.h", "include/asm-generic/pgalloc.h"),
    )
)
# Of NVIDIA's Jetson, and of Android as Huawei, Samsung and others build it.
_OF_VENDORS = (
    *("NvMapMemUsed", "IonTotalUsed", "IonTotalCache", "GpuTotalUsed", "GPUTotalUsed"),
    *("KgslCache", "FastRPCUsed", "RbinAlloced"),
)


class Candidate(NamedTuple):
    """Memory that a file of the kernel's tells of, in bytes."""

    area: str
    used: int
    overlap: str
    counter: str
    reason: str


def candidates(machine: Machine, unnamed: Unnamed) -> Iterator[Candidate]:
    """Give all that are more than nothing."""
    of_machine = (*_of_meminfo(machine), *_of_counters(machine, unnamed))
    found = (*of_machine, *_of_drivers(unnamed), *_by_caller(machine, unnamed))
    return (each for each in found if each.used > 0)


def _of_meminfo(machine: Machine) -> Iterator[Candidate]:
    get = machine.meminfo.get
    yield Candidate("swap cache", get("SwapCached", 0), PART, "SwapCached", "what is mapped is anonymous memory, too")
    yield Candidate("FUSE, being written", get("WritebackTmp", 0), NONE, "WritebackTmp", "copies of dirty pages")
    accept = "free memory that the guest has not accepted yet"
    yield Candidate("unaccepted memory", get("Unaccepted", 0), WHOLE, "Unaccepted", accept)
    cma = "given to drivers, or lent to anonymous memory and files"
    used = get("CmaTotal", 0) - get("CmaFree", 0)
    yield Candidate("contiguous memory (CMA)", used, PART, "CmaTotal-CmaFree", cma)
    surplus = get("HugePages_Surp", 0) * get("Hugepagesize", 0)
    yield Candidate("hugetlb surplus", surplus, WHOLE, "HugePages_Surp", "overcommitted pages of the pool")
    broken = "taken out of use after memory errors"
    yield Candidate("broken memory", get("HardwareCorrupted", 0), PART, "HardwareCorrupted", broken)
    for key in ("GPUActive", "GPUReclaim"):  # of kernels to come after 6.18
        yield Candidate("graphics (TTM)", get(key, 0), NONE, key, "pages of drivers' pools")
    for key in _OF_VENDORS:
        yield Candidate(
            "drivers' buffers", get(key, 0), PART, key, "counted by this vendor's kernel; partly CMA or shmem"
        )


def _of_counters(machine: Machine, unnamed: Unnamed) -> Iterator[Candidate]:
    pages, size = machine.counters.get, machine.page_size
    balloon = machine.meminfo.get("Balloon")
    inflated = (pages("balloon_inflate", 0) - pages("balloon_deflate", 0)) * size
    given = "within MemTotal only if the balloon deflates when memory runs out"
    yield Candidate("balloon", inflated if balloon is None else balloon, PART, "Balloon", given)
    memmap = "struct page of memory added since the start (Linux 6.11)"
    yield Candidate("memory map", pages("nr_memmap_pages", 0) * size, NONE, "nr_memmap_pages", memmap)
    lists = "free, in lists of the processors' own: not in MemFree"
    free = 0 if any(of_others(machine)) else unnamed.processor_lists or 0
    yield Candidate("free, per processor", free, NONE, "zoneinfo", lists)
    if "Hugetlb" not in machine.meminfo:
        default = machine.meminfo.get("Hugepagesize")
        for page, pool in unnamed.pools.items():
            if page != default:
                name = f"hugetlb of {human_size(page)}"
                yield Candidate(name, pool, NONE, "nr_hugepages", "meminfo tells of one size (before Linux 4.16)")


def _of_drivers(unnamed: Unnamed) -> Iterator[Candidate]:
    data = "data in flight; headers, and small data, are slab"
    yield Candidate("sockets", unnamed.sockets or 0, PART, "net/sockstat", data)
    for exporter, size in unnamed.buffers.items():
        reason = "buffers that devices share; shared memory in part"
        yield Candidate(f"dma-buf of {exporter}", size, PART, "dma_buf/bufinfo", reason)
    for (driver, pid), size in unnamed.clients.items():
        reason = "buffers in the machine's memory; shared memory in part"
        yield Candidate(f"graphics: {driver}, PID {pid}", size, PART, "fdinfo", reason)


def _by_caller(machine: Machine, unnamed: Unnamed) -> Iterator[Candidate]:
    """Name who has most of vmalloc, and of what places in the code have allocated."""
    sums: Counter[str] = Counter()
    for area in unnamed.areas:
        module = f" [{area.module}]" if area.module else ""
        sums[f"{area.caller or 'not told'}{module}"] += (area.pages or 0) * machine.page_size
    is_counted = vmalloc_pages(machine.meminfo, machine.version) is not None and since(machine.version, (4, 4))
    for caller, size in sums.most_common(_MOST):
        overlap, reason = (WHOLE, "") if is_counted else (NONE, "this kernel's VmallocUsed does not count it")
        yield Candidate(f"vmalloc: {caller}", size, overlap, "vmallocinfo", reason)
    for site in _largest(unnamed.sites):
        module = f" [{site.module}]" if site.module else ""
        place = f"{site.file}:{site.line}"
        yield Candidate(f"{site.function}{module}", site.size, PART, "allocinfo", f"{place}; slab and vmalloc in part")


def _largest(sites: Iterable[AllocSite]) -> list[AllocSite]:
    others = [site for site in sites if site.file not in _COUNTED_SITES]
    return sorted(others, key=lambda site: -site.size)[:_MOST]
