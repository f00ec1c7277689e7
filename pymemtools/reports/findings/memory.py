"""Findings on the machine's memory as a whole: what is left, what is stuck, what nothing explains."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.procfs.meminfo import hugetlb_pool
from pymemtools.reports.estimates import dirty_of
from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.finding import CRITICAL, NOTICE, WARNING, Rule, Seen
from pymemtools.reports.system_memory import REST
from pymemtools.units import human_size, plus

_LITTLE, _VERY_LITTLE = 10, 5  # percent of RAM that is available
_THRASHES, _WAITS = 20, 5  # percent of the last minute
_SLOWEST_CARD = 10 << 20  # bytes a second: what the speed class on most cards promises, SD class 10
_TOO_LONG = 30  # seconds
_LEAST = 64 << 20  # bytes: less is no news on any machine
_FULL, _FILLING = 90, 75  # percent of a tmpfs's size
_MUCH_OF_RAM = 25  # percent
_NAMED = 3  # of the largest
_CARDS = ("/dev/mmcblk", "/dev/mtdblock", "ubi")


def _of_ram(evidence: Evidence, amount: int | None) -> str:
    share = evidence.share(amount)
    return f"{human_size(amount or 0)}" + ("" if share is None else f", {share:.0f} % of RAM")


def _large(evidence: Evidence, amount: int | None, percent: int) -> bool:
    share = evidence.share(amount)
    return amount is not None and share is not None and share >= percent and amount >= min(_LEAST, evidence.ram or 0)


def _available(evidence: Evidence) -> Iterator[Seen]:
    left = evidence.available
    share = evidence.share(left)
    if share is not None and share < _LITTLE:
        severity = CRITICAL if share < _VERY_LITTLE else WARNING
        title = "Little memory is left that can be had without swapping"
        yield Seen(severity, title, _of_ram(evidence, left), left, "bytes")


def _thrashing(evidence: Evidence) -> Iterator[Seen]:
    stall = evidence.pressure
    full, some = (None, None) if stall is None else (stall.full.avg60, stall.some.avg60)
    worst = full if full is not None and full >= _WAITS else None
    if worst is not None:
        severity = CRITICAL if worst >= _THRASHES else WARNING
        yield Seen(
            severity, "All work stands still, waiting for memory", f"{worst:.1f} % of the last minute", worst, "percent"
        )
    elif some is not None and some >= _THRASHES:
        yield Seen(WARNING, "Processes wait for memory", f"{some:.1f} % of the last minute", some, "percent")


def _unexplained(evidence: Evidence) -> Iterator[Seen]:
    if _is_of_a_group(evidence):
        return
    rest = next((row["used"] for row in evidence.rows("system") if row["area"] == REST), None)
    if _large(evidence, rest, 10):
        severity = WARNING if (evidence.share(rest) or 0) >= 25 else NOTICE
        yield Seen(severity, "Memory that no counter explains", _of_ram(evidence, rest), rest, "bytes")


def _is_of_a_group(evidence: Evidence) -> bool:
    """Tell whether meminfo is a container's: in a host of more memory, whose kernel's part it does not count."""
    managed = sum(zone.managed or 0 for zone in evidence.machine.zones) * evidence.machine.page_size
    return evidence.machine.doubt is not None and evidence.ram is not None and managed > evidence.ram


def _shared(evidence: Evidence) -> Iterator[Seen]:
    shmem = evidence.meminfo.get("Shmem")
    if _large(evidence, shmem, 25):
        severity = WARNING if (evidence.share(shmem) or 0) >= 50 else NOTICE
        title = f"Much of RAM is in tmpfs and shared memory{_largest_tmpfs(evidence, shmem or 0)}"
        yield Seen(severity, title, _of_ram(evidence, shmem), shmem, "bytes")


def _largest_tmpfs(evidence: Evidence, shmem: int) -> str:
    """Name the file systems that hold much of it, a tenth or more each."""
    large = [each for each in evidence.tmpfs[:_NAMED] if each.used * 10 >= shmem]
    names = ", ".join(f"{each.point} ({human_size(each.used)})" for each in large)
    return f": files in {names}" if names else ""


def _tmpfs_full(evidence: Evidence) -> Iterator[Seen]:
    for each in evidence.tmpfs:
        share = evidence.share(each.used)
        is_large = share is not None and share >= _MUCH_OF_RAM
        if each.size >= _LEAST and (is_large or 100 * each.used >= _FILLING * each.size):
            severity = WARNING if is_large or 100 * each.used >= _FULL * each.size else NOTICE
            what = "has files as large as much of RAM" if is_large else "is nearly full"
            figure = f"{human_size(each.used)} of {human_size(each.size)}"
            yield Seen(severity, f"tmpfs {each.point} {what}", figure, each.used, "bytes")


def _slab(evidence: Evidence) -> Iterator[Seen]:
    slab = evidence.meminfo.get("SUnreclaim")
    if _large(evidence, slab, 15):
        title = "The kernel's own objects, which it cannot give back, hold much of RAM"
        yield Seen(WARNING, title, _of_ram(evidence, slab), slab, "bytes")


def _page_tables(evidence: Evidence) -> Iterator[Seen]:
    tables = plus(evidence.meminfo.get("PageTables"), evidence.meminfo.get("SecPageTables", 0))
    if _large(evidence, tables, 5):
        yield Seen(WARNING, "Page tables take much of RAM", _of_ram(evidence, tables), tables, "bytes")


def _locked(evidence: Evidence) -> Iterator[Seen]:
    locked = evidence.meminfo.get("Mlocked")
    if _large(evidence, locked, 20):
        severity = WARNING if (evidence.share(locked) or 0) >= 40 else NOTICE
        yield Seen(
            severity,
            "Much of RAM is locked, and can be neither swapped nor dropped",
            _of_ram(evidence, locked),
            locked,
            "bytes",
        )


def _unused_hugetlb(evidence: Evidence) -> Iterator[Seen]:
    get = evidence.meminfo.get
    free, size, reserved = get("HugePages_Free"), get("Hugepagesize"), get("HugePages_Rsvd", 0)
    pool = hugetlb_pool(evidence.meminfo)
    if not pool or free is None or size is None:
        return
    idle = max(free - (reserved or 0), 0) * size
    if idle and (_large(evidence, idle, 2) or (idle * 2 >= pool and idle >= _LEAST)):
        severity = WARNING if (evidence.share(idle) or 0) >= 10 else NOTICE
        title = "Huge pages are set aside, and nobody uses them"
        yield Seen(severity, title, f"{human_size(idle)} of a pool of {human_size(pool)}", idle, "bytes")


def _dirty_on_a_card(evidence: Evidence) -> Iterator[Seen]:
    limits, device = dirty_of(evidence.machine), _card(evidence)
    if limits is None or device is None:
        return
    most = limits.dirty * evidence.machine.page_size
    seconds = most / _SLOWEST_CARD
    if seconds > _TOO_LONG:
        title = f"More may be dirty than {device} writes in half a minute"
        figure = f"{human_size(most)} at {human_size(_SLOWEST_CARD)}/s take {seconds:.0f} s"
        yield Seen(NOTICE, title, figure, most, "bytes")


def _card(evidence: Evidence) -> str | None:
    """Name the card or flash that a writable file system of the machine is on."""
    for line in (evidence.text("mounts") or "").split("\n"):
        words = line.split(" ")
        if len(words) >= 4 and words[0].startswith(_CARDS) and "rw" in words[3].split(","):
            return words[0]
    return None


RULES = (
    Rule(
        "memory-available",
        CRITICAL,
        f"MemAvailable, and what the cache of ZFS can give back, is below {_LITTLE} % of MemTotal (critical: "
        f"{_VERY_LITTLE} %)",
        "Documentation/filesystems/proc.rst, MemAvailable; mm/show_mem.c, si_mem_available(), Linux 6.4",
        "pymemtools free; pymemtools oom-scores",
        "see who holds it (smem -t) and who would be killed (oom-scores); free some, or add RAM or swap",
        _available,
    ),
    Rule(
        "memory-pressure",
        CRITICAL,
        f"PSI memory full avg60 is {_WAITS} % or more (critical: {_THRASHES} %), or some avg60 {_THRASHES} %",
        "Documentation/accounting/psi.rst; kernel/sched/psi.c, psi_show(), Linux 4.20",
        "pymemtools groups -c +some_avg60,full_avg60",
        "the working set does not fit: stop or limit the largest process, or add RAM",
        _thrashing,
    ),
    Rule(
        "memory-unexplained",
        WARNING,
        "what is left of MemTotal without all that meminfo counts is 10 % or more (warning: 25 %); not a container's",
        "Documentation/filesystems/proc.rst, meminfo: drivers' pages are in no counter",
        "pymemtools smem -W",
        "drivers, a balloon, DMA buffers or a file system's own cache (ZFS) hold it: look for the candidates",
        _unexplained,
    ),
    Rule(
        "shmem-large",
        WARNING,
        "Shmem is a quarter of MemTotal or more (warning: half)",
        "Documentation/filesystems/tmpfs.rst: its files live in page cache and swap only",
        "pymemtools smem -W; df -t tmpfs",
        "files in tmpfs (/tmp, /run, /dev/shm) count until they are deleted: delete some, or give the mounts a size=",
        _shared,
    ),
    Rule(
        "tmpfs-full",
        WARNING,
        f"of a tmpfs of {_LEAST >> 20} MiB or more {_FILLING} % is used (warning: {_FULL} %, or {_MUCH_OF_RAM} % of "
        "MemTotal)",
        "Documentation/filesystems/tmpfs.rst, size; mm/shmem.c, shmem_statfs(), Linux 6.12",
        "pymemtools smem -W; df -t tmpfs",
        "full, it refuses writes with ENOSPC; until then it takes RAM or swap: delete files, or change its size=",
        _tmpfs_full,
    ),
    Rule(
        "slab-unreclaimable",
        WARNING,
        "SUnreclaim is 15 % of MemTotal or more",
        "Documentation/filesystems/proc.rst, SUnreclaim",
        "pymemtools smem -W; slabtop -s c",
        "a driver or subsystem leaks or caches: see which objects with slabtop, and update or unload it",
        _slab,
    ),
    Rule(
        "page-tables-large",
        WARNING,
        "PageTables and SecPageTables are 5 % of MemTotal or more",
        "Documentation/mm/page_tables.rst: each process that maps shared memory has tables of its own for it",
        "pymemtools oom-scores -s page_tables",
        "many processes that map one large area: huge pages take a 512th of the tables",
        _page_tables,
    ),
    Rule(
        "memory-locked",
        WARNING,
        "Mlocked is 20 % of MemTotal or more (warning: 40 %)",
        "Documentation/mm/unevictable-lru.rst",
        "pymemtools smem -c +locked -s locked",
        "see who locks it, and whether it needs to; RLIMIT_MEMLOCK limits it",
        _locked,
    ),
    Rule(
        "hugetlb-unused",
        WARNING,
        "free huge pages that nobody reserved are 2 % of MemTotal or half of their pool (warning: 10 % of MemTotal)",
        "Documentation/admin-guide/mm/hugetlbpage.rst",
        "pymemtools tunables explain nr_hugepages",
        "lower vm.nr_hugepages: nobody else can have memory that is in the pool",
        _unused_hugetlb,
    ),
    Rule(
        "dirty-slow-card",
        NOTICE,
        f"a writable file system is on a card or flash, which takes longer than {_TOO_LONG} s to write all that may be "
        f"dirty, at {_SLOWEST_CARD >> 20} MiB/s",
        "mm/page-writeback.c, global_dirty_limits(), Linux 6.12; SD speed class 10",
        "pymemtools what-if dirty --write 100M --disk 10M",
        "lower vm.dirty_bytes and vm.dirty_background_bytes: less is lost when power fails, and sync returns sooner",
        _dirty_on_a_card,
    ),
)
