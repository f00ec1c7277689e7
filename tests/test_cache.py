"""``cache``: what of files is in the page cache; on files that each test makes, evicts and reads by itself."""

from __future__ import annotations

import json
import mmap
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from trees import Proc, write_tree

from pymemtools.probes.file_walk import DONE, ROW, Looks, Place, Walk
from pymemtools.probes.page_cache import MINCORE, PAGE, CacheCounter
from pymemtools.probes.worker import alive, within
from pymemtools.readings.cached_files import Reach, survey
from pymemtools.render.cache_table import cache_lines
from pymemtools.reports.cache.report import CacheAnswer, TreeRow, WholeCache
from pymemtools.reports.cache.request import CacheRequest, answer
from pymemtools.sources import open_source
from pymemtools.units import human_size

pytestmark = pytest.mark.alone

MIB = 1 << 20


def written(path: Path, pages: int) -> Path:
    """Make a file of which all pages are in the cache and clean."""
    path.write_bytes(b"x" * pages * PAGE)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return path


def keep(path: Path, pages: Iterable[int]) -> None:
    """Take a file out of the cache, and read some pages of it, each alone."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        for page in pages:
            os.pread(file.fileno(), 1, page * PAGE)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Path]:
    """Give a directory on a file system that can drop pages."""
    probe = written(tmp_path / "probe", 1)
    keep(probe, ())
    with probe.open("rb") as file:
        cached = CacheCounter().resident(file.fileno(), os.fstat(file.fileno())).cached
    probe.unlink()
    if cached != 0:
        pytest.skip("this file system does not drop pages")
    yield tmp_path


def rows(run: Run, *arguments: str) -> list[dict[str, object]]:
    done = run("cache", *arguments, "-f", "json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)["rows"]
    return found


ALL = Looks()


def looked(paths: list[Path], cache: CacheCounter | None = None, looks: Looks = ALL) -> list[tuple[object, ...]]:
    places = [Place(number, str(path), path.name) for number, path in enumerate(paths)]
    return list(Walk(looks, cache).messages(places))


def as_somebody_else(tell: Callable[[], str]) -> str:
    """Give what is told by a process of ours without rights; one that fails ends, and tells nothing."""
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            os.setgroups([])
            os.setresuid(65533, 65533, 65533)
            os.write(writing, tell().encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        text = told.read().decode()
    os.waitpid(pid, 0)
    return text


def without_cachestat() -> CacheCounter:
    """Refuse cachestat, as the seccomp profile of a container does."""
    return CacheCounter(lambda fd, offset, length: None)


def test_pages_in_the_cache_are_counted_and_drawn(pymemtools: Run, here: Path) -> None:
    file = written(here / "file", 20)
    keep(file, (*range(5), *range(15, 20)))
    [row] = rows(pymemtools, str(file), "--bar")
    assert (row["size"], row["in_cache"], row["dirty"]) == (20 * PAGE, 10 * PAGE, 0)
    assert row["cells"] == [[1, 1]] * 5 + [[0, 1]] * 10 + [[1, 1]] * 5
    text = pymemtools("cache", str(file)).stdout.decode()
    assert " 50 [OOOOO          OOOOO] " in text


def test_small_files_have_more_in_the_cache_than_they_are_long(pymemtools: Run, here: Path) -> None:
    """Whole pages are cached: no share of the files' length is more than all of it."""
    for number in range(3):
        with (here / f"{number}").open("wb", buffering=0) as file:
            file.write(b"x")
            os.fsync(file.fileno())
    last = pymemtools("cache", str(here)).stdout.decode().splitlines()[-1]
    assert last == f"{here}: {human_size(3 * PAGE)} in cache, in whole pages, of 3 B, 3 files in 1 directory"


def test_both_ways_to_count_agree(here: Path) -> None:
    file = written(here / "file", 30)
    keep(file, {*range(30)} - {3, 4, 5, 6})
    [one, _] = looked([file], without_cachestat(), Looks(cells=7))
    [other, _] = looked([file], None, Looks(cells=7))
    assert one[6] == other[6] == 26
    assert (one[7], one[11]) == (None, MINCORE)
    assert one[12] == other[12] == [(3, 5), (3, 5), (5, 5), (5, 5), (5, 5), (5, 5)]


def test_a_file_that_one_may_not_write_is_unknown_to_mincore(tmp_path: Path) -> None:
    """Since Linux 5.2 it calls every page of such a file resident."""
    if os.getuid():
        pytest.skip("needs root to become somebody else")
    file = written(tmp_path / "file", 3)
    file.chmod(0o644)
    for directory in (tmp_path, *tmp_path.parents[:3]):
        directory.chmod(directory.stat().st_mode | 0o055)
    counter = without_cachestat()  # imports what somebody else may not
    row, done = eval(as_somebody_else(lambda: repr(looked([file], counter))))  # our own process wrote it
    assert row[6:12] == (None,) * 6
    assert done == (DONE, 0, 1, 0, 3 * PAGE, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0)


def test_of_hugetlbfs_nothing_is_page_cache(pymemtools: Run) -> None:
    try:
        file = os.memfd_create("huge", os.MFD_HUGETLB)
    except OSError as error:
        pytest.skip(f"no hugetlbfs: {error}")
    os.ftruncate(file, 0)
    done = pymemtools("cache", f"/proc/{os.getpid()}/fd/{file}")
    os.close(file)
    said = b"pymemtools: cache: 1 file of hugetlbfs: their pages are no page cache ('pages' counts them)\n"
    assert (done.returncode, done.stderr) == (0, said)


def test_a_file_counts_once(pymemtools: Run, tmp_path: Path) -> None:
    written(tmp_path / "one", 2)
    os.link(tmp_path / "one", tmp_path / "two")
    (tmp_path / "link").symlink_to("one")
    done = pymemtools("cache", str(tmp_path), str(tmp_path / "one"), "-f", "json")
    found = json.loads(done.stdout)
    assert [row["in_cache"] for row in found["rows"]] == [2 * PAGE]
    assert (found["totals"]["files"], found["totals"]["in_cache"]) == (1, 2 * PAGE)


def test_what_is_no_regular_file_is_neither_opened_nor_waited_for(pymemtools: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    done = pymemtools("cache", str(tmp_path), "/dev/null", str(tmp_path / "fifo"), "-f", "json", timeout=60)
    assert json.loads(done.stdout)["rows"] == []
    assert done.stderr.decode().splitlines() == [
        "pymemtools: cache: /dev/null: not a regular file",
        f"pymemtools: cache: {tmp_path}/fifo: not a regular file",
    ]


def test_names_are_escaped_and_the_missing_are_said(pymemtools: Run, tmp_path: Path) -> None:
    written(tmp_path / "a\x1b[2J\nb\udce9", 1)
    done = pymemtools("cache", str(tmp_path), str(tmp_path / "gone"))
    assert rb"/a\x1b[2J\x0ab\xe9" in done.stdout
    assert done.stderr.decode() == f"pymemtools: cache: {tmp_path}/gone: No such file or directory\n"
    assert done.returncode == 1


@pytest.mark.parametrize("options", [(), ("--strict",), ("--who",), ("--evict",), ("--load",)])
def test_nothing_is_shown_of_what_is_not_there(pymemtools: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    gone = tmp_path / "gone"
    done = pymemtools("cache", *options, str(gone))
    said = [line for line in done.stderr.decode().splitlines() if "processes" not in line]
    assert (done.returncode, done.stdout) == (1, b"")
    assert said == [f"pymemtools: cache: {gone}: No such file or directory"]


def test_what_may_not_be_looked_at_is_lacking_where_it_was_named(tmp_path: Path) -> None:
    """Of a tree the rest is shown, and that is all that was asked for."""
    if os.getuid():
        pytest.skip("needs root to become somebody else")
    written(tmp_path / "file", 1).chmod(0o644)
    (tmp_path / "closed").mkdir(mode=0o700)
    for directory in (tmp_path, *tmp_path.parents[:3]):
        directory.chmod(directory.stat().st_mode | 0o055)

    def told() -> str:
        lines = []
        for named in (str(tmp_path), f"{tmp_path}/closed"):
            report = answer(open_source(None), CacheRequest(((f"{tmp_path}/file",) * 2, (named, named))))
            lines.append(repr((report.table.cells["path"], report.warnings[:1], report.answer.is_lacking)))
        return "\n".join(lines)

    told()  # imports what somebody else may not
    file, said = [f"{tmp_path}/file"], (f"{tmp_path}/closed: Permission denied",)
    assert as_somebody_else(told).splitlines() == [repr((file, said, False)), repr((file, said, True))]


def test_a_process_that_may_not_be_read_fails_where_it_was_named(pymemtools: Run, copy: Path) -> None:
    done = pymemtools("cache", "-S", str(copy), "-p", "9", "-p", "8")
    assert b"/lib/c" in done.stdout
    assert done.stderr == b"pymemtools: cache: 1 of 2 processes could not be read (no smaps)\n"
    assert done.returncode == 1


def test_kernel_threads_map_nothing(copy: Path) -> None:
    """They count neither as processes nor as such that could not be read: who is not root may read none of them."""
    (copy / "proc/9/stat").write_text(f"9 (kswapd0) S 2 0 0 0 -1 2129984 {' '.join('0' * 43)}\n")
    (copy / "proc/9/smaps").write_text("no smaps\n")
    (copy / "proc/7/smaps").write_text("no smaps\n")
    report = answer(open_source(str(copy)), CacheRequest(((__file__,) * 2,), who=True))
    assert report.warnings == (
        "1 of 1 processes could not be read (7/smaps: line 1: expected a mapping, got 'no smaps')",
    )


def test_what_is_not_known_is_not_nothing() -> None:
    """Where nothing could be looked at, as by who is not root, no file has 0 bytes in the cache."""
    unknown = TreeRow("", 2, 1, 3 * MIB, 0, None, None, None, 2)
    whole = WholeCache(9 * MIB, 0, 9 * MIB, None, is_lower_bound=True)
    assert list(cache_lines(CacheAnswer((), (), unknown, whole, 0, is_lacking=False), None)) == [
        "All: - of 3.0 MiB in cache, 2 files in 1 directory, 2 not known",
        "Cached: 9.0 MiB, of which at least 0 B in these files",
        "Rest:   9.0 MiB: what could not be looked at, files that nobody has open or maps ('cache PATH' shows those "
        "below it), tmpfs, shared memory",
    ]


def test_a_sparse_file_of_a_tebibyte(pymemtools: Run, tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
        file.seek(1 << 39)
        file.write(b"x" * PAGE)
    [row] = rows(pymemtools, str(tmp_path / "sparse"))
    assert (row["size"], row["in_cache"]) == (1 << 40, PAGE)


def test_mincore_maps_a_window_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pymemtools.probes.page_cache.WINDOW", 4 * PAGE)
    [row, _] = looked([written(tmp_path / "file", 11)], without_cachestat())
    assert row[6] == 11


def test_who_counts_window_after_window_says_that_it_is_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sparse file of some TiB took longer than a server that is gone, and all files beside it were skipped."""
    monkeypatch.setattr("pymemtools.probes.page_cache.WINDOW", 4 * PAGE)
    said: list[None] = []
    monkeypatch.setattr("pymemtools.probes.page_cache.alive", lambda: said.append(None))
    looked([written(tmp_path / "file", 11)], without_cachestat(), looks=Looks())
    assert len(said) == 3


def test_to_be_alive_is_no_message() -> None:
    def messages() -> Iterator[Any]:
        for number in range(3):
            alive()
            yield (number,)

    alive()  # nobody waits for us
    assert list(within(60.0, messages())) == [(0,), (1,), (2,)]


def test_who_maps_a_file_and_with_how_much_pss(pymemtools: Run, tmp_path: Path) -> None:
    file = written(tmp_path / "file", 8)
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert sum(mapped[place * PAGE] for place in range(8)) == 8 * ord("x")
        [row] = rows(pymemtools, str(file), "--who")
        assert (row["processes"], row["pss"]) == (1, 8 * PAGE)
        assert [mapper["pid"] for mapper in row["mappers"]] == [os.getpid()]  # type: ignore[attr-defined]
        found = rows(pymemtools, "-p", str(os.getpid()))
        assert [row["pss"] for row in found if row["path"] == str(file)] == [8 * PAGE]


def test_who_maps_the_files_of_a_process(pymemtools: Run, tmp_path: Path) -> None:
    """Its files and no others; also by others."""
    program = (
        "import mmap, sys; f = open(sys.argv[1]); m = mmap.mmap(f.fileno(), 0, prot=1); print(m[0], flush=1); input()"
    )
    file = written(tmp_path / "file", 1)
    call = [sys.executable, "-I", "-S", "-u", "-c", program, str(file)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(call, **pipes) as one, subprocess.Popen(call, **pipes) as two:  # type: ignore[call-overload]
        assert one.stdout and two.stdout and one.stdout.readline() and two.stdout.readline()
        own = {row["path"] for row in rows(pymemtools, "-p", str(one.pid))}
        found = {row["path"]: row for row in rows(pymemtools, "-p", str(one.pid), "--who")}
        assert set(found) == own
        assert {who["pid"] for who in found[str(file)]["mappers"]} == {one.pid, two.pid}  # type: ignore[attr-defined]
        one.communicate(b"\n")
        two.communicate(b"\n")


def test_a_deleted_file_of_a_process(pymemtools: Run, tmp_path: Path) -> None:
    file = written(tmp_path / "file", 5)
    with file.open("rb"):
        file.unlink()
        found = rows(pymemtools, "-p", str(os.getpid()))
    assert [row["in_cache"] for row in found if row["path"] == f"{file} (deleted)"] == [5 * PAGE]


def test_all_files_stand_beside_cached(pymemtools: Run) -> None:
    totals = json.loads(pymemtools("cache", "--all", "--top", "1", "-f", "json").stdout)["totals"]
    assert totals["rest"] == totals["cached"] - totals["in_cache"]
    assert totals["directories"] == 0


def test_evicting_shows_before_and_what_stays(pymemtools: Run, here: Path) -> None:
    file = here / "file"
    file.write_bytes(b"x" * 16 * PAGE)
    [row] = rows(pymemtools, "--evict", str(file))
    assert (row["in_cache_before"], row["in_cache"]) == (16 * PAGE, 0)
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert {mapped[place * PAGE] for place in range(16)} == {ord("x")}
        [row] = rows(pymemtools, "--evict", str(file))
        assert (row["in_cache_before"], row["in_cache"]) == (16 * PAGE, 16 * PAGE)


def test_loading(pymemtools: Run, here: Path) -> None:
    file = written(here / "file", 3 * MIB // PAGE)
    keep(file, ())
    done = pymemtools("cache", "--load", str(file), "-f", "json")
    [row] = json.loads(done.stdout)["rows"]
    assert row["in_cache_before"] == 0
    assert row["in_cache"] == 3 * MIB or b"no more is free" in done.stderr


@pytest.mark.parametrize("change", ["--evict", "--load"])
def test_what_can_be_changed_is(pymemtools: Run, here: Path, change: str) -> None:
    file = written(here / "file", 2)
    done = pymemtools("cache", change, str(here / "gone"), str(here), str(file), "-f", "json")
    assert [row["path"] for row in json.loads(done.stdout)["rows"]] == [str(file)]
    assert done.stderr.decode().splitlines() == [
        f"pymemtools: cache: {here}/gone: No such file or directory",
        f"pymemtools: cache: {here}: not a regular file",
    ]
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("", "name files and trees, or processes by --pid, or ask for --all"),
        ("--all /", "name files and trees, or processes by --pid, or ask for --all"),
        ("--evict --load x", "--evict and --load change named files, one at a time"),
        ("--evict --all", "--evict and --load change named files, one at a time"),
        ("--evict --watch 1 x", "--watch only looks: no --evict, --load and --compat with it"),
        ("-p x", "'x' is not a process number"),
    ],
)
def test_calls_that_make_no_sense(pymemtools: Run, call: str, said: str) -> None:
    done = pymemtools("cache", *call.split())
    assert (done.returncode, done.stderr.decode()) == (2, f"pymemtools: cache: {said}\n")


def test_nothing_but_regular_files_is_evicted(pymemtools: Run, tmp_path: Path) -> None:
    done = pymemtools("cache", "--evict", str(tmp_path))
    assert (done.returncode, done.stderr.decode()) == (1, f"pymemtools: cache: {tmp_path}: not a regular file\n")


def test_a_file_system_that_hangs_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk that never answers, in the other process, as on a server that is gone."""
    hangs = lambda self, places: iter(lambda: os.read(os.pipe()[0], 1), None)
    monkeypatch.setattr(Walk, "messages", hangs)
    found = survey([Place(0, str(tmp_path), "tree")], [], Reach(seconds=0.1))
    assert found.hung == [("/", "no answer for 0.1 s")]
    assert found.files == []


def test_other_file_systems_are_entered_only_when_asked(tmp_path: Path) -> None:
    for name in ("same", "other"):
        (tmp_path / name).mkdir()
        written(tmp_path / name / "file", 1)
    found = looked([tmp_path], looks=Looks(outside=frozenset({str(tmp_path / "other")})))
    assert [row[2] for row in found if row[0] == ROW] == [f"{tmp_path.name}/same/file"]


def peers(here: Path) -> list[str]:
    """Make files that peers show in each of their ways."""
    keep(written(here / "part", 130), (*range(40), 90))
    (here / "sub").mkdir()
    written(here / "sub" / "sma\x0all\x1b", 1)
    written(here / "no\udcffUTF-8", 2)
    os.link(here / "part", here / "sub" / "again")
    (here / "empty").touch()
    for size in (1, 1000, 1500, 97_700, (1 << 30) - 1, 1 << 30):
        with (here / f"sparse{size}").open("wb") as file:
            file.truncate(size)
    return sorted(str(path) for path in here.iterdir())


@pytest.mark.parametrize("options", [(), ("-J",)])
def test_fincore_byte_for_byte(pymemtools: Run, here: Path, options: tuple[str, ...]) -> None:
    if shutil.which("fincore") is None:
        pytest.skip("fincore is not installed")
    paths = peers(here)
    for call in (paths, [str(here / "sub" / "sma\x0all\x1b")], [str(here / "sub")], [paths[0], "/gone"]):
        expected = subprocess.run(["fincore", *options, *call], capture_output=True, check=False)
        done = pymemtools("cache", "--compat", "fincore", *(("-f", "json") if options else ()), *call)
        assert (done.stdout, done.returncode) == (expected.stdout, expected.returncode)


@pytest.mark.parametrize("options", [(), ("-v",)])
def test_vmtouch_byte_for_byte(pymemtools: Run, here: Path, options: tuple[str, ...]) -> None:
    if shutil.which("vmtouch") is None:
        pytest.skip("vmtouch is not installed")
    paths = peers(here)
    for call in ([str(here)], paths, [*paths, *paths], [str(here / "empty")], ["/gone"]):
        expected = subprocess.run(["vmtouch", *options, *call], capture_output=True, check=False).stdout
        done = pymemtools("cache", "--compat", "vmtouch", *(["--bar"] if options else []), *call)
        assert done.stdout.partition(b"Elapsed")[0] == expected.partition(b"Elapsed")[0]


# Captures

MAP = "{start}-{end} {perms} 00000000 fe:01 {inode}                  {path}\n"
NUMBERS = "Size:   {size} kB\nRss:    {rss} kB\nPss:    {pss} kB\nAnonymous: {copied} kB\nVmFlags: rd\n"


def test_a_tree_too_deep_to_be_walked_as_vmtouch_does(pymemtools: Run, tmp_path: Path) -> None:
    """What is above is counted; it ended the process that looks at files, and the program with it."""
    deep = tmp_path / ("d/" * 320)
    deep.mkdir(parents=True)
    done = pymemtools("cache", "--compat", "vmtouch", str(tmp_path))
    assert b" Directories: 301\n" in done.stdout
    said = f"{tmp_path}{'/d' * 301}: is more than 300 directories deep"
    assert done.stderr.decode() == f"pymemtools: cache: {said}\n"


def smaps(*mappings: str) -> str:
    """Write smaps of mappings given as ``path inode rss pss copied``, in KiB."""
    text = ""
    for place, words in enumerate(mappings):
        path, inode, rss, pss, copied = words.split()
        start, end = f"{0x400000 + (place << 20):08x}", f"{0x500000 + (place << 20):08x}"
        text += MAP.format(start=start, end=end, perms="r-xp", inode=inode, path=path)
        text += NUMBERS.format(size=1024, rss=rss, pss=pss, copied=copied)
    return text


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of two processes that share a library, and one that may not be read."""
    root = write_tree(
        tmp_path / "copy", Proc(7, "shell"), Proc(8, "x\x1b[2J"), Proc(9, "quiet"), meminfo={"MemTotal": 1024}
    )
    meminfo = "MemTotal: 1024 kB\nMemFree: 100 kB\nCached: 600 kB\nMapped: 300 kB\n"
    (root / "proc" / "meminfo").write_text(meminfo)
    (root / "proc/7/smaps").write_text(smaps("/lib/c 5 100 60 8", "/lib/c 5 20 20 20", "[heap] 0 400 400 400"))
    (root / "proc/8/smaps").write_text(smaps("/lib/c 5 80 40 0", "/bin/\x1b 6 4 4 0", "/lib/c 7 4 4 0"))
    (root / "proc/9/smaps").unlink()
    return root


def test_files_that_are_mapped_in_a_capture(pymemtools: Run, copy: Path) -> None:
    done = pymemtools("cache", "-S", str(copy), "--top", "2")
    assert done.stdout.decode() == (
        "      PSS       RSS   COPIED MAPPED BY   PATH\n"
        "120.0 KiB 200.0 KiB 28.0 KiB shell(7) +1 /lib/c\n"
        "  4.0 KiB   4.0 KiB      0 B x\\x1b[2J(8) /bin/\\x1b\n"
        "... and 1 more file (--top 0 shows all)\n"
        "\n"
        "All: 128.0 KiB PSS of 3 mapped files, with copies\n"
        "Mapped: 300.0 KiB of Cached: 600.0 KiB; what else is in it no capture tells\n"
    )
    assert done.stderr == b"pymemtools: cache: 1 of 3 processes could not be read (no smaps)\n"
    assert pymemtools("cache", "-S", str(copy), "--strict").returncode == 3


def test_a_capture_for_programs(pymemtools: Run, copy: Path) -> None:
    report = json.loads(pymemtools("cache", "-S", str(copy), "-p", "8", "-f", "json").stdout)
    mapper = {"pid": 8, "name": "x\x1b[2J", "pss": 40 << 10, "rss": 80 << 10, "anonymous": 0}
    assert report["rows"][0] == {
        "path": "/lib/c",
        "size": None,
        "in_cache": None,
        "device": "fe:01",
        "inode": 5,
        "pss": 40 << 10,
        "rss": 80 << 10,
        "anonymous": 0,
        "processes": 1,
        "mappers": [mapper],
    }
    assert report["totals"] == {
        "files": 3,
        "pss": 48 << 10,
        "rss": 88 << 10,
        "anonymous": 0,
        "mapped": 300 << 10,
        "cached": 600 << 10,
    }
    assert report["notes"] == [
        "a capture tells of files what is mapped of them: not their size, nor what else of them is in the cache"
    ]


def test_a_kernel_that_does_not_tell_pss(pymemtools: Run, copy: Path) -> None:
    path = copy / "proc/7/smaps"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if not line.startswith("Pss")))
    (row,) = json.loads(pymemtools("cache", "-S", str(copy), "-p", "7", "-f", "json").stdout)["rows"]
    assert (row["pss"], row["rss"]) == (None, 120 << 10)


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        ("/lib/c", 2, "no capture has the files themselves: of it, only --pid, --all and --top"),
        ("--evict", 2, "no capture has the files themselves: of it, only --pid, --all and --top"),
        ("--compat vmtouch", 2, "no capture has the files themselves: of it, only --pid, --all and --top"),
        ("-p 7 --all", 2, "--pid and --all are two answers to the same question"),
        ("-p 99", 42, "99: no such process"),
        ("-p 9", 1, "no process tells what it maps: no smaps"),
    ],
)
def test_what_a_capture_refuses(pymemtools: Run, copy: Path, arguments: str, status: int, reason: str) -> None:
    done = pymemtools("cache", "-S", str(copy), *arguments.split())
    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.decode() == f"pymemtools: cache: {reason}\n"
