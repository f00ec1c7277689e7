"""wss: how much of a process is touched, as an interval: what the figures of smaps, pagemap and idle pages come to."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Run
from trees import Map, Proc, write_tree

from pymemtools.control import working_set
from pymemtools.control.page_idle import mark_idle
from pymemtools.control.references import ClearRefs
from pymemtools.control.working_set import Leave, begin
from pymemtools.errors import MemtoolsError, Missing, NoSuchProcess
from pymemtools.models.working_set import Doubt, Touched, TouchFigures, by_referenced
from pymemtools.procfs.pagemap import written_pages
from pymemtools.readings.touched import Frames, Look, Mapped, idle_of, look, told_by_idle, told_by_referenced
from pymemtools.render.wss_table import wss_lines
from pymemtools.reports.wss.report import Measuring, WorkingSet, window_of, wss_report
from pymemtools.sources import open_source

pytestmark = pytest.mark.alone

PAGE, MIB = 4096, 1 << 20
EXACT = Doubt(PAGE, is_flushed=True, processors=2)
ALL_USED = TouchFigures(rss=100 * PAGE, referenced=100 * PAGE, shared=0, huge=0)
USED = ALL_USED._replace(referenced=7 * PAGE)


@pytest.mark.parametrize(
    ("before", "after", "doubt", "least", "most", "why"),
    [
        (ALL_USED, USED, EXACT, 7, 7, "private pages, and the TLB flushed"),
        (ALL_USED, USED._replace(shared=3 * PAGE), EXACT, 4, 7, "others may have touched what they map, too"),
        (ALL_USED, USED._replace(shared=90 * PAGE), EXACT, 0, 7, "others may have touched all of it"),
        (ALL_USED, USED._replace(rss=80 * PAGE), EXACT, 7, 27, "what is gone may have been touched before"),
        (None, USED._replace(rss=16 * PAGE, referenced=16 * PAGE), EXACT, 16, 16, "what is new was touched"),
        (None, TouchFigures(16 * PAGE, 16 * PAGE, 0, 0, is_file=True), EXACT, 1, 16, "of a file 16 are mapped for one"),
        (ALL_USED, USED, EXACT._replace(has_reclaimed=True), 7, 100, "reclaim clears bits"),
        (ALL_USED, USED._replace(is_locked=True), EXACT._replace(has_reclaimed=True), 7, 7, "but not of locked memory"),
        (ALL_USED, USED, EXACT._replace(is_flushed=False), 7, 100, "the TLB knows thousands of pages"),
        (USED, USED, EXACT._replace(is_flushed=False), 7, 14, "but only such as were used before"),
    ],
)
def test_referenced_as_an_interval(
    before: TouchFigures | None, after: TouchFigures, doubt: Doubt, least: int, most: int, why: str
) -> None:
    assert by_referenced(before, after, doubt) == Touched(after.rss, least * PAGE, most * PAGE), why


def test_a_huge_page_is_touched_as_a_whole() -> None:
    huge = TouchFigures(rss=4 * MIB, referenced=4 * MIB, shared=0, huge=4 * MIB)
    assert by_referenced(huge, huge, EXACT) == Touched(4 * MIB, 2 * PAGE, 4 * MIB)


def test_unseen_is_no_more_than_the_tlb_holds() -> None:
    large = TouchFigures(rss=1 << 30, referenced=1 << 30, shared=0, huge=0)
    found = by_referenced(large, large._replace(referenced=0), EXACT._replace(is_flushed=False))
    assert found == Touched(1 << 30, 0, 2 * 4096 * PAGE)


def mapped(start: int, figures: TouchFigures, kind: str = "anon", **more: bool) -> Mapped:
    size = max(figures.rss, PAGE)
    return Mapped(start, start + size, kind, figures, more.get("is_swapped", False), more.get("is_new", False))


def seen(*mappings: Mapped, scanned: int | None = 5) -> Look:
    return Look(b"x", None, {each.start: each for each in mappings}, scanned)


def test_a_mapping_that_is_gone_may_have_been_touched() -> None:
    before = seen(mapped(PAGE, ALL_USED), mapped(1 << 30, ALL_USED, "heap"))
    told = list(told_by_referenced(before, seen(mapped(1 << 30, USED, "heap")), EXACT))
    assert told == [("heap", Touched(100 * PAGE, 7 * PAGE, 7 * PAGE)), ("anon", Touched(0, 0, 100 * PAGE))]


@pytest.mark.parametrize(("was", "now"), [(5, 6), (None, 6), (None, None)])
def test_reclaim_that_may_have_run(was: int | None, now: int | None) -> None:
    before, after = seen(mapped(PAGE, ALL_USED), scanned=was), seen(mapped(PAGE, USED), scanned=now)
    assert list(told_by_referenced(before, after, EXACT)) == [("anon", Touched(100 * PAGE, 7 * PAGE, 100 * PAGE))]


@pytest.mark.parametrize(
    ("vmstat", "scanned"),
    [
        ("pgscan_kswapd_dma 1\npgscan_kswapd_normal 2\npgscan_direct_normal 4\n", 7),  # before Linux 4.8
        ("pgscan_kswapd 1\npgscan_direct 2\n", 3),
        ("pgscan_kswapd 1\npgscan_direct 2\npgscan_anon 8\npgscan_file 16\n", 24),  # 5.9: that of groups, too
        ("pgfault 1\n", None),
    ],
)
def test_what_reclaim_has_looked_at(tmp_path: Path, vmstat: str, scanned: int | None) -> None:
    tree = write_tree(tmp_path, Proc(7, "x", (Map("", 4),)))
    (tree / "proc/vmstat").write_text(vmstat)
    assert look(open_source(str(tree)), 7).scanned == scanned


def test_soft_dirty_pages_in_ram_and_in_swap() -> None:
    words = (1 << 63 | 1 << 55, 1 << 63, 1 << 62 | 1 << 55, 1 << 62, 1 << 55, 0)
    assert written_pages(b"".join(word.to_bytes(8, sys.byteorder) for word in words)) == (4, 2)


def test_whether_soft_dirty_bits_were_cleared_before() -> None:
    """What was mapped since then counts as written to as a whole; the main stack never does (Linux 6.1 and 7.2)."""
    fresh = [mapped(PAGE, USED, "heap", is_new=True), mapped(1 << 30, USED, "stack")]
    assert not seen(*fresh).is_tracked
    assert seen(*fresh, mapped(1 << 40, USED)).is_tracked


def test_idle_pages() -> None:
    figures = TouchFigures(5 * PAGE, 0, 0, 0)
    after = seen(mapped(0, figures), mapped(10 * PAGE, figures._replace(is_file=True), "text"))
    before = Frames({0: 100, 1: 101, 2: 102, 3: 103, 10: 200, 11: 201}, frozenset([11]))
    now = Frames({0: 100, 1: 101, 2: 102, 4: 104, 10: 200, 11: 201, 12: 202}, frozenset([11]))
    told = dict(told_by_idle(before, {100, 101, 200, 201}, after, now, {100}, EXACT))
    # Page 1 was touched, 2 could not be marked, 3 is gone, 4 is new.
    assert told["anon"] == Touched(5 * PAGE, 2 * PAGE, 4 * PAGE)
    # Page 10 was touched, 11 perhaps by who else maps it, 12 perhaps mapped beside another.
    assert told["text"] == Touched(5 * PAGE, PAGE, 3 * PAGE)
    # Page 0 is idle still; a processor that has it in its TLB uses it unseen.
    told = dict(told_by_idle(before, {100, 101, 200, 201}, after, now, {100}, EXACT._replace(is_flushed=False)))
    assert told["anon"] == Touched(5 * PAGE, 2 * PAGE, 5 * PAGE)


def test_idle_bits_are_written_and_read_by_words(tmp_path: Path) -> None:
    bitmap = tmp_path / "bitmap"
    bitmap.write_bytes(bytes(64))
    mark_idle([3, 64, 127, 256], str(bitmap))
    words = [int.from_bytes(bitmap.read_bytes()[at : at + 8], sys.byteorder) for at in range(0, 64, 8)]
    assert words == [1 << 3, 1 | 1 << 63, 0, 0, 1, 0, 0, 0]
    assert idle_of([3, 4, 64, 256, 300], lambda places: {place: words[place] for place in places}) == {3, 64, 256}
    with pytest.raises(Missing, match="does not track idle pages"):
        mark_idle([3], str(tmp_path / "none"))


@pytest.mark.parametrize("end", [0, OSError(errno.ENXIO, "")], ids=["end of memory", "behind it"])
def test_the_end_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: int | OSError) -> None:
    """Of a last word that memory does not fill the kernel says that it took nothing, for ever."""
    told = iter([8, end])

    def pwrite(fd: int, values: bytes, place: int) -> int:
        taken = next(told)
        if isinstance(taken, OSError):
            raise taken
        return taken

    monkeypatch.setattr(os, "pwrite", pwrite)
    bitmap = tmp_path / "bitmap"
    bitmap.touch()
    mark_idle([3, 64], str(bitmap))
    assert list(told) == []


def test_windows_are_summed_by_kind_the_largest_first() -> None:
    told = [("heap", Touched(10, 1, 2)), ("anon", Touched(30, 3, 3)), ("heap", Touched(15, 1, 1))]
    window = window_of(1, 1.25, [*told, ("bss", Touched(0, 0, 0))])
    assert dict(window.kinds) == {"anon": Touched(30, 3, 3), "heap": Touched(25, 2, 3)}
    assert list(window.kinds) == ["anon", "heap"]
    assert window.all == Touched(55, 5, 6)


def test_text_and_rows() -> None:
    kib = 1024
    windows = [
        window_of(seconds, seconds, [("heap", Touched(900 * kib, seconds * 10 * kib, seconds * 20 * kib))])
        for seconds in (1, 10)
    ]
    measuring = Measuring("referenced", 800 * kib, True, True, None, 0.0021)
    found = WorkingSet(7, "evil\x1b[31m", measuring, windows, 2)
    assert list(wss_lines(found, 80))[:6] == [
        "7: evil\\x1b[31m",
        "Touched within, in KiB, of what is resident now",
        "",
        "Kind                RSS  1.0 s   10.0 s",
        "heap                900  10-20  100-200",
        "all                 900  10-20  100-200",
    ]
    assert "its soft-dirty bits were cleared" in "\n".join(wss_lines(found, None))
    looked = "clearing took 2.1 ms; 800 KiB looked used before"
    assert looked in list(wss_lines(found, None))
    others = found._replace(
        measuring=measuring._replace(method="soft-dirty", cleared=0)
    )  # accessed bits are left alone
    assert "clearing took 2.1 ms" in list(wss_lines(others, None))
    report = wss_report(found, {})
    assert next(iter(report.table.rows())) == {
        "seconds": 1,
        "elapsed": 1,
        "kind": "heap",
        "rss": 900 * kib,
        "touched_least": 10 * kib,
        "touched_most": 20 * kib,
    }
    assert report.totals is not None
    assert report.totals["clear_seconds"] == 0.0021


@pytest.mark.parametrize(
    ("call", "status", "says"),
    [
        ("wss 7 --seconds 1,x", 2, "wss: --seconds: '1,x' is no list of seconds; write for example 1,10,60"),
        ("wss 7 --seconds 0", 2, "wss: --seconds: '0' is no list of seconds; write for example 1,10,60"),
        ("wss 7 --seconds nan", 2, "wss: --seconds: 'nan' is no list of seconds; write for example 1,10,60"),
        ("wss 7 -S x.tar", 1, "wss: is for a live machine: no capture has what it reads"),
        ("--demo wss 297", 1, "wss: is for a live machine: no capture has what it reads"),
        ("wss x", 2, "wss: 'x' is not a process number"),
    ],
)
def test_calls_that_make_no_sense(pymemtools: Run, call: str, status: int, says: str) -> None:
    done = pymemtools(*call.split())
    assert (done.returncode, done.stdout, done.stderr.decode()) == (status, b"", f"pymemtools: {says}\n")


def test_nobody_is_cleared_who_is_not_there() -> None:
    with pytest.raises(NoSuchProcess, match="no such process"):
        ClearRefs(4194304)


def test_a_kernel_thread_has_no_memory(pymemtools: Run) -> None:
    if b"kthreadd" not in (Path("/proc/2/comm").read_bytes() if os.path.exists("/proc/2/comm") else b""):
        pytest.skip("no kernel thread to be seen here")
    done = pymemtools("wss", "2", "--seconds", "0.01")
    assert (done.returncode, done.stderr) == (1, b"pymemtools: 2: a kernel thread has no memory of its own\n")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def test_who_tracks_soft_dirty_bits_is_not_misled(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they were cleared before, whoever did that may rely on them; as on this kernel all of them seem to be."""
    monkeypatch.setattr(working_set, "has_soft_dirty", lambda: True)
    monkeypatch.setattr(working_set, "look", lambda source, pid: seen(mapped(PAGE, USED)))
    with pytest.raises(MemtoolsError, match="as CRIU does, would be misled; --force clears them"):
        begin(open_source(), sleeper.pid, "soft-dirty", Leave(force=False))
    again = begin(open_source(), sleeper.pid, "soft-dirty", Leave(force=False, is_again=True))
    assert again.measuring.has_cleared_soft_dirty


def test_who_tracks_idle_pages_is_not_misled(sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working_set, "look", lambda source, pid: seen(mapped(PAGE, USED)))
    monkeypatch.setattr(working_set, "read_frames", lambda look, pid: Frames({1: 100}, frozenset()))
    monkeypatch.setattr(working_set, "idle_of", lambda frames: set(frames))
    with pytest.raises(MemtoolsError, match="marked as idle: whoever tracks them would be misled; --force marks them"):
        begin(open_source(), sleeper.pid, "idle", Leave(force=False))
