"""Measure vgraph beside ``cat`` of the maps it draws, on processes of 60, 6,000 and 60,000 mappings; print ratios.

Times are CPU seconds, the least of interleaved runs.

    python bench/vgraph.py [--rounds N]
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from side_by_side import INF, OURS, Cost, Line, at_most, costs_of, run_bench, within
from subjects import children, mapper, written_tree

SIZES = (60, 6_000, 60_000)
MILLION = 1_000_000  # more than the kernel lets a process have by default: written, not mapped
ROWS = Path(__file__).parent.parent / "tests" / "vgraph" / "tst.csv"
MOST = 30  # times cat of the maps, at the largest size


def measured(pid: int, rounds: int) -> list[Cost]:
    """Run all on one process: cat of maps, cat of smaps, vgraph without and with smaps, as SVG."""
    ours = [*OURS, "vgraph", str(pid)]
    cats = [["cat", f"/proc/{pid}/{name}"] for name in ("maps", "smaps")]
    with TemporaryDirectory() as folder:
        svg = [*ours, "--force", "-o", f"{folder}/a.svg"]
        return costs_of([*cats, ours, [*ours, "--rss"], [*ours, "-f", "json"], svg], rounds)


def lines_of(mappings: int, costs: list[Cost]) -> list[Line]:
    """Say how ours compares at one size."""
    maps, smaps, plain, rss, json, svg = costs
    at = f"{mappings} mappings"
    lines = [
        at_most(f"vgraph, {at}", plain.cpu, maps.cpu, "cat maps", MOST if mappings == SIZES[-1] else INF),
        at_most(f"vgraph --rss, {at}", rss.cpu, smaps.cpu, "cat smaps", INF),
        at_most(f"vgraph -f json, {at}", json.cpu, plain.cpu, "vgraph", INF),
        at_most(f"vgraph -o FILE.svg, {at}", svg.cpu, plain.cpu, "vgraph", INF),
    ]
    if mappings == SIZES[-1]:
        lines.append(within(f"vgraph, {at}: peak memory", plain.peak, 48))
    return lines


def measure(rounds: int) -> list[Line]:
    """Measure everything."""
    bare, legacy = costs_of([[sys.executable, "-c", "import click"], [*OURS, "vgraph", "--legacy", str(ROWS)]], rounds)
    lines = [
        at_most("vgraph --legacy, 122 rows", legacy.cpu, bare.cpu, "import click", 1.7),
    ]
    found = []
    for mappings in SIZES:
        with children(mapper(mappings)) as (pid,):
            found.append(measured(pid, rounds))
        lines += lines_of(mappings, found[-1])
    small, large = found[-2][2].cpu - bare.cpu, found[-1][2].cpu - bare.cpu
    lines.append(at_most(f"vgraph at {SIZES[-1]}, above start-up", large, small, f"at {SIZES[-2]}", 11))
    with written_tree(MILLION) as tree:
        (million,) = costs_of([[*OURS, "vgraph", "-S", tree, "100"]], 1)
    lines.append(within(f"vgraph, {MILLION} mappings: peak memory", million.peak, 256))
    return lines


if __name__ == "__main__":
    run_bench(__doc__, measure)
