"""The text of swap: processes, what makes up swap in use, areas, and the way back."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.render.classic_table import classic_table, plain_kib
from pymemtools.render.escape import cut
from pymemtools.report import Report
from pymemtools.reports.swap.back import WayBack
from pymemtools.reports.swap.report import AREA_COLUMNS, Swapped
from pymemtools.units import human_size

_SHOWN = ("pid", "user", "swap_pss", "swap", "command")
_VERDICTS = {
    True: "it fits",
    False: "it does not fit: processes would be killed",
    None: "whether it fits is not known",
}


def swap_lines(report: Report, columns: int | None) -> list[str]:
    """Lay it all out; on a terminal the table of processes is no wider than that."""
    found: Swapped = report.answer
    lines = list(_users(report, found))
    if columns is not None:
        lines = [cut(line, columns) for line in lines]
    return [*lines, *_sums(found), *_areas(found), *_back(found.way_back)]


def _users(report: Report, found: Swapped) -> Iterator[str]:
    if not found.users:
        return
    table = report.table.only(_SHOWN)
    rows = list(zip(*(table.cells[key] for key in table.keys)))
    yield from (line.rstrip() for line in classic_table(table.columns, rows, amount=plain_kib))
    if found.others:
        yield f"and {found.others} more"
    yield ""


def _sums(found: Swapped) -> Iterator[str]:
    """Say what swap in use is made of."""
    if not found.total:
        yield "No swap." if found.total == 0 else "How much swap there is, is not known."
        return
    rows = [
        ("Swap in use", found.used, f"of {found.total >> 10}"),
        ("processes", found.of_processes, "their SwapPSS, or Swap where that is not known"),
        ("remainder", found.remainder, "shared memory in swap (tmpfs, memfd, SysV), what is in"),
        ("", None, "RAM again with its slot kept, processes not read"),
        ("swap cache", found.cached, "in RAM again with its slot kept, some of it above"),
    ]
    for label, size, what in rows:
        amount = "" if not label else "-" if size is None else str(abs(size) >> 10)
        yield f"{label:<11} {'-' if (size or 0) < 0 else ''}{amount:>10}  {what}".rstrip()


def _areas(found: Swapped) -> Iterator[str]:
    if found.areas:
        yield ""
        has_ratio = any(area.ratio is not None for area in found.areas)
        columns = AREA_COLUMNS if has_ratio else AREA_COLUMNS[:-1]
        rows = [area._asdict() for area in found.areas]
        for row in rows:
            row["ratio"] = None if row["ratio"] is None else f"{row['ratio']:.2f}"
        cells = [tuple(row[column.key] for column in columns) for row in rows]
        yield from (line.rstrip() for line in classic_table(columns, cells, amount=plain_kib))
    zswap = found.zswap
    if zswap is not None and zswap.pool is not None and zswap.stored is not None:
        ratio = "" if zswap.ratio is None else f", {zswap.ratio:.2f} a byte"
        yield ""
        yield f"zswap keeps {human_size(zswap.stored)} of that in {human_size(zswap.pool)} of RAM{ratio}."


def _back(way: WayBack | None) -> Iterator[str]:
    """Say what swapoff would take, and what that rests on."""
    if way is None or not way.cost.size:
        return
    cost = way.cost
    short, long = (_duration(seconds) for seconds in cost.seconds)
    yield ""
    yield f"swapoff would read {human_size(cost.size)} back, in {short if short == long else f'{short} to {long}'}"
    yield from _assumed(way)
    least, most = (human_size(size) for size in cost.ram)
    yield f"  RAM that takes: {most if least == most else f'{least} to {most}'}"
    yield f"  available:      {'not known' if way.available is None else human_size(way.available)}"
    yield f"  {_VERDICTS[cost.fits]}"
    if way.is_refused:
        yield "  the kernel refuses it (vm.overcommit_memory is 2): too much is promised"


def _assumed(way: WayBack) -> Iterator[str]:
    for place, rates in (("disks give", way.disk_rates), ("compressed swap gives", way.ram_rates)):
        if rates is not None:
            least, most = (human_size(rate) for rate in rates)
            yield f"  if {place} {least if least == most else f'{least} to {most}'} a second"


def _duration(seconds: float) -> str:
    """Write a time in the unit that suits it.

    >>> _duration(0.004), _duration(4), _duration(600), _duration(40000)
    ('less than 0.1 s', '4.0 s', '10.0 min', '11.1 h')
    """
    if seconds < 0.1:
        return "less than 0.1 s"
    for unit, size in (("s", 1), ("min", 60), ("h", 3600)):
        if seconds < 120 * size or unit == "h":
            return f"{seconds / size:.1f} {unit}"
    raise AssertionError
