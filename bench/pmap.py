"""Measure pmap beside procps's in the same run, on processes of 60, 5,000 and 50,000 mappings; print ratios.

Times are CPU seconds, the least of interleaved runs.

    python bench/pmap.py [--rounds N]
"""

from __future__ import annotations

import sys

from side_by_side import INF, MIB, OURS, Cost, Line, at_most, costs_of, run_bench, verdict, within
from subjects import children, mapper, written_tree

SIZES = (60, 5_000, 50_000)
MILLION = 1_000_000
MODES = ("", "-x", "-X", "-XX")
START = 2.0  # times the import of click, for a process with few mappings
MOST = {"-x": 1.3, "-X": 0.55, "-XX": 0.55}  # of procps's time, at the largest size


def measured(pid: int, rounds: int) -> dict[str, Cost]:
    """Run everything on one process; ours as ``ours -x``, procps's as ``procps -x``."""
    commands = {"cat smaps": ["cat", f"/proc/{pid}/smaps"], "cat smaps_rollup": ["cat", f"/proc/{pid}/smaps_rollup"]}
    for mode in MODES:
        options = [mode] if mode else []
        commands[f"procps {mode}"] = ["pmap", *options, str(pid)]
        commands[f"ours {mode}"] = [*OURS, "pmap", *options, str(pid)]
    commands["ours --rollup"] = [*OURS, "pmap", "--rollup", str(pid)]
    return dict(zip(commands, costs_of(list(commands.values()), rounds)))


def _name(mode: str) -> str:
    return f"pmap {mode}".rstrip()


def lines_of(mappings: int, costs: dict[str, Cost], bare: Cost) -> list[Line]:
    """Say how ours compares at one size."""
    largest = mappings == SIZES[-1]
    lines = []
    for mode in MODES:
        ours, procps = costs[f"ours {mode}"], costs[f"procps {mode}"]
        most = MOST.get(mode, INF) if largest else INF
        lines.append(at_most(f"{_name(mode)}, {mappings} mappings", ours.cpu, procps.cpu, "procps", most))
    floor = costs["cat smaps"]
    lines.append(at_most(f"pmap -X, {mappings} mappings", costs["ours -X"].cpu, floor.cpu, "cat smaps", INF))
    rollup = costs["cat smaps_rollup"]
    lines.append(at_most(f"pmap --rollup, {mappings}", costs["ours --rollup"].cpu, rollup.cpu, "cat smaps_rollup", INF))
    if largest:
        for mode in MODES:
            above = (costs[f"ours {mode}"].peak - bare.peak) / MIB
            peak, own = f"{above:.0f} MiB", f"{bare.peak / MIB:.0f} MiB import click"
            cells = (peak, own, "", "<= 64 MiB", verdict(above <= 64))
            lines.append(Line(f"{_name(mode)}, {mappings}: peak memory above", *cells))
    return lines


def growth(small: dict[str, Cost], large: dict[str, Cost]) -> list[Line]:
    """Say whether time grows with the mappings and no faster."""
    at = f"at {SIZES[-2]}"
    return [
        at_most(f"{_name(mode)} at {SIZES[-1]}", large[f"ours {mode}"].cpu, small[f"ours {mode}"].cpu, at, 11)
        for mode in MODES
    ]


def measure(rounds: int) -> list[Line]:
    """Measure everything."""
    (bare,) = costs_of([[sys.executable, "-c", "import click"]], 3 * rounds)
    lines: list[Line] = []
    found = []
    for mappings in SIZES:
        with children(mapper(mappings)) as (pid,):
            costs = measured(pid, rounds)
        found.append(costs)
        lines += lines_of(mappings, costs, bare)
    lines.append(at_most(f"pmap, {SIZES[0]} mappings", found[0]["ours "].cpu, bare.cpu, "import click", START))
    with written_tree(MILLION) as tree:
        (million,) = costs_of([[*OURS, "pmap", "-X", "-S", tree, "100"]], 1)
    lines.append(within(f"pmap -X, {MILLION} mappings: peak memory", million.peak, 165))
    return lines + growth(found[-2], found[-1])


if __name__ == "__main__":
    run_bench(__doc__, measure, rounds=7)
