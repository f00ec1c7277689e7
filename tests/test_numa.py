"""numa: the memory of nodes, and where the pages of a process are; live beside numactl's numastat."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from asleep import wait_until_asleep, without_huge_pages
from conftest import CAPTURES, Run

from pymemtools.errors import ParseError
from pymemtools.procfs.numa_maps import parse_numa_maps
from pymemtools.sysfs.node import parse_node_meminfo, parse_node_numastat

pytestmark = pytest.mark.alone

KIB = 1024
NODE = "sys/devices/system/node/node{}"
MEMINFO = """\
Node {0} MemTotal:       1000 kB
Node {0} MemFree:         400 kB
Node {0} MemUsed:         600 kB
Node {0} FilePages:       300 kB
Node {0} AnonPages:       100 kB
Node {0} HugePages_Total:     2
"""
NUMASTAT = "numa_hit 5\nnuma_miss 1\nnuma_foreign 2\ninterleave_hit 3\nlocal_node 4\nother_node 2\n"
NUMA_MAPS = r"""55f655164000 default file=/usr/bin/a\040heap\040N1=9 mapped=2 N0=2 kernelpagesize_kB=4
55f656000000 default heap anon=5 dirty=5 N0=2 N10=3 kernelpagesize_kB=4
7f0000000000 bind:0-1 file=/anon_hugepage\040(deleted) huge anon=2 dirty=2 N10=2 kernelpagesize_kB=2048
7f0010000000 interleave:0,10
7ffd00000000 default stack anon=1 dirty=1 active=0 N0=1 kernelpagesize_kB=4
"""
NODES_TEXT = """\
Node      Total       Free       Used       File       Anon      Shmem      Slab
   0       1000        400        600        300        100          -         -
  10       1000        400        600        300        100          -         -

Node         Hit        Miss     Foreign  Interleave       Local       Other
   0           5           1           2           3           4           2
  10           -           -           -           -           -           -
"""
PROCESS_TEXT = """\
 Node         Huge         Heap        Stack      Private        Total
    0            0            8            4            8           20
   10         4096           12            0            0         4108
-----------------------------------------------------------------------
  all         4096           20            4            8         4128
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    place = tmp_path / "machine"
    files = {
        **{f"{NODE.format(node)}/meminfo": MEMINFO.format(node) for node in (0, 10)},
        f"{NODE.format(0)}/numastat": NUMASTAT,
        "proc/7/numa_maps": NUMA_MAPS,
        "proc/7/stat": f"7 (a) S 1 {'0 ' * 48}\n",
        "proc/meminfo": "MemTotal: 2000 kB\n",
    }
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(content)
    return place


def ask(pymemtools: Run, *args: str, command: str = "numa") -> dict[str, Any]:
    done = pymemtools(command, *args, "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize(("call", "text"), [((), NODES_TEXT), (("7",), PROCESS_TEXT)])
def test_a_machine_and_an_archive_of_it(pymemtools: Run, machine: Path, call: tuple[str, ...], text: str) -> None:
    with tarfile.open(machine.parent / "machine.tar", "w") as archive:
        archive.add(machine, ".")
    for source in (machine, machine.parent / "machine.tar"):
        done = pymemtools("numa", *call, "-S", str(source))
        assert (done.returncode, done.stdout.decode(), done.stderr) == (0, text, b"")


def test_values_for_programs(pymemtools: Run, machine: Path) -> None:
    found = ask(pymemtools, "7", "-S", str(machine))
    assert found["totals"] == {
        "pid": 7,
        "huge": 4096 * KIB,
        "heap": 20 * KIB,
        "stack": 4 * KIB,
        "private": 8 * KIB,
        "total": 4128 * KIB,
    }
    assert [row["node"] for row in found["rows"]] == [0, 10]
    assert ask(pymemtools, "-S", str(machine))["rows"][1]["numa_hit"] is None


def test_a_name_is_no_place() -> None:
    """Blanks in names are octal, so what looks like a node or a heap in one is part of a word."""
    first = next(parse_numa_maps(NUMA_MAPS.encode()))
    assert (first.kind, first.pages, first.page_size) == ("private", {0: 2}, 4096)


def test_huge_pages_before_linux_3_12(pymemtools: Run, machine: Path) -> None:
    """The size of a page was not told, and that of a huge one is the machine's."""
    path = machine / "proc" / "7" / "numa_maps"
    path.write_text(re.sub(" kernelpagesize_kB=[0-9]+", "", NUMA_MAPS))
    assert ask(pymemtools, "-S", str(machine), "7")["totals"]["huge"] == 2 * 2048 * KIB
    (machine / "proc" / "meminfo").write_text("MemTotal: 2000 kB\nHugepagesize: 16384 kB\n")
    assert ask(pymemtools, "-S", str(machine), "7")["totals"]["huge"] == 2 * 16384 * KIB


def test_nodes_by_zones(pymemtools: Run) -> None:
    """A node with the processor, two with the memory."""
    done = pymemtools("numa", "-S", str(CAPTURES / "x86_64-numa-6.1" / "reserves.tar.gz"), "-f", "csv")
    rows = [line.split(",")[:3] for line in done.stdout.decode().splitlines()[1:]]
    assert rows == [
        ["0", "0", "0"],
        ["1", str(1547076 * KIB), str(1488420 * KIB)],
        ["2", str(986156 * KIB), "981164032"],
    ]
    assert b"figures are those of zoneinfo" in done.stderr


def test_nodes_of_the_host_of_a_container(pymemtools: Run) -> None:
    """Of which lxcfs makes up meminfo, and neither zoneinfo nor nodes."""
    notes = ask(pymemtools, "-S", str(CAPTURES / "odd" / "lxcfs-swap"))["notes"]
    assert "nodes have 61.0 GiB, but MemTotal is 2.0 GiB: they are the host's" in notes


def test_a_capture_without_numa_maps(pymemtools: Run) -> None:
    done = pymemtools("--demo", "numa", "297")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == (
        "pymemtools: numa: 297: no numa_maps in this source: 'capture --numa-maps' takes it\n"
    )


def test_a_damaged_node_costs_that_node(pymemtools: Run, machine: Path) -> None:
    (machine / NODE.format(10) / "meminfo").write_text("Node 10 MemTotal: many\n")
    found = ask(pymemtools, "-S", str(machine))
    assert [row["node"] for row in found["rows"]] == [0]
    assert [note.partition(": ")[2] for note in found["notes"]] == [
        "line 1: expected 'Node N FIELD: amount', got 'Node 10 MemTotal: many'"
    ]


HAS_MAPS = pytest.mark.skipif(not Path("/proc/self/numa_maps").exists(), reason="this kernel knows no nodes")


@contextmanager
def still(program: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run Python until it has done all it will do; a line on its stdin ends it."""
    command = [sys.executable, "-I", "-S", "-c", program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=without_huge_pages
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        wait_until_asleep(child.pid)
        yield child


@HAS_MAPS
@pytest.mark.parametrize("way", ["program", "anonymized", "script"])
def test_a_capture_with_numa_maps(pymemtools: Run, capture_script: Path, tmp_path: Path, way: str) -> None:
    """It says of a process that has done all it will do what the kernel says, by the program and by the script."""
    with still("print(flush=True); input()") as it:
        live, pid, archive = ask(pymemtools, str(it.pid)), str(it.pid), str(tmp_path / "a.tar")
        if way == "script":
            subprocess.run(["sh", str(capture_script), "-n", "-o", archive, pid], check=True)
        else:
            hidden = ["--anonymize"] if way == "anonymized" else []
            assert pymemtools("capture", "--numa-maps", *hidden, "-o", archive, pid).returncode == 0
        it.communicate(b"\n")
    taken = ask(pymemtools, pid, "-S", archive)
    assert (taken["rows"], taken["totals"]) == (live["rows"], live["totals"])
    answers = {row["question"]: row["answer"] for row in ask(pymemtools, "-S", archive, command="info")["rows"]}
    assert answers["numa PID"] in ("yes", "partly")
    assert ask(pymemtools, "-S", archive, command="smem")["unreadable"] == 0


@pytest.mark.parametrize("parse", [parse_node_meminfo, parse_node_numastat, lambda text: list(parse_numa_maps(text))])
def test_what_is_none_of_these(parse: Any) -> None:
    with pytest.raises(ParseError, match="line 1: expected "):
        parse(b"\x1b[31m no\n")


@HAS_MAPS
@pytest.mark.skipif(not shutil.which("numastat"), reason="no numastat")
def test_beside_numastat(pymemtools: Run) -> None:
    """A process that has done all it will do is where numastat says."""
    with still("kept = bytearray(9 << 20); print(flush=True); input()") as child:
        ours = ask(pymemtools, str(child.pid))["totals"]
        theirs = subprocess.run(["numastat", "-p", str(child.pid)], capture_output=True, text=True, check=True).stdout
        child.communicate(b"\n")
    lines = [line.split() for line in theirs.splitlines()]
    said = {
        words[0].lower(): words[-1] for words in lines if words and words[0] in ("Huge", "Heap", "Stack", "Private")
    }
    assert said == {key: f"{ours[key] / (1 << 20):.2f}" for key in ("huge", "heap", "stack", "private")}
    assert ours["private"] >= 9 << 20
