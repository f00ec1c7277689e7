"""Experiments with what the kernel promises, shares, writes back, merges and reclaims: laws on made-up sightings."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import Run

from pymemtools.cli import _call
from pymemtools.models.aslr import Layout, promised, randomness
from pymemtools.models.overcommit import ALWAYS, HEURISTIC, NEVER, Caller
from pymemtools.report import Report
from pymemtools.reports.lab.aslr import AslrRequest, aslr_report, region_row
from pymemtools.reports.lab.laws import broken
from pymemtools.reports.lab.overcommit import Promise, PromiseRequest, promise, promises_report
from pymemtools.reports.lab.plan import Findings
from pymemtools.reports.what_if.asked import ask
from pymemtools.sources.example import open_example

KIB, MIB = 1024, 1 << 20
Rows = Sequence[Mapping[str, Any]]


def judged(judge: Callable[[Findings], Report], request: Any, rows: Rows, seen: Mapping[str, Any]) -> list[str]:
    """Name the laws that such a sighting breaks."""
    return [law.name for law in broken(judge(Findings(request, None, rows, seen, {})).answer.laws)]


def changed(rows: Rows, place: int, **cells: object) -> Rows:
    """Make one row otherwise."""
    return [{**row, **cells} if place == i else row for i, row in enumerate(rows)]


# overcommit.

GRANTS = [
    {"mode": 0, "predicted": 1000, "predicted_after": 1000, "error_bound": 0, "largest": 1000},
    {"mode": 1, "predicted": 1 << 47, "predicted_after": 1 << 47, "error_bound": 2 * MIB, "largest": (1 << 47) - MIB},
    {"mode": 2, "predicted": 600, "predicted_after": 500, "error_bound": 50, "largest": 450},
]


@pytest.mark.parametrize(
    ("place", "largest", "law"),
    [
        (0, 1000, None),
        (0, 999, "mode 0 grants what its rule says"),
        (0, 1001, "mode 0 grants what its rule says"),
        (1, 1 << 46, "mode 1 grants what its rule says"),
        (2, 650, None),
        (2, 651, "mode 2 grants what its rule says"),
        (2, 449, "mode 2 grants what its rule says"),
    ],
)
def test_overcommit(place: int, largest: int, law: str | None) -> None:
    rows = changed(GRANTS, place, largest=largest)
    assert judged(promises_report, PromiseRequest(), rows, {}) == ([law] if law else [])


def test_promises_are_those_of_the_rules() -> None:
    machine = ask(open_example()).machine
    caller, hole = Caller(1000, is_admin=True), 1 << 40
    ram, swap = machine.pages("MemTotal") * 4096, machine.meminfo["SwapTotal"]
    assert promise(machine, HEURISTIC, caller, hole) == Promise(ram + swap, 0)
    assert promise(machine, HEURISTIC, caller, MIB) == Promise(MIB, 2 * MIB)  # there is no room for more
    assert promise(machine, ALWAYS, caller, hole) == Promise(hole, 2 * MIB)
    assert promise(machine, NEVER, caller, hole).size < ram + swap
    old = machine._replace(version=(4, 19, 0))
    assert promise(old, HEURISTIC, caller, hole).error_bound == 32 * MIB


@pytest.mark.skipif(not os.access("/proc/sys/vm/overcommit_memory", os.W_OK), reason="only root sets the mode")
def test_the_mode_is_put_back(pymemtools: Run) -> None:
    mode = Path("/proc/sys/vm/overcommit_memory").read_text()
    done = pymemtools("lab", "overcommit", "--modes", "-f", "json")
    assert Path("/proc/sys/vm/overcommit_memory").read_text() == mode
    if done.returncode == 3:
        pytest.skip(done.stderr.decode())
    assert (done.returncode, done.stderr) == (0, b"")
    document = json.loads(done.stdout)
    left_out = [2] if document["notes"] else []
    assert [row["mode"] for row in document["rows"]] + left_out == [0, 1, 2]


# aslr.

LAYOUT = Layout("x86_64", 4096, 2, 28, True, (6, 12, 0))


@pytest.mark.parametrize(
    ("layout", "bits"),
    [
        (LAYOUT, {"program": 28, "heap": 18, "libraries": 28, "stack": 22}),
        (LAYOUT._replace(is_position_independent=False), {"program": 0, "heap": 18, "libraries": 28, "stack": 22}),
        (LAYOUT._replace(randomize=1), {"program": 28, "heap": 0, "libraries": 28, "stack": 22}),
        (LAYOUT._replace(randomize=0), {"program": 0, "heap": 0, "libraries": 0, "stack": 0}),
        (LAYOUT._replace(mmap_bits=None), {"program": None, "heap": 18, "libraries": None, "stack": 22}),
        (LAYOUT._replace(version=(6, 8, 0)), {"program": 28, "heap": 13, "libraries": 28, "stack": 22}),
        (LAYOUT._replace(machine="riscv64"), {"program": None, "heap": None, "libraries": None, "stack": None}),
        (Layout("aarch64", 4096, 2, 18, True, None), {"program": 18, "heap": 18, "libraries": 18, "stack": 18}),
        (Layout("aarch64", 65536, 2, 14, True, None), {"program": 14, "heap": 14, "libraries": 14, "stack": 14}),
    ],
)
def test_what_the_kernel_promises(layout: Layout, bits: Mapping[str, int | None]) -> None:
    told = {region: promised(region, layout) for region in bits}
    assert {region: None if found is None else found.least for region, found in told.items()} == bits


@pytest.mark.parametrize("bits", [0, 1, 4, 13, 28])
@pytest.mark.parametrize("count", [20, 100, 1000])
def test_the_range_tells_of_how_many_places_there_are(bits: int, count: int) -> None:
    choose = random.Random(bits + count)
    found = randomness([0x7F0000000000 + 4096 * choose.randrange(1 << bits) for _ in range(count)])
    assert found.bits.least <= bits <= found.bits.most
    assert found.bits.most - found.bits.least < 1.5
    assert found.step == (4096 if bits else None)


def addresses(bits: int, page: int = 4096) -> list[int]:
    choose = random.Random(1)
    return [page * choose.randrange(1 << bits) for _ in range(100)]


def test_aslr_as_promised_breaks_no_law() -> None:
    rows = [region_row("stack", addresses(22), LAYOUT, randomized=True)]
    rows += [region_row("libraries", addresses(19, 2 * MIB), LAYOUT, randomized=True)]  # aligned to 2 MiB: 9 bits fewer
    rows += [region_row("stack", [4096] * 5, LAYOUT, randomized=False)]
    assert rows[1]["promised_bits"] == 19
    assert judged(aslr_report, AslrRequest(), rows, {"randomize_va_space": 2}) == []


@pytest.mark.parametrize(
    ("seen", "randomized", "law"),
    [
        (addresses(20), True, "the interval holds what is promised"),
        (addresses(24), True, "the interval holds what is promised"),
        ([4096] * 100, True, "the interval holds what is promised"),
        (addresses(22)[:6], True, "no interval is wider than 3 bits"),  # too few
        ([4096, 4096, 8192], False, "nothing moves without randomisation"),
    ],
)
def test_aslr_otherwise_breaks_a_law(seen: Sequence[int], randomized: bool, law: str) -> None:
    good = [region_row("stack", addresses(22), LAYOUT, randomized=True)]
    rows = [*good, region_row("stack", seen, LAYOUT, randomized=randomized)]
    assert judged(aslr_report, AslrRequest(), rows, {"randomize_va_space": 2}) == [law]


def test_what_is_not_promised_is_no_law() -> None:
    layout = LAYOUT._replace(mmap_bits=None)
    rows = [region_row("program", addresses(9), layout, randomized=True)]
    assert judged(aslr_report, AslrRequest(), rows, {"randomize_va_space": 2}) == []


def test_a_kernel_that_does_not_move_is_found_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pymemtools.lab import aslr

    monkeypatch.setattr(aslr, "_ADDR_NO_RANDOMIZE", 0)  # so that nothing is switched off
    assert_broken("aslr --samples 20", "nothing moves without randomisation", monkeypatch, capsys)


def assert_broken(call: str, law: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Run an experiment in this process, where something was made wrong."""
    monkeypatch.setattr(sys, "argv", ["pymemtools", "lab", *call.split()])
    status = _call()
    err = capsys.readouterr().err
    if status == 3:
        pytest.skip(err)
    assert status == 1
    assert f"pymemtools: lab {call.split()[0]}: law broken: {law}: expected " in err
