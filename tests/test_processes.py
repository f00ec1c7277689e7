"""Processes that end, exec, refuse or lie while they are read: none is half shown, and none spoils the others' rows."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from descriptors import descriptors
from trees import Map, smaps

from pymemtools.errors import Denied, MemtoolsError, Missing
from pymemtools.readings.process import Process
from pymemtools.readings.processes import Sample, read_processes
from pymemtools.readings.wants import Wants
from pymemtools.sources import open_source
from pymemtools.sources.base import ProcessFiles

pytestmark = pytest.mark.live

Answer = bytes | Exception
WANTED = Wants(("Rss", "Pss"), status=True, cgroup=True, oom_score=True, split=True)
GONE = Missing("7/x: No such process")
REFUSED = Denied("7/smaps: Permission denied")
BROKEN = MemtoolsError("7/smaps: Input/output error")
KERNEL_THREAD = 0x00200000
ROLLUP = (
    b"00400000-7fff0000 ---p 00000000 00:00 0    [rollup]\nRss: 40 kB\nPss: 30 kB\nPss_Anon: 20 kB\nPss_File: 10 kB\n"
)


def stat(
    name: str = "worker",
    *,
    state: str = "S",
    flags: int = 0,
    threads: int = 1,
    start: int = 100,
    size: int = 1 << 24,
    rss: int = 9,
    code: int = 1,
) -> bytes:
    """Write /proc/7/stat."""
    early = [state, 1, 7, 7, 0, -1, flags, *[0] * 8, 20, 0, threads, 0, start]
    fields = [*early, size, rss, 2**64 - 1, code, 1, code, *[0] * 24]
    return f"7 ({name}) {' '.join(map(str, fields))}\n".encode()


def memory(*kib: int) -> bytes:
    return smaps(tuple(Map(f"/lib/{number}", each) for number, each in enumerate(kib))).encode()


class Fake:
    """The files of a process; of several answers each is given once, the last for ever."""

    def __init__(self, pid: int = 7, uid: int | None = 0, **files: Answer | Sequence[Answer]) -> None:
        self.pid = pid
        self._uid = uid
        usual: dict[str, Answer | Sequence[Answer]] = {
            "stat": stat(),
            "cmdline": b"/bin/worker\0-x\0",
            "smaps": memory(10, 20),
            "smaps_rollup": ROLLUP,
            "status": b"Name:\tworker\nRssShmem:\t4 kB\n",
            "comm": b"worker\n",
            "cgroup": b"0::/a.service\n",
            "oom_score": b"666\n",
        }
        self.answers: dict[str, list[Answer]] = {
            name: [answer] if isinstance(answer, (bytes, Exception)) else [*answer]
            for name, answer in {**usual, **files}.items()
        }
        self.asked: list[str] = []
        self.lives_for = 1_000_000  # reads

    def read(self, name: str) -> bytes:
        self.asked.append(name)
        if len(self.asked) > self.lives_for:
            raise GONE
        answers = self.answers[name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def chunks(self, name: str) -> Iterator[bytes]:
        text = self.read(name)
        for start in range(0, len(text), 100):
            yield text[start : start + 100]

    def uid(self) -> int | None:
        return self._uid


class FakeMachine:
    """A machine with some processes; ``later`` ones are not in the first listing."""

    def __init__(self, *processes: Fake, later: Sequence[Fake] = (), is_live: bool = True) -> None:
        self.is_live = is_live
        self._processes = {each.pid: each for each in (*processes, *later)}
        self._listings = [[each.pid for each in processes], list(self._processes)]
        self.opened = 0
        self.named: list[int] = []
        self.open_error: Exception | None = None

    def pids(self) -> list[int]:
        return self._listings.pop(0) if len(self._listings) > 1 else self._listings[0]

    @contextmanager
    def process(self, pid: int) -> Iterator[ProcessFiles]:
        if self.open_error is not None and pid == 7:
            raise self.open_error
        self.opened += 1
        try:
            yield self._processes[pid]
        finally:
            self.opened -= 1

    def read(self, path: str) -> bytes:
        raise Missing(f"{path}: not in this machine")

    def names(self, path: str) -> list[str]:
        pid, _, folder = path.partition("/")
        prefix = f"{folder}/"
        return sorted({name.split("/")[1] for name in self._processes[int(pid)].answers if name.startswith(prefix)})

    def user_name(self, uid: int) -> str | None:
        self.named.append(uid)
        return {0: "root", 5: "games"}.get(uid)


def sample(*processes: Fake, wanted: Wants = WANTED, later: Sequence[Fake] = (), is_live: bool = True) -> Sample:
    """Read the processes between two others that are always there; give the sample without those two."""
    first, last = Fake(1), Fake(9)
    machine = FakeMachine(first, *processes, last, later=later, is_live=is_live)
    found = read_processes(machine, wanted)  # type: ignore[arg-type]  # as much of a Source as is needed
    assert machine.opened == 0
    assert [each.pid for each in found.processes if each.pid in (1, 9)] == [1, 9]
    return Sample([each for each in found.everybody if each.pid not in (1, 9)])


def only(found: Sample) -> Process:
    (process,) = found.processes
    assert (found.seen, found.unreadable) == (1, 0)
    return process


def test_an_ordinary_process() -> None:
    assert only(sample(Fake())) == Process(
        pid=7,
        ppid=1,
        starttime_ticks=100,
        uid=0,
        user="root",
        name="worker",
        command="/bin/worker -x",
        maps=2,
        sums={"Rss": 30 << 10, "Pss": 30 << 10, "Pss_Anon": 20 << 10, "Pss_File": 10 << 10, "RssShmem": 4 << 10},
        by_name={},
        life="alive",
        state="S",
        status={"RssShmem": 4 << 10},
        address_space=1 << 24,
        resident_pages=9,
        minor_faults=0,
        major_faults=0,
        cgroup="/a.service",
        oom_score=666,
        has_pss=True,
        rollup={"Rss": 40 << 10, "Pss": 30 << 10, "Pss_Anon": 20 << 10, "Pss_File": 10 << 10},
    )


# Ending


def test_gone_between_any_two_reads() -> None:
    whole = Fake()
    sample(whole)
    reads = len(whole.asked)
    assert whole.asked[0] == whole.asked[-1] == "stat"
    for lives_for in range(reads):
        process = Fake()
        process.lives_for = lives_for
        found = sample(process)
        assert (lives_for, found.processes, found.seen, found.unreadable) == (lives_for, [], 0, 0)
    process = Fake()
    process.lives_for = reads
    only(sample(process))


def test_gone_before_it_is_opened() -> None:
    machine = FakeMachine(Fake(1), Fake())
    machine.open_error = GONE
    found = read_processes(machine, WANTED)  # type: ignore[arg-type]
    assert ([each.pid for each in found.processes], found.seen, found.unreadable) == ([1], 1, 0)


@pytest.mark.parametrize("state", ["Z", "X", "x"])
def test_killed_in_mid_read(state: str) -> None:
    """Its smaps ends early, at a record, without an error; only stat tells."""
    found = sample(Fake(stat=[stat(), stat(state=state)], smaps=memory(10)))
    assert (found.processes, found.seen) == ([], 0)


def test_memory_given_back_in_mid_read() -> None:
    """After exit_mm() and before it is a zombie, stat has neither size nor code."""
    ending = stat(size=0, rss=0, code=0)
    assert sample(Fake(stat=[stat(), ending], smaps=[memory(10), b""])).processes == []
    assert sample(Fake(stat=ending, smaps=b"")).seen == 0


@pytest.mark.parametrize(
    "text", [stat(state="Z", rss=0), stat(flags=KERNEL_THREAD, size=0, rss=0)], ids=["zombie", "kthread"]
)
def test_no_memory_is_no_row_and_no_warning(text: bytes) -> None:
    process = Fake(stat=text)
    found = sample(process)
    assert (found.processes, found.seen, found.unreadable) == ([], 0, 0)
    assert "smaps" not in process.asked


def test_main_thread_that_has_ended_hides_nobody() -> None:
    ended = stat(state="Z", threads=3, size=0, rss=0)
    files: dict[str, Any] = {
        "stat": ended,
        "smaps": b"",
        "cmdline": b"",
        "smaps_rollup": GONE,
        "task/7/stat": ended,
        "task/8/stat": GONE,
    }
    files |= {"task/9/stat": stat("thread", start=200), "task/9/cmdline": b"x\0", "task/9/smaps": memory(5)}
    files |= {f"task/9/{name}": GONE for name in ("smaps_rollup", "status", "cgroup", "oom_score")}
    process = only(sample(Fake(**files)))
    assert (process.pid, process.name, process.command, process.sums["Rss"]) == (7, "thread", "x", 5 << 10)
    assert sample(Fake(**files | {"task/9/stat": ended})).seen == 0
    assert sample(Fake(**files | {"task/9/stat": [stat("thread"), stat("thread"), ended]})).seen == 0


# Exec and reuse


def test_exec_in_mid_read_is_read_again() -> None:
    old, new = stat("old"), stat("new", code=2)
    process = only(
        sample(Fake(stat=[old, new, new, new], smaps=[memory(1), memory(5, 6, 7)], cmdline=[b"old\0", b"new\0"]))
    )
    assert (process.name, process.command, process.maps, process.sums["Rss"]) == ("new", "new", 3, 18 << 10)


def test_exec_again_and_again_is_left_out() -> None:
    found = sample(Fake(stat=[stat(code=number) for number in range(1, 9)]))
    assert (found.processes, found.seen, found.unreadable) == ([], 0, 0)


def test_pid_that_belongs_to_another_meanwhile() -> None:
    found = sample(Fake(stat=[stat("old"), stat("new", start=200)] * 2))
    assert found.processes == []


def test_in_the_middle_of_an_exec_is_read_later() -> None:
    """Both looks show the new name, and an address space with nothing but a stack."""
    half = stat("new", code=0)
    process = Fake(stat=[half, half, half, half, stat("new")], smaps=[memory(4), memory(4), memory(10, 20)])
    assert only(sample(process)).sums["Rss"] == 30 << 10


def test_an_exec_that_never_ends_hides_nobody() -> None:
    """The program's file system may hang."""
    assert only(sample(Fake(stat=stat("new", code=0), smaps=memory(4)))).sums["Rss"] == 4 << 10


def test_processes_started_meanwhile() -> None:
    found = sample(Fake(), later=[Fake(8), Fake(10, stat=stat(code=0))])
    assert [each.pid for each in found.processes] == [7, 8]  # the last has only just begun


# Refusing


@pytest.mark.parametrize("error", [REFUSED, BROKEN])
@pytest.mark.parametrize("file", ["stat", "smaps"])
def test_unreadable_processes_are_counted(file: str, error: Exception) -> None:
    files: dict[str, Any] = {file: error}
    found = sample(Fake(**files), Fake(8, **files))
    assert (found.processes, found.seen, found.unreadable) == ([], 2, 2)
    assert found.reason == str(error).partition(": ")[2]


@pytest.mark.parametrize("error", [REFUSED, BROKEN])
def test_process_that_may_not_be_opened(error: Exception) -> None:
    machine = FakeMachine(Fake(1), Fake())
    machine.open_error = error
    found = read_processes(machine, WANTED)  # type: ignore[arg-type]
    assert ([each.pid for each in found.processes], found.seen, found.unreadable) == ([1], 2, 1)


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("smaps", b"nonsense \xff\n", "smaps: line 1: expected a field, got 'nonsense \udcff'"),
        ("smaps", b"Size: 4 kB\n", "smaps: line 1: expected a field, got 'Size: 4 kB'"),
        ("smaps", b"", "smaps is empty"),
        ("stat", b"7 worker S 1\n", "stat: line 1: expected 'PID (comm) state ...'"),
        ("stat", b"7 (worker) S 1 x\n", "stat: line 1: expected numbers after the state"),
    ],
)
def test_unusable_files_are_counted_too(file: str, text: bytes, reason: str) -> None:
    files: dict[str, Any] = {file: text}
    found = sample(Fake(**files))
    assert (found.processes, found.seen, found.unreadable, found.reason) == ([], 1, 1, reason)


@pytest.mark.parametrize("error", [GONE, REFUSED, b"", b"nonsense"], ids=["missing", "denied", "empty", "nonsense"])
def test_lesser_files_may_fail(error: Answer) -> None:
    process = only(sample(Fake(smaps_rollup=error, status=error, cgroup=error, oom_score=error)))
    assert process.sums == {"Rss": 30 << 10, "Pss": 30 << 10}
    assert process.oom_score is None


def test_cmdline_that_is_refused_or_empty() -> None:
    assert only(sample(Fake(cmdline=REFUSED))).command == "[worker]"
    assert only(sample(Fake(cmdline=b""))).command == "[worker]"
    assert only(sample(Fake(cmdline=b"\0\0\0"))).command == "[worker]"
    assert only(sample(Fake(cmdline=b"\0x\0"))).command == " x"


def test_smaps_cut_in_mid_line() -> None:
    found = sample(Fake(smaps=memory(10, 20)[:-5]))
    assert (only(found).maps, only(found).sums["Rss"], only(found).is_cut_short) == (1, 10 << 10, True)


# smaps_rollup


def test_rollup() -> None:
    wanted = Wants(("Rss", "Pss", "Size"), rollup=True)
    process, found = Fake(), sample(Fake(), wanted=wanted)
    assert only(found).sums["Rss"] == 40 << 10
    assert only(found).sums["Size"] == 1 << 24
    assert only(found).maps is None
    sample(process, wanted=wanted)
    assert "smaps" not in process.asked


@pytest.mark.parametrize("error", [GONE, REFUSED, b"nonsense\n"], ids=["missing", "denied", "nonsense"])
def test_rollup_that_fails_falls_back_to_smaps(error: Answer) -> None:
    found = sample(Fake(smaps_rollup=error), wanted=Wants(("Rss",), rollup=True))
    assert (only(found).maps, only(found).sums["Rss"]) == (2, 30 << 10)


# What two questions want, read in one pass


def test_what_two_questions_want_is_read_once() -> None:
    memory_of_each, score = Wants(("Rss",), rollup=True), Wants(accounted=True, status=True, oom_score=True)
    process = Fake(stat=[stat(), stat()], smaps=memory(10, 20))
    found = only(sample(process, wanted=memory_of_each | score | Wants(("Pss", "Rss"), split=True)))
    assert (found.sums["Rss"], found.sums["Pss"], found.oom_score) == (30 << 10, 30 << 10, 666)
    assert process.asked.count("smaps") == process.asked.count("status") == 1


def test_a_filter_stays_where_both_have_it() -> None:
    named = Wants(("Rss",), process=re.compile("x"))
    assert (named | named).process == named.process
    assert (named | Wants(status=True)).process is None


def test_smaps_rollup_will_do_where_it_does_for_all() -> None:
    assert (Wants(("Rss",), rollup=True) | Wants(status=True)).rollup
    assert not (Wants(("Rss",), rollup=True) | Wants(("Pss",))).rollup
    assert not (Wants(("Rss",), rollup=True) | Wants(accounted=True)).rollup


@pytest.mark.parametrize(
    ("text", "life"),
    [
        (stat(), "alive"),
        (stat(state="Z", rss=0), "zombie"),
        (stat(flags=KERNEL_THREAD, size=0, rss=0), "kernel"),
    ],
)
def test_everybody_has_one_life(text: bytes, life: str) -> None:
    assert [each.life for each in sample(Fake(stat=text)).everybody] == [life]


def test_memory_at_the_least_is_that_of_status_or_else_of_smaps() -> None:
    wanted = Wants(memory=True, status=True)
    process = Fake(status=b"Name:\tworker\nVmRSS:\t8 kB\n")
    assert only(sample(process, wanted=wanted)).status == {"VmRSS": 8 << 10}
    assert "smaps" not in process.asked
    assert only(sample(Fake(status=REFUSED), wanted=wanted)).sums == {"Rss": 30 << 10, "Swap": 0}


# Filters


@pytest.mark.parametrize(("pattern", "count"), [("worker", 1), ("-x$", 1), ("^/bin", 1), ("WORKER", 0), (".", 1)])
def test_process_filter(pattern: str, count: int) -> None:
    wanted = WANTED._replace(process=re.compile(pattern))
    machine = FakeMachine(Fake(), Fake(8, stat=stat("other"), cmdline=b"other\0", smaps=REFUSED))
    found = read_processes(machine, wanted)  # type: ignore[arg-type]
    assert [each.pid for each in found.processes] == [7] * count
    assert found.unreadable == (pattern == ".")  # who is refused by the filter is not missed
    assert len(machine.named) == len(found.everybody)  # and his name, which a server may have to tell, not asked for


@pytest.mark.parametrize(
    ("uid", "pattern", "user", "is_shown"),
    [(5, "games", "games", True), (5, "5", "games", False), (6, "^6$", None, True), (None, r"\?", None, True)],
)
def test_user_filter(uid: int | None, pattern: str, user: str | None, is_shown: bool) -> None:
    machine = FakeMachine(Fake(uid=uid))
    found = read_processes(machine, WANTED._replace(user=re.compile(pattern)))  # type: ignore[arg-type]
    assert [(each.uid, each.user) for each in found.processes] == [(uid, user)] * is_shown


def test_mapping_filter_and_names() -> None:
    wanted = Wants(("Rss",), by_name=True, mapping=re.compile("1$"))
    machine = FakeMachine(Fake())
    (process,) = read_processes(machine, wanted).processes  # type: ignore[arg-type]
    assert (process.maps, process.sums, process.by_name) == (1, {"Rss": 20 << 10}, {b"/lib/1": [1, 20 << 10]})
    none = read_processes(FakeMachine(Fake()), wanted._replace(mapping=re.compile("2")))  # type: ignore[arg-type]
    assert (none.processes, none.unreadable) == ([], 0)


# Many


def test_many_are_in_order_whoever_reads_them() -> None:
    processes = [Fake(pid, smaps=REFUSED if pid % 10 == 0 else memory(pid)) for pid in range(1, 301)]
    found = read_processes(FakeMachine(*processes), Wants(("Rss",)))  # type: ignore[arg-type]
    expected = [pid for pid in range(1, 301) if pid % 10]
    assert [(each.pid, each.sums["Rss"]) for each in found.processes] == [(pid, pid << 10) for pid in expected]
    assert (found.seen, found.unreadable, found.has_pss) == (300, 30, True)


@pytest.mark.parametrize("pid", [100, 101])
def test_errors_of_our_own_are_not_swallowed_whoever_makes_them(pid: int) -> None:
    processes = [Fake(each, smaps=ZeroDivisionError("ours") if each == pid else memory(1)) for each in range(1, 301)]
    with pytest.raises(ZeroDivisionError, match="ours"):
        read_processes(FakeMachine(*processes), Wants(("Rss",)))  # type: ignore[arg-type]


def test_kernel_without_pss() -> None:
    old = b"00400000-00401000 r--p 00000000 00:03 18   /bin/x\nSize: 4 kB\nRss: 4 kB\n"
    machine = FakeMachine(Fake(1, smaps=old), Fake(2, smaps=old))
    assert read_processes(machine, WANTED).has_pss is False  # type: ignore[arg-type]
    assert read_processes(FakeMachine(), WANTED).has_pss is True  # type: ignore[arg-type]


# Copies


def test_capture_without_stat() -> None:
    process = only(sample(Fake(stat=GONE, status=GONE, comm=GONE), is_live=False))
    assert (process.name, process.ppid, process.starttime_ticks, process.maps) == ("?", None, None, 2)
    assert only(sample(Fake(stat=GONE), is_live=False)).name == "worker"


def test_capture_is_read_once() -> None:
    process = Fake()
    only(sample(process, is_live=False))
    assert process.asked.count("stat") == process.asked.count("smaps") == 1


def test_the_reason_of_most_is_told() -> None:
    refused = Process(7, None, None, None, None, "?", "?", {}, {}, refused="Permission denied")
    without = refused._replace(refused="no smaps")
    assert Sample([refused, without, without]).reason == "no smaps"
    assert Sample([]).reason == ""


# This machine


def test_nothing_is_left_open() -> None:
    source = open_source()
    read_processes(source, WANTED)
    before, threads = descriptors(), set(threading.enumerate())  # a library may have its own
    for _ in range(3):
        assert read_processes(source, WANTED).processes
    assert descriptors() <= before
    assert set(threading.enumerate()) <= threads


def test_this_process_is_among_them() -> None:
    (me,) = (each for each in read_processes(open_source(), Wants(("Rss",))).processes if each.pid == os.getpid())
    assert me.uid == os.geteuid()
    assert me.ppid == os.getppid()
    assert (me.sums["Rss"] or 0) > 1 << 20
