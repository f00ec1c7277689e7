"""pmap where procps has nothing to compare with: errors, hostile names, sources."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HERE, Run

pytestmark = pytest.mark.live

SEVEN = str(HERE / "pmap" / "x86_64-7.2" / "processes.tar.gz")
ABSENT = "4194304"  # PID_MAX_LIMIT: a PID is always less


def smaps(*names: bytes) -> bytes:
    record = (
        b"%08x-%08x rw-p 00000000 fe:00 18 %b\nSize:                  8 kB\nRss:                   4 kB\n"
        b"Shared_Dirty:          0 kB\nPrivate_Dirty:         4 kB\nSwap:                  0 kB\nVmFlags: rd wr \n"
    )
    return b"".join(record % (0x400000 + i * 0x2000, 0x402000 + i * 0x2000, name) for i, name in enumerate(names))


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of /proc with one process, 7, that has smaps and nothing else."""
    (tmp_path / "7").mkdir()
    return tmp_path


def test_no_such_process(pymemtools: Run) -> None:
    done = pymemtools("pmap", "-x", ABSENT, ABSENT)
    assert done.returncode == 42
    assert done.stdout == b""
    assert done.stderr == f"pymemtools: pmap: {ABSENT}: no such process\n".encode() * 2


def test_a_missing_one_does_not_hide_the_others(pymemtools: Run) -> None:
    done = pymemtools("pmap", "-S", SEVEN, "99", "2")
    assert done.returncode == 42
    assert done.stdout == b"2:   [kthreadd]\n total                0K\n"
    assert done.stderr == b"pymemtools: pmap: 99: no such process\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'PID...'"),
        (["010"], "'010' is not a process number"),
        (["0"], "'0' is not a process number"),
        (["+2"], "'+2' is not a process number"),
        (["0x2"], "'0x2' is not a process number"),
        (["/proc/self"], "'/proc/self' is not a process number"),
        (["2147483648"], "'2147483648' is not a process number"),
        (["-x", "-d", "2"], "options -d, -x, -X, --columns are mutually exclusive"),
        (["-X", "-x", "2"], "options -d, -x, -X, --columns are mutually exclusive"),
        (["-A", "zz", "2"], "failed to parse argument: 'zz'"),
        (["-A", "1,2,3", "2"], "failed to parse argument: '1,2,3'"),
        (["-f", "nonsense", "2"], "unknown format 'nonsense'"),
    ],
)
def test_usage_errors(pymemtools: Run, arguments: list[str], message: str) -> None:
    done = pymemtools("pmap", *arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1
    assert message in done.stderr.decode()


def test_pids_as_paths_twice_and_in_any_order(pymemtools: Run) -> None:
    done = pymemtools("pmap", "-q", "-S", SEVEN, "/proc/2", "1", "2")
    assert [line for line in done.stdout.decode().split("\n") if line[:1].isdigit() and ":" in line] == [
        "2:   [kthreadd]",
        "1:   /bin/sh /init",
        "2:   [kthreadd]",
    ]


@pytest.mark.parametrize(
    ("range", "first_addresses"),
    [
        ("402000", ["402000"]),
        ("402fff", ["402000"]),
        ("401fff,404000", ["400000", "402000", "404000"]),
        ("0x402000, 0x403fff", ["402000"]),
        (",3fffff", []),
        ("404000,", ["404000"]),
        ("", ["400000", "402000", "404000"]),
        ("f0000000000000000,", []),
        ("-1,", []),
    ],
)
def test_range(pymemtools: Run, copied: Path, range: str, first_addresses: list[str]) -> None:
    (copied / "7" / "smaps").write_bytes(smaps(b"/a", b"/b", b"/c"))
    done = pymemtools("pmap", "-q", "-S", str(copied), "-A", range, "7")
    assert done.stdout.decode() == "7:   ?\n" + "".join(
        f"{address:>016}      8K rw--- {'abc'[int(address, 16) // 0x2000 % 0x200]}\n" for address in first_addresses
    )


def test_range_of_the_wide_layout(pymemtools: Run, copied: Path) -> None:
    """As procps does after 4.0.6."""
    (copied / "7" / "smaps").write_bytes(smaps(b"/a", b"/b", b"/c"))
    done = pymemtools("pmap", "-X", "-S", str(copied), "-A", "402000", "7")
    assert done.stdout == (
        b"7:   ?\n"
        b" Address Perm   Offset Device Inode Size Rss Swap Mapping\n"
        b"00402000 rw-p 00000000  fe:00    18    8   4    0 b\n"
        b"                                    ==== === ==== \n"
        b"                                       8   4    0 KB \n"
    )


def test_range_leaves_its_neighbours_out_of_all_totals(pymemtools: Run, copied: Path) -> None:
    (copied / "7" / "smaps").write_bytes(smaps(b"/a", b"/b", b"/c"))
    done = pymemtools("pmap", "-x", "-S", str(copied), "-A", "402000,", "7")
    assert done.stdout.decode().endswith("total kB              16       8       8\n")


def test_maps_are_made_from_smaps_where_a_capture_has_no_maps(pymemtools: Run, copied: Path) -> None:
    (copied / "7" / "smaps").write_bytes(smaps(b"/lib/libc.so.6", b"[stack]", b""))
    done = pymemtools("pmap", "-S", str(copied), "7")
    assert (done.stderr, done.returncode) == (b"", 0)
    assert done.stdout == (
        b"7:   ?\n"
        b"0000000000400000      8K rw--- libc.so.6\n"
        b"0000000000402000      8K rw---   [ stack ]\n"
        b"0000000000404000      8K rw---   [ anon ]\n"
        b" total               24K\n"
    )


def test_a_capture_that_lacks_smaps_says_so(pymemtools: Run, copied: Path) -> None:
    (copied / "7" / "cmdline").write_bytes(b"x\0")
    done = pymemtools("pmap", "-x", "-S", str(copied), "7")
    assert (done.stdout, done.returncode) == (b"7:   x\n", 1)
    assert done.stderr == b"pymemtools: pmap: 7: smaps: No such file or directory\n"


def test_a_smaps_that_is_none_is_one_line(pymemtools: Run, copied: Path) -> None:
    (copied / "7" / "smaps").write_bytes(smaps(b"/a") + b"# nothing\n")
    done = pymemtools("pmap", "-x", "-S", str(copied), "7")
    assert (done.stdout, done.returncode) == (b"", 1)
    assert done.stderr == b"pymemtools: pmap: 7/smaps: line 8: expected a mapping, got '# nothing'\n"


def test_a_cut_smaps_loses_its_last_mapping_and_says_so(pymemtools: Run, copied: Path) -> None:
    (copied / "7" / "smaps").write_bytes(smaps(b"/a", b"/b")[:-40])
    done = pymemtools("pmap", "-xq", "-S", str(copied), "7")
    assert done.stdout == b"7:   ?\n0000000000400000       8       4       4 rw--- a\n"
    assert done.stderr == b"pymemtools: pmap: 7/smaps is cut short: its last mapping is left out\n"
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"/tmp/\x1b[2J\x07bell", r"\x1b[2J\x07bell"),
        (b"/tmp/line\\012Rss:     9 kB", r"line\012Rss:     9 kB"),
        (b"/tmp/caf\xc3\xa9 \xff\x80", r"café \xff\x80"),
        ("/tmp/\u202egnp.exe".encode(), r"\u202egnp.exe"),
        (b"/tmp/gone (deleted)", "gone (deleted)"),
        (b"/" + b"p" * 4000 + b"/" + b"n" * 255, "n" * 255),
        (b"Rss:                   9 kB", "Rss:                   9 kB"),
        (b"[heap]", "[heap]"),
        (b"/tmp/dir/", ""),
    ],
)
@pytest.mark.parametrize("mode", ["-X", "-XX"])
def test_hostile_names_are_one_escaped_row_each(
    pymemtools: Run, copied: Path, name: bytes, shown: str, mode: str
) -> None:
    (copied / "7" / "smaps").write_bytes(smaps(name, name))
    done = pymemtools("pmap", mode, "-q", "-S", str(copied), "7")
    assert (done.stderr, done.returncode) == (b"", 0)
    middle = "8 4 0 4 0 rd wr" if mode == "-XX" else "8 4 0"
    rows = [f"{address} rw-p 00000000 fe:00 18 {middle} {shown}" for address in ("00400000", "00402000")]
    assert done.stdout.decode().split("\n") == ["7:   ?", *rows, ""]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"/tmp/\x1b[2J\x07bell", r"\x1b[2J\x07bell"),
        (b"/tmp/line\\012Rss:     9 kB", r"line\012Rss:     9 kB"),
        (b"/tmp/caf\xc3\xa9 \xff\x80", r"café \xff\x80"),
        (b"/" + b"p" * 4000 + b"/" + b"n" * 255, "n" * 255),
        (b"Rss:                   9 kB", "  [ anon ]"),
        (b"[anon:made up/name]", "name]"),
        (b"/tmp/dir/", "/"),
    ],
)
@pytest.mark.parametrize(("mode", "figures"), [("-q", "     8K"), ("-qx", "      8       4       4")])
def test_hostile_names_in_the_classic_layouts(
    pymemtools: Run, copied: Path, name: bytes, shown: str, mode: str, figures: str
) -> None:
    (copied / "7" / "smaps").write_bytes(smaps(name, name))
    done = pymemtools("pmap", mode, "-S", str(copied), "7")
    assert (done.stderr, done.returncode) == (b"", 0)
    rows = [f"{address:016x} {figures} rw--- {shown}\n" for address in (0x400000, 0x402000)]
    assert done.stdout.decode() == "7:   ?\n" + "".join(rows)


@pytest.mark.parametrize(
    ("cmdline", "title"),
    [
        (b"sleep\x005\0", "sleep 5"),
        (b"pause\0a\0\0\0 \0", "pause a    "),
        (b"a\nb\0", "a b"),
        (b"title of its own  ", "title of its own "),
        (b" ", "?"),
        (b" \0", " "),
        (b"\0\0", "?"),
        (b"\x1b[2J\0", r"\x1b[2J"),
        (b"\xff\0", r"\xff"),
    ],
)
def test_title(pymemtools: Run, copied: Path, cmdline: bytes, title: str) -> None:
    (copied / "7" / "cmdline").write_bytes(cmdline)
    (copied / "7" / "smaps").write_bytes(b"")
    assert pymemtools("pmap", "-q", "-S", str(copied), "7").stdout.decode() == f"7:   {title}\n"


def test_a_zombie_has_no_mappings(pymemtools: Run) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        while b") Z " not in Path(f"/proc/{child.pid}/stat").read_bytes():
            pass
        done = pymemtools("pmap", str(child.pid))
        comm = Path(f"/proc/{child.pid}/comm").read_text().strip()
    assert done.stdout.decode() == f"{child.pid}:   [{comm}] <defunct>\n total                0K\n"
    assert done.returncode == 0


def test_a_thread_is_shown_as_its_process(pymemtools: Run) -> None:
    script = "import threading, time; t = threading.Thread(target=time.sleep, args=(60,), daemon=True); t.start()\n"
    script += "print(t.native_id, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        thread = child.stdout.readline().decode().strip()
        done = pymemtools("pmap", thread)
        child.kill()
    assert done.stdout.startswith(f"{child.pid}:   ".encode())


def test_what_cannot_be_read_is_named() -> None:
    """An ordinary user may see a process of root's, but not its mappings."""
    script = (
        "import difflib, os, signal, pymemtools.cli.pmap, pymemtools.sources.tree, pymemtools.entry\n"  # while we may
        "os.geteuid() or os.setuid(65534)\n"
        "pymemtools.entry.main()"
    )
    command = [sys.executable, "-c", script, "pmap", "-x", "1"]
    done = subprocess.run(command, capture_output=True, check=False, cwd=HERE.parent)
    assert done.returncode == 1
    assert done.stdout.startswith(b"1:   ")
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b"pymemtools: pmap: 1: smaps: Permission denied\n"


def test_processes_that_come_and_go_are_shown_whole_or_not_at_all(pymemtools: Run) -> None:
    """Children that exec and end at once, while pmap reads them: 0 or 42, and a word for each that was gone."""
    for mode in ("-x", "-X") * 5:
        shell = "for i in 1 2 3 4 5 6; do (exec sleep 0.0$i) & echo $!; done; exec sleep 0.2"
        with subprocess.Popen(["sh", "-c", shell], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            pids = [child.stdout.readline().decode().strip() for _ in range(6)]
            done = pymemtools("pmap", mode, *pids)
        gone = done.stderr.count(b": no such process\n")
        shown = done.stdout.count(b":   ")
        assert done.returncode == (42 if gone else 0)
        assert (done.stderr.count(b"\n"), shown + gone) == (gone, 6)
        ends = done.stdout.count(b"total kB" if mode == "-x" else b" KB \n")
        assert ends == shown - (done.stdout.count(b"<defunct>") if mode == "-X" else 0)
