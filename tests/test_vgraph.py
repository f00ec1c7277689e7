"""vgraph: the picture of an address space, in every width and alphabet, and the errors of the old tools not made."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from shlex import quote
from threading import Timer

import pytest
from asleep import wait_until_asleep
from conftest import CAPTURES, HERE, Run
from hypothesis import given
from hypothesis import strategies as st
from trees import Proc, write_tree

from pymemtools.areas import Area, with_holes
from pymemtools.errors import MemtoolsError
from pymemtools.readings.course_csv import map_csv_lines, parse_map_csv
from pymemtools.render.escape import width
from pymemtools.reports.vgraph.areas import compared, figures, folded, whole, without_small
from pymemtools.units import brief_size

pytestmark = pytest.mark.live

FILES = HERE / "vgraph"


def transcripts() -> list[object]:
    text = b"".join((FILES / name).read_bytes() for name in ("transcript", "widths.transcript"))
    calls = text.decode().split("$ vgraph ")[1:]
    return [pytest.param(*call.split("\n", 1), id=call.split("\n", 1)[0]) for call in calls]


@pytest.mark.parametrize(("arguments", "expected"), transcripts())
def test_whole_output(pymemtools: Run, arguments: str, expected: str) -> None:
    done = pymemtools("vgraph", *arguments.split(), cwd=FILES, env=_environment())
    assert (done.stdout.decode(), done.stderr) == (expected, b"")


def _environment(**more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(HERE.parent), "COLUMNS": "80"} | more


@pytest.mark.parametrize("columns", [40, 47, 66, 67, 133])
@pytest.mark.parametrize("name", ["armv7", "smaps", "threads"])
def test_a_picture_is_as_wide_as_the_terminal(pymemtools: Run, columns: int, name: str) -> None:
    done = pymemtools("vgraph", name, cwd=FILES, env=_environment(COLUMNS=str(columns)))
    lines = re.split(r"^\d+ mappings", done.stdout.decode(), flags=re.MULTILINE)[0].splitlines()
    assert {width(line) for line in lines if line[-1] in "0123456789abcdef"} == {columns}
    assert max(map(width, lines)) == columns


def test_legacy_is_what_the_script_draws(pymemtools: Run) -> None:
    done = pymemtools("vgraph", "--legacy", "tst.csv", cwd=FILES)
    assert done.stdout == (FILES / "tst-legacy.txt").read_bytes()


def test_legacy_of_a_map_is_that_of_its_csv(pymemtools: Run) -> None:
    """prep_mapsfile.sh leaves [vsyscall] out, which would stretch the whole range."""
    saved = pymemtools("vgraph", "--csv", "-", "threads", cwd=FILES).stdout
    assert b"[vsyscall]" not in saved
    drawn = pymemtools("vgraph", "--legacy", "threads", cwd=FILES)
    assert drawn.stdout == pymemtools("vgraph", "--legacy", "-", input=saved).stdout
    alone = pymemtools("vgraph", "--legacy", "-", input=b"ffffffffff600000,ffffffffff601000,[vsyscall]\n")
    assert (alone.returncode, alone.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        *((1023, "1023 B"), (1024, "1 KiB"), (1025, "1.00 KiB")),
        *(((1 << 20) - 1024, "1023 KiB"), (1 << 20, "1 MiB"), ((1 << 20) + 1024, "1.00 MiB")),
        *(((1 << 30) - (1 << 20), "1023 MiB"), (1 << 30, "1 GiB"), ((1 << 30) + (1 << 20), "1.00 GiB")),
        *(((1 << 40) - (1 << 30), "1023 GiB"), (1 << 40, "1 TiB"), ((1 << 64) - 4096, "16.0 EiB")),
    ],
)
def test_sizes_at_the_edges_of_units(size: int, text: str) -> None:
    assert brief_size(size) == text


def test_the_input_stays_as_it_is(pymemtools: Run, tmp_path: Path) -> None:
    """vgraph.sh deletes the comments of its input."""
    file = tmp_path / "map.csv"
    file.write_bytes(b"# a comment\n400000,401000,/bin/a\n")
    assert pymemtools("vgraph", str(file)).returncode == 0
    assert file.read_bytes() == b"# a comment\n400000,401000,/bin/a\n"
    assert list(tmp_path.iterdir()) == [file]


def test_labels_are_no_patterns(pymemtools: Run, tmp_path: Path) -> None:
    """vgraph.sh draws [heap] as h where a file has that name."""
    (tmp_path / "h").touch()
    done = pymemtools("vgraph", "--legacy", "-", cwd=tmp_path, input=b"400000,401000,[heap]\n")
    assert b"|              [heap]  [4 KB]\n" in done.stdout
    done = pymemtools("vgraph", "--ascii", "-", input=b"400000,401000,/100%s%%\n401000,402000,%016x\n")
    assert [line.split()[1] for line in done.stdout.decode().splitlines()[1:6:2]] == ["hole", "/100%s%%", "%016x"][::-1]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("maps", b"00400000-00401000 r-xp 00000000 fe:00 18   /bin/x\n00402000-00403000 rw-p 00000000 00:00 0 \n"),
        ("one line of maps", b"00400000-00401000 r-xp 00000000 fe:00 18   /bin/x\n"),
        ("smaps", b"00400000-00401000 r-xp 00000000 fe:00 18   /bin/x\nSize:   4 kB\nRss:    4 kB\n"),
        ("three columns", b"400000,401000,/bin/x\n"),
        ("five columns", b"00400000,00401000,r-xp,0,/bin/x\n"),
        ("in capitals and with 0x, as procmap writes", b"0x400000,0x401000,r-xp,0x0,/bin/x\r\n"),
        ("maps that a terminal saved", b"00400000-00401000 r-xp 00000000 fe:00 18   /bin/x\r\n" * 2 + b"\r\n"),
    ],
)
def test_inputs_are_told_by_their_text(pymemtools: Run, kind: str, text: bytes) -> None:
    done = pymemtools("vgraph", "-f", "json", "-", input=text)
    row = next(row for row in json.loads(done.stdout)["rows"] if row["label"] == "/bin/x")
    assert (row["start"], row["end"], row["size"]) == ("0x400000", "0x401000", 4096)


@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [
        (b"", 1, "-: no mapping in it"),
        (b"hello\n", 1, "-: neither maps, smaps nor CSV (start,end,label)"),
        (b"00000000-00000fff : Reserved\n", 2, "vgraph: - is an iomem: iomem-graph draws those"),
        (b"\x1f\x8b\0", 2, "vgraph: - is no text: if it is a capture, name a process in it, with --source -"),
        (b"401000,400000,x\n", 1, "-: line 1: the mapping ends before it starts: '401000,400000,x'"),
        (b"400000,401000,x\n4,y\n", 1, "-: line 2: expected 'start,end,label', got '4,y'"),
    ],
)
def test_what_is_no_map_is_refused(pymemtools: Run, text: bytes, status: int, reason: str) -> None:
    done = pymemtools("vgraph", "-", input=text)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (status, b"", f"pymemtools: {reason}\n")


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (("2097153",), 42, "vgraph: 2097153: no such process"),
        (("nothing",), 1, "nothing: No such file or directory"),
        ((".",), 2, "vgraph: . is a directory: name a process in it, with --source ."),
        (("-S", "x.tar", "pie"), 2, "vgraph: --source holds processes: TARGET must be a PID then"),
        (("--find", "0xzz", "pie"), 2, "vgraph: '0xzz' is no address"),
        (("--find", "nobody", "pie"), 1, "vgraph: nothing is called nobody"),
        (("--find", "0x558010388000", "--holes", "none", "-A0", "-B0", "pie"), 1, "vgraph: nothing at 0x558010388000"),
        (("-o", "x.png", "pie"), 2, "x.png: pictures are .svg or .html (a browser or rsvg-convert makes PNG of them)"),
        (("-o", "x.svg", "-f", "json", "pie"), 2, "-o writes a picture: it has no --format"),
        (("--diff", "-", "-"), 2, "vgraph: there is only one standard input"),
        (("--diff", "-", "-S", "-", "1"), 2, "vgraph: there is only one standard input"),
        (("--csv", "-", "--legacy", "pie"), 2, "vgraph: --csv and --legacy: one at a time"),
        (("--csv", "-", "-f", "json", "pie"), 2, "vgraph: --csv has no --format and no --output"),
        (("--watch", "1", "pie"), 2, "vgraph: --watch is for a process of this machine, on the terminal"),
    ],
)
def test_what_cannot_be_done(pymemtools: Run, arguments: tuple[str, ...], status: int, reason: str) -> None:
    done = pymemtools("vgraph", *arguments, cwd=FILES)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (status, b"", f"pymemtools: {reason}\n")


def test_a_kernel_thread_has_nothing_to_draw(pymemtools: Run) -> None:
    done = pymemtools("vgraph", "-S", str(CAPTURES / "x86_64-7.2" / "smemcap.tar.gz"), "2")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"pymemtools: vgraph: 2: no mappings (a kernel thread or a zombie has none)\n"


def test_a_zombie_has_nothing_to_draw_either(pymemtools: Run) -> None:
    child = subprocess.Popen(["/bin/true"])
    while b"(true) Z" not in Path(f"/proc/{child.pid}/stat").read_bytes():
        pass
    reason = f"pymemtools: vgraph: {child.pid}: no mappings (a kernel thread or a zombie has none)\n"
    for arguments in ((), ("--pages", "0x400000")):
        done = pymemtools("vgraph", *arguments, str(child.pid))
        assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", reason)
    child.wait()


def test_a_captured_process_with_its_limits(pymemtools: Run) -> None:
    done = pymemtools("--demo", "vgraph", "--holes", "none", "--fold", "--ascii", "1")
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("1:   ")
    assert " of 65530 mappings, " in lines[-1]


def test_a_zombie_of_the_same_name_is_no_matter(pymemtools: Run) -> None:
    """procmap takes a process for a kernel thread when ps shows a zombie called like it."""
    child = subprocess.Popen(["/bin/true"])
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        done = pymemtools("vgraph", "--csv", "-", str(other.pid))
        assert (done.returncode, done.stderr) == (0, b"")
        assert b",[stack]\n" in done.stdout
    finally:
        other.kill()
        other.wait()
        child.wait()


def test_our_own_process_and_its_first_mapping(pymemtools: Run) -> None:
    """A live process: what is drawn is what its maps says, nothing left out and nothing twice."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        wait_until_asleep(child.pid)
        maps = Path(f"/proc/{child.pid}/maps").read_text().splitlines()
        done = pymemtools("vgraph", "-f", "jsonl", str(child.pid))
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        drawn = [f"{int(row['start'], 16):x}-{int(row['end'], 16):x}" for row in rows if row["mappings"]]
        assert drawn == [line.split()[0].lstrip("0") for line in maps]
        assert all(one["end"] == other["start"] for one, other in pairwise(rows))
    finally:
        child.communicate(b"\n")


def test_colour_follows_permissions_and_only_where_it_is_wanted(pymemtools: Run) -> None:
    plain = pymemtools("vgraph", "five.csv", cwd=FILES, env=_environment()).stdout.decode()
    painted = pymemtools("vgraph", "--color", "always", "five.csv", cwd=FILES, env=_environment()).stdout.decode()
    codes = {"[stack]": "33", "W+X": "1;37;41", "/bin/a": "32", "hole": "2"}
    for line in painted.splitlines()[:-1]:
        for label, code in codes.items():
            if label in line:
                assert f"\x1b[{code}m {label}" in line
    bare = painted
    for code in (*codes.values(), "0"):
        bare = bare.replace(f"\x1b[{code}m", "")
    assert bare == plain


def test_a_locale_without_boxes_gets_ascii(pymemtools: Run) -> None:
    environment = _environment(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii")
    done = pymemtools("vgraph", "pie", cwd=FILES, env=environment)
    assert done.stdout == pymemtools("vgraph", "--ascii", "pie", cwd=FILES, env=_environment()).stdout


def test_head_is_no_error() -> None:
    command = f"{quote(sys.executable)} -m pymemtools vgraph pie | head -n 1"
    done = subprocess.run(["bash", "-c", command], cwd=FILES, env=_environment(), capture_output=True, check=False)
    assert (done.stdout.count(b"\n"), done.stderr) == (1, b"")


def test_a_map_is_as_long_as_it_may_be_in_two_seconds(pymemtools: Run, tmp_path: Path) -> None:
    """65,530 mappings: a path of the machine may be slower, so this asks only for the end of it."""
    start = 0x7F0000000000
    lines = (f"{start + i * 0x3000:x}-{start + i * 0x3000 + 0x1000:x} rw-p 00000000 00:00 0 \n" for i in range(65_530))
    (tmp_path / "maps").write_text("".join(lines))
    done = pymemtools("vgraph", str(tmp_path / "maps"), timeout=30)
    assert done.stdout.decode().splitlines()[-1] == "65530 mappings, 256 MiB mapped, largest hole 127 TiB, W+X 0"


def test_csv_does_not_replace_a_file(pymemtools: Run, tmp_path: Path) -> None:
    """prep_mapsfile.sh warns, and replaces it."""
    out = tmp_path / "out.csv"
    assert pymemtools("vgraph", "--csv", str(out), "pie", cwd=FILES).returncode == 0
    text = out.read_bytes()
    assert text.startswith(b"557fd9d06000,557fd9d35000,/usr/bin/bash\n")
    done = pymemtools("vgraph", "--csv", str(out), "armv7", cwd=FILES)
    assert (done.returncode, done.stderr.decode()) == (
        1,
        f"pymemtools: {out}: exists already (--force replaces it)\n",
    )
    assert out.read_bytes() == text


spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 9), st.sampled_from(["anon", "malloc arena"])), max_size=9
)


def _areas(found: list[tuple[int, int, str]]) -> list[Area]:
    areas, at = [], 0
    for gap, size, kind in found:
        areas.append(Area(at + gap, at + gap + size, kind, f"[{kind}]", "rw-p"))
        at += gap + size
    return areas


@given(spans, st.integers(0, 80))
def test_a_picture_leaves_no_address_out(found: list[tuple[int, int, str]], min_address: int) -> None:
    areas = whole(_areas(found), min_address)
    assert all(one.end == other.start for one, other in pairwise(areas))
    assert [area for area in areas if area.mappings] == _areas(found)
    assert all(area.end > area.start for area in areas)
    assert not areas or areas[0].start == 0


@given(spans, st.integers(1, 20))
def test_folding_loses_nothing(found: list[tuple[int, int, str]], least: int) -> None:
    areas = _areas(found)
    for shown in (folded(areas), without_small(areas, least)):
        assert sum(area.size for area in shown) == sum(area.size for area in areas)
        assert sum(area.mappings for area in shown) == len(areas)
        assert figures(shown)[:2] == figures(areas)[:2]


def test_writable_code_is_never_folded_away() -> None:
    areas = [Area(i * 16, i * 16 + 16, "anon", "[anon]", "rwxp" if i == 1 else "rw-p") for i in range(3)]
    assert list(without_small(areas, 1000)) == areas


@pytest.mark.parametrize(
    ("last", "user_end"),
    [
        (0x7FFD_0000_0000, 0x7FFF_FFFF_F000),
        (0x7FFF_FFFF_F000, 0x7FFF_FFFF_F000),
        (0xFF_7FFF_FF02_1000, 0xFF_FFFF_FFFF_F000),  # five levels of page tables
    ],
)
def test_between_processes_and_vsyscall_is_no_hole_to_use(last: int, user_end: int) -> None:
    vsyscall = 0xFFFF_FFFF_FF60_0000
    areas = whole([Area(last - 4096, last, "stack"), Area(vsyscall, vsyscall + 4096, "vdso")], None)
    above = [(area.start, area.end, area.label) for area in areas if area.start >= last and area.is_hole]
    usable = [(last, user_end, "")] if last < user_end else []
    assert above == [*usable, (user_end, vsyscall, "kernel and non-canonical addresses")]
    assert figures(areas).largest_hole == last - 4096


def test_overlapping_mappings_make_no_negative_hole() -> None:
    areas = [Area(0, 100, "a"), Area(10, 20, "b"), Area(120, 130, "c")]
    assert [(area.start, area.end) for area in with_holes(areas)] == [(0, 100), (10, 20), (100, 120), (120, 130)]


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**20), st.binary(max_size=20)), max_size=8))
def test_csv_comes_back_as_it_was_written(rows: list[tuple[int, int, bytes]]) -> None:
    lines = b"".join(
        b"%x,%x,%s\n" % (start, min(start + size, 2**64 - 1), label.replace(b"\n", b"").replace(b"\r", b""))
        for start, size, label in rows
    )
    mappings = parse_map_csv(lines)
    again = b"".join(line + b"\n" for line in map_csv_lines(mappings))
    assert again == b"".join(line + b"\n" for line in lines.split(b"\n")[:-1] if not line.endswith(b",[vsyscall]"))


@given(st.binary(max_size=200))
def test_any_text_is_csv_or_refused(text: bytes) -> None:
    try:
        parse_map_csv(text)
    except MemtoolsError:
        pass


def test_changes_are_told_by_place_and_name() -> None:
    old = parse_map_csv(b"1000,2000,a\n3000,4000,b\n5000,6000,c\n")
    new = parse_map_csv(b"1000,2800,a\n5000,5800,c\n7000,8000,d\n")
    areas = [[Area(mapping.start, mapping.end, "") for mapping in mappings] for mappings in (old, new)]
    marked, gone = compared(old, areas[0], new, areas[1])
    assert [(area.change, area.delta) for area in marked] == [("grown", 0x800), ("shrunk", -0x800), ("new", 0x1000)]
    assert [(area.start, area.change, area.delta) for area in gone] == [(0x3000, "gone", -0x1000)]


def test_what_went_and_what_came_in_its_place_are_both_rows(pymemtools: Run) -> None:
    done = pymemtools("vgraph", "--diff", "old.csv", "-f", "json", "--holes", "none", "new.csv", cwd=FILES)
    rows = [(row["start"], row["label"], row["change"]) for row in json.loads(done.stdout)["rows"] if row["change"]]
    assert ("0x700000", "/new", "new") in rows
    assert ("0x700000", "/replaced", "gone") in rows


@pytest.mark.parametrize("first", [b"# saved yesterday\n", b"3fe000,3ff000,/srv/caf\xc3\xa9\n"])
def test_a_text_to_compare_with_may_start_as_it_likes(pymemtools: Run, tmp_path: Path, first: bytes) -> None:
    (tmp_path / "old").write_bytes(first + b"400000,401000,a\n")
    done = pymemtools("--demo", "vgraph", "--diff", str(tmp_path / "old"), "-f", "json", "1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "a" in [row["label"] for row in json.loads(done.stdout)["rows"] if row["change"] == "gone"]


def test_big_holes_are_those_of_a_megabyte_and_the_null_trap(pymemtools: Run) -> None:
    rows = json.loads(pymemtools("--demo", "vgraph", "--holes", "big", "-f", "json", "297").stdout)["rows"]
    holes = [(row["kind"], row["size"] >= 1 << 20) for row in rows if not row["mappings"]]
    assert holes == [("NULL trap", False), ("hole", True), ("hole", True), ("hole", True)]


def test_the_null_trap_is_of_whole_pages(pymemtools: Run, tmp_path: Path) -> None:
    """vm.mmap_min_addr is 4096 on machines with larger pages, too."""
    proc = write_tree(tmp_path, Proc(1, "init")) / "proc"
    (proc / "sys" / "vm").mkdir(parents=True)
    (proc / "sys" / "vm" / "mmap_min_addr").write_text("4096\n")
    smaps = (proc / "1" / "smaps").read_text()
    (proc / "1" / "smaps").write_text(re.sub(r"(?m)^(KernelPageSize|MMUPageSize): .*$", r"\1:       16 kB", smaps))
    rows = json.loads(pymemtools("vgraph", "-f", "json", "-S", str(tmp_path), "1").stdout)["rows"]
    assert [row["size"] for row in rows if row["kind"] == "NULL trap"] == [16384]


def test_an_example_is_not_watched(pymemtools: Run) -> None:
    done = pymemtools("--demo", "vgraph", "--watch", "1", "1", timeout=10)
    reason = "pymemtools: vgraph: --watch is for a process of this machine, on the terminal\n"
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", reason)


def test_watching_ends_with_a_process_that_nobody_waits_for() -> None:
    """A zombie has no memory any more."""
    child = subprocess.Popen(["/bin/sleep", "60"])
    wait_until_asleep(child.pid)
    command = [sys.executable, "-m", "pymemtools", "vgraph", "--ascii", "--watch", "0.05", str(child.pid)]
    watcher = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment())
    assert watcher.stdout is not None
    assert any(", W+X " in line for line in watcher.stdout)
    child.kill()
    assert watcher.communicate(timeout=120)[1] == ""
    assert watcher.returncode == 0
    child.wait()


def test_watching_shows_what_changes_and_ends_with_the_process() -> None:
    """The child maps a megabyte when told to, which then is the new box on a page of changes alone."""
    code = "import mmap\ninput()\narea = mmap.mmap(-1, 1 << 20, prot=1)\ninput()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    command = [sys.executable, "-m", "pymemtools", "vgraph", "--ascii", "--watch", "0.05", str(child.pid)]
    wait_until_asleep(child.pid)
    limit = Timer(120, child.kill)
    limit.start()
    watcher = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment())
    assert watcher.stdout is not None
    assert any(", W+X " in line for line in watcher.stdout)
    child.stdin.write("\n")
    child.stdin.flush()
    line = next(line for line in watcher.stdout if "/dev/zero" in line)
    assert line == f"+ | {'/dev/zero (deleted)':<43}r--s     1 MiB |\n"
    child.communicate("\n")
    limit.cancel()
    assert watcher.wait(timeout=120) == 0
