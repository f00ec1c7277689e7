"""``pymemtools what-if malloc``: which requests would glibc take from the heap, and which map?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from pymemtools.cli.types import SIZE
from pymemtools.cli.what_if.question import Question, question
from pymemtools.cli.what_if.tables import size, table
from pymemtools.errors import UsageProblem
from pymemtools.report import Report
from pymemtools.reports.what_if.malloc import MOST_CALLS, Heaped, Heaps, MallocRequest, malloc_report


@question("malloc", malloc_report)
@click.argument("requests", type=SIZE, nargs=-1, required=True, metavar="SIZE...")
@click.option("--count", type=click.IntRange(1, MOST_CALLS), default=1, metavar="N", help="Each N times. [1]")
@click.option("--free", "is_freed", is_flag=True, help="Free each at once.")
@click.option("--bits", type=click.Choice(["32", "64"]), default="64", help="Of the program. [64]")
@click.option("--i386", is_flag=True, help="32 bits, of a PC: chunks are aligned to 16 bytes from glibc 2.26 on.")
@click.option(
    "--glibc",
    default="2.41",
    metavar="VERSION",
    help="Of this version; from 2.26 on a thread's cache comes first. [2.41]",
)
@click.option(
    "--threshold", type=SIZE, metavar="SIZE", help="M_MMAP_THRESHOLD, set; else it begins with 128K and grows."
)
@click.option("--top-pad", type=SIZE, default="128K", metavar="SIZE", help="M_TOP_PAD. [128K]")
def command(
    *,
    requests: tuple[int, ...],
    count: int,
    is_freed: bool,
    bits: str,
    i386: bool,
    glibc: str,
    threshold: int | None,
    top_pad: int,
) -> Question:
    """Say for each request where glibc takes it from, how the break moves, and which pages become resident."""
    request = MallocRequest(requests, count, is_freed, int(bits), i386, _version(glibc), threshold, top_pad)
    return Question(request, _lines)


def _version(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,3})\.([0-9]{1,3})(?:\.[0-9]+)?", text, re.ASCII)
    if match is None:
        raise UsageProblem(f"what-if malloc: --glibc: '{text}' is no version; write for example 2.36")
    return int(match[1]), int(match[2])


def _lines(report: Report) -> Iterator[str]:
    found: Heaps = report.answer
    titles = ("request", "chunk", "from", "break", "->", "resident", "written")
    yield from table(titles, map(_cells, found.requests), (2,))
    yield ""
    yield "Requests and chunks are in bytes; the break is counted from where it began."
    last = found.requests[-1]
    if last.mapped:
        yield f"Mapped are {size(last.mapped)}, beside {size(last.break_after)} of heap."
    now = " now" if found.is_threshold_moved else ""
    yield f"Chunks of {size(found.threshold)} or more are mapped{now}, unless the top of the heap has them."
    if found.tcache:
        yield f"The thread's cache took {found.tcache_chunk} bytes of the heap first."
    yield "Resident are pages with a chunk header, touched or not; written: all pages."


def _cells(each: Heaped) -> tuple[object, ...]:
    amounts = (each.break_before, each.break_after, each.resident_untouched, each.resident_written)
    return (each.request, each.chunk, _from(each), *map(size, amounts))


def _from(each: Heaped) -> str:
    if each.mapped_calls == 0:
        return f"heap+{each.pointer:#x}"
    return "mmap" if each.mapped_calls == each.calls else f"mmap {each.mapped_calls} times"
