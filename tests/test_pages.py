"""pages: frames by type, what nothing explains, the pages of a process. The machine is ``captures/odd/frames``."""

from __future__ import annotations

import ctypes
import json
import lzma
import mmap
import os
import shutil
import subprocess
import sys
import tarfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asleep import wait_until_asleep, without_huge_pages
from conftest import CAPTURES, HERE, Run

from pymemtools.cli import cli
from pymemtools.errors import Denied, ParseError
from pymemtools.models.frame_types import HOLE, TYPES, counts_by_type, type_of
from pymemtools.probes.pagemap_scan import populated
from pymemtools.procfs.fdinfo import parse_drm_client
from pymemtools.procfs.iomem import parse_iomem
from pymemtools.procfs.kpageflags import ANON, HEAD, LRU, MMAP, SLAB, SWAPBACKED, TAIL, THP, FlagTally, parse_histogram
from pymemtools.procfs.zoneinfo import parse_zoneinfo
from pymemtools.readings.frames import ram_frames
from pymemtools.readings.page_words import page_words
from pymemtools.sources import open_source
from pymemtools.sources.base import Source
from pymemtools.sources.page_files import page_file

pytestmark = pytest.mark.alone

FRAMES = CAPTURES / "odd" / "frames"
KIB = 1024
TEXT = """\
Type              Present     Mapped Counter                  Counted Difference
buddy               16000          0 MemFree                    16000          0
anon                 6200       6160 AnonPages                   8288         40
anon_thp             2048       2048 "
ksm                    80         80 "
swap_cache            120          0 SwapCached                   280       -160
shmem                1200        800 Shmem                       1200          0
file                12020       2800 Buffers+Cached-Shmem       12084          0
file_thp               64          0 "
slab                 2520          0 Slab                        2600        -80
page_table            360          0 PageTables                   360          0
huge                 2048          0 Hugetlb                     2048          0
zero                    4          0
offline              1024          0 Balloon                     1024          0
poisoned                8          0 HardwareCorrupted              8          0
reserved             4088          8
kernel_mapped         256        256
unmarked            17496          0 VmallocUsed+Percpu          1520      15976
hole                 8192          0

65536 KiB of 65536 that zones say are present
8192 KiB of addresses are holes, without memory

anon: 40.0 KiB is mapped by nobody any more
swap_cache: 160.0 KiB of the swap cache is mapped: with its type above or below
slab: large blocks of kmalloc count, and are no slab's
unmarked: it is what nothing counts: see --unexplained; and the processors' own
  lists of free pages
"""
UNEXPLAINED = """\
  MemTotal                                   61440
- page tables                                  360  PageTables+SecPageTables
- kernel stacks                                320  KernelStack
- slab, reclaimable                           1600  SReclaimable
- slab, unreclaimable                         1000  SUnreclaim
- vmalloc                                     1000  VmallocUsed-KernelStack
- percpu                                       200  Percpu
- hugetlb pool                                2048  Hugetlb
- tmpfs and shared memory                     1200  Shmem
- anonymous memory                            8288  AnonPages
- file cache                                 12084  Buffers+Cached-Shmem
- free memory                                16000  MemFree
= what no counter explains                   17340
  without those below marked *               16128
Not told, and in what is left: zswap.

Who may have it: * counted nowhere above, - in part, = only told apart here
- ice_alloc_mapped_page [ice]                 4096  allocinfo
    drivers/net/ethernet/intel/ice/ice_txrx.c:670; slab and vmalloc in part
- contiguous memory (CMA)                     3096  CmaTotal-CmaFree
    given to drivers, or lent to anonymous memory and files
= unaccepted memory                           2048  Unaccepted
    free memory that the guest has not accepted yet
= hugetlb surplus                             2048  HugePages_Surp
    overcommitted pages of the pool
- balloon                                     1024  Balloon
    within MemTotal only if the balloon deflates when memory runs out
* free, per processor                          800  zoneinfo
    free, in lists of the processors' own: not in MemFree
= vmalloc: load_module [nvidia]                800  vmallocinfo
- dma-buf of system                            600  dma_buf/bufinfo
    buffers that devices share; shared memory in part
* memory map                                   400  nr_memmap_pages
    struct page of memory added since the start (Linux 6.11)
- swap cache                                   280  SwapCached
    what is mapped is anonymous memory, too
- sockets                                      226  net/sockstat
    data in flight; headers, and small data, are slab
- ttm_pool_alloc_page [ttm]                     64  allocinfo
    drivers/gpu/drm/ttm/ttm_pool.c:88; slab and vmalloc in part
= vmalloc: kernel_clone                         32  vmallocinfo
* FUSE, being written                           12  WritebackTmp
    copies of dirty pages
- broken memory                                  8  HardwareCorrupted
    taken out of use after memory errors
- dma-buf of drm                                 8  dma_buf/bufinfo
    buffers that devices share; shared memory in part
"""
WORDS = {  # seen in Linux 6.1, 6.12 and 6.18
    0x100000: "hole",
    0x80020: "poisoned",
    0x800000: "offline",
    0x400: "buddy",
    0x408: "buddy",  # a block that was just freed keeps flags of what it was
    0x4000000: "page_table",
    0x4000004: "page_table",
    0x80: "slab",
    0x211080: "slab",  # since Linux 6.10 slab pages look anonymous and merged
    0x101000000: "zero",
    0x1400000: "zero",  # the huge one
    0x100000804: "reserved",  # the vDSO
    0x20000: "huge",
    0x30800: "huge",
    0x205868: "ksm",
    0x7028: "swap_cache",
    0x7828: "anon",  # mapped again, with its slot kept
    0x6028: "swap_cache",  # of tmpfs
    0x5828: "anon",
    0x200045828: "anon",  # locked
    0x1808: "anon",  # in no list of reclaim at the moment
    0x41D828: "anon_thp",
    0x4838: "shmem",
    0x414828: "shmem_thp",
    0x800000028: "file",
    0x800000054: "file",  # in no list of reclaim at the moment
    0x100: "file",  # being written
    0x800410028: "file_thp",
    0x800: "kernel_mapped",
    0x814: "kernel_mapped",  # a process wrote to it
    0: "unmarked",
    0x8000: "unmarked",  # a block of a driver's
    0x800000000: "unmarked",
    0x8000000000000020: "file",  # with a bit of a kernel to come
}


def ask(pymemtools: Run, *args: str) -> dict[str, Any]:
    done = pymemtools("pages", *args, "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def copied(tmp_path: Path, **changes: tuple[str, str]) -> Path:
    """Copy the machine, with a text replaced in files."""
    place = tmp_path / "copy"
    shutil.copytree(FRAMES, place)
    for name, (before, after) in changes.items():
        file = place / "proc" / name
        text = file.read_text()
        assert before in text
        file.write_text(text.replace(before, after))
    return place


@pytest.mark.parametrize("word", WORDS, ids=hex)
def test_the_type_of_a_frame(word: int) -> None:
    assert type_of(word) == WORDS[word]


def test_types_add_up_to_all_frames() -> None:
    """Whatever the flags: each combination counts once."""
    counts = {sum(1 << bit for bit in range(64) if bit * 37 % 64 < place % 64): place + 1 for place in range(640)}
    found = counts_by_type(counts)
    assert sum(each.frames for each in found.values()) == sum(counts.values())
    assert list(found) == list(TYPES)


def tallied(*blocks: list[int]) -> dict[int, int]:
    tally = FlagTally()
    for block in blocks:
        tally.add(array("Q", block).tobytes())
    return dict(tally.counts)


def test_tails_that_tell_nothing_are_of_their_heads_type() -> None:
    """Before Linux 6.10 a tail of shared memory says that it is huge, and maybe mapped, and no more."""
    head = HEAD | THP | LRU | SWAPBACKED
    found = tallied([0, head, TAIL | THP, TAIL | THP, TAIL | THP | MMAP, 0, TAIL, HEAD | SLAB, TAIL, HEAD, TAIL])
    assert {word: count for word, count in found.items() if word & TAIL} == {
        TAIL | THP | LRU | SWAPBACKED: 2,
        TAIL | THP | MMAP | LRU | SWAPBACKED: 1,
        TAIL: 2,  # behind a page that is no head, and behind the head of a driver's block
        TAIL | SLAB: 1,
    }
    assert sum(found.values()) == 11


def test_a_head_may_be_in_the_block_before() -> None:
    assert tallied([HEAD | SLAB, TAIL], [TAIL, TAIL, 0]) == {HEAD | SLAB: 1, TAIL | SLAB: 3, 0: 1}
    assert tallied([HEAD | SLAB, 0], [TAIL]) == {HEAD | SLAB: 1, 0: 1, TAIL: 1}
    assert tallied([TAIL]) == {TAIL: 1}


def test_a_tail_is_not_seen_between_two_words() -> None:
    """The bytes of a tail's word stand in those of 1 << 32 and 0, too, at a place that is no word's."""
    assert tallied([HEAD | SLAB, TAIL, 1 << 32, 0, 1 << 32, 0]) == {
        HEAD | SLAB: 1,
        TAIL | SLAB: 1,
        1 << 32: 2,
        0: 2,
    }


def test_tails_that_tell_are_left_alone() -> None:
    assert tallied([HEAD | LRU | THP, TAIL | ANON, TAIL]) == {HEAD | LRU | THP: 1, TAIL | ANON: 1, TAIL | LRU: 1}


GUESTS = {  # frames by type of three guests with 20 MiB in a tmpfs of huge pages, and 4 huge pages set aside
    "5.10.223": "anon 55 buddy 44231 page_table 21 reserved 8034 shmem 1306 slab 2752 unmarked 1838",
    "6.1.192": "anon 56 buddy 41305 page_table 21 reserved 9497 shmem 1306 slab 3420 unmarked 2632",
    "7.2.13": "anon 57 buddy 38521 page_table 119 reserved 11779 shmem 1345 slab 1742 unmarked 4674",
}
SAME = {"shmem_thp": 20 * 256, "huge": 4 * 512, "zero": 1}
PRESENT = 65406  # frames, by their zoneinfo


@pytest.mark.parametrize("kernel", GUESTS)
@pytest.mark.parametrize("size", [1000, 1 << 17])
def test_frames_of_kernels_that_tell_tails_otherwise(kernel: str, size: int) -> None:
    """Tails of huge pages of shared memory tell that of their heads in 7.2, and nothing in 5.10 and 6.1."""
    words = lzma.decompress((CAPTURES / "kpageflags" / f"{kernel}.xz").read_bytes())
    tally = FlagTally()
    for first, end in ((0x1, 0x9F), (0x100, 0xFFE0)):  # System RAM of their iomem
        for place in range(first, end, size):
            tally.add(words[8 * place : 8 * min(place + size, end)])
    found = {name: each.frames for name, each in counts_by_type(tally.counts).items() if each.frames}
    told = GUESTS[kernel].split()
    assert found == {**dict(zip(told[::2], map(int, told[1::2]))), **SAME}
    assert sum(found.values()) == PRESENT


@pytest.mark.parametrize(
    "text", [b"", b"# a comment\n", b"400\n", b"400 -1\n", b"0x400 1\n", b"400 1 2\n", b"\xff 1\n"]
)
def test_what_is_no_histogram(text: bytes) -> None:
    with pytest.raises(ParseError, match=r"kpageflags\.hist"):
        parse_histogram(text)


def test_a_histogram_made_by_hand() -> None:
    """awk prints words as od wrote them, in no order; comments and an empty line may be there."""
    assert parse_histogram(b"# by hand\n0000000000000400 7\n\n80\t2\n0000000000000400 1\n") == {0x400: 8, 0x80: 2}


IOMEM = """\
00001000-0009fbff : System RAM
0009fc00-000fffff : Reserved
00100000-001fffff : System RAM (boot alias)
00100000-00ffffff : System RAM
  00200000-002fffff : Kernel code
140000000-14fffffff : virtio0
  148000000-14fffffff : System RAM (virtio_mem)
"""


@pytest.mark.parametrize(
    ("iomem", "ranges"),
    [
        (IOMEM, [(0x1, 0x9F), (0x100, 0x1000), (0x148000, 0x150000)]),
        ("00000000-00000000 : System RAM\n", [(0, 1 << 52)]),  # addresses are hidden from us
        ("", [(0, 1 << 52)]),
    ],
)
def test_which_frames_are_ram(tmp_path: Path, iomem: str, ranges: list[tuple[int, int]]) -> None:
    place = copied(tmp_path)
    (place / "proc" / "iomem").write_text(iomem)
    assert list(ram_frames(open_source(str(place)))) == ranges


def test_all_of_it(pymemtools: Run) -> None:
    done = pymemtools("pages", "-S", str(FRAMES))
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, TEXT, b"")


def test_an_archive_tells_the_same(pymemtools: Run, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "frames.tar", "w") as archive:
        archive.add(FRAMES, ".")
    source = ("-S", str(tmp_path / "frames.tar"))
    assert pymemtools("pages", *source).stdout.decode() == TEXT
    assert pymemtools("pages", "--unexplained", *source).stdout.decode() == UNEXPLAINED


def test_rows_add_up(pymemtools: Run) -> None:
    found = ask(pymemtools, "-S", str(FRAMES))
    assert found["totals"] == {
        "present": 64 << 20,
        "holes": 8 << 20,
        "zones_present": 64 << 20,
        "told_by": "kpageflags.hist",
    }
    rows = {row["type"]: row for row in found["rows"]}
    assert list(rows) == list(TYPES)
    assert sum(row["present"] for row in rows.values() if row["type"] != HOLE) == 64 << 20
    assert rows["file"] == {
        "type": "file",
        "present": 12020 * KIB,
        "frames": 3005,
        "mapped": 2800 * KIB,
        "dirty": 200 * KIB,
        "counter": "Buffers+Cached-Shmem",
        "counted": 12084 * KIB,
        "difference": 0,
        "reason": None,
    }
    assert (rows["file_thp"]["counter"], rows["file_thp"]["counted"]) == ("Buffers+Cached-Shmem", None)


def test_zones_that_have_more(pymemtools: Run, tmp_path: Path) -> None:
    place = copied(tmp_path, zoneinfo=("present  16384", "present  16400"))
    lines = pymemtools("pages", "-S", str(place)).stdout.decode().splitlines()
    assert "65536 KiB of 65600 that zones say are present" in lines
    assert "the difference is 64.0 KiB: memory that iomem does not call System RAM, or offline" in lines


def test_without_a_histogram_the_counters_are_left(pymemtools: Run) -> None:
    done = pymemtools("--demo", "pages")
    assert done.stderr.decode() == (
        "pymemtools: pages: frames are not told: no kpageflags.hist in this source: 'capture --kpageflags' takes it\n"
    )
    lines = done.stdout.decode().splitlines()
    assert lines[1] == "buddy                   -          - MemFree                   522636          -"
    assert (done.returncode, len(lines)) == (0, 12)


def test_without_anything(pymemtools: Run, tmp_path: Path) -> None:
    place = copied(tmp_path)
    for name in ("meminfo", "kpageflags.hist"):
        (place / "proc" / name).unlink()
    done = pymemtools("pages", "-S", str(place))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"pymemtools: pages: no kpageflags.hist in this source")


def test_a_containers_meminfo_is_of_less(pymemtools: Run) -> None:
    done = pymemtools("pages", "-S", str(CAPTURES / "odd" / "lxcfs-swap"))
    assert b"but MemTotal is 2.0 GiB: other files may be of more memory than the counters\n" in done.stderr
    assert [line.split()[0] for line in done.stdout.decode().splitlines()[1:]] == [
        *("buddy", "anon", "swap_cache", "shmem", "file", "slab", "page_table")
    ]


def test_memory_that_joins_later_is_free_without_a_mark(pymemtools: Run, tmp_path: Path) -> None:
    place = copied(tmp_path, zoneinfo=("managed  15360", "managed  10360"), meminfo=("16000 kB", "36000 kB"))
    rows = {row["type"]: row for row in ask(pymemtools, "-S", str(place))["rows"]}
    assert rows["buddy"]["reason"] == "19.5 MiB of memory that joins later counts as free, and has no mark yet"
    assert rows["unmarked"]["reason"].startswith("19.5 MiB joins later; the rest is what nothing counts")


def test_page_tables_of_an_old_kernel_are_unmarked(pymemtools: Run, tmp_path: Path) -> None:
    place = copied(tmp_path, version=("6.18.1", "4.14.2"), **{"kpageflags.hist": ("0000000004000000 90\n", "")})
    (place / "manifest.json").unlink()
    rows = {row["type"]: row for row in ask(pymemtools, "-S", str(place))["rows"]}
    assert rows["page_table"]["reason"] == "page tables have their mark since Linux 4.18"


def test_each_combination_of_flags(pymemtools: Run) -> None:
    lines = pymemtools("pages", "--flags", "-S", str(FRAMES)).stdout.decode().splitlines()
    assert (len(lines), lines[:2]) == (
        33,
        [
            "Flags                Present    Frames Type          Names",
            "0000000000000000       17496      4374 unmarked",
        ],
    )
    assert "8000000000000020          20         5 file          lru bit_63" in lines
    found = ask(pymemtools, "--flags", "-S", str(FRAMES))
    assert found["rows"][4] == {
        "flags": "0000000000005868",
        "present": 6000 * KIB,
        "frames": 1500,
        "type": "anon",
        "flag_names": ["uptodate", "lru", "active", "mmap", "anon", "swapbacked"],
    }
    assert found["totals"] == {"frames": 16384 + 2048, "told_by": "kpageflags.hist"}


def test_what_nothing_explains(pymemtools: Run) -> None:
    done = pymemtools("pages", "--unexplained", "-S", str(FRAMES))
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, UNEXPLAINED, b"")


def test_the_subtraction_is_one_and_smems(pymemtools: Run) -> None:
    found = ask(pymemtools, "--unexplained", "-S", str(FRAMES))
    counted = sum(row["used"] or 0 for row in found["rows"] if row["role"] == "counted")
    rest = next(row["used"] for row in found["rows"] if row["role"] == "unexplained")
    assert counted + rest == found["totals"]["mem_total"] == 61440 * KIB
    smem = json.loads(pymemtools("smem", "-W", "-f", "json", "-S", str(FRAMES)).stdout)
    assert next(row["used"] for row in smem["rows"] if row["area"] == "unknown") == rest
    named = sum(row["used"] for row in found["rows"] if row["overlap"] == "none")
    assert found["totals"]["named"] == named == (800 + 400 + 12) * KIB


def candidates(found: dict[str, Any]) -> dict[str, tuple[int, str]]:
    return {row["area"]: (row["used"], row["overlap"]) for row in found["rows"] if row["role"] == "candidate"}


def test_the_cache_of_zfs_is_counted(pymemtools: Run) -> None:
    found = ask(pymemtools, "--unexplained", "-S", str(CAPTURES / "odd" / "zfs"))
    assert [row["counter"] for row in found["rows"] if row["area"] == "ZFS ARC"] == ["arcstats"]


def test_where_vmalloc_is_not_counted_its_callers_are_beside(pymemtools: Run, tmp_path: Path) -> None:
    """VmallocUsed of Linux 4.4 to 5.2 is 0, and before it is address space."""
    place = copied(
        tmp_path, version=("6.18.1", "4.19.7"), meminfo=("VmallocUsed:        1320", "VmallocUsed:           0")
    )
    found = ask(pymemtools, "--unexplained", "-S", str(place))
    assert candidates(found)["vmalloc: load_module [nvidia]"] == (800 * KIB, "none")


def test_pools_that_old_kernels_do_not_count(pymemtools: Run, tmp_path: Path) -> None:
    place = copied(tmp_path, meminfo=("Hugetlb:            2048 kB\n", ""))
    for name, pages in (("hugepages-2048kB", "1"), ("hugepages-64kB", "3")):
        folder = place / "sys" / "kernel" / "mm" / "hugepages" / name
        folder.mkdir(parents=True)
        (folder / "nr_hugepages").write_text(f"{pages}\n")
    assert candidates(ask(pymemtools, "--unexplained", "-S", str(place)))["hugetlb of 64.0 KiB"] == (192 * KIB, "none")


def test_what_vendors_kernels_count_of_drivers(pymemtools: Run, tmp_path: Path) -> None:
    """As meminfo has it of a Jetson, and of Huawei's Android; what is free there is nobody's."""
    more = "NvMapMemFree:    96 kB\nNvMapMemUsed:   800 kB\nIonTotalUsed:    64 kB\nIonTotalCache:    0 kB\n"
    place = copied(tmp_path, meminfo=("Balloon:            1024 kB\n", more))
    rows = ask(pymemtools, "--unexplained", "-S", str(place))["rows"]
    assert {row["counter"]: (row["used"], row["overlap"]) for row in rows if row["area"] == "drivers' buffers"} == {
        "NvMapMemUsed": (800 * KIB, "part"),
        "IonTotalUsed": (64 * KIB, "part"),
    }


def test_a_balloon_by_its_events(pymemtools: Run, tmp_path: Path) -> None:
    """meminfo tells since Linux 6.16."""
    place = copied(tmp_path, meminfo=("Balloon:            1024 kB\n", ""))
    assert candidates(ask(pymemtools, "--unexplained", "-S", str(place)))["balloon"] == (1024 * KIB, "part")


def test_damage_costs_what_rests_on_it(pymemtools: Run, tmp_path: Path) -> None:
    place = copied(tmp_path, allocinfo=("allocinfo - version", "x"))
    (place / "proc" / "vmallocinfo").write_bytes(b"\xff\xfe 0x 12 a+0x1/0x2 pages=1 vmalloc\n")
    done = pymemtools("pages", "--unexplained", "-S", str(place))
    assert (done.returncode, done.stderr) == (0, b"pymemtools: pages: allocinfo: no header of an allocinfo\n")
    assert b"vmalloc: " not in done.stdout
    assert b"sockets" in done.stdout


def test_processors_lists_of_a_containers_host_are_not_its_own(pymemtools: Run, tmp_path: Path) -> None:
    place = copied(tmp_path, zoneinfo=("managed  15360", "managed  99999"))
    found = ask(pymemtools, "--unexplained", "-S", str(place))
    assert "free, per processor" not in candidates(found)
    assert found["notes"] == [
        "zones manage 390.6 MiB, but MemTotal is 60.0 MiB: other files may be of more memory than the counters"
    ]


def test_counters_that_contradict_each_other(pymemtools: Run, tmp_path: Path) -> None:
    place = copied(tmp_path, meminfo=("AnonPages:          8288", "AnonPages:         58288"))
    found = ask(pymemtools, "--unexplained", "-S", str(place))
    assert found["totals"]["unexplained"] is None
    assert found["notes"] == [
        "what no counter explains would be -31.9 MiB, since counters of meminfo contradict each other: "
        "it is taken as unknown"
    ]


def test_a_client_of_a_graphics_device() -> None:
    """What the card has itself is no memory of the machine's; resident is what is really there."""
    text = b"drm-driver:\txe\ndrm-client-id:\t7\ndrm-pdev:\t0000:03:00.0\ndrm-total-system:\t64 MiB\n"
    text += b"drm-resident-system:\t512 KiB\ndrm-total-gtt:\t4096\ndrm-resident-vram0:\t9 MiB\ndrm-engine-rcs:\t5 ns\n"
    client = parse_drm_client(text)
    assert client is not None
    assert client == ("xe", "0000:03:00.0", "7", 512 * KIB + 4096)
    assert parse_drm_client(b"pos:\t0\nflags:\t02\n") is None


def test_a_client_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from pymemtools.readings import unnamed

    text = b"drm-driver:\ti915\ndrm-client-id:\t%d\ndrm-total-system0:\t8 KiB\n"
    texts = [(10, text % 1), (10, text % 1), (11, text % 1), (11, text % 2)]
    monkeypatch.setattr(unnamed, "client_texts", lambda pids: iter(texts))
    found, _ = unnamed.read_unnamed(open_source(), 4096)
    assert found.clients == {("i915", 10): 8 * KIB, ("i915", 11): 8 * KIB}


@pytest.mark.parametrize(
    ("call", "status", "line"),
    [
        ("pages --flags --unexplained", 2, "pages: --pid, --flags and --unexplained are three questions: ask one"),
        ("pages -p x", 2, "pages: 'x' is not a process number"),
        ("pages -p 4194304", 42, "pages: 4194304: no such process"),
        ("--demo pages -p 1", 1, "pages: -p is for a live machine: no capture has pagemap"),
        ("--demo pages --flags", 1, "no kpageflags.hist in this source: 'capture --kpageflags' takes it"),
    ],
)
def test_what_is_refused(pymemtools: Run, call: str, status: int, line: str) -> None:
    done = pymemtools(*call.split())
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (status, b"", 1)
    assert line in done.stderr.decode()


needs_frames = pytest.mark.skipif(
    not os.access("/proc/kpageflags", os.R_OK), reason="/proc/kpageflags cannot be read here"
)


@needs_frames
def test_frames_of_this_machine_are_those_that_zones_have(pymemtools: Run) -> None:
    """Each frame of RAM counts once, in one type; and none is left out."""
    source = open_source()
    if list(ram_frames(source)) == [(0, 1 << 52)]:
        pytest.skip("iomem hides addresses here")
    zones = sum(zone.present for zone in parse_zoneinfo(source.read("zoneinfo"))) * mmap.PAGESIZE
    rows = ask(pymemtools)["rows"]
    assert sum(row["present"] for row in rows if row["type"] != HOLE) == zones
    assert any(region.name == b"System RAM" for region in parse_iomem(source.read("iomem")))


@needs_frames
def test_a_capture_keeps_the_frames(pymemtools: Run, tmp_path: Path) -> None:
    path = str(tmp_path / "a.tar")
    assert pymemtools("capture", "--kpageflags", "-o", path, str(os.getpid())).stderr == b""
    found = ask(pymemtools, "-S", path)
    assert (found["totals"]["told_by"], found["totals"]["holes"]) == ("kpageflags.hist", 0)
    answers = {row["question"]: row["answer"] for row in json.loads(pymemtools("info", "-f", "json").stdout)["rows"]}
    assert answers["pages"] == "yes"


NOBODY = """
import contextlib, ctypes, io, os, sys
import pymemtools.entry
from pymemtools.cli import cli
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    for call in ("--demo pages", "--demo pages -f json", "pages --unexplained", f"pages -p {os.getpid()}"):
        cli.main(call.split(), standalone_mode=False)  # all modules are in memory then: others may not read them
if not os.geteuid():
    os.setgroups([])
    os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: else its files in /proc are root's
sys.argv = [word.replace("ME", str(os.getpid())) for word in sys.argv]
pymemtools.entry.main()
"""


def as_nobody(*args: str) -> subprocess.CompletedProcess[bytes]:
    env = os.environ | {"PYTHONPATH": str(HERE.parent)}
    return subprocess.run([sys.executable, "-c", NOBODY, *args], capture_output=True, env=env, check=False)


def test_others_than_root_are_told_the_counters() -> None:
    done = as_nobody("pages")
    assert done.returncode == 0
    assert done.stdout.decode().splitlines()[1].split()[:4] == ["buddy", "-", "-", "MemFree"]
    assert b"frames are not told: /proc/kpageflags: " in done.stderr


def test_others_than_root_are_told_what_they_may_not_read() -> None:
    if not os.path.exists("/proc/vmallocinfo"):
        pytest.skip("there is no vmallocinfo here")
    done = as_nobody("pages", "--unexplained")
    assert done.returncode == 0
    assert done.stdout.startswith(b"  MemTotal ")
    assert b"not readable: vmallocinfo" in done.stderr


def test_a_capture_without_rights_goes_on_without_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(source: Source) -> bytes:
        raise Denied("/proc/kpageflags: Permission denied")

    monkeypatch.setattr("pymemtools.cli.capture.histogram_text", refused)
    path = str(tmp_path / "a.tar")
    assert cli.main(["capture", "--kpageflags", "-o", path, str(os.getpid())], standalone_mode=False) == 0
    assert capsys.readouterr().err == (
        "pymemtools: capture: page frames are not counted: /proc/kpageflags: Permission denied\n"
    )
    assert "kpageflags.hist" not in open_source(path).names("")


def test_texts_of_descriptors_of_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is below these directories counts as a device; who has none open, or is gone, has no text."""
    from pymemtools.probes import graphics

    (tmp_path / "card0").write_text("")
    assert list(graphics.client_texts([os.getpid()])) == [] or os.path.isdir("/dev/dri")
    monkeypatch.setattr(graphics, "_DEVICES", (str(tmp_path),))
    with (tmp_path / "card0").open() as file:
        Path(f"/proc/self/fdinfo/{file.fileno()}").read_bytes()
        assert [(pid, text[:4]) for pid, text in graphics.client_texts([os.getpid(), 4194304])] == [
            (os.getpid(), b"pos:")
        ]


CHILD = """
import mmap, sys
PAGE = mmap.PAGESIZE
def private(pages):
    area = mmap.mmap(-1, pages * PAGE, flags=mmap.MAP_PRIVATE)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        try:
            area.madvise(mmap.MADV_NOHUGEPAGE)
        except OSError:
            pass
    return area
def write(area):
    for place in range(0, len(area), PAGE):
        area[place] = 1
def read(area):
    for place in range(0, len(area), PAGE):
        area[place]
file = open(sys.argv[1], "r+b")
def mapped():
    return private(64), private(32), mmap.mmap(-1, 48 * PAGE), mmap.mmap(file.fileno(), 16 * PAGE)
def touched(areas):
    write(areas[0]), read(areas[1]), write(areas[2]), read(areas[3])
rehearsed, told = mapped(), mapped()
for areas in rehearsed, told:
    print("mapped", flush=True)
    sys.stdin.readline()
    touched(areas)
print("touched", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def child(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that maps pages, and touches them when it is told to.

    It has done the same with others before, so that stack and heap, which lie elsewhere in each process, have by then
    all the pages that doing it takes.
    """
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * (16 * mmap.PAGESIZE // 256))
    command = [sys.executable, "-I", "-S", "-c", CHILD, str(file)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, preexec_fn=without_huge_pages) as started_child:  # type: ignore[call-overload]
        yield started_child
        started_child.kill()


def frames_of(pymemtools: Run, child: subprocess.Popen[str]) -> dict[str, int]:
    """Wait for the child to say where it is, and count its pages."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdout.readline()
    wait_until_asleep(child.pid)
    found = ask(pymemtools, "-p", str(child.pid))
    child.stdin.write("\n")
    child.stdin.flush()
    anon = next(row for row in found["rows"] if row["counter"] == "Anonymous")
    assert anon["difference"] == 0
    return {row["type"]: row["frames"] for row in found["rows"]}


@needs_frames
def test_the_pages_that_a_process_touched(pymemtools: Run, child: subprocess.Popen[str]) -> None:
    """64 pages written to, 32 only read, 48 of shared memory and 16 of a file, which may lie on tmpfs."""
    _, before, after = (frames_of(pymemtools, child) for _ in range(3))
    grown = {name: after[name] - before[name] for name in after}
    in_cache = sum(grown[name] for name in ("file", "file_thp", "shmem", "shmem_thp"))
    assert (grown["anon"], grown["zero"], in_cache) == (64, 32, 64)
    assert grown["shmem"] + grown["shmem_thp"] in (48, 64)
    assert after["swapped"] == before["swapped"] == 0


@needs_frames
def test_huge_pages_of_a_process(pymemtools: Run) -> None:
    """What smaps calls huge is in folios of several pages; smaller ones are, too, where they are switched on."""
    huge = 2 << 20
    area = mmap.mmap(-1, 4 * huge, flags=mmap.MAP_PRIVATE)
    area.madvise(mmap.MADV_HUGEPAGE)
    for place in range(0, len(area), mmap.PAGESIZE):
        area[place] = 1
    rollup = Path("/proc/self/smaps_rollup").read_text()
    told = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("AnonHugePages:"))
    rows = {row["type"]: row for row in ask(pymemtools, "-p", str(os.getpid()))["rows"]}
    assert rows["anon_thp"]["present"] >= told * KIB
    area.close()


def test_frames_hidden_from_a_process_of_ours() -> None:
    """pagemap alone tells own pages from those of files; the page of zeros looks like an own one."""
    done = as_nobody("pages", "-p", "ME", "-f", "json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith(b": what is mapped is told apart by pagemap alone\n")
    rows = {row["type"]: row for row in json.loads(done.stdout)["rows"]}
    assert list(rows) == ["anon", "file_or_shmem", "swapped"]
    assert [row["counter"] for row in rows.values()] == ["Anonymous", "Rss-Anonymous", "Swap"]
    assert min(rows["anon"]["frames"], rows["file_or_shmem"]["frames"]) > 100


SPARSE = 1 << 40  # bytes, of which pagemap has 2 GiB of words


def test_a_sparse_mapping_is_asked_where_it_has_pages() -> None:
    """More ranges than the kernel tells at once, two of which touch."""
    area = mmap.mmap(-1, SPARSE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)  # MAP_NORESERVE
    area.madvise(mmap.MADV_NOHUGEPAGE)
    places = [place << 21 for place in range(0, 4000, 2)]
    for place in (*places, mmap.PAGESIZE):
        area[place] = 1
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    with page_file("self/pagemap") as pagemap:
        found = populated(pagemap.fd, start, start + SPARSE)
    if found is None:
        pytest.skip("this kernel has no PAGEMAP_SCAN")
    page = mmap.PAGESIZE
    expected = [(place, place + (page if place else 2 * page)) for place in places]
    assert [(first - start, end - start) for first, end in found] == expected


@pytest.mark.parametrize("count", [1023, 1024, 1025, 2048])
def test_as_many_ranges_as_are_told_at_once(count: int) -> None:
    """Where the last one fills the room, what the kernel says of where it stopped is of half of them before."""
    page = mmap.PAGESIZE
    area = mmap.mmap(-1, 2 * count * page, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    area.madvise(mmap.MADV_NOHUGEPAGE)
    for place in range(0, 2 * count * page, 2 * page):
        area[place] = 1
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    with page_file("self/pagemap") as pagemap:
        found = populated(pagemap.fd, start, start + 2 * count * page)
    if found is None:
        pytest.skip("this kernel has no PAGEMAP_SCAN")
    assert found == [(start + 2 * i * page, start + (2 * i + 1) * page) for i in range(count)]


def test_words_are_read_where_there_are_pages() -> None:
    """Of a TiB some pages: those close together at once, others by themselves, and no others."""
    area = mmap.mmap(-1, SPARSE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)  # MAP_NORESERVE
    area.madvise(mmap.MADV_NOHUGEPAGE)
    for place in (0, 200, 10_000, SPARSE // mmap.PAGESIZE - 1):
        area[place * mmap.PAGESIZE] = 1
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    with page_file("self/pagemap") as pagemap:
        if populated(pagemap.fd, start, start + SPARSE) is None:
            pytest.skip("this kernel has no PAGEMAP_SCAN")
        pieces = [(at, len(words)) for at, words in page_words(pagemap, start, start + SPARSE)]
    first = start // mmap.PAGESIZE
    assert pieces == [(first, 201 * 8), (first + 10_000, 8), (first + SPARSE // mmap.PAGESIZE - 1, 8)]


@needs_frames
def test_kernels_that_do_not_tell_where_pages_are(
    child: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole mappings are read before Linux 6.7, and the pages are the same."""
    from pymemtools.readings import page_words, process_frames

    assert child.stdout is not None
    child.stdout.readline()
    wait_until_asleep(child.pid)
    told = process_frames.read_process_frames(open_source(), child.pid)
    monkeypatch.setattr(page_words, "populated", lambda fd, start, end: None)
    found = process_frames.read_process_frames(open_source(), child.pid)
    assert found._replace(counts=None) == told._replace(counts=None)
    types = [{name: each.frames for name, each in counts_by_type(each.counts or {}).items()} for each in (told, found)]
    assert types[0] == types[1]
