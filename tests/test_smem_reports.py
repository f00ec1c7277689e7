"""What smem shows beyond smem 1.5, on small trees whose figures can be checked by eye."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CAPTURES, HERE, Run
from trees import FIELDS, Map, Proc, smaps, write_tree

pytestmark = pytest.mark.live

PASSWD = "root:x:0:0::/:/bin/sh\nwww-data:x:33:33::/:/bin/sh\nann:x:1000:1000::/:/bin/sh\n"
NGINX, SESSION = "/system.slice/nginx.service", "/user.slice/user-1000.slice/session-3.scope"
PROCESSES = (
    Proc(1, "/sbin/init", (Map("[heap]", 50), Map("/lib/libc.so", 30)), start=1, cgroup="/init.scope"),
    Proc(20, "/usr/sbin/nginx -g daemon", (Map("[heap]", 400),), start=100, cgroup=NGINX),
    Proc(21, "nginx: worker process", (Map("[heap]", 300, 20), Map("/lib/libc.so", 10)), 33, 20, 110, cgroup=NGINX),
    Proc(22, "nginx: worker process", (Map("[heap]", 200, 10),), 33, 20, 111, cgroup=NGINX),
    Proc(30, "-bash", (Map("[heap]", 40),), 1000, 1, 500, cgroup=SESSION),
    Proc(31, "leak --fast", (Map("[heap]", 1000),), 1000, 30, 600, cgroup=SESSION),
    Proc(40, "gone", (Map("", 70),), 1000, 1, 700, cgroup="/"),
)
LATER = (
    *PROCESSES[:3],
    PROCESSES[3]._replace(maps=(Map("[heap]", 150, 10),)),
    PROCESSES[4],
    PROCESSES[5]._replace(maps=(Map("[heap]", 9000), Map("/dev/shm/x", 7))),
    Proc(40, "new", (Map("", 71),), 1000, 1, 9000),
    Proc(41, "newer", (Map("", 20),), 1000, 1, 9001),
)


@pytest.fixture
def tree(tmp_path: Path) -> str:
    return str(write_tree(tmp_path / "tree", *PROCESSES, passwd=PASSWD))


@pytest.fixture
def later(tmp_path: Path) -> str:
    return str(write_tree(tmp_path / "later", *LATER, passwd=PASSWD))


def output(pymemtools: Run, *arguments: str) -> str:
    done = pymemtools("smem", *arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def records(pymemtools: Run, *arguments: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(output(pymemtools, "-f", "json", *arguments))["rows"]
    return rows


def refusal(pymemtools: Run, *arguments: str) -> str:
    done = pymemtools("smem", *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1
    return done.stderr.decode().strip()


def test_groups_by_program(pymemtools: Run, tree: str) -> None:
    assert output(pymemtools, "-S", tree, "-t", "-g", "command").splitlines() == [
        "Group                            Count     Swap      USS      PSS      RSS ",
        "bash                                 1        0       40       40       40 ",
        "gone                                 1        0       70       70       70 ",
        "init                                 1        0       80       80       80 ",
        "nginx                                3       30      910      910      910 ",
        "leak                                 1        0     1000     1000     1000 ",
        "---------------------------------------------------------------------------",
        "5                                    7       30     2100     2100     2100 ",
    ]


def test_groups_by_unit_and_cgroup(pymemtools: Run, tree: str) -> None:
    assert [(row["group"], row["processes"], row["pss"]) for row in records(pymemtools, "-S", tree, "-g", "unit")] == [
        (None, 1, 70 << 10),
        ("init.scope", 1, 80 << 10),
        ("nginx.service", 3, 910 << 10),
        ("session-3.scope", 2, 1040 << 10),
    ]
    assert [row["group"] for row in records(pymemtools, "-S", tree, "-g", "cgroup")] == [
        "/",
        "/init.scope",
        NGINX,
        SESSION,
    ]


def test_groups_need_what_they_group_by(pymemtools: Run) -> None:
    done = pymemtools("smem", "-S", str(CAPTURES / "x86_64-7.2" / "smemcap.tar.gz"), "-g", "unit")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"pymemtools: smem: the source tells the unit of no process\n"


def test_tree_sums_descendants_once(pymemtools: Run, tree: str) -> None:
    assert output(pymemtools, "-S", tree, "-t", "-g", "tree").splitlines() == [
        "  PID User     Command                     Count     Swap      USS      PSS      RSS ",
        "    1 root     /sbin/init                      7       30     2100     2100     2100 ",
        "   40 ann        gone                          1        0       70       70       70 ",
        "   20 root       /usr/sbin/nginx -g daemon     3       30      910      910      910 ",
        "   22 www-data     nginx: worker process       1       10      200      200      200 ",
        "   21 www-data     nginx: worker process       1       20      310      310      310 ",
        "   30 ann        -bash                         2        0     1040     1040     1040 ",
        "   31 ann          leak --fast                 1        0     1000     1000     1000 ",
        "-------------------------------------------------------------------------------------",
        "    7 3                                        7       30     2100     2100     2100 ",
    ]


def test_tree_sorts_siblings(pymemtools: Run, tree: str) -> None:
    rows = records(pymemtools, "-S", tree, "-g", "tree", "-r")
    assert [(row["pid"], row["depth"]) for row in rows] == [
        *((1, 0), (30, 1), (31, 2), (20, 1), (21, 2), (22, 2), (40, 1))
    ]


def test_tree_survives_a_ring_of_parents(pymemtools: Run, tmp_path: Path) -> None:
    ring = [Proc(2, "a", ppid=4), Proc(3, "b", ppid=2), Proc(4, "c", ppid=3), Proc(5, "self", ppid=5)]
    rows = records(pymemtools, "-S", str(write_tree(tmp_path / "ring", *ring)), "-g", "tree")
    assert sorted((row["pid"], row["processes"]) for row in rows) == [(2, 3), (3, 2), (4, 1), (5, 1)]


def test_tree_may_be_deep(pymemtools: Run, tmp_path: Path) -> None:
    chain = [Proc(pid, "x", ppid=pid - 1) for pid in range(2, 1500)]
    rows = records(pymemtools, "-S", str(write_tree(tmp_path / "chain", *chain)), "-g", "tree")
    assert (rows[0]["processes"], rows[-1]["depth"]) == (1498, 1497)


def test_diff_of_processes(pymemtools: Run, tree: str, later: str) -> None:
    assert output(pymemtools, "-S", later, "--diff", tree, "-t").splitlines() == [
        "  PID User     Command                     Change   Before    After    Delta ",
        "   31 ann      leak --fast                 grown      1000     9007     8007 ",
        "   40 ann      new                         new           -       71       71 ",
        "   40 ann      gone                        gone         70        -      -70 ",
        "   22 www-data nginx: worker process       shrunk      200      150      -50 ",
        "   41 ann      newer                       new           -       20       20 ",
        "-----------------------------------------------------------------------------",
        "    5 2                                               1270     9248     7978 ",
    ]


def test_diff_of_mappings_and_users(pymemtools: Run, tree: str, later: str) -> None:
    assert output(pymemtools, "-S", later, "--diff", tree, "-m", "-k").splitlines() == [
        "Map                                      Change   Before    After    Delta ",
        "[heap]                                   grown      1.9M     9.7M     7.8M ",
        "<anonymous>                              grown     70.0K    91.0K    21.0K ",
        "/dev/shm/x                               new           -     7.0K     7.0K ",
    ]
    assert output(pymemtools, "-S", later, "--diff", tree, "-u", "-H", "-r").splitlines() == [
        "www-data shrunk      510      460      -50 ",
        "ann      grown      1110     9138     8028 ",
    ]


def test_diff_picks_the_largest_changes(pymemtools: Run, tree: str, later: str) -> None:
    arguments = ("-S", later, "--diff", tree, "-c", "pid pss maps", "-s", "rss")
    assert output(pymemtools, *arguments, "--top", "2").splitlines() == [
        "  PID Change   Before    After    Delta     +PSS +Maps ",
        "   31 grown      1000     9007     8007     8007     1 ",
        "   40 new           -       71       71       71     1 ",
    ]
    assert output(pymemtools, *arguments, "--min", "70K", "-H").count("\n") == 3


def test_diff_of_the_system(pymemtools: Run, tree: str, tmp_path: Path) -> None:
    more = {"MemTotal": 1024000, "MemFree": 500000, "AnonPages": 10, "Mapped": 5, "Cached": 100, "Buffers": 1}
    less = more | {"MemFree": 400000, "SReclaimable": 7}
    before, after = (str(write_tree(tmp_path / name, meminfo=each)) for name, each in (("a", more), ("b", less)))
    done = pymemtools("smem", "-W", "-S", after, "--diff", before, "-f", "csv", "-c", "area")
    assert done.stdout.decode().splitlines() == [
        "area,change,before,after,delta",
        "free memory,shrunk,512000000,409600000,-102400000",
        "unknown,grown,536462336,638855168,102392832",
    ]
    assert b"1 rows could not be compared: one side does not tell their used" in done.stderr


def test_diff_for_programs(pymemtools: Run, tree: str, later: str) -> None:
    document = json.loads(output(pymemtools, "-S", later, "--diff", tree, "-f", "json", "-c", "pid,uss"))
    assert document["source"]["path"] == later
    assert document["source"]["other"]["path"] == tree
    assert document["rows"][2] == {
        "pid": 40,
        "change": "gone",
        "before": 71680,
        "after": None,
        "delta": -71680,
        "delta_uss": -71680,
    }
    assert document["totals"] == {"before": 1300480, "after": 9469952, "delta": 8169472, "delta_uss": 8169472}


def test_same_source_has_no_changes(pymemtools: Run, tree: str) -> None:
    assert output(pymemtools, "-S", tree, "--diff", tree, "-H") == ""


def test_top_and_min_go_by_the_sort_column(pymemtools: Run, tree: str) -> None:
    def pids(*arguments: str) -> list[int]:
        return [int(line) for line in output(pymemtools, "-S", tree, "-H", "-c", "pid", *arguments).split()]

    assert pids("--top", "2") == [20, 31]
    assert pids("--top", "2", "-r") == [31, 20]
    assert pids("--top", "2", "-s", "swap") == [22, 21]
    assert pids("--top", "3", "-s", "pid") == [20, 21, 31]  # by PSS: a PID is no size
    assert pids("--min", "310K") == [21, 20, 31]
    assert pids("--min", "310") == [21, 20, 31]  # KiB, as the table
    assert pids("--min", "310K", "-s", "command") == [20, 31, 21]
    assert pids("--min", "1G") == []


def test_min_says_what_it_cannot_tell_and_top_takes_it_last(pymemtools: Run, tree: str) -> None:
    (Path(tree) / "proc" / "meminfo").write_text(
        "MemTotal: 2000 kB\nMemFree: 400 kB\nMapped: 30 kB\nPageTables: 90 kB\n"
    )
    done = pymemtools("smem", "-W", "-H", "--min", "50K", "-S", tree)
    assert [line.split()[:2] for line in done.stdout.decode().splitlines()] == [
        ["page", "tables"],
        ["free", "memory"],
        ["unknown", "1510"],
    ]
    assert done.stderr == b"pymemtools: used is not known of 12 rows, which --min leaves out\n"
    assert pymemtools("smem", "-w", "-H", "--top", "1", "-S", tree).stdout.startswith(b"free memory")


def test_options_may_be_shortened_but_values_not(pymemtools: Run, tree: str) -> None:
    expected = output(pymemtools, "-S", tree, "--totals", "--processfilter", "nginx")
    assert output(pymemtools, "--sor", "pss", "--sou", tree, "--tot", "--proc", "nginx") == expected
    for arguments in (("-P", "--tot"), ("-tP", "--tot"), ("--proc", "--tot"), ("-P--tot",)):
        assert output(pymemtools, "-S", tree, "-H", *arguments).count("nginx") == 0  # no command holds "--tot"
    assert output(pymemtools, "-S", tree, "-H", "-P", "--fast").count("leak --fast") == 1


def test_columns(pymemtools: Run, tree: str) -> None:
    def header(*arguments: str) -> list[str]:
        return output(pymemtools, "-S", tree, *arguments).splitlines()[0].split()

    usual = ["PID", "User", "Command", "Swap", "USS", "PSS", "RSS"]
    assert header("-c", "+vss,+maps") == [*usual, "VSS", "Maps"]
    assert header("-c", "pid +pss") == ["PID", "PSS"]
    assert header("-c", "pid,pss rss") == ["PID", "PSS", "RSS"]
    assert header("-u", "-c", "user vss") == ["User", "VSS"]
    everything = header("-c", "all")
    assert len(everything) == 25
    assert set(usual) < set(everything)


def test_a_field_of_a_kernel_to_come_is_a_column(pymemtools: Run, tmp_path: Path) -> None:
    """Shown, sorted by and summed without a line of code, in every report of processes, in upper or lower case."""
    for pid, kib in ((2, 12), (3, 40), (4, 8)):
        folder = tmp_path / "proc" / str(pid)
        folder.mkdir(parents=True)
        record = (
            f"00400000-00500000 r--p 00000000 08:01 7          /bin/{pid % 2}\nSize: 1024 kB\nRss: 100 kB\nPss: 50 kB\n"
        )
        (folder / "smaps").write_text(f"{record}FooPss: {kib} kB\nFooCount: 3\nVmFlags: rd\n")
        (folder / "stat").write_text(
            f"{pid} (w) S 1 {pid} {pid} 0 -1 0" + " 0" * 13 + f" {pid} 1048576 25 0 1" + " 0" * 30
        )
    call = ("-S", str(tmp_path))
    for name in ("foopss", "FooPss", "FOO_PSS"):
        assert output(pymemtools, *call, "-c", f"pid {name}", "-s", name, "-t").splitlines() == [
            "  PID   FooPss ",
            "    4        8 ",
            "    2       12 ",
            "    3       40 ",
            "---------------",
            "    3       60 ",
        ]
    (row,) = records(pymemtools, *call, "-u", "-c", "+foopss")
    assert (row["processes"], row["foo_pss"]) == (3, 60 << 10)
    rows = records(pymemtools, *call, "-m", "-c", "+foopss", "-s", "foopss", "-r")
    assert [(row["path"], row["foo_pss"]) for row in rows] == [("/bin/1", 40 << 10), ("/bin/0", 20 << 10)]
    assert output(pymemtools, *call, "-g", "command", "-H", "-c", "foopss").split() == ["60"]
    for name in ("foocount", "vmflags", "foopsss"):
        assert f"unknown column '{name}'" in refusal(pymemtools, *call, "-c", f"+{name}")


def test_columns_by_their_old_names(pymemtools: Run, tree: str) -> None:
    """Those of smem 1.5, which scripts have, and upper and lower case."""
    assert output(pymemtools, "-S", tree, "-m", "-c", "map count pids AvgPSS", "-s", "PIDS") == output(
        pymemtools, "-S", tree, "-m", "-c", "path mappings processes avg_pss", "-s", "processes"
    )
    assert output(pymemtools, "-S", tree, "-u", "-c", "user count swappss") == output(
        pymemtools, "-S", tree, "-u", "-c", "user processes swap_pss"
    )
    assert output(pymemtools, "-S", tree, "-s", "RSS") == output(pymemtools, "-S", tree, "-s", "rss")


def test_all_columns_have_figures_where_the_kernel_has(pymemtools: Run, tree: str) -> None:
    row = records(pymemtools, "-S", tree, "-c", "all", "-P", "worker", "--top", "1")[0]
    assert row == {
        "pid": 21,
        "user": "www-data",
        "name": "nginx:",
        "command": "nginx: worker process",
        "mappings": 2,
        "swap": 20 << 10,
        "uss": 310 << 10,
        "rss": 310 << 10,
        "pss": 310 << 10,
        "vss": 8 << 20,
        "swap_pss": 20 << 10,
        "tpss": 330 << 10,
        "pss_dirty": 310 << 10,
        "anonymous": 310 << 10,
        "hugetlb": 0,
        "thp": 0,
        "ksm": 0,
        "locked": 0,
        "pss_anon": None,
        "pss_file": None,
        "pss_shmem": None,
        "shmem": None,
        "cgroup": NGINX,
        "unit": "nginx.service",
        "oom_score": None,
    }


def test_split_of_pss_comes_from_smaps_rollup(pymemtools: Run, tree: str) -> None:
    rollup = (
        "00400000-7fff00000000 ---p 00000000 00:00 0                      [rollup]\n"
        "Rss:                1000 kB\nPss:                1001 kB\nPss_Anon:            900 kB\n"
        "Pss_File:            100 kB\nPss_Shmem:             1 kB\n"
        "Private_Clean:         0 kB\nPrivate_Dirty:       999 kB\n"
    )
    (Path(tree) / "proc" / "31" / "smaps_rollup").write_text(rollup)
    columns = ("-S", tree, "-P", "leak", "-H", "-c", "pss pss_anon pss_file pss_shmem uss")
    assert output(pymemtools, *columns).split() == ["1000", "900", "100", "1", "1000"]
    assert output(pymemtools, *columns, "-M", "heap").split() == ["1000", "-", "-", "-", "1000"]
    done = pymemtools("smem", *columns, "--rollup")
    assert done.stdout.decode().split() == ["1001", "900", "100", "1", "999"]
    assert done.stderr.decode() == (
        "pymemtools: figures from smaps_rollup: PSS is rounded down once, not per mapping, and so a little higher "
        "than without --rollup\n"
    )


def test_rollup_falls_back_and_says_so(pymemtools: Run, tree: str) -> None:
    done = pymemtools("smem", "-S", tree, "--rollup", "-f", "json")
    assert done.returncode == 0
    assert done.stderr == b"pymemtools: no smaps_rollup here: the figures are those of smaps\n"
    assert json.loads(done.stdout)["notes"] == ["no smaps_rollup here: the figures are those of smaps"]


@pytest.mark.parametrize("machine", ["armv7-highmem-6.1", "x86_64-7.2"])
@pytest.mark.parametrize("options", [[], ["-R", "64G"], ["-R", "1G"], ["-K"]])
def test_detailed_system_adds_up(pymemtools: Run, machine: str, options: list[str], tmp_path: Path) -> None:
    capture = str(CAPTURES / machine / "smemcap.tar.gz")
    arguments = list(options)
    if options == ["-K"]:
        arguments.append(elf(tmp_path, b"\2\1", [(2, 5 << 20), (0, 99)]))
    document = json.loads(output(pymemtools, "-W", "-S", capture, "-f", "json", *arguments))
    used = {row["area"]: row["used"] for row in document["rows"]}
    total = {row["area"]: row for row in json.loads(output(pymemtools, "-w", "-S", capture, "-f", "json"))["rows"]}
    fitted = sum(row["used"] for row in total.values())
    image = 5 << 20 if options == ["-K"] else 0
    real = {"64G": 64 << 30, "1G": 1 << 30}[options[1]] if options[:1] == ["-R"] else 0
    assert document["totals"]["used"] == max(fitted + image, real)
    assert used["kernel image"] == image
    assert all(
        row["noncache"] == (None if None in (row["used"], row["cache"]) else row["used"] - row["cache"])
        for row in document["rows"]
    )


def elf(directory: Path, kind: bytes, sections: list[tuple[int, int]]) -> str:
    """Write an ELF file with nothing but section headers (flags, size); ``kind`` is its class and byte order."""
    import struct

    order, wide = "<>"[kind[1] - 1], kind[0] == 2
    head = b"\x7fELF" + kind + b"\1" + bytes(9)
    if wide:
        head += struct.pack(order + "HHIQQQIHHHHHH", 2, 62, 1, 0, 0, 64, 0, 64, 0, 0, 64, len(sections), 0)
        body = b"".join(struct.pack(order + "IIQQQQIIQQ", 0, 1, f, 0, 0, size, 0, 0, 1, 0) for f, size in sections)
    else:
        head += struct.pack(order + "HHIIIIIHHHHHH", 2, 40, 1, 0, 0, 52, 0, 52, 0, 0, 40, len(sections), 0)
        body = b"".join(struct.pack(order + "IIIIIIIIII", 0, 1, f, 0, 0, size, 0, 0, 1, 0) for f, size in sections)
    path = directory / "vmlinux"
    path.write_bytes(head + body)
    return str(path)


@pytest.mark.parametrize("kind", [b"\1\1", b"\1\2", b"\2\1", b"\2\2"], ids=["32le", "32be", "64le", "64be"])
def test_kernel_image(pymemtools: Run, tree: str, tmp_path: Path, kind: bytes) -> None:
    image = elf(tmp_path, kind, [(0, 0), (6, 3 << 20), (0, 1 << 20), (3, 1 << 20)])
    (Path(tree) / "proc" / "meminfo").write_text(
        "MemTotal: 1000 kB\nMemFree: 100 kB\nAnonPages: 10 kB\nMapped: 20 kB\nCached: 30 kB\nBuffers: 1 kB\n"
        "SReclaimable: 2 kB\n"
    )
    assert output(pymemtools, "-w", "-S", tree, "-K", image, "-R", "8M").splitlines() == [
        "Area                           Used      Cache   Noncache ",
        "firmware/hardware              3096          0       3096 ",
        "kernel image                   4096          0       4096 ",
        "kernel dynamic memory           870         13        857 ",
        "userspace memory                 30         20         10 ",
        "free memory                     100        100          0 ",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x1f\x8b\x08junk", "compressed with gzip; give the uncompressed vmlinux"),
        (b"MZ\0\0", "a compressed boot image, no ELF file; give the uncompressed vmlinux"),
        (b"hello", "not an ELF file; give the uncompressed vmlinux"),
        (b"", "not an ELF file; give the uncompressed vmlinux"),
        (b"\x7fELF\2\1\1" + bytes(60), "an ELF file without section headers: its size in memory cannot be told"),
        (b"\x7fELF\2\1\1" + b"\xff" * 60, "the section headers are cut short; give the uncompressed vmlinux"),
    ],
)
def test_what_is_no_kernel_image(pymemtools: Run, tree: str, tmp_path: Path, content: bytes, reason: str) -> None:
    image = tmp_path / "image"
    image.write_bytes(content)
    done = pymemtools("smem", "-w", "-S", tree, "-K", str(image))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"pymemtools: {image}: {reason}\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("-c", "pid nope"), "unknown column 'nope'; this report has: anonymous cgroup command hugetlb"),
        (("-w", "-s", "pss"), "unknown column 'pss'; this report has: area cache noncache order used"),
        (("-P", "["), "bad regular expression '['"),
        (("-R", "1024"), "memory size should be written with units, for example 1024M"),
        (("-R", "xG"), "'xG' is no size; write for example 512K, 1.5M or 4G"),
        (("--map", "x"), "option '--map' is ambiguous: --mapfilter, --mappings"),
        (("-m", "-g", "unit"), "--group sums processes; it does not go with --mappings"),
        (("-m", "--rollup"), "smaps_rollup knows no single mappings: --rollup does not go with --mappings"),
        (("-w", "--rollup"), "smaps_rollup knows no single mappings: --rollup does not go with --system"),
        (("-M", "x", "--rollup"), "smaps_rollup knows no single mappings: --rollup does not go with --mapfilter"),
        (("-c", "maps", "--rollup"), "smaps_rollup knows no single mappings: --rollup does not go with column 'maps'"),
        (("-g", "tree", "--diff", "x"), "--diff compares processes, mappings, users or groups, not trees"),
        (("--pie", "name", "--bar", "name"), "--pie and --bar are two charts; ask for one"),
        (("--pie", "nope"), "unknown column 'nope'"),
        (("--pie", "name", "-f", "json"), "a chart has no --format"),
        (("--pie", "name", "--watch", "1"), "a chart shows one moment: no --watch and no --diff"),
        (("-o", "x.svg"), "--output and --force are for --pie and --bar"),
        (("-S", "-", "--diff", "-"), "stdin holds one archive: --diff and --source cannot both be -"),
        (("--watch", "nan"), "'nan' is no time; write seconds, for example 2 or 0.5"),
        (("--top", "0"), "0 is not in the range x>=1"),
        (("-f", "nope"), "unknown format 'nope'"),
        (("--watch", "1", "-S", str(CAPTURES / "x86_64-7.2" / "smemcap.tar.gz")), "a capture does not change"),
        (("operand",), "unexpected extra argument (operand)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_calls_that_make_no_sense(pymemtools: Run, arguments: tuple[str, ...], reason: str) -> None:
    assert reason in refusal(pymemtools, *arguments)


def test_widths_fitted_to_the_terminal(
    pymemtools: Run, tree: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert output(pymemtools, "-S", tree, "-a", "-P", "nginx|bash").splitlines() == [
        "PID User     Command                   Swap USS PSS RSS ",
        " 30 ann      -bash                        0  40  40  40 ",
        " 22 www-data nginx: worker process       10 200 200 200 ",
        " 21 www-data nginx: worker process       20 310 310 310 ",
        " 20 root     /usr/sbin/nginx -g daemon    0 400 400 400 ",
    ]
    assert output(pymemtools, "-S", tree, "-a", "-k", "-P", "nginx|bash").splitlines() == [
        "PID User     Command           Swap     USS     PSS     RSS ",
        " 30 ann      -bash                0   40.0K   40.0K   40.0K ",
        " 22 www-data nginx: worker    10.0K  200.0K  200.0K  200.0K ",
        " 21 www-data nginx: worker    20.0K  310.0K  310.0K  310.0K ",
        " 20 root     /usr/sbin/ngin       0  400.0K  400.0K  400.0K ",
    ]


def test_kernel_without_pss(pymemtools: Run, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "old", Proc(7, "b"), Proc(8, "a"))
    old = tuple(field for field in FIELDS if not field.startswith("Pss"))
    for pid, rss in ((7, 9), (8, 10)):
        (tree / "proc" / str(pid) / "smaps").write_text(smaps((Map("[heap]", rss),), old))
    done = pymemtools("smem", "-S", str(tree))
    assert done.stderr == b"pymemtools: warning: kernel does not appear to support PSS measurement\n"
    assert done.stdout.decode().splitlines()[1:] == [
        "    7 0        b                                  0        9        -        9 ",
        "    8 0        a                                  0       10        -       10 ",
    ]


def test_kernel_that_leaves_huge_pages_out_of_pss(pymemtools: Run, tmp_path: Path) -> None:
    """As all of 32 bits do; the figure is the kernel's still."""
    tree = write_tree(tmp_path / "pae", Proc(7, "b", (Map("[heap]", 4048),)), Proc(8, "a"))
    path = tree / "proc" / "7" / "smaps"
    path.write_text(path.read_text().replace("Pss:                4048 kB", "Pss:                2000 kB"))
    done = pymemtools("smem", "-S", str(tree), "-c", "pid uss pss")
    assert done.stdout == b"  PID      USS      PSS \n    8      100      100 \n    7     4048     2000 \n"
    assert done.stderr.decode() == (
        "pymemtools: the PSS of 1 process is below its USS: 32-bit kernels leave huge pages out of it\n"
    )


def test_strict_tells_by_status(pymemtools: Run, tree: str) -> None:
    (Path(tree) / "proc" / "31" / "smaps").write_text("")
    for options, status in (((), 0), (("--strict",), 3)):
        done = pymemtools("smem", "-S", tree, "-P", "leak|bash", "-H", *options)
        assert done.returncode == status
        assert done.stderr == b"pymemtools: 1 of 2 processes could not be read (smaps is empty)\n"
        assert done.stdout == b"   30 ann      -bash                              0       40       40       40 \n"


def test_watch_reports_again(tree: str) -> None:
    call = [sys.executable, "-m", "pymemtools", "smem", "-S", tree, "--watch", "0.2", "-c", "pid", "-P", "leak"]
    env = os.environ | {"PYTHONPATH": str(HERE.parent)}
    with subprocess.Popen(call, stdout=subprocess.PIPE, env=env) as watching:
        assert watching.stdout is not None
        lines = [watching.stdout.readline() for _ in range(5)]
        watching.kill()
    assert lines == [b"  PID \n", b"   31 \n", b"\n", b"  PID \n", b"   31 \n"]
