"""What free prints: which figures of which rows, in which order."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from pymemtools.render.free_table import Amount, Row, free_table
from pymemtools.reports.free import FreeRow, Memory, without_cache


def table_lines(found: Memory, areas: Sequence[str], amount: Amount, *, wide: bool) -> list[str]:
    """Lay out the table of procps 3.3.17 and later; ``areas`` names the rows by Memory's fields."""
    caches = ("buffers", "cache") if wide else ("buff_cache",)
    titles = ("total", "used", "free", "shared", *(name.replace("_", "/") for name in caches), "available")
    fields = ("shared", *caches, "available")
    return free_table(titles, _rows(found, areas, fields), amount, label=8, cell=11)


def classic_lines(found: Memory, areas: Sequence[str], amount: Amount, *, old: bool) -> list[str]:
    """Lay out the table of procps up to 3.3.9; ``old`` leaves the line ``-/+ buffers/cache`` out."""
    titles = ("total", "used", "free", "shared", "buffers", "cached")
    rows = list(_rows(found, areas, ("shared", "buffers", "cache")))
    if not old:
        row = without_cache(found.mem)
        rows.insert(areas.index("swap"), (f"{row.area}:", (row.used, row.free)))
    return free_table(titles, rows, amount, label=7, cell=10)


def line_lines(found: Memory, amount: Amount) -> list[str]:
    """Lay out the one line of procps 4.0.4's ``-L``, its odd blanks included."""
    cells = (
        ("SwapUse", found.swap.used),
        ("CachUse", found.mem.buff_cache),
        (" MemUse", found.mem.used),
        ("MemFree", found.mem.free),
    )
    return ["".join(f"{label} {amount(size):>11} " for label, size in cells)]


def bar_lines(found: Memory, amount: Amount) -> list[str]:
    """Draw what programs use, what the kernel could take back, and what is free, as wide as the terminal."""
    from pymemtools.cli.terminal import terminal_columns
    from pymemtools.render.stacked_bar import Part, stacked_bar
    from pymemtools.reports.free import shares

    blocks = "█▓▒░" if _can_print("█▓▒░") else "#o=."
    labels = ("programs", "others", "cache", "free")
    parts = [Part(label, amount(size), size, block) for label, size, block in zip(labels, shares(found.mem), blocks)]
    shown = [part for part in parts if part.label != "others" or part.size]
    return stacked_bar(shown, terminal_columns(sys.stdout, least=1))


def _rows(found: Memory, areas: Sequence[str], extra: Sequence[str]) -> Iterator[Row]:
    """Give total, used and free of each row, and of memory's own row the ``extra`` fields too."""
    for area in areas:
        row: FreeRow = getattr(found, area)
        fields = ("total", "used", "free", *(extra if area == "mem" else ()))
        yield f"{row.area}:", [getattr(row, field) for field in fields]


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return False
    return True
