"""The text of thp: a machine's settings, counters and indices; a process's mappings with the reason of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pymemtools.readings.huge_pages import HugePages
from pymemtools.render.escape import cut, escape
from pymemtools.render.fit import wrapped
from pymemtools.reports.thp.machine import HugePageStatus, ZoneBlocks
from pymemtools.reports.thp.process import HugeMapping, HugeProcess
from pymemtools.units import exact_size, human_size

_STATS = ("anon_fault_alloc", "anon_fault_fallback", "nr_anon", "split", "swpout")
_TITLES = ("Faults", "Fell back", "Now", "Split", "Swapped out")

_REASON = 47  # columns before a reason, which so begins below the mapping's name


def machine_lines(found: HugePageStatus) -> list[str]:
    """Lay out all that is known of a machine."""
    pages = found.pages
    return [*_settings(pages), *_sizes(pages), *_counters(pages), *_indices(found)]


def _settings(pages: HugePages) -> Iterator[str]:
    if pages.is_without:
        yield "No transparent huge pages"
        return
    yield f"Huge pages of {'a size that is not told' if pages.size is None else exact_size(pages.size)}"
    yield from _named("settings", pages.settings, without=("hpage_pmd_size",))
    yield from _named("khugepaged", pages.khugepaged)
    yield from _named("in them", {key: human_size(size) for key, size in pages.amounts.items()})


def _named(label: str, values: Mapping[str, str], without: Iterable[str] = ()) -> Iterator[str]:
    shown = [f"{key} {value}" for key, value in values.items() if key not in without and key[:10] != "hugepages-"]
    text = escape(", ".join(shown)) if shown else "not told"
    yield from wrapped(text, 79, initial_indent=f"  {label + ':':<12} ", subsequent_indent=" " * 15)


def _sizes(pages: HugePages) -> Iterator[str]:
    if not pages.sizes:
        return
    yield ""
    yield f"{'Size':>9} {'enabled':<8} {'shmem':<11}" + "".join(f" {title:>11}" for title in _TITLES[:4])
    for each in pages.sizes:
        stats = "".join(f" {_number(each.stats.get(key)):>11}" for key in _STATS[:4])
        words = f"{escape(each.enabled or '-'):<8} {escape(each.shmem_enabled or '-'):<11}"
        yield f"{exact_size(each.size):>9} {words}{stats}"


def _number(count: int | None) -> str:
    return "-" if count is None else str(count)


def _counters(pages: HugePages) -> Iterator[str]:
    if not pages.counters:
        return
    yield ""
    yield "Since the start"
    for key, count in pages.counters.items():
        if count:
            yield f"  {key:<30} {count:>12}"
    nothing = sum(not count for count in pages.counters.values())
    if nothing:
        yield f"  {nothing} other counters are 0"


def _indices(found: HugePageStatus) -> Iterator[str]:
    """Lay out two tables of zones by orders."""
    zones: dict[tuple[int, str], list[ZoneBlocks]] = {}
    for row in found.rows:
        zones.setdefault((row.node, row.zone), []).append(row)
    orders = max(map(len, zones.values()), default=0)
    if not orders:
        return
    for title, key in (
        ("Unusable for blocks of 2^order pages: share of what is free in smaller ones", "unusable_permille"),
        ("Fragmentation: 0 want of memory, 1 small blocks, - such a block is free", "fragmentation_permille"),
    ):
        yield ""
        yield title
        yield f"{'Node Zone':<13}" + "".join(f" {order:>4}" for order in range(orders))
        for (node, zone), rows in zones.items():
            yield f"{node:>4} {zone:<8}" + "".join(f" {_index(getattr(row, key)):>4}" for row in rows)


def _index(permille: int | None) -> str:
    """Write a share in four characters.

    >>> _index(12), _index(1000), _index(None)
    ('.012', '1.00', '-')
    """
    if permille is None:
        return "-"
    return f"{permille / 1000:.2f}" if permille >= 1000 else f".{permille:03}"


def process_lines(found: HugeProcess, columns: int | None) -> list[str]:
    """Lay out the mappings that could hold a huge page, and sum the others up by reason.

    On a terminal names are cut, reasons never: they are what was asked for.
    """
    none = "no transparent huge pages"
    size = f": {none if found.rules.is_without else f'huge pages of {exact_size(found.rules.size)}'}"
    title = escape(found.title)
    lines = [f"{title if columns is None else cut(title, max(columns - len(size), 10))}{size}", ""]
    lines.append(f"{'Start':>16} {'Size KiB':>9} {'RSS':>9} {'Huge':>8}  Mapping: why not huge")
    small: dict[str, list[HugeMapping]] = {}
    for row in found.rows:
        if row.size < found.rules.size or found.rules.is_without:
            small.setdefault(row.reason or "", []).append(row)
            continue
        numbers = f"{row.start:>16x} {row.size >> 10:>9} {_kib(row.rss):>9} {_kib(row.thp):>8}"
        line = f"{numbers}  {escape(row.path)}"
        lines.append(line if columns is None else cut(line, columns))
        reason = row.reason or "all that can be is huge"
        lines.append(reason.rjust(min(_REASON + len(reason), columns or _REASON + len(reason))))
    for reason, rows in small.items():
        rss = sum(row.rss or 0 for row in rows)
        mappings = "mapping" if len(rows) == 1 else "mappings"
        shorter = mappings if found.rules.is_without else "shorter than a huge page"
        lines.append(f"{len(rows)} {shorter}, {rss >> 10} KiB in RAM: {reason}")
    return lines


def _kib(size: int | None) -> str:
    return "-" if size is None else str(size >> 10)
