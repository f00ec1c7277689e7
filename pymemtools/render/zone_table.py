"""The text of ``zones``: a line a zone with its gauge, and below the table what explains it, in KiB."""

from __future__ import annotations

from collections.abc import Iterable

from pymemtools.render.watermark_gauge import watermark_gauge
from pymemtools.reports.zones import BootReserve, Reserves

_TITLES = ("Free", "Min", "Low", "High", "Managed")
_WIDTHS = (9, 8, 8, 8, 9)  # at least


def zone_lines(found: Reserves) -> list[str]:
    """Lay out the zones against their watermarks."""
    table = [
        list(map(_kib, (row.free, row.min, row.low, row.high, row.present if row.managed is None else row.managed)))
        for row in found.rows
    ]
    widths = [max(least, *(len(cells[place]) + 1 for cells in table)) for place, least in enumerate(_WIDTHS)]
    titles = "".join(f"{title:>{width}}" for title, width in zip(_TITLES, widths))
    lines = [f"Node {'Zone':<7}{titles}  {'0 to 2x high':<12}  State"]
    for row, cells in zip(found.rows, table):
        gauge = watermark_gauge(row.free, (row.min, row.low, row.high), 12) if row.state != "empty" else ""
        sizes = "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths))
        lines.append(f"{row.node:>4} {row.zone:<7}{sizes}  {gauge:<12}  {row.state}")
    lines += ["", *_about_marks(found), *_boosts(found), *_protections(found), *_blocks(found)]
    return lines


def boot_lines(rows: Iterable[BootReserve]) -> list[str]:
    """Lay out what a boot keeps free of so much lowmem, in the words of the kernel's comment."""
    return [f"{row.lowmem >> 20:6}MB: {row.min_free >> 10:8}k" for row in rows]


def _about_marks(found: Reserves) -> list[str]:
    setting = "-" if found.min_free_kbytes is None else str(found.min_free_kbytes)
    lines = [f"min_free_kbytes {setting}: {found.reason}"]
    if found.model_says is None:
        lines.append("model: the source does not tell min_free_kbytes and watermark_scale_factor")
    elif found.model_says:
        lines.append("model: gives the same watermarks")
    lines += [
        f"model: node {row.node} {row.zone} {_kib(row.model_min)}/{_kib(row.model_low)}/{_kib(row.model_high)}"
        " after a write to min_free_kbytes; boot left it as it is"
        for row in found.rows
        if row.is_as_modelled is False
    ]
    return lines


def _boosts(found: Reserves) -> list[str]:
    """Show what fragmentation added to all watermarks for a while, and the watermark of memory tiering."""
    lines = [
        f"boost: node {row.node} {row.zone} {_kib(row.boost)}, which min, low and high include"
        for row in found.rows
        if row.boost
    ]
    promo = [f"node {row.node} {row.zone} {_kib(row.promo)}" for row in found.rows if row.promo and row.managed]
    return [*lines, f"promo: {', '.join(promo)}"] if promo else lines


def _protections(found: Reserves) -> list[str]:
    """Show what zones keep from allocations that may go elsewhere."""
    return [
        f"protection: node {row.node} {row.zone} {' '.join(_kib(size) for size in row.protection)}"
        + ("" if row.protects_as_modelled else " (the model gives other values)")
        for row in found.rows
        if any(row.protection)
    ]


def _blocks(found: Reserves) -> list[str]:
    lines = []
    for row in found.rows:
        if row.free_blocks is None or row.largest_free_block is None or row.state == "empty":
            continue
        kib = found.page_size // 1024
        blocks = " ".join(f"{count}*{kib << order}kB" for order, count in enumerate(row.free_blocks))
        lines.append(f"free blocks: node {row.node} {row.zone} {blocks}, largest {_kib(row.largest_free_block)}kB")
    return lines


def _kib(size: int | None) -> str:
    return "-" if size is None else str(size // 1024)
