"""``--explain``: every report says what its columns mean, and some what rule is behind their figures."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from conftest import CAPTURES, HERE, Run

from pymemtools.cli import COMMANDS, cli

FREE = """\
               total        used        free      shared  buff/cache   available
Mem:          728436      261328      522636       54124       55272      467108
Swap:              0           0           0

total       installed memory, or the limit
used        total - available
free        not used for anything
shared      tmpfs and shared memory
buff/cache  buffers and cache
available   what can be had without swapping, by the kernel's estimate

used = total - available
     = 728436 - 467108 = 261328
  (procps 4.0.1 and later)

buff/cache = Buffers + Cached + SReclaimable
           = 0 + 54124 + 1148 = 55272
  (procps 3.3.10 and later)

available = free - reserves + files - min(files / 2, low)
                           + slab - min(slab / 2, low)
          = 522636 - 56104 + 0 - min(0, 44564)
                           + 1148 - min(574, 44564)
          = 467108; the kernel says 467108
  (si_mem_available(), mm/show_mem.c, Linux 3.14 to 6.18)
"""

RULES = {
    "zones": [
        "node 0 DMA32: min = 35556 * 713076 / 728436 = 34804",
        "  step = max(8701, 713076 * 10 / 10000)",
        "  low = 43504, high = 52204; the kernel says 34792, 43488, 52184",
    ],
    "smem -w": [
        "kernel dynamic memory = MemTotal - MemFree - userspace memory",
        "                      = 728436 - 522636 - 154584 = 51216",
    ],
    "oom-scores": [
        "287 = 3461 + 0 + 15 + 300 * 182 = 58076",
        "      = (1000 + 58076 * 1000 / 182109) * 2 / 3 = 878",
    ],
}


def reporting() -> list[str]:
    """Name the commands, and parts of them, that have a format to choose."""
    found = []
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        parts = {name: command}
        if isinstance(command, click.Group):
            parts = {f"{name} {part}": command.get_command(context, part) for part in command.list_commands(context)}
        found += [call for call, part in parts.items() if part and any(each.name == "style" for each in part.params)]
    return found


def test_free_is_explained(pymemtools: Run) -> None:
    assert pymemtools("--demo", "free", "--explain").stdout.decode() == FREE


@pytest.mark.parametrize("call", RULES)
def test_rules_have_the_figures_of_the_machine(pymemtools: Run, call: str) -> None:
    lines = pymemtools("--demo", *call.split(), "--explain").stdout.decode().splitlines()
    assert [line for line in lines if line in RULES[call]] == RULES[call]


@pytest.mark.parametrize(
    ("call", "row", "column", "rule"),
    [("free -w", "Mem:", 2, "used = total - available"), ("smem -w", "userspace memory", -3, "userspace memory = ")],
)
def test_a_machine_that_goes_on_is_explained_as_it_was_shown(
    pymemtools: Run, call: str, row: str, column: int, rule: str
) -> None:
    """Its files are read once, and not once more for the figures in the rule."""
    lines = pymemtools(*call.split(), "--explain").stdout.decode().splitlines()
    shown = next(line for line in lines if line.startswith(row)).split()[column]
    place = next(place for place, line in enumerate(lines) if line.startswith(rule))
    assert re.search(rf" = {shown}(,|$)", lines[place + 1])


WITHIN = [  # the tables of a page, and what is said of their titles
    (
        f"oom-report {HERE / 'oom_reports/own-x86_64-6.1.176-debian-global-r1.txt'}",
        {"PID": "process number", "UID": "the owner's number", "Swap": "memory swapped out"},
    ),
    (
        f"what-if alloc 10M --group /pod -S {CAPTURES / 'groups-6.1/together.tar.gz'}",
        {"set to": "how much may be charged to the group and those in it", "taken": "what is taken of it, if all goes"},
    ),
    (f"swap -S {CAPTURES / 'odd/zram'}", {"Prio": "areas of the highest are used first"}),
]


@pytest.mark.parametrize(("call", "meanings"), WITHIN, ids=[call.split()[0] for call, _ in WITHIN])
def test_titles_are_explained_as_the_page_has_them(pymemtools: Run, call: str, meanings: dict[str, str]) -> None:
    """Those of tables too that are no rows for programs, and each once."""
    text = pymemtools(*call.split(), "--explain").stdout.decode()
    for title, meaning in meanings.items():
        assert len(re.findall(rf"^{title} +{meaning}", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("call", reporting())
def test_a_format_for_programs_is_not_explained(pymemtools: Run, call: str) -> None:
    arguments = {"pmap": ["1"], "vgraph": ["1"], "status": ["1"], "wss": ["1"]}.get(call, [])
    required = {"alloc": ["1M"], "dirty": ["--write", "1M", "--disk", "1M"], "cache": ["1M"], "fork": ["1"]}
    arguments += {**required, "malloc": ["8"], "watch": ["true"]}.get(call.rpartition(" ")[2], [])
    arguments += {"fleet sql": ["SELECT 1"], "fleet tunables": ["x"], "fleet what-if": ["alloc", "1M"]}.get(call, [])
    if call.startswith("tunables"):
        arguments = ["swappiness=60"] if call.endswith("set") else ["swappiness"]
    machine = [] if call == "cache" else ["--demo"]  # of which no capture tells
    done = pymemtools(*machine, *call.split(), "--explain", "-f", "json", *arguments)
    message = f"pymemtools: {call}: --explain is for people: it has no --format\n"
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", message)


def test_there_are_reports() -> None:
    assert len(reporting()) > 20


def test_repeated_samples_are_explained_once(pymemtools: Run) -> None:
    done = pymemtools("free", "-s", "0.01", "-c", "2", "--explain")
    assert done.stdout.count(b"not used for anything") == 1


def test_a_page_without_titles_is_explained_by_keys(pymemtools: Run) -> None:
    text = pymemtools("--demo", "smem", "-H", "-c", "pid pss", "--explain").stdout.decode()
    assert text.splitlines()[-2:] == [
        "pid  process number",
        "pss  proportional set size: shared pages divided by their users",
    ]


def test_the_movable_zone_counts_as_low_memory_before_6_6(pymemtools: Run, tmp_path: Path) -> None:
    """Where memory was set aside for it: then it has a share of min_free_kbytes, and all zones' figures go together."""
    proc = tmp_path / "proc"
    (proc / "sys/vm").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 800000 kB\n")
    (proc / "version").write_text("Linux version 6.1.0 (x)\n")
    (proc / "sys/vm/min_free_kbytes").write_text("4000\n")
    (proc / "sys/vm/watermark_scale_factor").write_text("10\n")
    marks = "        boost    16\n        min      516\n        low      641\n        high     766\n"
    zone = f"  pages free     50000\n{marks}        spanned  100000\n        present  100000\n        managed  100000\n"
    (proc / "zoneinfo").write_text(
        "".join(f"Node 0, zone {name:>8}\n{zone}        protection: (0, 0)\n" for name in ("Normal", "Movable"))
    )
    lines = pymemtools("zones", "-S", str(tmp_path), "--explain").stdout.decode().splitlines()
    for name in ("Normal", "Movable"):
        place = lines.index(f"node 0 {name}: min = 4000 * 400000 / 800000 = 2000")
        assert lines[place + 2] == (
            "  low = 2500, high = 3000; the kernel says 2064, 2564, 3064, each with a boost of 64"
        )
