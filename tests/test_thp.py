"""thp: settings, counts and fragmentation of a machine, and why a mapping is not huge."""

from __future__ import annotations

import json
import mmap
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from trees import Map, Proc, write_tree

from pymemtools.models.fragmentation import fragmentation_permille, unusable_permille
from pymemtools.models.huge_pages import ANONYMOUS, FILE, SHARED_MEMORY, Candidate, HugePageRules, why_not_huge

MIB = 1 << 20
BUDDYINFO = "Node 0, zone   Normal  1000  100  10  1\n"
FOLDER = "sys/kernel/mm/transparent_hugepage"
FILES = {
    "proc/meminfo": "MemTotal: 1000 kB\nAnonHugePages:      4096 kB\n",
    "proc/vmstat": "thp_fault_alloc 3\nthp_fault_fallback 2\nthp_split_page 0\nnr_free_pages 9\n",
    "proc/buddyinfo": BUDDYINFO,
    f"{FOLDER}/enabled": "always [madvise] never\n",
    f"{FOLDER}/shmem_enabled": "always within_size advise [never] deny force\n",
    f"{FOLDER}/hpage_pmd_size": "2097152\n",
    f"{FOLDER}/khugepaged/max_ptes_none": "511\n",
    f"{FOLDER}/hugepages-2048kB/enabled": "always inherit madvise [never]\n",
    f"{FOLDER}/hugepages-2048kB/stats/anon_fault_alloc": "3\n",
    f"{FOLDER}/hugepages-64kB/enabled": "always [inherit] madvise never\n",
}
TEXT = """\
Huge pages of 2 MiB
  settings:    enabled madvise, shmem_enabled never
  khugepaged:  max_ptes_none 511
  in them:     AnonHugePages 4.0 MiB

     Size enabled  shmem            Faults   Fell back         Now       Split
   64 KiB inherit  -                     -           -           -           -
    2 MiB never    -                     3           -           -           -

Since the start
  thp_fault_alloc                           3
  thp_fault_fallback                        2
  1 other counters are 0

Unusable for blocks of 2^order pages: share of what is free in smaller ones
Node Zone        0    1    2    3
   0 Normal   .000 .801 .961 .993

Fragmentation: 0 want of memory, 1 small blocks, - such a block is free
Node Zone        0    1    2    3
   0 Normal      -    -    -    -
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "machine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / "machine"


def ask(pymemtools: Run, *args: str) -> dict[str, Any]:
    done = pymemtools("thp", *args, "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def test_a_machine(pymemtools: Run, machine: Path) -> None:
    done = pymemtools("thp", "-S", str(machine))
    said = b"pymemtools: thp: the source does not tell its page size: 4096 is assumed\n"
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, TEXT, said)


def test_an_archive_of_it_tells_the_same(pymemtools: Run, machine: Path) -> None:
    with tarfile.open(machine.parent / "machine.tar", "w") as archive:
        archive.add(machine, ".")
    assert pymemtools("thp", "-S", str(machine.parent / "machine.tar")).stdout.decode() == TEXT


def test_values_for_programs(pymemtools: Run, machine: Path) -> None:
    found = ask(pymemtools, "-S", str(machine))
    assert [row["unusable_permille"] for row in found["rows"]] == [0, 801, 961, 993]
    totals = found["totals"]
    assert totals["counters"] == {"thp_fault_alloc": 3, "thp_fault_fallback": 2, "thp_split_page": 0}
    assert [(each["size"], each["enabled"]) for each in totals["sizes"]] == [(65536, "inherit"), (2 * MIB, "never")]


def test_a_pageblock_is_a_huge_page_where_there_are_any(pymemtools: Run, machine: Path) -> None:
    """On a board whose kernel has none it is the largest block that the kernel keeps: 8 MiB of armhf."""
    (machine / FOLDER / "hpage_pmd_size").unlink()  # before Linux 4.10
    (machine / "proc/pagetypeinfo").write_text("Page block order: 11\nPages per block:  2048\n")
    assert ask(pymemtools, "-S", str(machine))["totals"]["huge_page_size"] == 8 * MIB
    (machine / "proc/meminfo").write_text("MemTotal: 1000 kB\n")
    assert ask(pymemtools, "-S", str(machine))["totals"]["huge_page_size"] is None


def test_a_kernel_without_any(pymemtools: Run, tmp_path: Path) -> None:
    """As one of mips, or a processor that can map none; its status says THP_enabled: 0 of every process."""
    tree = write_tree(tmp_path, Proc(7, "a", (Map("[heap]", 4048, size=8192), Map("[stack]", 16))))
    status = tree / "proc" / "7" / "status"
    status.write_text(status.read_text() + "THP_enabled:\t0\n")
    (tree / "proc" / "meminfo").write_text("MemTotal: 1000 kB\nAnonHugePages: 0 kB\n")
    (tree / "proc" / "pagetypeinfo").write_text("Page block order: 10\nPages per block:  1024\n")
    (tree / "proc" / "vmstat").write_text("thp_fault_alloc 0\nthp_split_page 0\n")
    (tree / "sys/kernel/mm/ksm").mkdir(parents=True)
    (tree / "sys/kernel/mm/ksm/run").write_text("0\n")
    none = "the kernel or the processor has no transparent huge pages: no /sys/kernel/mm/transparent_hugepage"
    done = pymemtools("thp", "-S", str(tree))
    assert done.stdout == b"No transparent huge pages\n\nSince the start\n  2 other counters are 0\n"
    assert done.stderr.decode().splitlines()[-1] == f"pymemtools: thp: {none}"
    assert ask(pymemtools, "-S", str(tree))["totals"]["huge_page_size"] is None
    of_one = ask(pymemtools, "7", "-S", str(tree))
    assert of_one["notes"][-1] == none
    assert {row["reason"] for row in of_one["rows"]} == {"there are no transparent huge pages here"}
    text = pymemtools("thp", "7", "-S", str(tree)).stdout.decode().splitlines()
    assert text[0] == "a: no transparent huge pages"
    assert text[-1] == "2 mappings, 4064 KiB in RAM: there are no transparent huge pages here"


def test_a_source_that_tells_nothing(pymemtools: Run, machine: Path) -> None:
    done = pymemtools("thp", "-S", str(machine / "proc" / "meminfo"))
    assert done.returncode == 1
    for name in ("vmstat", "buddyinfo"):
        (machine / "proc" / name).unlink()
    for file in sorted((machine / FOLDER).rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    done = pymemtools("thp", "-S", str(machine))
    said = b"pymemtools: thp: the source tells nothing of huge pages: no transparent_hugepage, vmstat and buddyinfo\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", said)


@pytest.mark.parametrize(
    ("blocks", "order", "unusable", "index"),
    [
        ([0, 0, 0], 1, 1000, 0),  # nothing is free
        ([8, 0, 0], 0, 0, -1000),
        ([1, 0, 0], 2, 1000, -250),  # 1000 - (1000 + 250) // 1
        ([1 << 20, 0, 0], 2, 1000, 750),  # as much as is wanted, in small pieces: 1 - 1/4
        ([0, 1 << 20, 0], 2, 1000, 500),
    ],
)
def test_the_indices_of_the_kernel(blocks: list[int], order: int, unusable: int, index: int) -> None:
    assert (unusable_permille(blocks, order), fragmentation_permille(blocks, order)) == (unusable, index)


NONE: frozenset[str] = frozenset()
RULES = HugePageRules(2 * MIB, "madvise", "never")
LATE = "it may be: its pages were in RAM before, or found no free block"


def mapping(what: str = ANONYMOUS, flags: str = "rd wr", size: int = 8 * MIB, **more: Any) -> Candidate:
    given = {"huge": 0, "resident": 4 * MIB, **more}
    return Candidate(2 * MIB, 2 * MIB + size, what, frozenset(flags.split()), **given)


@pytest.mark.parametrize(
    ("asked", "rules", "reason"),
    [
        (mapping(flags="rd hg"), RULES, LATE),
        (mapping(flags="rd hg", huge=4 * MIB), RULES, None),
        (mapping(flags="rd hg", huge=4 * MIB, resident=5 * MIB), RULES, None),
        (mapping(flags="rd hg", huge=2 * MIB), RULES, "some is: the rest was in RAM before, or found no free block"),
        (mapping(flags="rd hg", resident=0), RULES, "it may be huge, but nothing of it is in RAM"),
        (mapping(flags="rd hg", resident=None), RULES, "it may be huge"),
        (mapping(flags="rd hg"), RULES._replace(anonymous="never"), "enabled is never"),
        (mapping(), RULES, "not asked for (MADV_HUGEPAGE), and enabled is madvise"),
        (mapping(), RULES._replace(anonymous="always"), LATE),
        (
            mapping(is_eligible=False),
            RULES._replace(anonymous="always"),
            "the kernel does not take it (THPeligible: 0)",
        ),
        (
            mapping(flags="rd hg"),
            RULES._replace(is_disabled=True),
            "switched off for this process (PR_SET_THP_DISABLE)",
        ),
        (mapping(flags="rd nh hg"), RULES, "not wanted (MADV_NOHUGEPAGE)"),
        (mapping(flags="ht"), RULES, "its pages are hugetlbfs's"),
        (mapping(size=MIB), RULES, "smaller than a huge page"),
        (Candidate(MIB, 4 * MIB - 1, ANONYMOUS, NONE, 0, 0), RULES, "no aligned range in it is as long as a huge page"),
        (mapping(FILE), RULES, "a file's pages, which are up to its file system"),
        (mapping(SHARED_MEMORY), RULES, "shmem_enabled is never, unless a mount says huge="),
        (
            mapping(SHARED_MEMORY),
            RULES._replace(shmem="advise"),
            "not asked for (MADV_HUGEPAGE), and shmem_enabled is advise",
        ),
    ],
)
def test_why_a_mapping_is_not_huge(asked: Candidate, rules: HugePageRules, reason: str | None) -> None:
    asked = asked if asked.start != MIB else asked._replace(end=asked.end // 4096 * 4096)
    assert why_not_huge(asked, rules) == reason


@pytest.mark.skipif(not Path(f"/{FOLDER}").exists(), reason="a kernel without transparent huge pages")
def test_our_own_mappings(pymemtools: Run) -> None:
    """What is asked of the kernel is what it is said to be."""
    with mmap.mmap(-1, 8 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as unwanted:
        unwanted.madvise(mmap.MADV_NOHUGEPAGE)
        rows = ask(pymemtools, str(os.getpid()))["rows"]
        assert any(row["reason"] == "not wanted (MADV_NOHUGEPAGE)" and row["size"] == 8 * MIB for row in rows)


def test_a_process_of_a_capture(pymemtools: Run) -> None:
    done = pymemtools("--demo", "thp", "297")
    assert done.stdout.decode().splitlines()[3:5] == [
        "    7ff0cbacc000     32768     16400        0  /tmp/shm",
        "                                               a file's pages, which are up to its file system",
    ]


def test_no_such_process(pymemtools: Run) -> None:
    done = pymemtools("--demo", "thp", "9999")
    assert (done.returncode, done.stdout) == (42, b"")
    assert done.stderr == b"pymemtools: thp: 9999: no such process\n"
