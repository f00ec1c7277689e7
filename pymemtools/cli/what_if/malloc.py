"""``pymemtools what-if malloc``: which requests would glibc take from the heap, and which map?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import click

from pymemtools.cli.options import SIZE
from pymemtools.cli.what_if.question import Answer, Asked, question
from pymemtools.cli.what_if.tables import size, table
from pymemtools.errors import UsageProblem
from pymemtools.models.malloc import DEFAULT_THRESHOLD, Build, Granted, Heap, build

_RULE = (
    "glibc's main arena: requests from the threshold on are mapped, others carved from the top, which brk() extends "
    "with M_TOP_PAD (malloc/malloc.c, sysmalloc()); exact for the first thread of a program"
)
_MOST_CALLS = 1_000_000


@question("malloc")
@click.argument("requests", type=SIZE, nargs=-1, required=True, metavar="SIZE...")
@click.option("--count", type=click.IntRange(1, _MOST_CALLS), default=1, metavar="N", help="Each N times. [1]")
@click.option("--free", "is_freed", is_flag=True, help="Free each at once.")
@click.option("--bits", type=click.Choice(["32", "64"]), default="64", help="Of the program. [64]")
@click.option("--i386", is_flag=True, help="32 bits, of a PC: chunks are aligned to 16 bytes from glibc 2.26 on.")
@click.option("--glibc", default="2.41", metavar="VERSION", help="[2.41] From 2.26 on a thread's cache comes first.")
@click.option(
    "--threshold", type=SIZE, metavar="SIZE", help="M_MMAP_THRESHOLD, set; else it begins with 128K and grows."
)
@click.option("--top-pad", type=SIZE, default="128K", metavar="SIZE", help="M_TOP_PAD. [128K]")
def command(
    asked: Asked,
    *,
    requests: tuple[int, ...],
    count: int,
    is_freed: bool,
    bits: str,
    i386: bool,
    glibc: str,
    threshold: int | None,
    top_pad: int,
) -> Answer:
    """Say for each request where glibc takes it from, how the break moves, and which pages become resident."""
    if len(requests) * count > _MOST_CALLS:
        raise UsageProblem(f"what-if malloc: {len(requests) * count} calls are too many: at most {_MOST_CALLS}")
    libc = build(32 if i386 else int(bits), _version(glibc), i386=i386, page_size=asked.machine.page_size)
    heap = Heap(libc, threshold=threshold, top_pad=top_pad)
    rows = [_row(heap, request, count, is_freed=is_freed) for request in requests]
    totals = {
        "word": libc.word,
        "align": libc.align,
        "tcache": libc.tcache,
        "threshold": heap.threshold,
        "threshold_max": libc.threshold_max,
    }
    return Answer(list(_lines(rows, heap, libc)), rows, asked.machine.notes, totals)


def _version(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,3})\.([0-9]{1,3})(?:\.[0-9]+)?", text, re.ASCII)
    if match is None:
        raise UsageProblem(f"what-if malloc: --glibc: '{text}' is no version; write for example 2.36")
    return int(match[1]), int(match[2])


def _row(heap: Heap, request: int, count: int, *, is_freed: bool) -> dict[str, Any]:
    """Allocate, N times; the last one is shown."""
    before = heap.system
    mapped = 0
    granted: Granted | None = None
    for _ in range(count):
        try:
            granted = heap.malloc(request)
        except ValueError:
            raise UsageProblem(
                f"what-if malloc: {size(request)}: more than half of the address space is refused"
            ) from None
        mapped += granted.is_mapped
        if is_freed:
            heap.free(granted)
    assert granted is not None  # noqa: S101 (the count is at least 1)
    page = heap.build.page_size
    return {
        "request": request,
        "calls": count,
        "chunk": granted.size,
        "mapped_calls": mapped,
        "pointer": granted.pointer,
        "break_before": before,
        "break": heap.system,
        "mapped": heap.mapped,
        "in_use": heap.in_use,
        "threshold": heap.threshold,
        "resident_untouched": heap.resident_untouched * page,
        "resident_written": heap.resident_written * page,
        "rule": _RULE,
        "error_bound": 0,
    }


def _lines(rows: Sequence[dict[str, Any]], heap: Heap, libc: Build) -> Iterator[str]:
    titles = ("request", "chunk", "from", "break", "->", "resident", "written")
    cells = [
        (
            row["request"],
            row["chunk"],
            _from(row),
            *(size(row[key]) for key in ("break_before", "break", "resident_untouched", "resident_written")),
        )
        for row in rows
    ]
    yield from table(titles, cells, (2,))
    yield ""
    yield "Requests and chunks are in bytes; the break is counted from where it began."
    if heap.mapped:
        yield f"Mapped are {size(heap.mapped)}, beside {size(heap.system)} of heap."
    if heap.threshold == DEFAULT_THRESHOLD:
        yield f"Chunks of {size(DEFAULT_THRESHOLD)} or more are mapped, unless the top of the heap has them."
    else:
        yield f"Chunks of {size(heap.threshold)} or more are mapped now, unless the top of the heap has them."
    if libc.tcache:
        yield f"The thread's cache took {libc.chunk(libc.tcache)} bytes of the heap first."
    yield "Resident are pages with a chunk header, touched or not; written: all pages."


def _from(row: dict[str, Any]) -> str:
    if row["mapped_calls"] == 0:
        return f"heap+{row['pointer']:#x}"
    return "mmap" if row["mapped_calls"] == row["calls"] else f"mmap {row['mapped_calls']} times"
