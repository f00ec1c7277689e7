"""The text of ksm: what is saved and what that costs, and processes; or what merging would save."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.readings.ksm import Ksm
from pymemtools.render.classic_table import classic_table, plain_kib
from pymemtools.render.escape import cut
from pymemtools.report import Report
from pymemtools.reports.ksm.estimate import Estimate
from pymemtools.reports.ksm.status import Candidates, KsmStatus
from pymemtools.units import human_size

_STATES = {
    0: "off: what was merged stays so (run is 0)",
    1: "on (run is 1)",
    2: "off, and what was merged is taken apart (run is 2)",
}
_SHOWN = ("pid", "user", "anonymous", "mergeable", "ksm", "ksm_profit", "reason", "command")
_ESTIMATED = ("pid", "user", "scanned", "zero_filled", "merging", "saved_alone", "profit", "command")


def status_lines(report: Report, columns: int | None) -> list[str]:
    """Lay out what the machine does, and the processes; on a terminal the table is no wider than that."""
    found: KsmStatus = report.answer
    return [*_machine(found.ksm), *_processes(report, found.candidates, columns)]


def _machine(ksm: Ksm) -> Iterator[str]:
    run = ksm.number("run")
    yield f"KSM is {_STATES.get(-1 if run is None else run, 'in a state that is not known')}"
    saved, items = ksm.saved_pages, ksm.items
    if saved is not None:
        yield f"  saved:    {human_size(saved * ksm.page_size)} ({saved} pages)"
    if items is not None:
        profit = "" if ksm.profit is None else f"; profit {_signed(ksm.profit)}"
        cost, size = human_size(items * ksm.item_size), ksm.item_size
        yield f"  cost:     {cost}, {size} bytes for each of {items} pages{profit}"
    yield f"  pages:    {_pages(ksm)}"
    yield f"  limit:    {_limit(ksm)}"
    yield f"  scan:     {_scan(ksm)}"


def _pages(ksm: Ksm) -> str:
    names = (("shared", "kept"), ("sharing", "saved"), ("unshared", "like no other"), ("volatile", "that change"))
    parts = [f"{_number(ksm.number(f'pages_{name}'))} {what}" for name, what in names]
    zero = ksm.number("ksm_zero_pages")
    return ", ".join(parts if zero is None else [*parts, f"{zero} of zeros"])


def _limit(ksm: Ksm) -> str:
    """Say what max_page_sharing costs."""
    if not ksm.is_limited:
        return "none (max_page_sharing came with Linux 4.13)"
    copies = ksm.copies
    cost = "" if not copies else f", for which {copies} copies are kept ({human_size(copies * ksm.page_size)})"
    return f"{_number(ksm.number('max_page_sharing'))} users a page (max_page_sharing){cost}"


def _scan(ksm: Ksm) -> str:
    step, sleep = _number(ksm.number("pages_to_scan")), _number(ksm.number("sleep_millisecs"))
    text = f"{step} pages, then {sleep} ms of sleep"
    if ksm.scan_seconds:
        text += f": all pages in {ksm.scan_seconds:.1f} s at least"
    return f"{text}; {_number(ksm.number('full_scans'))} times through so far"


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _signed(size: int) -> str:
    return f"-{human_size(-size)}" if size < 0 else human_size(size)


def _processes(report: Report, found: Candidates, columns: int | None) -> Iterator[str]:
    if not found.rows:
        of = " that could be read" if found.sample.unreadable else ""
        yield f"No process{of} is a candidate: none lets its pages be merged, none has much anonymous memory"
        return
    yield ""
    yield from _table(report, _SHOWN, columns)
    if found.others:
        yield f"and {found.others} more"


def _table(report: Report, keys: tuple[str, ...], columns: int | None) -> Iterator[str]:
    table = report.table.only(keys)
    rows = list(zip(*(table.cells[key] for key in table.keys)))
    lines = (line.rstrip() for line in classic_table(table.columns, rows, amount=plain_kib))
    yield from lines if columns is None else (cut(line, columns) for line in lines)


def estimate_lines(report: Report, columns: int | None) -> Iterator[str]:
    """Lay out what merging would save."""
    found: Estimate = report.answer
    merged, size = found.merged, found.page_size
    saved = human_size(merged.saved * size)
    yield f"Merging would save {saved}: {merged.saved} of {merged.pages} pages of {_many(len(found.rows))}"
    cost = f"{human_size(merged.pages * found.item_size)}, {found.item_size} bytes a page"
    yield f"  cost:     {cost}; profit {_signed(found.profit)}"
    if merged.freed != merged.saved:
        yield f"  freed:    {human_size(merged.freed * size)}; the rest is one page since a fork, or merged, already"
    limit = f", {merged.limit} of them as a page may have {found.rules.max_page_sharing} users" if merged.limit else ""
    yield f"  pages:    {merged.shared} kept for several{limit}, {merged.unshared} like no other"
    zeros = sum(row.zero_filled for row in found.rows)
    which = "not kept at all (use_zero_pages is 1)" if found.rules.use_zero_pages else "kept as any other content is"
    yield f"  zeros:    {human_size(zeros)} in pages of zeros, {which}"
    if found.rows:
        yield ""
        yield from _table(report, _ESTIMATED, columns)
        advised = sum(row.advised for row in found.rows)
        if advised:
            yield f"{advised} of {_many(len(found.rows))}: only what they let be merged; all that could be: --whole"


def _many(processes: int) -> str:
    return "1 process" if processes == 1 else f"{processes} processes"
