"""``--explain``: every report says what its columns mean, and some what rule is behind their figures."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from conftest import CAPTURES, HERE, Run
from group_trees import MIB, V2_ROOT, group, write

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


MEMINFO = """\
MemTotal: 800000 kB
MemFree: 300000 kB
{available}Buffers: 1000 kB
Cached: 99000 kB
Active(file): 40000 kB
Inactive(file): 20000 kB
SReclaimable: 8000 kB
"""


def free_explained(run: Run, root: Path, available: str, *options: str, zones: str = "") -> list[str]:
    for name, text in (
        ("meminfo", MEMINFO.format(available=available)),
        ("sys/vm/min_free_kbytes", "4000\n"),
        ("version", "Linux version 6.1.0 (x)\n"),
        ("zoneinfo", zones),
    ):
        (root / "proc" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "proc" / name).write_text(text)
    return run("free", "-S", str(root), "--explain", *options).stdout.decode().splitlines()


def test_the_old_table_is_explained_by_the_old_rules(pymemtools: Run, tmp_path: Path) -> None:
    """Its used is not that of today's."""
    lines = free_explained(pymemtools, tmp_path, "MemAvailable: 350000 kB\n", "--classic")
    assert [line for line in lines if line.startswith("used ")] == [
        "used     total - free, caches included",
        "used = total - free",
    ]
    assert "     = 800000 - 300000 = 500000" in lines
    assert "                 = 500000 - 100000 = 400000, 300000 + 100000 = 400000" in lines
    assert not any("available" in line for line in lines)


def test_what_is_estimated_is_explained_as_it_is_shown(pymemtools: Run, tmp_path: Path) -> None:
    """Without MemAvailable (before Linux 3.14): that rule goes by the low watermarks, and not by all reserves."""
    lines = free_explained(pymemtools, tmp_path, "")
    assert lines[1].split()[-1] == "354000"
    assert "          = 300000 - 5000 + 60000 - min(30000, 5000)" in lines
    assert "          = 354000" in lines
    assert "     = 800000 - 354000 = 446000" in lines


def test_more_available_than_there_is(pymemtools: Run, tmp_path: Path) -> None:
    """procps shows what is free then, and so used is what is not."""
    lines = free_explained(pymemtools, tmp_path, "MemAvailable: 900000 kB\n")
    assert (lines[1].split()[2], lines[1].split()[-1]) == ("500000", "300000")
    assert "     = 800000 - 300000 = 500000" in lines


def test_zones_of_another_machine_are_not_put_in(pymemtools: Run) -> None:
    """They gave 1189720 beside the 1310720 that the container is told."""
    lines = pymemtools("free", "--explain", "-S", str(CAPTURES / "odd/lxcfs-swap")).stdout.decode().splitlines()
    place = lines.index("available = free - reserves + files - min(files / 2, low)")
    assert lines[place + 2] == (
        "  zones manage 61.0 GiB, but MemTotal is 2.0 GiB: zones decide nothing, nor can they be put in; "
        "the kernel says 1310720"
    )


def test_high_memory_is_explained_too(pymemtools: Run) -> None:
    capture = HERE / "golden/armv7-highmem-6.1.tar.gz"
    lines = pymemtools("zones", "--explain", "-S", str(capture)).stdout.decode().splitlines()
    place = lines.index("node 0 HighMem: share = 3473 * 262144 / 757844 = 1200")
    assert lines[place + 1 : place + 4] == [
        "  min = 256",
        "  step = max(300, 262144 * 10 / 10000)",
        "  low = 556, high = 856; the kernel says 256, 556, 856",
    ]


def test_a_group_is_explained_as_one(pymemtools: Run, tmp_path: Path) -> None:
    """What its scores are measured by is its limit and its swap, and available is no estimate of the kernel's."""
    pid = {"comm": "x\n", "stat": "9 (x) S 1 9 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 4096 100 0\n", "oom_score": "690\n"}
    pid |= {"status": "Name:\tx\nPid:\t9\nUid:\t0\t0\t0\t0\nVmRSS:\t   400 kB\nVmSwap:\t 0 kB\nVmPTE:\t 40 kB\n"}
    pid |= {"oom_score_adj": "0\n", "cgroup": "0::/a\n"}
    tree = V2_ROOT | group("/a", max=40 * MIB, swap__max=0) | {f"proc/9/{name}": text for name, text in pid.items()}
    root = write(tmp_path, tree | {"proc/version": "Linux version 6.1.0 (x)\n"})
    lines = pymemtools("oom-scores", "--explain", "--group", "/a", "-S", str(root)).stdout.decode().splitlines()
    place = next(place for place, line in enumerate(lines) if line.startswith("badness"))
    assert lines[place].endswith("in pages; total: the limit of /a, and its swap")
    assert lines[place + 1] == "9 = 100 + 0 + 10 + 0 * 10 = 110"
    alone = pymemtools("oom-scores", "--explain", "-S", str(root)).stdout.decode().splitlines()
    assert alone[place - 1].endswith("in pages; total: RAM and swap")
    assert alone[place + 2].endswith(" = 666; the kernel says 690")
    text = pymemtools("free", "--explain", "--cgroup", "/a", "-S", str(root)).stdout.decode()
    assert "used        what is charged to the group, less what can be reclaimed\n" in text
    assert "estimate" not in text


POD = f"-S {CAPTURES / 'groups-6.1/together.tar.gz'}"
TITLES = {  # of tables whose columns are not those that programs get
    f"groups /pod {POD}": ("Charged", "PSS"),
    f"what-if fork 587 {POD}": ("limit", "set to", "used", "surely there", "at most", "group"),
    "--demo zones": ("Managed", "0 to 2x high", "State"),
    "--demo iomem-graph": ("Region", "start", "end", "KB", "MB", "GB"),
    "--demo faults": ("time", "minor", "psi"),
    "--demo what-if cache 10M": ("pass", "cached", "evicted", "anonymous", "page tables", "total"),
    "--demo what-if malloc 10M": ("request", "chunk", "from", "break", "->", "resident", "written"),
    f"cache {__file__}": ("SIZE", "CACHED", "%", "RESIDENT", "PATH"),
}


@pytest.mark.parametrize("call", TITLES, ids=[call.replace(str(HERE), "") for call in TITLES])
def test_every_column_on_a_page_is_explained_in_its_order(pymemtools: Run, call: str) -> None:
    text = pymemtools(*call.split(), "--explain").stdout.decode()
    places = [[*re.finditer(rf"^{re.escape(title)}  +[a-z]", text, re.MULTILINE)][-1].start() for title in TITLES[call]]
    assert places == sorted(places)
