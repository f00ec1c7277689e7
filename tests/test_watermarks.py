"""The watermark rules on whole machines; single cases are among the test points."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import CAPTURES

from pymemtools.models.release import Version, parse_release
from pymemtools.models.watermarks import (
    SizedZone,
    huge_pages_min_free_kbytes,
    movable_counts_as_high,
    watermarks,
    zone_types,
)
from pymemtools.procfs.zoneinfo import parse_zoneinfo


def test_huge_pages_ask_for_a_twentieth_at_most() -> None:
    assert huge_pages_min_free_kbytes(2, 1 << 20) == 45056
    assert huge_pages_min_free_kbytes(3, 209_440) == 41888


PAGE_KIB = {"ppc64le-6.1": 64, "mips64el-6.1": 16}


def settings() -> list[Any]:
    found = []
    for file in sorted(CAPTURES.glob("*/wmark-*")):
        machine = file.parent.name
        version = parse_release(machine.rpartition("-")[2])
        for part in file.read_bytes().split(b"## ")[1:]:
            head, _, zoneinfo = part.partition(b"\n")
            pairs = dict(pair.split("=") for pair in head.decode().split())
            numbers = (int(pairs["min_free_kbytes"]), int(pairs.get("watermark_scale_factor", 10)))
            found.append(
                pytest.param(zoneinfo, *numbers, PAGE_KIB.get(machine, 4), version, id=f"{machine} {head.decode()}")
            )
    return found


@pytest.mark.parametrize(("text", "min_free_kbytes", "scale_factor", "page_kib", "version"), settings())
def test_every_zone_of_real_machines(
    text: bytes, min_free_kbytes: int, scale_factor: int, page_kib: int, version: Version | None
) -> None:
    zones = parse_zoneinfo(text)
    is_high = movable_counts_as_high([(zone.name, zone.usable, zone.min) for zone in zones], version)
    managed = [SizedZone(zone.name, zone.usable) for zone in zones]
    marks = watermarks(managed, min_free_kbytes, scale_factor, page_kib=page_kib, movable_is_high=is_high)
    boosts = [zone.boost or 0 for zone in zones]
    assert [(zone.min - b, zone.low - b, zone.high - b) for zone, b in zip(zones, boosts)] == [tuple(m) for m in marks]


@pytest.mark.parametrize(
    ("names", "count", "types"),
    [
        (["DMA", "DMA32"], 4, ["DMA", "DMA32", "Normal", "Movable"]),
        (["DMA", "Normal"], 5, ["DMA", "DMA32", "Normal", "Movable", "Device"]),
        (["DMA", "Normal"], 4, ["DMA", "Normal", "Movable", "Device"]),
        (["Normal", "HighMem"], 3, ["Normal", "HighMem", "Movable"]),
        (["Normal"], 2, ["Normal", "Movable"]),
    ],
)
def test_types_of_zones_that_old_kernels_do_not_show(names: list[str], count: int, types: list[str]) -> None:
    assert zone_types(names, count) == types


@pytest.mark.parametrize(
    ("zones", "version", "is_high"),
    [
        ([("Normal", 1000, 10)], (6, 5, 0), False),
        ([("Normal", 1000, 10)], (6, 6, 0), True),
        ([("HighMem", 1000, 10)], (4, 4, 0), True),
        ([("HighMem", 0, 0)], (4, 4, 0), False),
        ([("Movable", 0, 0)], (6, 6, 0), False),  # what one shows goes before the version
        ([("Movable", 0, 32)], (5, 10, 0), True),
    ],
)
def test_by_which_rule_movable_memory_counts(
    zones: list[tuple[str, int, int | None]], version: Version, is_high: bool
) -> None:
    assert movable_counts_as_high(zones, version) is is_high
