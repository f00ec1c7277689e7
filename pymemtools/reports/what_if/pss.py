"""What is a process's proportional share of memory?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pymemtools.errors import UsageProblem
from pymemtools.models.pss import Shared, exact_pss, sizes
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.what_if.asked import Asked, reported
from pymemtools.units import KIB, human_size

_RULE = (
    "each page counts as its size by the number of processes that map it, cut off at 1/4096 byte "
    "(fs/proc/task_mmu.c, smaps_account())"
)
COLUMNS = (
    Column("part", "part", "private, or shared", "text", right=False),
    Column("size", "size", "how much memory it is", "bytes"),
    Column("processes", "processes", "how many have it mapped", "count"),
    Column("share", "counts", "what of it counts as this process's", "bytes"),
    Column("error_bound", "+-", "a page where the size is not of whole pages", "bytes"),
)


class PssRequest(NamedTuple):
    """A process's memory in bytes: what it has alone, and what it shares, each (size, processes) with it."""

    private: int | None = None
    shared: Sequence[tuple[int, int]] = ()


EXAMPLE = PssRequest(100 * KIB, ((200 * KIB, 2), (150 * KIB, 3)))  # that of Documentation/filesystems/proc.rst


class Part(NamedTuple):
    """A part of a process's memory, in bytes, and what of it counts."""

    part: str
    size: int
    processes: int
    share: float
    error_bound: int


class ProportionalSize(NamedTuple):
    """The sizes of a process, in bytes; the kernel's own only where there are whole pages."""

    parts: list[Part]
    rss: int
    pss: float
    uss: int
    pss_by_the_kernel: int | None
    rules: Sequence[str] = (_RULE,)


def pss_report(asked: Asked, request: PssRequest) -> Report:
    """Work out RSS, PSS and USS of a process; of EXAMPLE where no memory is given."""
    page = asked.machine.page_size
    is_example = request.private is None and not request.shared
    private, shared = EXAMPLE if is_example else request
    parts = [_part("private", private or 0, 1, page)] * bool(private)
    parts += [_part("shared", size, processes, page) for size, processes in shared if size]
    if not parts:
        raise UsageProblem("what-if pss: no memory has no shares")
    pieces = [Shared(*each) for each in shared]
    exact, shown = exact_pss(private or 0, pieces), sizes(private or 0, pieces, page)
    is_whole = not any(part.error_bound for part in parts)
    found = ProportionalSize(parts, shown.rss, exact, shown.uss, shown.pss if is_whole else None)
    notes = [*asked.machine.notes]
    if not is_whole and not is_example:
        notes.append(f"the kernel counts whole pages, here of {human_size(page)}: no process has just that much")
    totals = {key: value for key, value in found._asdict().items() if key not in ("parts", "rules")}
    totals["rule"] = _RULE
    return reported(asked, "pss", table_of(COLUMNS, parts), found, totals, notes)


def _part(name: str, size: int, processes: int, page_size: int) -> Part:
    return Part(name, size, processes, size / processes, page_size if size % page_size else 0)
