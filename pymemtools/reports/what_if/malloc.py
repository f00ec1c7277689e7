"""Which requests would glibc take from the heap, and which map?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pymemtools.errors import UsageProblem
from pymemtools.models.malloc import DEFAULT_THRESHOLD, Build, Granted, Heap, build
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.what_if.asked import Asked, reported
from pymemtools.units import human_size

MOST_CALLS = 1_000_000
_RULE = (
    "glibc's main arena: requests from the threshold on are mapped, others carved from the top, which brk() extends "
    "with M_TOP_PAD (malloc/malloc.c, sysmalloc()); exact for the first thread of a program"
)
COLUMNS = (
    Column("request", "request", "what malloc() is called with", "bytes"),
    Column("calls", "calls", "how often", "count"),
    Column("chunk", "chunk", "what glibc takes for it, its header included", "bytes"),
    Column("mapped_calls", "mapped calls", "how many calls got a mapping of their own", "count"),
    Column("pointer", "pointer", "where the last one is, counted from the beginning of the heap", "bytes"),
    Column("break_before", "break", "the size of the heap before", "bytes"),
    Column("break", "->", "and afterwards", "bytes"),
    Column("mapped", "mapped", "in mappings, afterwards", "bytes"),
    Column("in_use", "in use", "in chunks that are not free", "bytes"),
    Column("threshold", "threshold", "from which size on chunks are mapped, afterwards", "bytes"),
    Column("resident_untouched", "resident", "pages with a chunk header", "bytes"),
    Column("resident_written", "written", "pages that are resident when all is written to", "bytes"),
)
_FROM = Column("from", "from", "where glibc takes it: of the heap, or by mmap() a mapping of its own", "text")


class MallocRequest(NamedTuple):
    """What a program asks glibc for, in bytes, and which build of it."""

    sizes: Sequence[int]
    calls: int = 1  # of each size
    is_freed: bool = False  # each at once
    bits: int = 64  # of the program
    is_i386: bool = False
    glibc: tuple[int, int] = (2, 41)
    threshold: int | None = None  # M_MMAP_THRESHOLD, where it is set
    top_pad: int = DEFAULT_THRESHOLD  # M_TOP_PAD
    held: int = 0  # at the top of the heap, before the first call


class Heaped(NamedTuple):
    """The heap after a request was met so often, in bytes; ``break_before`` and ``break_after`` are its sizes."""

    request: int
    calls: int
    chunk: int
    mapped_calls: int
    pointer: int | None
    break_before: int
    break_after: int
    mapped: int
    in_use: int
    threshold: int
    resident_untouched: int
    resident_written: int


class Heaps(NamedTuple):
    """The heap request by request, and glibc's build; in bytes."""

    requests: list[Heaped]
    word: int
    align: int
    tcache: int
    threshold: int  # afterwards
    threshold_max: int
    tcache_chunk: int  # what the thread's cache takes of the heap first
    rules: Sequence[str] = (_RULE,)

    @property
    def is_threshold_moved(self) -> bool:
        """Tell whether the threshold is another than glibc begins with."""
        return self.threshold != DEFAULT_THRESHOLD


def malloc_report(asked: Asked, request: MallocRequest) -> Report:
    """Say for each request where glibc takes it from, how the break moves, and which pages become resident."""
    if len(request.sizes) * request.calls > MOST_CALLS:
        calls = len(request.sizes) * request.calls
        raise UsageProblem(f"what-if malloc: {calls} calls are too many: at most {MOST_CALLS}")
    bits = 32 if request.is_i386 else request.bits
    libc = build(bits, request.glibc, i386=request.is_i386, page_size=asked.machine.page_size)
    heap = Heap(libc, threshold=request.threshold, top_pad=request.top_pad, held=request.held)
    requests = [_heaped(heap, size, request) for size in request.sizes]
    found = _heaps(requests, heap, libc)
    keys = ("word", "align", "tcache", "threshold", "threshold_max")
    totals = {**{key: getattr(found, key) for key in keys}, "rule": _RULE, "error_bound": 0}
    report = reported(asked, "malloc", table_of(COLUMNS, map(_row, requests)), found, totals, asked.machine.notes)
    return report._replace(within=(_FROM,))


def _heaps(requests: list[Heaped], heap: Heap, libc: Build) -> Heaps:
    chunk = libc.chunk(libc.tcache) if libc.tcache else 0
    return Heaps(requests, libc.word, libc.align, libc.tcache, heap.threshold, libc.threshold_max, chunk)


def _heaped(heap: Heap, size: int, request: MallocRequest) -> Heaped:
    """Allocate, so often; the last one is shown."""
    before = heap.system
    granted, mapped = _called(heap, size, request)
    page = heap.build.page_size
    return Heaped(
        request=size,
        calls=request.calls,
        chunk=granted.size,
        mapped_calls=mapped,
        pointer=granted.pointer,
        break_before=before,
        break_after=heap.system,
        mapped=heap.mapped,
        in_use=heap.in_use,
        threshold=heap.threshold,
        resident_untouched=heap.resident_untouched * page,
        resident_written=heap.resident_written * page,
    )


def _called(heap: Heap, size: int, request: MallocRequest) -> tuple[Granted, int]:
    """Call malloc() as often as is asked; give the last chunk, and how many were mapped."""
    mapped = 0
    for _ in range(request.calls):
        try:
            granted = heap.malloc(size)
        except ValueError:
            too_much = f"what-if malloc: {human_size(size)}: more than half of the address space is refused"
            raise UsageProblem(too_much) from None
        mapped += granted.is_mapped
        if request.is_freed:
            heap.free(granted)
    return granted, mapped


def _row(found: Heaped) -> dict[str, Any]:
    return {**found._asdict(), "break": found.break_after}
