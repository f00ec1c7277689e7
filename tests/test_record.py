"""``record``, and the commands that read a recording: as they would have answered then."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import HERE, Run, started
from recordings import Board, process_files, recorded
from still_tree import StillTree, still_tree

from pymemtools.capture.recording import Tick, Writer, Written
from pymemtools.capture.unit import unit
from pymemtools.cli.record import _samples
from pymemtools.errors import Missing
from pymemtools.sources.recording import open_recording
from pymemtools.sources.tree import live

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StillTree]:
    with still_tree(tmp_path_factory.mktemp("still")) as processes:
        yield processes


@pytest.fixture(scope="module")
def still_recording(still: StillTree, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Record this machine, on which some processes stand still, three times."""
    path = str(tmp_path_factory.mktemp("recorded") / "a.rec")
    with Writer(path, {"page_size": os.sysconf("SC_PAGE_SIZE")}, maps_of=still.pids[:1]) as writer:
        for _ in range(3):
            writer.sample(live(), Tick(time.time(), 100.0))
    return path


@pytest.mark.parametrize(
    "call",
    [
        "smem --rollup -P PATTERN -c pid,user,command,swap,uss,pss,rss -t",
        "smem --rollup -P PATTERN -g cgroup -c group,pss -f csv",
        "smem --rollup -P PATTERN -u -f csv",
        "status FIRST",
        "pmap -x FIRST",
        "pmap FIRST",
        "smem -P PATTERN -c pid,name,uss -n --rollup -s uss",
    ],
)
def test_of_processes_that_stand_still_the_answer_is_that_of_then(
    call: str, still: StillTree, still_recording: str, pymemtools: Run
) -> None:
    words = call.replace("FIRST", str(still.pids[0])).split()
    words = [still.pattern if word == "PATTERN" else word for word in words]
    now = pymemtools(*words)
    assert now.returncode == 0 and now.stdout
    for moment in ("first", "2", "last"):
        then = pymemtools(*words, "-S", still_recording, "--at", moment)
        assert (then.returncode, then.stdout) == (0, now.stdout)


def test_what_no_moment_holds_is_refused_by_name(still: StillTree, still_recording: str, pymemtools: Run) -> None:
    second = str(still.pids[1])
    done = pymemtools("pmap", "-x", second, "-S", still_recording)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].decode() == (
        f"pymemtools: pmap: {second}: smaps: not recorded, as maps are only of processes that record --smaps names"
    )


@pytest.mark.parametrize("call", ["smem -m", "cache"])
def test_how_mappings_would_have_been_recorded_is_said(call: str, still_recording: str, pymemtools: Run) -> None:
    """It is why they are missing of most processes, whatever refused the others."""
    done = pymemtools(*call.split(), "-S", still_recording)
    assert b"could not be read (not recorded, as maps are only of processes that record --smaps names)" in done.stderr


BOARD = {
    "meminfo": b"MemTotal: 1000000 kB\nMemFree: 500000 kB\nMemAvailable: 600000 kB\nBuffers: 0 kB\nCached: 100000 kB\n"
    b"SwapTotal: 0 kB\nSwapFree: 0 kB\n"
}


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Record an hour in which one process grows and another one ends, on a clock that is an hour ahead of UTC."""

    def change(board: Board, number: int) -> None:
        board.processes[7] = process_files(7, 400 + 4 * number)
        board.files["meminfo"] = BOARD["meminfo"].replace(b"500000", b"%d" % (500000 - number))
        if number == 181:
            del board.processes[8]

    board = Board(BOARD, {7: process_files(7, 400), 8: process_files(8, 800, "b")})
    return recorded(tmp_path_factory.mktemp("hour") / "a.rec", 360, change, board=board, offset=3600)


def test_the_moment_is_said(hour: str, pymemtools: Run) -> None:
    for words in (("-S", hour, "--at", "12:30"), ("-S", f"{hour}@12:30"), (f"--source={hour}", "--at=-36m40s")):
        done = pymemtools("free", *words)
        assert done.stderr.decode() == f"pymemtools: {hour}: sample 140, taken 2026-11-18 12:30:00 +0100\n"
        assert done.stdout.splitlines()[1].split()[:4] == [b"Mem:", b"1000000", b"400000", b"499860"]
    done = pymemtools("free", "-S", hour, "--at", "12:30", "-f", "json")
    assert done.stderr == b""
    assert json.loads(done.stdout)["source"] == {
        "kind": "recording",
        "path": hour,
        "kernel": "6.12.0",
        "page_size": 4096,
        "taken_at": "2026-11-18T11:30:00Z",
    }
    assert b"sample 360, taken 2026-11-18 13:06:40 +0100" in pymemtools("free", "-S", hour).stderr


def test_two_moments_are_compared(hour: str, pymemtools: Run) -> None:
    call = ("smem", "--rollup", "-S", hour, "--diff", f"{hour}@first", "-c", "pid,command")
    done = pymemtools(*call)
    assert [line.split() for line in done.stdout.decode().splitlines()] == [
        ["PID", "Command", "Change", "Before", "After", "Delta"],
        ["7", "/bin/a", "--pid=7", "grown", "404", "1840", "1436"],
        ["8", "/bin/b", "--pid=8", "gone", "800", "-", "-800"],
    ]


def test_smaps_that_are_not_there_are_answered_from_the_rollup_and_that_is_said(hour: str, pymemtools: Run) -> None:
    done = pymemtools("smem", "-S", hour, "--at", "first", "-c", "pid,pss")
    assert done.stdout.split() == b"PID PSS 7 404 8 800".split()
    assert (
        done.stderr.splitlines()[1]
        == b"pymemtools: without smaps: the figures of 2 processes are those of smaps_rollup"
    )


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        (
            ("--at", "3"), 2,
            "free: --at is for a moment of a recording: say which with -S FILE; try 'pymemtools free --help'",
        ),
        (("-S", str(HERE), "--at", "3"), 2, f"--at is for a recording, which {HERE} is not"),
        (("-S", "-", "--at", "3"), 2, "--at is for a recording, which standard input is not"),
        (("-S", "HOUR", "--at", "361"), 1, "HOUR: no sample 361: there are 1 to 360"),
        (
            ("-S", "HOUR", "--at", "-3h"), 1,
            "HOUR: -3h (2026-11-18 10:06:40 +0100) is before the first sample, which was taken "
            "2026-11-18 12:06:50 +0100",
        ),
        (
            ("-S", "HOUR", "--at", "noon"), 2,
            "'noon' is no moment; write 03:12, 2026-11-28T03:12, -2h, first, last or the number of a sample",
        ),
        (
            ("-S", "HOUR@first", "--at", "@3"), 2,
            "'first@@3' is no moment; write 03:12, 2026-11-28T03:12, -2h, first, last or the number of a sample",
        ),
        (
            ("-S", "HOUR", "-s", "1"), 2,
            "free: an archive does not change: -s and -c need a live machine or a directory",
        ),
    ],
)  # fmt: skip
def test_what_is_no_moment(words: tuple[str, ...], status: int, why: str, hour: str, pymemtools: Run) -> None:
    done = pymemtools("free", *(word.replace("HOUR", hour) for word in words))
    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.decode().splitlines()[-1] == f"pymemtools: {why.replace('HOUR', hour)}"


def test_info_tells_moments_span_and_cost(hour: str, pymemtools: Run) -> None:
    lines = pymemtools("info", hour).stdout.decode().splitlines()
    assert lines[0] == f"Source:     recording {hour}"
    assert lines[11:15] == [
        "Samples:    360, 1 to 360, every 10 s",
        "From:       2026-11-18 12:06:50 +0100",
        "To:         2026-11-18 13:06:40 +0100",
        "Boots:      1",
    ]
    assert re.fullmatch(r"Cost: {7}\d+\.\d KiB, \d+\.\d\d % of one processor", lines[15])
    told = json.loads(pymemtools("info", hour, "-f", "json").stdout)["source"]
    assert {
        key: told[key] for key in ("samples", "first_sample", "first_taken_at", "last_sample", "last_taken_at")
    } == {
        "samples": 360,
        "first_sample": 1,
        "first_taken_at": "2026-11-18T11:06:50Z",
        "last_sample": 360,
        "last_taken_at": "2026-11-18T12:06:40Z",
    }
    assert told["boots"] == 1 and told["every_s"] == 10.0
    assert told["size"] == os.path.getsize(hour) and 0 < told["cpu_share"] < 1


def test_this_machine_is_recorded(tmp_path: Path) -> None:
    done = started("record", "-o", "a.rec", "--every", "0.1s", "--count", "3", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout == b""
    first, *_, last = done.stderr.decode().splitlines()
    assert first == "pymemtools: record: into a.rec, every 0.1 s"
    assert re.fullmatch(
        r"pymemtools: record: 3 samples in \d+ s, \d+\.\d\d % of one processor; a\.rec has [0-9.]+ [KM]iB", last
    )
    recording = open_recording(str(tmp_path / "a.rec"))
    assert [moment.number for moment in recording.moments] == [1, 2, 3]
    assert recording.about.host == os.uname().nodename
    assert os.getpid() in recording.at("first").pids()
    assert (tmp_path / "a.rec").stat().st_mode & 0o777 == 0o600
    again = started("record", "-o", "a.rec", "--every", "0.1s", "--for", "0.01s", cwd=tmp_path)
    assert again.stderr.decode().splitlines()[0] == "pymemtools: record: into a.rec, every 0.1 s, after sample 3"


@contextmanager
def recording_program(path: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Start the program, and wait until it has told that it records."""
    command = [sys.executable, "-m", "pymemtools", "record", "-o", str(path), *options]
    env = os.environ | {"PYTHONPATH": str(HERE.parent)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as program:
        assert program.stderr is not None
        assert program.stderr.readline() == f"pymemtools: record: into {path}, every 3600 s\n"
        try:
            yield program
        finally:
            program.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_after_the_sample(number: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    with recording_program(path, "--every", "1h") as program:
        program.send_signal(number)
        _, told = program.communicate(timeout=60)
    assert program.returncode == 0
    assert "record: 1 sample in" in told.splitlines()[-1]
    assert open_recording(str(path)).last.number == 1
    assert sorted(tmp_path.iterdir()) == [path]  # nothing is left beside it


def test_a_second_one_is_refused_in_one_line(tmp_path: Path, pymemtools: Run) -> None:
    path = tmp_path / "a.rec"
    with recording_program(path, "--every", "1h"):
        done = pymemtools("record", "-o", str(path))
        assert (done.returncode, done.stderr.decode()) == (
            *(1, f"pymemtools: {path}: another program is recording into it\n"),
        )


def test_a_full_disk_ends_it_and_leaves_a_good_file(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk."""
    path = tmp_path / "a.rec"
    limit: Callable[[], None] = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, 900_000))
    done = started("record", "-o", str(path), "--every", "0.01", preexec_fn=limit)
    assert done.returncode == 1
    assert re.fullmatch(
        rf"pymemtools: {re.escape(str(path))}: (database or disk is full|disk I/O error); "
        r"what was recorded before is in it",
        done.stderr.decode().splitlines()[-1],
    )
    recording = open_recording(str(path))
    assert recording.at("last").read("meminfo").startswith(b"MemTotal:")
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("left_out", [(), ("-shm",), ("-shm", "-wal")])
def test_a_copy_of_what_is_written_now_is_read_wherever_it_lies(left_out: tuple[str, ...], tmp_path: Path) -> None:
    """With all that is beside it, or without what was not copied; in a directory that only others may write."""
    path = tmp_path / "a.rec"
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        with Writer(str(path), {"page_size": 4096}) as writer:
            writer.sample(Board(BOARD, {7: process_files(7, 400)}), Tick(1_795_000_000.0, 100.0))
            sqlite3.connect(path).execute("PRAGMA wal_checkpoint")
            writer.sample(Board(BOARD, {7: process_files(7, 404)}), Tick(1_795_000_010.0, 110.0))
            for suffix in {"", "-wal", "-shm"}.difference(left_out):
                shutil.copy(f"{path}{suffix}", f"{directory}/a.rec{suffix}")
        files = [Path(directory, name) for name in os.listdir(directory)]
        for file in files:
            file.chmod(0o444)
        Path(directory).chmod(0o555)
        before = {file: file.read_bytes() for file in files if file.suffix != ".rec-shm"}
        command = [sys.executable, "-m", "pymemtools", "free", "-S", f"{directory}/a.rec"]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        env = os.environ | {"PYTHONPATH": str(HERE.parent)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd="/")
        expected = 1 if "-wal" in left_out else 2
        assert f"{directory}/a.rec: sample {expected}, taken" in done.stderr
        assert (done.returncode, done.stderr.count("\n")) == (0, 1)
        assert sorted(os.listdir(directory)) == sorted(file.name for file in files)
        assert before == {file: file.read_bytes() for file in files if file.suffix != ".rec-shm"}


def test_a_copy_of_what_has_just_begun_is_a_recording(tmp_path: Path) -> None:
    """SQLite puts all into the -wal at first: even what the file is, which nobody could tell without it."""
    path, copied = tmp_path / "a.rec", tmp_path / "b.rec"
    with Writer(str(path), {"page_size": 4096}) as writer:
        writer.sample(Board(BOARD, {7: process_files(7, 400)}), Tick(1_795_000_000.0, 100.0))
        shutil.copy(path, copied)
    with pytest.raises(Missing) as refused:
        open_recording(str(copied))
    assert str(refused.value) == f"{copied}: no sample in it yet: none was taken, or its -wal was not copied"


class Nowhere(Board):
    """A machine whose /proc is not mounted."""

    def pids(self) -> list[int]:
        raise Missing("no processes")


def test_what_was_made_for_nothing_is_removed(tmp_path: Path) -> None:
    """Of a recording without a sample nobody has anything; what was there before, or has one, stays."""
    path = tmp_path / "a.rec"
    with Writer(str(path)):
        assert path.exists()
    assert os.listdir(tmp_path) == []
    with pytest.raises(Missing, match="no processes"), Writer(str(path)) as writer:
        writer.sample(Nowhere(BOARD, {}), Tick(1_795_000_000.0, 100.0))
    assert os.listdir(tmp_path) == []
    with Writer(str(path)) as writer:
        writer.sample(Board(BOARD, {7: process_files(7, 400)}), Tick(1_795_000_000.0, 100.0))
    with Writer(str(path)):
        pass
    assert os.listdir(tmp_path) == ["a.rec"]
    path.write_bytes(b"")  # as mktemp(1) makes it
    with Writer(str(path)):
        pass
    assert os.listdir(tmp_path) == ["a.rec"]


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
def test_a_wal_that_may_not_be_read(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        path = Path(directory, "a.rec")
        Path(directory).chmod(0o755)
        with Writer(str(path), {"page_size": 4096}) as writer:
            writer.sample(Board(BOARD, {7: process_files(7, 400)}), Tick(1_795_000_000.0, 100.0))
            path.chmod(0o644)
            command = [
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                sys.executable,
                "-m",
                "pymemtools",
            ]
            env = os.environ | {"PYTHONPATH": str(HERE.parent)}
            done = subprocess.run(
                [*command, "free", "-S", str(path)], capture_output=True, text=True, check=False, env=env
            )
        said = f"pymemtools: {path}-wal: Permission denied: the last samples are in it\n"
        assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_one_file_to_send(tmp_path: Path, pymemtools: Run) -> None:
    path, packed = tmp_path / "a.rec", tmp_path / "b.rec"
    with Writer(str(path), {"page_size": 4096}) as writer:
        for number in range(5):
            writer.sample(Board(BOARD, {7: process_files(7, 400 + number)}), Tick(1_795_000_000.0 + number, 100.0))
        done = pymemtools("record", "--pack", str(path), str(packed))  # while it is written
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.rec", "b.rec"]
    assert packed.stat().st_mode & 0o777 == 0o600
    for number in range(1, 6):
        ours, theirs = (open_recording(str(file)).at(number) for file in (path, packed))
        assert ours.read("7/smaps_rollup") == theirs.read("7/smaps_rollup")
    done = pymemtools("record", "--pack", str(path), str(packed))
    assert (done.returncode, done.stderr.decode()) == (
        *(1, f"pymemtools: {packed}: exists already (--force replaces it)\n"),
    )
    assert pymemtools("record", "--pack", str(path), str(packed), "--force").returncode == 0


def test_the_unit_may_do_nothing_else(pymemtools: Run, tmp_path: Path) -> None:
    text = unit(["/usr/bin/pymemtools", "record", "-o", "/srv/my files/50%.rec"])
    assert 'ExecStart=/usr/bin/pymemtools record -o "/srv/my files/50%%.rec"\n' in text
    assert 'ExecStart=p -o "%S/pymemtools/a b%%h$$X"\n' in unit(["p", "-o", "%S/pymemtools/a b%h$X"])
    printed = pymemtools("record", "--unit", "--every", "30s", "--keep", "2d").stdout.decode()
    assert re.search(
        r"^ExecStart=\S+( \S+)? record -o %S/pymemtools/memory.rec --every 30s --keep 172800s --keep-size 524288000$",
        printed,
        re.MULTILINE,
    )
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    file = tmp_path / "memory.service"
    file.write_text(printed.replace("Documentation", "#"))
    done = subprocess.run(["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if str(file.name) in line and "not executable" not in line]
    assert complaints == []


@pytest.mark.parametrize("name", ["board.rec", "/var/lib/pymemtools/board.rec"])
def test_the_unit_writes_where_its_user_may(pymemtools: Run, name: str) -> None:
    printed = pymemtools("record", "--unit", "-o", name, "--full-every", "7").stdout.decode()
    (command,) = (line for line in printed.splitlines() if line.startswith("ExecStart="))
    assert " -o %S/pymemtools/board.rec --every 10s " in command
    assert command.endswith(" --full-every 7")


@pytest.mark.parametrize("name", ["/srv/board.rec", "sub/board.rec", "/var/lib/pymemtools/"])
def test_no_unit_is_printed_that_could_not_write(pymemtools: Run, name: str) -> None:
    done = pymemtools("record", "--unit", "-o", name)
    said = f"pymemtools: record: {name}: a unit writes into /var/lib/pymemtools only: -o takes a name there\n"
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", said)


def test_without_sqlite_it_is_said_in_one_line(hour: str, tmp_path: Path) -> None:
    (tmp_path / "sqlite3.py").write_text("raise ImportError('no sqlite3')\n")
    env = os.environ | {"PYTHONPATH": f"{tmp_path}:{HERE.parent}"}
    for call in (("free", "-S", hour), ("record", "-o", str(tmp_path / "a.rec"))):
        done = started(*call, env=env)
        assert (done.returncode, done.stderr.decode()) == (
            *(1, "pymemtools: recordings need Python's sqlite3 module, which this Python is built without\n"),
        )
    assert not (tmp_path / "a.rec").exists()


@pytest.mark.parametrize(("cpu_s", "waits"), [(0.1, [6.0, 6.0]), (2.0, [18.0, 18.0])])
def test_a_sample_that_had_to_wait_itself_makes_no_gap(
    cpu_s: float, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples of 4 s, as where memory is short, are 10 s apart as asked for, unless they took a processor."""
    clock, waited = [0.0], []

    class Slow:
        def sample(self, source: object, tick: object) -> Written:
            clock[0] += 4
            return Written(1, 1, 0, "", cpu_s, 0)

    def wait(stopping: object, seconds: float) -> bool:
        waited.append(seconds)
        clock[0] += seconds
        return False

    monkeypatch.setattr("pymemtools.cli.record.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("pymemtools.cli.record._told_to_end", wait)
    assert _samples(Slow(), None, {"every": 10.0, "lasting": None, "count": 3}, []).samples == 3  # type: ignore[arg-type]
    assert waited == waits


@pytest.mark.parametrize(("count", "cost"), [(1, 5.0), (3, 0.5)])
def test_the_first_sample_which_starts_up_is_no_part_of_what_others_cost(
    count: int, cost: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the end of a recording tells the share of a processor that info tells of it."""
    costs = iter((5.0, 0.25, 0.25))

    class Costly:
        def sample(self, source: object, tick: Tick) -> Written:
            return Written(1, 1, 0, "", next(costs), 1)

    monkeypatch.setattr("pymemtools.cli.record._told_to_end", lambda stopping, seconds: False)
    recorded = _samples(Costly(), None, {"every": 0.001, "lasting": None, "count": count}, [])  # type: ignore[arg-type]
    assert (recorded.samples, recorded.cpu_s) == (count, cost)
