"""The watermark rules against what kernels from 2.6.18 to 7.2 really set."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import CAPTURES, HERE

from pymemtools.models.release import parse_release
from pymemtools.models.watermarks import (
    Zone,
    boot_min_free_kbytes,
    huge_pages_min_free_kbytes,
    lowmem_reserve,
    min_free_cap_kbytes,
    movable_counts_as_high,
    watermarks,
    zone_types,
)
from pymemtools.procfs.zoneinfo import parse_zoneinfo

POINTS = json.loads((HERE / "testpoints" / "reserves.json").read_text())["testpoints"]


def points(model: str) -> list[Any]:
    return [pytest.param(point, id=point["id"]) for point in POINTS if point["model"] == model]


def usable(zone: dict[str, Any]) -> int:
    return int(zone["managed"] if "managed" in zone else zone["present"])


@pytest.mark.parametrize("point", points("watermarks"))
def test_watermarks(point: dict[str, Any]) -> None:
    inputs, expected = point["inputs"], point["expected"]
    zones = [Zone(zone["name"], usable(zone)) for zone in inputs["zones"]]
    is_high = movable_counts_as_high(
        [(zone.name, zone.managed_pages, expected.get(zone.name, [32])[0]) for zone in zones],
        parse_release(point["kernel"]),
    )
    marks = watermarks(
        zones,
        inputs["min_free_kbytes"],
        inputs["watermark_scale_factor"],
        page_kib=inputs["page_size"] // 1024,
        movable_is_high=is_high,
    )
    found = {zone.name: list(mark) for zone, mark in zip(zones, marks)}
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("point", points("lowmem_reserve"))
def test_lowmem_reserve(point: dict[str, Any]) -> None:
    inputs, expected = point["inputs"], point["expected"]
    if "zones" not in inputs:
        rows = lowmem_reserve(inputs["present"], inputs["ratio"])
        names = [name.partition("(")[0] for name in inputs["zone_order"]]
        for pair, pages in expected.items():
            zone, preferred = pair.split("->")
            assert rows[names.index(zone)][names.index(preferred)] == pages
        return
    count = len(next(iter(expected.values())))
    types = zone_types([zone["name"] for zone in inputs["zones"]], count)
    managed = {zone["name"]: usable(zone) for zone in inputs["zones"]}
    rows = lowmem_reserve([managed.get(name, 0) for name in types], inputs["ratio"])
    assert {name: rows[types.index(name)] for name in expected} == expected


@pytest.mark.parametrize("point", points("min_free_kbytes"))
def test_min_free_kbytes(point: dict[str, Any]) -> None:
    cap = min_free_cap_kbytes(parse_release(point["kernel"].lstrip("<>= ")))
    found = boot_min_free_kbytes(point["inputs"]["lowmem_kbytes"], cap)
    assert abs(found - point["expected"]["min_free_kbytes"]) <= point["tolerance"]


@pytest.mark.parametrize("point", [p for p in points("thp_recommended_min_free") if "3zones" in str(p.id)])
def test_what_huge_pages_ask_for(point: dict[str, Any]) -> None:
    inputs = point["inputs"]
    found = huge_pages_min_free_kbytes(
        inputs["nr_zones_le_GFP_USER"], inputs["nr_free_buffer_pages"], inputs["pageblock_nr_pages"]
    )
    assert found == point["expected"]["min_free_kbytes"]


def test_huge_pages_ask_for_a_twentieth_at_most() -> None:
    assert huge_pages_min_free_kbytes(2, 1 << 20) == 45056
    assert huge_pages_min_free_kbytes(3, 209_440) == 41888


def settings() -> list[Any]:
    found = []
    for machine in ("armv7-highmem-6.1", "x86_64-7.2"):
        for name in ("wmark-minfree", "wmark-scale"):
            text = (CAPTURES / machine / name).read_bytes()
            for part in text.split(b"## ")[1:]:
                head, _, zoneinfo = part.partition(b"\n")
                pairs = dict(pair.split("=") for pair in head.decode().split())
                case = (zoneinfo, int(pairs["min_free_kbytes"]), int(pairs.get("watermark_scale_factor", 10)))
                found.append(pytest.param(*case, id=f"{machine} {head.decode()}"))
    return found


@pytest.mark.parametrize(("text", "min_free_kbytes", "scale_factor"), settings())
def test_every_zone_of_real_machines(text: bytes, min_free_kbytes: int, scale_factor: int) -> None:
    zones = parse_zoneinfo(text)
    is_high = movable_counts_as_high([(zone.name, zone.usable, zone.min) for zone in zones], None)
    marks = watermarks(
        [Zone(zone.name, zone.usable) for zone in zones], min_free_kbytes, scale_factor, movable_is_high=is_high
    )
    boosts = [zone.boost or 0 for zone in zones]
    assert [(zone.min - b, zone.low - b, zone.high - b) for zone, b in zip(zones, boosts)] == [tuple(m) for m in marks]
