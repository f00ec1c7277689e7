"""Recordings: what was read at a moment is read again; what did not change is not written; what is old goes."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from recordings import Board, process_files, recorded, tick

from pymemtools.capture.recording import Tick, Writer
from pymemtools.capture.retention import Keep
from pymemtools.errors import MemtoolsError, Missing
from pymemtools.sources.recording import open_recording
from pymemtools.sources.recording.damage import Damaged
from pymemtools.sources.recording.packing import pack, unpack
from pymemtools.sources.recording.schema import GROUP, PROCESS


def grow(board: Board, number: int) -> None:
    """Let process 7 use 4 KiB more in each sample, and say the number in a file of the machine."""
    board.processes[7] = process_files(7, 4 * number)
    board.files["loadavg"] = b"%d\n" % number


def test_each_moment_is_read_as_it_was(tmp_path: Path) -> None:
    recording = open_recording(recorded(tmp_path / "a.rec", 600, grow))
    assert [moment.number for moment in recording.moments] == list(range(1, 601))
    for number in (1, 2, 63, 64, 65, 255, 256, 257, 511, 512, 600):
        source = recording.at(number)
        assert source.pids() == [7, 8]
        assert source.read("loadavg") == b"%d\n" % number
        for pid, files in ((7, process_files(7, 4 * number)), (8, process_files(8, 800, "b"))):
            with source.process(pid) as process:
                assert {name: process.read(name) for name in files} == files
                assert process.uid() == 1000
        assert source.user_name(1000) == "ada"


def test_figures_over_time(tmp_path: Path) -> None:
    recording = open_recording(recorded(tmp_path / "a.rec", 600, grow))
    places = recording.followed(PROCESS)
    assert [(place.pid, place.name, place.command, place.cgroup, place.uid) for place in places.values()] == [
        (7, "a", "/bin/a --pid=7", "/a.slice", 1000),
        (8, "b", "/bin/b --pid=8", "/a.slice", 1000),
    ]
    grown, still = recording.series(PROCESS, ["minflt", "pss", "swap"]).values()
    assert list(grown.numbers) == list(range(1, 601))
    assert list(grown.values["pss"]) == [4096 * number for number in range(1, 601)]
    assert list(grown.values["minflt"]) == list(range(1, 601))
    assert set(grown.values["swap"]) == {None}
    assert list(still.numbers) == [1, 256, 512]  # where a block begins
    assert list(still.values["pss"]) == [800 << 10] * 3


def test_uss_of_a_recording_is_that_of_smem(tmp_path: Path) -> None:
    """Both leave hugetlbfs out, as RSS does."""
    files = process_files(7, 100)
    files["smaps_rollup"] += b"Private_Clean: 8 kB\nPrivate_Hugetlb: 2048 kB\n"
    recording = open_recording(recorded(tmp_path / "a.rec", 1, board=Board(processes={7: files})))
    (series,) = recording.series(PROCESS, ["uss"]).values()
    assert list(series.values["uss"]) == [108 << 10]


def test_figures_of_some_samples(tmp_path: Path) -> None:
    recording = open_recording(recorded(tmp_path / "a.rec", 600, grow))
    (grown, _) = recording.series(PROCESS, ["minflt"], 300, 310).values()
    assert list(grown.numbers) == list(range(256, 311))  # from where its block begins
    assert [number for number, _ in recording.texts_of("loadavg", 300, 303)] == [300, 301, 302, 303]
    assert [text for _, text in recording.texts_of("loadavg", most=3)] == [b"1\n", b"301\n", b"600\n"]
    assert [number for number, _ in recording.texts_of("meminfo")] == [1]  # it never changed


def test_groups_are_followed(tmp_path: Path) -> None:
    folder = "/sys/fs/cgroup/a.slice"

    def charge(board: Board, number: int) -> None:
        board.files["/sys/fs/cgroup/memory.stat"] = b"anon 4096\n"
        board.files[f"{folder}/memory.stat"] = b"anon %d\nfile 8192\nkernel 512\n" % (4096 * number)
        board.files[f"{folder}/memory.current"] = b"%d\n" % (4096 * number + 8704)
        board.files[f"{folder}/memory.max"] = b"max\n" if number < 3 else b"1048576\n"

    recording = open_recording(recorded(tmp_path / "a.rec", 4, charge))
    source = recording.at(3)
    assert source.names("/sys/fs/cgroup") == ["a.slice", "memory.stat"]
    assert source.names(folder) == ["memory.current", "memory.max", "memory.stat"]
    assert source.read(f"{folder}/memory.current") == b"20992\n"
    (place,) = (each.id for each in recording.followed(GROUP).values() if each.path == folder)
    series = recording.series(GROUP, ["current", "anon", "file", "kernel", "limit"])[place]
    assert {name: list(values) for name, values in series.values.items()} == {
        "current": [12800, 16896, 20992, 25088],
        "anon": [4096, 8192, 12288, 16384],
        "file": [8192] * 4,
        "kernel": [512] * 4,
        "limit": [None, None, 1048576, 1048576],
    }


def test_what_did_not_change_is_not_written(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.rec", 3)
    texts = sqlite3.connect(path).execute("SELECT count(*) FROM text").fetchone()
    path = recorded(tmp_path / "b.rec", 90)
    assert sqlite3.connect(path).execute("SELECT count(*) FROM text").fetchone() == texts


def test_of_what_did_not_move_no_memory_is_read(tmp_path: Path) -> None:
    board = Board(processes={7: process_files(7, 400), 8: process_files(8, 400)})
    asked = []

    def change(board: Board, number: int) -> None:
        asked.append(sorted(name for name in board.read_of if name.endswith("/smaps_rollup")))
        board.read_of.clear()
        if number == 2:
            board.processes[8] = process_files(8, 404)

    recorded(tmp_path / "a.rec", 6, change, board=board, full_every=4)
    both = ["7/smaps_rollup", "8/smaps_rollup"]
    assert asked == [[], both, ["8/smaps_rollup"], [], [], both]  # each of the sample before


def test_a_pid_that_another_process_has_is_another_place(tmp_path: Path) -> None:
    def change(board: Board, number: int) -> None:
        if number == 3:
            del board.processes[7]
        if number == 5:
            board.processes[7] = process_files(7, 99 << 2, "later", start=2000)

    recording = open_recording(recorded(tmp_path / "a.rec", 6, change))
    assert [recording.at(number).pids() for number in range(1, 7)] == [[7, 8]] * 2 + [[8]] * 2 + [[7, 8]] * 2
    lives = {
        (place.name, place.starttime_ticks): (place.first, place.last) for place in recording.followed(PROCESS).values()
    }
    assert lives == {("a", 1000): (1, 2), ("b", 1000): (1, None), ("later", 2000): (5, None)}


def test_it_goes_on_where_it_ended_after_a_start_of_the_machine_too(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    boards = [
        Board({"sys/kernel/random/boot_id": b"%s\n" % boot}, {7: process_files(7, kib)})
        for boot, kib in ((b"one", 4), (b"one", 8), (b"two", 12))
    ]
    for board in boards:
        recorded(path, 2, board=board)
    recording = open_recording(str(path))
    assert [(moment.number, moment.boot_id) for moment in recording.moments] == [
        *((1, "one"), (2, "one"), (3, "one"), (4, "one"), (5, "two"), (6, "two"))
    ]
    assert [recording.at(number).read("7/statm").split()[1] for number in range(1, 7)] == [
        *(b"1", b"1", b"2", b"2", b"3", b"3")
    ]
    first, second = recording.followed(PROCESS).values()
    assert (first.boot_id, first.first, first.last, second.boot_id, second.first) == ("one", 1, 4, "two", 5)
    series = recording.series(PROCESS, ["pss"])
    assert [list(each.values["pss"]) for each in series.values()] == [[4096, 8192], [12288]]


def test_old_samples_go_and_what_others_need_stays(tmp_path: Path) -> None:
    chance = random.Random(1)

    def change(board: Board, number: int) -> None:
        grow(board, number)
        board.files["buddyinfo"] = chance.randbytes(1000)

    path = recorded(tmp_path / "a.rec", 700, change, keep=Keep(seconds=1000))
    recording = open_recording(path)
    first = recording.first.number
    assert 700 - 164 <= first <= 600
    for number in (first, first + 1, 650, 700):
        source = recording.at(number)
        assert source.read("version") == b"Linux version 6.12.0 #1\n"  # written with the first sample
        assert source.read("loadavg") == b"%d\n" % number
        assert source.read("8/smaps_rollup") == process_files(8, 800)["smaps_rollup"]
    with pytest.raises(Missing):
        recording.at(first - 1)
    everything = recorded(tmp_path / "b.rec", 700, change)
    assert os.path.getsize(path) < os.path.getsize(everything) / 3


@pytest.mark.parametrize("boot_id", [b"one\n", None])
def test_a_clock_that_is_set_makes_no_sample_old(tmp_path: Path, boot_id: bytes | None) -> None:
    """A board begins in 1970, and learns the time after 20 samples; without a boot id the clock on the wall decides."""
    path = tmp_path / "a.rec"
    board = Board({} if boot_id is None else {"sys/kernel/random/boot_id": boot_id})
    with Writer(str(path), keep=Keep(seconds=1000)) as writer:
        for number in range(1, 65):
            at = 10.0 * number
            writer.sample(board, Tick(at if number <= 20 else 1_795_000_000 + at, at))
    assert open_recording(str(path)).first.number == (21 if boot_id is None else 1)


def test_samples_of_an_earlier_start_go_by_the_clock_on_the_wall(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    with Writer(str(path), keep=Keep(seconds=300)) as writer:
        for number in range(1, 65):
            boot = b"one\n" if number <= 50 else b"two\n"
            uptime = 90000.0 + 10 * number if number <= 50 else 10.0 * (number - 50)
            writer.sample(Board({"sys/kernel/random/boot_id": boot}), Tick(1_795_000_000 + 10.0 * number, uptime))
    assert open_recording(str(path)).first.number == 34


def test_a_file_that_grows_too_large_shrinks(tmp_path: Path) -> None:
    chance = random.Random(1)

    def change(board: Board, number: int) -> None:
        board.files["loadavg"] = chance.randbytes(3000)

    path = recorded(tmp_path / "a.rec", 300, change, keep=Keep(size=200_000))
    assert os.path.getsize(path) < 230_000
    assert 30 < len(open_recording(path).moments) < 80


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "a.rec")
    with Writer(path) as writer:
        writer.sample(Board(), tick(1))
        with pytest.raises(MemtoolsError) as refused:
            Writer(path)
    assert str(refused.value) == f"{path}: another program is recording into it"


def test_nothing_is_written_into_what_is_no_recording(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE history (url TEXT)")
    connection.close()
    (tmp_path / "text").write_text("dear diary")
    (tmp_path / "link").symlink_to("text")
    before = other.read_bytes()
    for name, why in (
        ("other.db", "is no recording, but a database of another program; it is left as it is"),
        ("text", "is no recording; it is left as it is"),
        ("link", "a symbolic link, which is not followed"),
    ):
        with pytest.raises(MemtoolsError) as refused:
            Writer(str(tmp_path / name))
        assert str(refused.value) == f"{tmp_path / name}: {why}"
    assert other.read_bytes() == before
    assert (tmp_path / "text").read_text() == "dear diary"


def test_names_of_any_bytes(tmp_path: Path) -> None:
    name, group = b"\xff) S 1 (\n", "/\udcff.slice/\N{SNOWMAN}"
    files = process_files(7, 400)
    files["stat"] = files["stat"].replace(b"(a)", b"(%b)" % name)
    files["cmdline"] = b"\xfe\0--\xff\0"
    files["cgroup"] = b"0::%b\n" % group.encode("utf-8", "surrogateescape")
    board = Board({f"/sys/fs/cgroup{group}/memory.current": b"4096\n"}, {7: files})
    recording = open_recording(recorded(tmp_path / "\udcff ?#%41.rec", 2, board=board))
    (place,) = recording.followed(PROCESS).values()
    found = (place.name, place.command, place.cgroup)
    assert found == (name.decode("utf-8", "surrogateescape"), "\udcfe --\udcff", group)
    source = recording.at("last")
    assert source.read("7/cmdline") == files["cmdline"]
    assert source.names("/sys/fs/cgroup") == ["\udcff.slice"]
    assert source.read(f"/sys/fs/cgroup{group}/memory.current") == b"4096\n"


TEXTS = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from([b"0", b"7", b"42", b"  9", b" 10", b"007", b"\n", b" ", b"kB", b"9" * 30])).map(b"".join),
)


@given(TEXTS, TEXTS)
@example(b"Rss:      99 kB", b"Rss:     100 kB")
@example(b"x" * 40_000 + b"1", b"x" * 40_000)
@example(b"1 " * 20_000, b"2 " * 20_000)
@example(b"%d " % 2**63 * 200_000, b"0 " * 200_000)
def test_any_text_is_packed_with_any_other(text: bytes, other: bytes) -> None:
    assert unpack(pack(text, other), other, len(text)) == text


@given(st.binary(max_size=60), TEXTS, st.integers(0, 100))
def test_what_is_no_text_is_refused(packed: bytes, other: bytes, size: int) -> None:
    try:
        assert len(unpack(packed, other, size)) == size
    except Damaged:
        pass


def killed(path: str, chance: random.Random) -> int:
    """Write in another process until it is killed; give the number of the sample that it said was written last."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            board = Board()
            with Writer(path) as writer:
                while True:
                    number = writer.number + 1
                    board.files["loadavg"] = b"%d\n" % number
                    board.processes = {
                        pid: {**process_files(pid, 4 * number), "oom_score": b"%d\n" % number} for pid in range(7, 17)
                    }
                    os.write(theirs, writer.sample(board, tick(number)).number.to_bytes(8, "big"))
        finally:
            os._exit(1)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        told = pipe.read(8 * chance.randrange(0, 12))
        for _ in range(chance.randrange(20_000)):
            pass
        os.kill(pid, signal.SIGKILL)
        told += pipe.read()
    os.waitpid(pid, 0)
    return int.from_bytes(told[-8:], "big")


def test_whenever_the_writer_is_killed_no_sample_is_torn_or_lost(tmp_path: Path) -> None:
    """At the most the one that was being written, of which nobody was told, is missing."""
    path, chance = str(tmp_path / "a.rec"), random.Random(3)
    told = 0
    for _ in range(20):
        told = max(told, killed(path, chance))
        if told:
            recording = open_recording(path)
            assert recording.last.number in (told, told + 1)
            told = recording.last.number
    recording = open_recording(path)
    for moment in recording.moments:
        source = recording.at(moment)
        texts = [source.read("loadavg"), *(source.read(f"{pid}/oom_score") for pid in source.pids())]
        assert texts == [b"%d\n" % moment.number] * 11


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("first", 1), ("last", 360), ("17", 17), ("-10", 359), ("-59m50s", 1), ("-5m", 330), ("-0.5s", 359)),
        *(("12:07", 2), ("12:07:09", 2), ("12:07:10", 3), ("13:06:40", 360)),
        *(("2026-11-18T12:07", 2), ("2026-11-18 11:07Z", 2), ("2026-11-18T13:07:00+02:00", 2)),
    ],
)
def test_moments_are_chosen_by_the_recorded_machines_clock(text: str, number: int, hour_of_samples: str) -> None:
    assert open_recording(hour_of_samples).choose(text).number == number


BEFORE_FIRST = "is before the first sample, which was taken 2026-11-18 12:06:50 +0100"


@pytest.fixture(scope="module")
def hour_of_samples(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Record from 12:06:50 to 13:06:40, an hour ahead of UTC."""
    path = recorded(tmp_path_factory.mktemp("hour") / "a.rec", 360, offset=3600)
    assert open_recording(path).first.local_time == "2026-11-18 12:06:50 +0100"
    return path


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "12:06",
            f"12:06 (2026-11-18 12:06:00 +0100) {BEFORE_FIRST}",
        ),
        (
            "-2h",
            f"-2h (2026-11-18 11:06:40 +0100) {BEFORE_FIRST}",
        ),
        ("0", "no sample 0: there are 1 to 360"),
        ("361", "no sample 361: there are 1 to 360"),
        *(
            (text, f"'{text}' is no moment; write 03:12, 2026-11-28T03:12, -2h, first, last or the number of a sample")
            for text in ("", "noon", "25:00", "12:60", "-x", "2026-13-01", "2026-11-18T12:07 CET", "١")
        ),
    ],
)
def test_what_is_no_moment_is_refused(text: str, why: str, hour_of_samples: str) -> None:
    with pytest.raises(MemtoolsError) as refused:
        open_recording(hour_of_samples).choose(text)
    assert str(refused.value).removeprefix(f"{hour_of_samples}: ") == why


def test_a_time_without_a_date_is_the_latest_such(tmp_path: Path) -> None:
    """Soon after midnight, 23:59 is of the day before."""
    path = tmp_path / "a.rec"
    with Writer(str(path)) as writer:
        for taken_at in (1_795_046_340.0, 1_795_046_395.0, 1_795_046_405.0):  # 23:59:00, 23:59:55, 00:00:05
            writer.sample(Board(), tick(0)._replace(taken_at=taken_at))
    recording = open_recording(str(path))
    assert [recording.choose(text).number for text in ("23:59:05", "23:59:59", "00:00")] == [1, 2, 2]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("01:30", 2), ("2026-10-25T01:30", 2), ("2026-10-24T23:30Z", 2), ("2026-10-25T01:30+01:00", 3)),
        *(("2026-10-25T02:30", 4), ("03:30", 5), ("04:30", 6), ("first", 1)),
    ],
)
def test_summer_time_that_ended_within_a_recording(text: str, number: int, tmp_path: Path) -> None:
    """Each sample has the offset of its own time: until 01:00 UTC two hours, later one; 02:30 was twice."""
    path = tmp_path / "a.rec"
    ended = 1_792_890_000  # 2026-10-25T01:00:00Z
    with Writer(str(path)) as writer:
        for hour in range(-3, 4):  # half past: 00:30, 01:30, 02:30 of summer time, 02:30, 03:30, 04:30, 05:30
            offset = 7200 if hour < 0 else 3600
            writer.sample(Board(), Tick(ended + 3600.0 * hour + 1800, 1000.0 + 3600 * hour + 10800, offset))
    assert open_recording(str(path)).choose(text).number == number


def test_a_clock_that_is_set_back(tmp_path: Path) -> None:
    """Times are those that the clock showed; how long ago something was it does not tell."""
    path = tmp_path / "a.rec"
    with Writer(str(path)) as writer:
        for number in range(1, 101):  # 11:06:50 to 11:14:50, then 10:15:00 to 10:23:20
            back = 3600 if number > 49 else 0
            writer.sample(Board(), tick(number)._replace(taken_at=tick(number).taken_at - back))
    recording = open_recording(str(path))
    chosen = {text: recording.choose(text).number for text in ("11:10", "2026-11-18T11:10", "10:20", "-10m", "-1m")}
    assert chosen == {"11:10": 20, "2026-11-18T11:10": 20, "10:20": 80, "-10m": 40, "-1m": 94}
