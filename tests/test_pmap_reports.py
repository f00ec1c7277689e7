"""What pmap shows beyond procps: columns, order, groups, sums, changes, explanations; whole outputs."""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from asleep import wait_until_asleep
from conftest import HERE, Run
from transcripts import MACHINES, transcripts

SEVEN = str(MACHINES / "x86_64-7.2" / "processes.tar.gz")


def record(start: int, end: int, name: bytes, resident: int) -> bytes:
    """Write a mapping of smaps with ``resident`` KiB in memory."""
    return b"%08x-%08x rw-p 00000000 00:00 0 %b\nSize:   %8d kB\nRss:    %8d kB\nVmFlags: rd wr zz \n" % (
        start,
        end,
        name,
        (end - start) >> 10,
        resident,
    )


@pytest.fixture
def two_looks(tmp_path: Path) -> tuple[str, str]:
    """Two copies of /proc with one process each: earlier and now."""
    looks = {
        "before": [(0x4, 0x5, b"[heap]", 100), (0x6, 0x7, b"", 20), (0x8, 0x9, b"/lib/a", 40), (0xA, 0xB, b"/x", 4)],
        "now": [(0x4, 0x6, b"[heap]", 300), (0x5, 0x7, b"", 10), (0xA, 0xB, b"/x", 4), (0xC, 0xD, b"/lib/new", 0)],
    }
    for look, mappings in looks.items():
        (tmp_path / look / "7").mkdir(parents=True)
        text = b"".join(record(start << 20, end << 20, name, kib) for start, end, name, kib in mappings)
        (tmp_path / look / "7" / "smaps").write_bytes(text)
    return str(tmp_path / "before"), str(tmp_path / "now")


@pytest.mark.parametrize(("machine", "arguments", "output"), transcripts("reports"))
def test_reports(pymemtools: Run, machine: str, arguments: str, output: str) -> None:
    done = pymemtools("pmap", "-S", str(MACHINES / machine / "processes.tar.gz"), *shlex.split(arguments))
    assert done.stdout.decode() == output
    assert (done.stderr, done.returncode) == (b"", 0)


def test_explain_tells_every_column_flag_and_kind_on_the_page(pymemtools: Run, two_looks: tuple[str, str]) -> None:
    arguments = ["--columns", "Kind,RSS,vmflags,path", "-P", "heap", "--explain", "7"]
    done = pymemtools("pmap", "-S", two_looks[1], *arguments)
    assert done.stdout.decode() == (
        "7:   ?\n"
        "Kind Rss  VmFlags Path\n"
        "heap 300 rd wr zz [heap]\n"
        "     === \n"
        "     300 KiB \n"
        "\n"
        "Kind     what the mapping is for\n"
        "Rss      resident: pages in RAM, shared ones counted in full; no hugetlbfs pages\n"
        "VmFlags  the kernel's flags of the mapping\n"
        "Path     the file's whole path, or what the kernel calls the memory\n"
        "\n"
        "rd  readable\n"
        "wr  writable\n"
        "zz  a flag that is not known here\n"
        "\n"
        "heap  memory of malloc that brk gave\n"
    )


def test_explain_a_classic_layout(pymemtools: Run) -> None:
    assert pymemtools("pmap", "-S", SEVEN, "-q", "--explain", "2").stdout.decode() == (
        "2:   [kthreadd]\n"
        "\n"
        "Address  where the mapping starts\n"
        "Kbytes   length of the address range, touched or not\n"
        "Mode     r read, w write, x execute, s shared or p private (copy on write)\n"
        "Mapping  the file's base name, or what the kernel calls the memory\n"
    )


@pytest.mark.parametrize("name", ["FooPss", "foopss", "foo_pss", "FOO_PSS"])
def test_a_number_of_a_kernel_to_come_is_a_column(pymemtools: Run, two_looks: tuple[str, str], name: str) -> None:
    smaps = Path(two_looks[1]) / "7" / "smaps"
    smaps.write_bytes(smaps.read_bytes().replace(b"VmFlags", b"FooPss:   12 kB\nVmFlags", 2))
    call = ("pmap", "-S", two_looks[1], "--columns", f"path,{name}")
    shown = pymemtools(*call, "-s", name, "-r", "7").stdout.decode()
    assert shown == (
        "7:   ?\nPath     FooPss\n/lib/new      -\n/x            -\n[anon]       12\n[heap]       12\n"
        "         ====== \n             24 KiB \n"
    )
    report = json.loads(pymemtools(*call, "--group", "file", "--top", "1", "-f", "json", "7").stdout)
    assert report["rows"] == [{"mappings": 1, "foo_pss": 12288, "path": "[heap]"}]
    assert report["totals"] == {"mappings": 1, "foo_pss": 12288}


@pytest.mark.parametrize("layout", ["-XX", "-x", "--columns=Rss", "--group=kind", "--merge", "--rollup"])
def test_where_nothing_is_shown_nothing_is_explained(pymemtools: Run, layout: str) -> None:
    done = pymemtools("pmap", "-S", SEVEN, layout, "--explain", "99")
    assert (done.stdout, done.stderr) == (b"", b"pymemtools: pmap: 99: no such process\n")
    assert done.returncode == 42


def test_diff(pymemtools: Run, two_looks: tuple[str, str]) -> None:
    before, now = two_looks
    done = pymemtools("pmap", "-S", now, "--diff", before, "7")
    assert done.stdout.decode() == (
        "7:   ?\n"
        "Change Before After Delta +Size  Address Perm Kind Mapping\n"
        "grown     100   300  +200 +1024 00400000 rw-p heap [heap]\n"
        "gone       40     -   -40 -1024 00800000 rw-p data a\n"
        "shrunk     20    10   -10 +1024 00500000 rw-p anon [anon]\n"
        "new         -     0     0 +1024 00c00000 rw-p data new\n"
        "       ====== ===== ===== ===== \n"
        "          160   310  +150 +2048 KiB \n"
    )
    assert (done.stderr, done.returncode) == (b"", 0)


def test_diff_of_sizes_by_group(pymemtools: Run, two_looks: tuple[str, str]) -> None:
    before, now = two_looks
    done = pymemtools("pmap", "-S", now, "--diff", before, "-q", "-s", "size", "--group", "kind", "7")
    assert done.stdout.decode() == "7:   ?\ngrown 1024 2048 +1024 heap\ngrown 1024 2048 +1024 anon\n"


def test_diff_for_programs(pymemtools: Run, two_looks: tuple[str, str]) -> None:
    before, now = two_looks
    done = pymemtools("pmap", "-S", now, "--diff", before, "--top", "1", "-f", "json", "7")
    report = json.loads(done.stdout)
    assert report["source"]["path"] == now
    assert report["source"]["other"]["path"] == before
    assert report["rows"] == [
        {
            "change": "grown",
            "before": 102400,
            "after": 307200,
            "delta": 204800,
            "delta_size": 1 << 20,
            "pid": 7,
            "start": "0x400000",
            "perms": "rw-p",
            "kind": "heap",
            "path": "[heap]",
        }
    ]


def test_diff_by_the_column_that_is_shown(pymemtools: Run, two_looks: tuple[str, str]) -> None:
    before, now = two_looks
    done = pymemtools("pmap", "-S", now, "--diff", before, "-q", "--columns", "kind,size", "--top", "2", "7")
    assert done.stdout == b"7:   ?\ngrown 1024 2048 +1024 00400000 rw-p heap [heap]\n" + (
        b"grown 1024 2048 +1024 00500000 rw-p anon [anon]\n"
    )


def test_diff_of_what_one_look_lacks_says_so(pymemtools: Run, two_looks: tuple[str, str]) -> None:
    before, now = two_looks
    done = pymemtools("pmap", "-S", now, "--diff", before, "-q", "-s", "Pss", "-P", "heap", "7")
    assert (done.stdout, done.returncode) == (b"7:   ?\n", 0)
    assert done.stderr == b"pymemtools: pmap: 7: Pss is not known in both looks; left out: 1\n"


def test_groups_may_be_counted_and_sorted_by_that(pymemtools: Run, two_looks: tuple[str, str]) -> None:
    done = pymemtools("pmap", "-S", two_looks[1], "--group", "kind", "--columns", "count,Rss", "-s", "Count", "7")
    assert done.stdout.decode() == (
        "7:   ?\nCount Rss Kind\n    2   4 data\n    1 300 heap\n    1  10 anon\n===== === \n    4 314 KiB \n"
    )


def test_diff_of_numbers_of_mappings_is_in_numbers(pymemtools: Run, two_looks: tuple[str, str]) -> None:
    before, now = two_looks
    done = pymemtools("pmap", "-S", now, "--diff", before, "-q", "--group", "file", "-s", "count", "7")
    assert done.stdout == b"7:   ?\ngone 1 - -1 -1024 /lib/a\nnew  - 1 +1 +1024 /lib/new\n"


def test_diff_with_a_process_that_was_not_there(pymemtools: Run, two_looks: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "before" / "7").rename(tmp_path / "before" / "8")
    done = pymemtools("pmap", "-S", two_looks[1], "--diff", two_looks[0], "-q", "--top", "1", "7")
    assert done.stdout == b"7:   ?\nnew - 300 +300 +2048 00400000 rw-p heap [heap]\n"
    assert done.stderr == (
        b"pymemtools: pmap: 7: no such process\npymemtools: pmap: 7: not in the earlier look: all of it is new\n"
    )


def test_watch_shows_all_and_then_what_changed(pymemtools: Run) -> None:
    script = (
        "import mmap, sys; area = mmap.mmap(-1, 1 << 24, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); print(flush=True)\n"
        "sys.stdin.readline(); area.write(bytes(5 << 20)); print(flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        wait_until_asleep(child.pid)
        watch = [sys.executable, "-m", "pymemtools", "pmap", "-q", "--top", "1", "--watch", "0.2", str(child.pid)]
        environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
        with subprocess.Popen(watch, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as watching:
            assert watching.stdout is not None
            first = [watching.stdout.readline() for _ in range(3)]
            watching.send_signal(signal.SIGSTOP)  # it is not to see half of it
            os.waitid(os.P_PID, watching.pid, os.WSTOPPED)
            child.stdin.write(b"\n")
            child.stdin.flush()
            assert child.stdout.readline() == b"\n"
            watching.send_signal(signal.SIGCONT)
            grown = next(line for line in watching.stdout if b"grown" in line)
            child.send_signal(signal.SIGKILL)
            child.wait()
            _, errors = watching.communicate(timeout=120)
    assert first[0].startswith(f"{child.pid}:   ".encode())
    assert first[2] == b"\n"
    assert grown.split()[0] == b"grown"
    assert int(grown.split()[3]) >= 4096
    assert errors == f"pymemtools: pmap: {child.pid}: no such process\n".encode()
    assert watching.returncode == 42


def test_json_has_all_fields_in_bytes(pymemtools: Run) -> None:
    report = json.loads(pymemtools("pmap", "-S", SEVEN, "-f", "json", "-XX", "284", "2").stdout)
    assert report["command"] == "pmap"
    assert len(report["rows"]) == 24
    assert report["rows"][0] == {
        "pid": 284,
        "start": "0x55717f7c0000",
        "end": "0x55717f7c1000",
        "perms": "r--p",
        "offset": 0,
        "device": "00:03",
        "inode": report["rows"][0]["inode"],
        "size": 4096,
        "kernel_page_size": 4096,
        "mmu_page_size": 4096,
        "rss": 4096,
        **{key: report["rows"][0][key] for key in list(report["rows"][0])[11:-3]},
        "vm_flags": ["rd", "mr", "mw", "me", "sd"],
        "kind": "rodata",
        "path": "/bin/labd",
    }
    assert report["totals"]["size"] == 413064 << 10
    assert "kernel_page_size" not in report["totals"]


def test_csv_of_maps_alone(pymemtools: Run) -> None:
    lines = pymemtools("pmap", "-S", SEVEN, "-f", "csv", "-P", "stack", "284").stdout.decode()
    assert lines == (
        "pid,start,end,perms,offset,device,inode,size,vm_flags,kind,path\n"
        "284,0x7ffc94d2a000,0x7ffc94d4b000,rw-p,0,00:00,0,135168,,stack,[stack]\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--columns nonsense 281", "unknown column 'nonsense'; there are: pid start"),
        ("-s nonsense 281", "unknown column 'nonsense'"),
        ("-P [ 281", "bad regular expression '['"),
        ("--rollup --group kind 281", "--rollup knows no single mappings"),
        ("--watch 1 281", "a capture does not change"),
        ("--watch 1 --diff x 281", "compare with different things"),
        ("--explain -f json 281", "--explain is for people"),
        ("--columns Rss -x 281", "mutually exclusive"),
        ("--top 0 281", "0 is not in the range x>=1"),
        ("--columns , 281", "--columns names no column"),
        ("--columns Count 281", "unknown column 'mappings'"),
        ("--group kind -s address 281", "no column 'start' to sort by"),
        ("--rollup -s nonsense 281", "unknown column 'nonsense'"),
        ("--rollup -s address 281", "--rollup knows no single mappings, and so no column 'start'"),
        ("--rollup --columns kind 281", "--rollup knows no single mappings, and so no column 'kind'"),
        ("--diff x -s kind 281", "compare numbers, and 'kind' is none"),
        ("--watch 0 281", "'0' is no time"),
        ("--watch -1 281", "'-1' is no time"),
        ("--watch nan 281", "'nan' is no time"),
        ("--watch inf 281", "'inf' is no time"),
    ],
)
def test_usage_errors(pymemtools: Run, arguments: str, message: str) -> None:
    done = pymemtools("pmap", "-S", SEVEN, *arguments.split())
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert message in done.stderr.decode()


def test_rollup_of_a_source_without_smaps_rollup(pymemtools: Run, two_looks: tuple[str, str]) -> None:
    done = pymemtools("pmap", "-S", two_looks[1], "--rollup", "7")
    assert done.stdout == b"PID Size Rss Command\n  7 6144 314 ?\n    ==== === \n    6144 314 KiB \n"
    assert done.stderr == b"pymemtools: pmap: 7: no smaps_rollup: the figures are sums over smaps\n"
    assert done.returncode == 0
