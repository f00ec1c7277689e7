"""Bits of entropy of addresses, region by region, beside what the kernel promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2
from typing import Any, NamedTuple

from pymemtools.models.aslr import Bits, Layout, promised, randomness
from pymemtools.report import Column, Report
from pymemtools.reports.lab.laws import Law, all_of, at_most, equal
from pymemtools.reports.lab.plan import Findings, outcome

WIDEST = 3.0  # bits between the ends of an interval
COLUMNS = (
    Column(
        "region", "region", "program: its first address; heap: from there on; stack: its end", "text", 9, right=False
    ),
    Column("randomized", "random", "false: with personality ADDR_NO_RANDOMIZE, which setarch -R sets", "bool", 6),
    Column("samples", "samples", "so many programs were started", "count", 7),
    Column("distinct", "distinct", "so many of the addresses differ", "count", 8),
    Column("spacing", "step", "they lie whole numbers of so much apart", "bytes", 8),
    Column("least_bits", "at least", "bits of entropy that the range of addresses shows at the least", "number", 8),
    Column("most_bits", "at most", "and at the most, but for one chance in a million", "number", 8),
    Column("promised_bits", "promised", "bits that the kernel promises, less what the step takes", "number", 8),
    Column("promised_most_bits", "", "and at the most, where releases of one version differ", "number"),
    Column("lowest", "", "the lowest of the addresses", "address"),
    Column("highest", "", "the highest of the addresses", "address"),
)


class AslrRequest(NamedTuple):
    """How many programs are started."""

    samples: int = 100


def region_row(region: str, addresses: Sequence[int], layout: Layout, *, randomized: bool) -> Mapping[str, Any]:
    """Say what the addresses of a region show, beside what is promised."""
    found = randomness(addresses)
    told = promised(region, layout) if randomized else Bits(0, 0)
    if told is not None and found.step is not None and told.most:
        taken = log2(found.step / layout.page_size)
        told = Bits(told.least - taken, told.most - taken)
    return {
        "region": region,
        "randomized": randomized,
        "samples": len(addresses),
        "distinct": found.distinct,
        "spacing": found.step,
        "least_bits": round(found.bits.least, 1),
        "most_bits": round(found.bits.most, 1),
        "promised_bits": None if told is None else round(told.least, 1),
        "promised_most_bits": None if told is None else round(told.most, 1),
        "lowest": min(addresses),
        "highest": max(addresses),
    }


def aslr_report(found: Findings) -> Report:
    """Hold each region against its promise."""
    return outcome("aslr", COLUMNS, found, laws(found), randomize_va_space=found.seen["randomize_va_space"])


def laws(found: Findings) -> Sequence[Law]:
    """Demand promised bits within narrow intervals, and one address for all where nothing is random."""
    moving = [row for row in found.rows if row["randomized"]]
    still = [row for row in found.rows if not row["randomized"]]
    demanded = [
        all_of("the interval holds what is promised", map(_holds, filter(_is_promised, moving))),
        all_of("no interval is wider than 3 bits", map(_narrow, moving)),
    ]
    if not any(map(_is_promised, moving)):
        del demanded[0]
    if still:
        demanded.append(all_of("nothing moves without randomisation", map(_stands, still)))
    return demanded


def _is_promised(row: Mapping[str, Any]) -> bool:
    return row["promised_bits"] is not None


def _holds(row: Mapping[str, Any]) -> Law:
    least, most = row["least_bits"], row["most_bits"]
    is_held = least <= row["promised_most_bits"] and row["promised_bits"] <= most
    return Law(row["region"], is_held, row["promised_bits"], f"{least} to {most}")


def _narrow(row: Mapping[str, Any]) -> Law:
    return at_most(row["region"], WIDEST, round(row["most_bits"] - row["least_bits"], 1))


def _stands(row: Mapping[str, Any]) -> Law:
    return equal(row["region"], 1, row["distinct"])
