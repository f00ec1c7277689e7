"""Machines that are not there: with other RAM, swap, settings or kernel."""

from __future__ import annotations

from typing import Any

import pytest

from pymemtools.errors import UsageProblem
from pymemtools.procfs.zoneinfo import Zone
from pymemtools.readings.machine import Machine
from pymemtools.reports.estimates import available_of, limit_of, marks_of
from pymemtools.reports.what_if.supposed import DIRTY, OVERCOMMIT, assumed, supposed

MIB = 1 << 20
PAGE = 4096


def zone(name: str, mib: int, free: int, protection: tuple[int, ...] = (0, 0, 0, 0, 0)) -> Zone:
    pages = mib * MIB // PAGE
    return Zone(0, name, free * MIB // PAGE, 100, 125, 150, None, None, pages, pages, pages, None, protection, {}, {})


def machine(zones: list[Zone], **settings: str) -> Machine:
    ram = sum(each.usable for each in zones) * PAGE or 1024 * MIB
    meminfo = {
        "MemTotal": ram,
        "MemFree": ram // 2,
        "SwapTotal": 100 * MIB,
        "SwapFree": 60 * MIB,
        "Active(file)": 10 * MIB,
        "Inactive(file)": 10 * MIB,
        "KReclaimable": MIB,
        "Committed_AS": 50 * MIB,
    }
    given = {f"vm.{name}": value for name, value in settings.items()}
    return Machine(meminfo, {}, zones, given, PAGE, (6, 1, 0), 2)


PC = [zone("DMA", 15, 10), zone("DMA32", 700, 400), zone("Normal", 0, 0), zone("Movable", 0, 0), zone("Device", 0, 0)]
ARM = [zone("DMA", 740, 400), zone("Normal", 0, 0), zone("HighMem", 256, 100), zone("Movable", 0, 0)]
SETTINGS = {"min_free_kbytes": "4096", "watermark_scale_factor": "10", "lowmem_reserve_ratio": "256 256 32 0 0"}


def sizes(found: Machine) -> dict[str, int]:
    return {each.name: each.usable * PAGE // MIB for each in found.zones if each.usable}


def test_more_ram_fills_a_zone_and_then_the_next() -> None:
    assert sizes(supposed(machine(PC, **SETTINGS), {}, ram=2048 * MIB)) == {"DMA": 15, "DMA32": 2033}
    assert sizes(supposed(machine(PC, **SETTINGS), {}, ram=8192 * MIB)) == {"DMA": 15, "DMA32": 3072, "Normal": 5105}
    assert sizes(supposed(machine(ARM, **SETTINGS), {}, ram=2048 * MIB)) == {"DMA": 740, "HighMem": 1308}


def test_less_ram_is_taken_where_it_is_free() -> None:
    found = supposed(machine(ARM, **SETTINGS), {}, ram=800 * MIB)
    assert sizes(found) == {"DMA": 644, "HighMem": 156}
    assert found.meminfo["MemFree"] == 498 * MIB - 196 * MIB
    with pytest.raises(UsageProblem, match="in use"):
        supposed(machine(ARM, **SETTINGS), {}, ram=400 * MIB)


def test_swap() -> None:
    found = supposed(machine(PC), {}, swap=500 * MIB)
    assert (found.meminfo["SwapTotal"], found.meminfo["SwapFree"]) == (500 * MIB, 460 * MIB)
    with pytest.raises(UsageProblem, match="of swap are in use"):
        supposed(machine(PC), {}, swap=MIB)


def test_what_a_boot_would_choose_unless_it_is_set() -> None:
    """4 * sqrt(lowmem), and a 32nd of RAM up to a cap."""
    plain = machine(PC, **SETTINGS, admin_reserve_kbytes="1", user_reserve_kbytes="2")
    found = supposed(plain, {}, ram=8192 * MIB)
    assert found.setting("vm.min_free_kbytes") == 11585
    assert (found.setting("vm.admin_reserve_kbytes"), found.setting("vm.user_reserve_kbytes")) == (8192, 131072)
    assert "at boot the kernel would choose" in found.notes[-1]
    found = supposed(plain, {"vm.min_free_kbytes": "5000"}, ram=8192 * MIB)
    assert found.setting("vm.min_free_kbytes") == 5000
    huge = plain._replace(settings={**plain.settings, "transparent_hugepage.enabled": "madvise"})
    assert supposed(huge, {}, ram=8192 * MIB).setting("vm.min_free_kbytes") == 67584


def test_settings_change_zones_and_what_is_available() -> None:
    before = machine(PC, **SETTINGS)
    after = supposed(before, {"vm.min_free_kbytes": "65536"})
    assert [each.min for each in after.zones] == [marks.min_pages for marks in marks_of(after) if marks is not None]
    assert (available_of(after) or 0) < (available_of(before) or 0)
    assert after.meminfo["MemAvailable"] == available_of(after)


def test_a_boost_is_no_part_of_the_reserves_and_ends_when_watermarks_are_set() -> None:
    """The kernel adds up reserves when it sets watermarks, and takes the boost away before; low has it until then."""
    plain = machine(PC, **SETTINGS)
    dma32 = PC[1]
    higher = {mark: getattr(dma32, mark) + 512 for mark in ("min", "low", "high")}
    boosted = plain._replace(zones=[PC[0], dma32._replace(**higher, boost=512), *PC[2:]])
    assert boosted.total_reserve == plain.total_reserve
    assert boosted.low_watermarks == plain.low_watermarks + 512
    after = supposed(boosted, {"vm.min_free_kbytes": "65536"})
    assert after.zones[1].boost == 0
    assert after.total_reserve == supposed(plain, {"vm.min_free_kbytes": "65536"}).total_reserve


@pytest.mark.parametrize(
    ("given", "names", "expected"),
    [
        ({}, OVERCOMMIT, {"overcommit_memory": "0", "overcommit_ratio": "50", "admin_reserve_kbytes": "8192"}),
        ({"dirty_bytes": "4096"}, DIRTY, {"dirty_ratio": "0", "dirty_background_ratio": "10"}),
        ({}, ("vm.min_free_kbytes", "vm.watermark_scale_factor"), {"watermark_scale_factor": "10"}),
    ],
)
def test_what_is_not_told_is_assumed(given: dict[str, str], names: Any, expected: dict[str, str]) -> None:
    found = assumed(machine([], **given), names, zones=True)
    assert {name: found.settings[f"vm.{name}"] for name in expected} == expected
    assert all(f"vm.{name}" not in note for name in given for note in found.notes)
    assert [each.name for each in found.zones] == ["Normal"]
    assert found.zones[0].min < found.zones[0].low < found.zones[0].high


def test_a_machine_that_tells_nothing_stays_as_it_is() -> None:
    nothing = machine([])._replace(meminfo={})
    assert assumed(nothing, OVERCOMMIT, zones=True) == nothing
    assert limit_of(nothing) is None
