"""Experiments: the frame that they run in, whoever ends it, and laws that a wrong sighting breaks."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import HERE, Run

from pymemtools.cli import _call
from pymemtools.control import cgroups
from pymemtools.control.undo import CONTROLLER, FILE, GROUP, SETTING, Debt, settle_all
from pymemtools.errors import Denied, MemtoolsError
from pymemtools.lab import child, oom, page_cache, watch
from pymemtools.lab.guard import Leftovers, guarded
from pymemtools.lab.keeper import Hear, Owe, Terms
from pymemtools.lab.stage import Stage
from pymemtools.readings.cgroup_path import Hierarchy
from pymemtools.reports.lab.demand_paging import PagingRequest, paging_report
from pymemtools.reports.lab.laws import broken
from pymemtools.reports.lab.oom import OomRequest
from pymemtools.reports.lab.plan import CannotRun, Findings, Plan, refusal
from pymemtools.reports.totals import TOTALS
from pymemtools.reports.vocabulary import VOCABULARY
from pymemtools.sources import open_source

pytestmark = pytest.mark.alone

PAGE = os.sysconf("SC_PAGE_SIZE")


def descendants(mark: str) -> list[int]:
    """List the processes that have a word in their environment: what a marked call started, and what that did."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if f"PYMEMTOOLS_TEST_MARK={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(int(pid))
        except OSError:
            continue
    return found


def until(mark: str, count: int) -> list[int]:
    """Wait until so many processes have the mark, and give them; for ever would be a failure.

    Who calls exec has no environment for a moment: two looks need not see the same.
    """
    deadline = time.monotonic() + 120
    while len(found := descendants(mark)) != count:
        assert time.monotonic() < deadline, f"{len(found)} processes instead of {count}"
        time.sleep(0.01)
    return found


# The frame.


def test_the_list_says_what_can_run(pymemtools: Run) -> None:
    done = pymemtools("lab", "-f", "json")
    rows = json.loads(done.stdout)["rows"]
    assert {"experiment", "shows", "can_run", "obstacle"} == {*rows[0]}
    assert {row["experiment"]: row["can_run"] for row in rows}["demand-paging"] is True
    assert pymemtools("lab").stdout.splitlines()[0].startswith(rows[0]["experiment"].encode())


def test_an_experiment_needs_a_machine(pymemtools: Run) -> None:
    done = pymemtools("--demo", "lab", "demand-paging")
    assert (done.returncode, b"is for a live machine" in done.stderr) == (2, True)


def test_a_dry_run_starts_nothing(pymemtools: Run) -> None:
    done = pymemtools("lab", "demand-paging", "--dry-run", "--force")
    assert done.returncode == 0
    assert b"It takes at most" in done.stdout
    assert b"Law:" not in done.stdout


def test_what_is_explained_stands_before_what_happens(pymemtools: Run) -> None:
    text = "\n".join(text_of("demand-paging --pages 3 --explain --force", pymemtools))
    assert text.index("mmap() only promises") < text.index("write to each page") < text.index("Law: ")


def machine(tmp_path: Path, pressure: str = "0.00", free: int = 5000) -> Path:
    """Lay out what is looked at before an experiment begins: a machine of 1 GiB, half of it available."""
    files = {
        "meminfo": "MemTotal: 1048576 kB\nMemFree: 262144 kB\nMemAvailable: 524288 kB\n",
        "pressure/memory": f"full avg10={pressure} avg60=0.00 avg300=0.00 total=1\n",
        "zoneinfo": (
            "Node 0, zone   Normal\n"
            f"  pages free     {free}\n        min      1000\n        low      1250\n        high     1500\n"
            "        spanned  262144\n        present  262144\n        managed  250000\n"
            "        protection: (0, 0)\n"
        ),
    }
    for name, text in files.items():
        path = tmp_path / "proc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("memory", "pressure", "free", "forced", "said"),
    [
        (128 << 20, "0.00", 5000, False, ""),
        ((128 << 20) + 1, "0.00", 5000, False, "at most 128.0 MiB may be taken here"),
        ((128 << 20) + 1, "0.00", 5000, True, "at most 128.0 MiB may be taken here"),
        (1, "10.01", 5000, False, "all waited 10.01 % of the last 10 s"),
        (1, "10.01", 5000, True, ""),
        (1, "10.00", 1250, False, ""),
        (0, "99.00", 0, False, ""),  # what takes nothing
        (1, "0.00", 1249, False, "zone Normal of node 0 is below its low watermark"),
    ],
)
def test_bounds_hold_and_pressure_refuses(
    tmp_path: Path, memory: int, pressure: str, free: int, forced: bool, said: str
) -> None:
    source = open_source(str(machine(tmp_path, pressure, free)))
    found = refusal(source, Plan((), memory), None, forced=forced)
    assert said in found if said else found == ""


@pytest.mark.skipif(PAGE > 4096, reason="a Python takes more of larger pages")
@pytest.mark.parametrize(
    "call", ["demand-paging", "cow --pages 1000", "stack", "malloc", "segv", "writeback --size 8M", "overcommit"]
)
def test_half_of_a_group_of_64_mib_is_enough(call: str, pymemtools: Run) -> None:
    done = pymemtools("lab", *call.split(), "--dry-run", "--force")
    if done.returncode == 3 and b"cannot run here" in done.stderr:
        pytest.skip(done.stderr.decode())
    (taken,) = re.findall(r"It takes at most ([0-9.]+) MiB of memory", done.stdout.decode())
    assert float(taken) <= 32


def test_half_of_the_disk_is_the_most(tmp_path: Path) -> None:
    source = open_source(str(machine(tmp_path)))
    plan = Plan((), 0, disk=51, directory="/var/tmp")
    assert refusal(source, plan, 100, forced=True) == "it would write 51 B, and /var/tmp has 100 B free"
    assert refusal(source, plan, 102, forced=True) == ""


# The guard.

TERMS = Terms(60.0)


def nobody(*message: object) -> None:
    """Hear nothing."""


def test_what_is_told_is_heard_and_what_is_given_is_got() -> None:
    heard = []

    def work(hear: Hear, owe: Owe) -> dict[str, int]:
        hear("row", {"a": 1})
        return {"b": 2}

    seen = guarded(work, lambda *each: heard.append(each), TERMS)
    assert (heard, seen) == ([("row", {"a": 1})], {"b": 2})


def test_an_error_keeps_its_words_and_status() -> None:
    def work(hear: Hear, owe: Owe) -> dict[str, int]:
        raise Leftovers("all of it")

    with pytest.raises(MemtoolsError, match="all of it") as caught:
        guarded(work, nobody, TERMS)
    assert caught.value.exit_status == 5


def test_what_is_killed_is_told() -> None:
    with pytest.raises(MemtoolsError, match="was ended: SIGKILL"):
        guarded(lambda hear, owe: os.kill(os.getpid(), signal.SIGKILL), nobody, TERMS)  # type: ignore[arg-type, return-value]


def test_a_guard_that_is_killed_takes_the_experiment_with_it() -> None:
    def work(hear: Hear, owe: Owe) -> dict[str, int]:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)
        return {}

    with pytest.raises(MemtoolsError, match="the guard was killed"):
        guarded(work, nobody, TERMS)


def test_what_takes_too_long_is_ended() -> None:
    with pytest.raises(MemtoolsError, match=r"not done after 0.1 s: ended"):
        guarded(lambda hear, owe: time.sleep(600), nobody, Terms(0.1))  # type: ignore[arg-type, return-value]


def test_debts_are_settled_last_first(tmp_path: Path) -> None:
    setting, file = tmp_path / "setting", tmp_path / "file"
    setting.write_text("2\n")
    file.write_text("")

    def work(hear: Hear, owe: Owe) -> dict[str, int]:
        owe(Debt(SETTING, str(setting), "1"))
        owe(Debt(SETTING, str(setting), "0"))
        owe(Debt(FILE, str(file)))
        owe(Debt(FILE, str(tmp_path / "never made")))
        return {}

    assert guarded(work, nobody, TERMS) == {}
    assert (setting.read_text(), file.exists()) == ("1\n", False)


def test_what_cannot_be_put_back_is_told(tmp_path: Path) -> None:
    def work(hear: Hear, owe: Owe) -> dict[str, int]:
        owe(Debt(SETTING, str(tmp_path / "gone"), "1"))
        return {}

    with pytest.raises(Leftovers, match="could not be put back"):
        guarded(work, nobody, TERMS)


ORPHANS = """if True:
    import os, sys, time
    from pymemtools.control.undo import Debt, SETTING
    from pymemtools.lab.guard import guarded
    from pymemtools.lab.keeper import Terms
    def work(hear, owe):
        owe(Debt(SETTING, sys.argv[1], "as before"))
        open(sys.argv[1], "w").write("changed\\n")
        for _ in range(2):  # a child with a child, both in sessions of their own, as daemons are
            if os.fork() == 0:
                os.setsid()
                os.fork()
                time.sleep(600)
        hear("ready")
        time.sleep(600)
    guarded(work, lambda *told: print("ready", flush=True), Terms(600.0))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left_whatever_ends_us(tmp_path: Path, number: signal.Signals) -> None:
    setting, mark = tmp_path / "setting", f"{os.getpid()}-{number}"
    setting.write_text("as before\n")
    env = os.environ | {"PYTHONPATH": str(HERE.parent), "PYMEMTOOLS_TEST_MARK": mark}
    command = [sys.executable, "-c", ORPHANS, str(setting)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"ready\n"
            until(mark, 7)  # we, the guard, the experiment, and four
            assert setting.read_text() == "changed\n"
        finally:
            process.send_signal(number)
        assert process.wait() == -number
        if number != signal.SIGKILL:  # we wait for the guard, and are gone after it
            assert setting.read_text() == "as before\n"
            assert descendants(mark) == []
    until(mark, 0)
    assert setting.read_text() == "as before\n"


# demand-paging.


def paging_rows() -> list[dict[str, object]]:
    """Give what a machine showed: 1000 pages a step, Linux 6.1."""
    steps = (  # faults that it must take, pages by which RSS must grow, and what was seen
        ("map", 0, 0, 0, 0),
        ("write", 1000, 1000, 1001, 1000),
        ("write again", 0, 0, 0, 0),
        ("read others", 1000, 0, 1002, 0),
        ("write those", 1000, 1000, 1000, 1000),
        ("give back", 0, -2000, 0, -2000),
    )
    keys = ("step", "expected_minor", "expected_change", "minor", "rss_change")
    return [
        dict(zip(keys, (name, faults, grown * 4096, seen, change * 4096)))
        for name, faults, grown, seen, change in steps
    ]


def judged(rows: list[dict[str, object]]) -> list[str]:
    report = paging_report(Findings(PagingRequest(), None, rows, {}, {}))
    return [law.name for law in broken(report.answer.laws)]


def test_paging_as_it_is_breaks_no_law() -> None:
    assert judged(paging_rows()) == []


@pytest.mark.parametrize(
    ("place", "key", "value", "law"),
    [
        (1, "minor", 999, "a fault for each page touched"),
        (1, "minor", 2000, "a fault for each page touched"),
        (2, "minor", 1000, "a fault for each page touched"),
        (3, "rss_change", 4096000, "RSS grows by the pages written"),
        (5, "rss_change", 0, "RSS grows by the pages written"),
    ],
)
def test_paging_otherwise_breaks_a_law(place: int, key: str, value: int, law: str) -> None:
    rows = paging_rows()
    rows[place][key] = value
    assert judged(rows) == [law]


# All of them, here: what is not possible on this machine is said, and is no failure.

CALLS = {  # small ones
    "page-cache": "--size 1M",
    "demand-paging": "--pages 100",
    "cow": "--pages 100",
    "stack": "--depth 1M",
    "malloc": "8 100000 100000 200000",
    "segv": "",
    "oom": "--limit 8M",
    "overcommit": "",
    "aslr": "--samples 20",
    "mmap-vs-read": "--readers 3 --size 500K",
    "writeback": "--size 4M",
    "swap": "--pages 100",
    "drop-caches": "--size 1M",
}
WAYS = ("--touch read", "--touch none", "--via mmap", "--via mmap --touch read", "--via mmap --touch none")


@pytest.mark.parametrize(
    "call",
    [
        *(f"{name} {options}" for name, options in CALLS.items()),
        *(f"oom --limit 8M {way}" for way in WAYS),
        "oom --within addresses",
    ],
)
def test_every_law_holds_here(call: str, pymemtools: Run) -> None:
    done = pymemtools("lab", *call.split(), "-f", "json")
    if done.returncode == 3:
        assert b"cannot run here: " in done.stderr or b"will not run now: " in done.stderr
        pytest.skip(done.stderr.decode())
    assert (done.returncode, done.stderr) == (0, b"")
    document = json.loads(done.stdout)
    assert document["command"] == f"lab {call.split()[0]}"
    assert {law["holds"] for law in document["totals"]["laws"]} == {True}
    known = {column.key for rows in VOCABULARY if rows.command == document["command"] for column in rows.columns}
    assert {key for row in document["rows"] for key in row} - known == set()
    assert sorted(document["totals"]) == sorted(column.key for column in TOTALS[document["command"]])


@pytest.mark.parametrize(
    ("call", "good", "bad", "law"),
    [
        (
            "demand-paging",
            "ctypes.memset(address, 1, 1)",
            "ctypes.memset(start, 1, 1)",
            "RSS grows by the pages written",
        ),
        (
            "cow",
            "json.dumps(words)",
            'json.dumps(["read", *words[1:]])',
            "a fault for each shared page written",
        ),
        ("stack", "STACK, (size, hard)", "STACK, (min(8 * size, hard % (1 << 62)), hard)", "it ends at RLIMIT_STACK"),
        ("malloc", "= -3, 128 << 10", "= -3, 64 << 10", "pointers are where the model has them"),
        ("segv", '"null": lambda: 0', '"null": lambda: mapped(RW)', "null: the address 0"),
        ("oom", "asked < int(most)", "asked < 1 << 20", "it is killed"),
    ],
)
def test_a_sabotaged_program_is_found_out(
    call: str, good: str, bad: str, law: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source_of = child._source_of
    sources = "".join(map(source_of, ("base", "hand", "heap", "hog", "wild")))
    assert good in sources
    monkeypatch.setattr(child, "_source_of", lambda name: source_of(name).replace(good, bad))
    assert_broken(f"{call} {CALLS[call]}", law, monkeypatch, capsys)


def assert_broken(call: str, law: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Run an experiment in this process, where something was made wrong."""
    monkeypatch.setattr(sys, "argv", ["pymemtools", "lab", *call.split()])
    status = _call()
    out, err = capsys.readouterr()
    if status == 3:
        pytest.skip(err)
    assert status == 1
    assert f"Law: {law}: DOES NOT HOLD (expected " in out + err
    assert f"pymemtools: lab {call.split()[0]}: law broken: {law}: expected " in err


def test_without_a_python_to_start_it_cannot_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["pymemtools", "lab", "cow"])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert _call() == 3
    said = f"pymemtools: lab: cannot run here: {tmp_path / 'python'}: No such file or directory\n"
    assert capsys.readouterr().err == said


def test_a_cache_that_forgets_is_found_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    amounts = iter(range(0, 1 << 30, 4096))
    monkeypatch.setattr(page_cache, "_from_disk", lambda source: next(amounts))
    law = "the second reading takes nothing from the disk"
    assert_broken("page-cache --size 64K", law, monkeypatch, capsys)


def test_a_watch_that_makes_its_status_up_is_found_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watch, "exit_status_of", lambda code: 0)
    assert_broken("watch false", "the status is the command's", monkeypatch, capsys)


def test_a_folder_is_read(pymemtools: Run, tmp_path: Path) -> None:
    for name, size in (("a", 1), ("b", 5000), ("c", 100_000)):
        (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / "link").symlink_to("b")
    (tmp_path / "second").hardlink_to(tmp_path / "b")
    os.mkfifo(tmp_path / "pipe")
    done = pymemtools("lab", "page-cache", str(tmp_path), "--size", "50K", "-f", "json")
    if done.returncode == 3:
        pytest.skip(done.stderr.decode())
    document = json.loads(done.stdout)
    assert "files that cannot be read, or are larger than --size leaves room for: 1, left out" in document["notes"]
    totals = document["totals"]
    whole = -(-5000 // PAGE) * PAGE + PAGE
    assert (totals["files"], totals["size"], totals["whole_pages"]) == (2, 5001, whole)


@pytest.mark.parametrize(
    ("place", "status", "said"),
    [
        ("nowhere", 1, b"No such file or directory"),
        ("empty", 3, b"no file that can be read"),
        ("/proc/self/net", 3, b""),
    ],
)
def test_a_folder_that_cannot_be_read_twice(
    place: str, status: int, said: bytes, pymemtools: Run, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    done = pymemtools("lab", "page-cache", str(tmp_path / place))
    assert (done.returncode, said in done.stderr, done.stderr.count(b"\n")) == (status, True, 1)


def test_a_kill_is_explained_where_the_log_may_be_read(pymemtools: Run) -> None:
    done = pymemtools("lab", "oom", "--limit", "8M", "--within", "group", "-f", "json")
    if done.returncode == 3:
        pytest.skip(done.stderr.decode())
    document = json.loads(done.stdout)
    told = document["totals"]["oom_report"]
    if told is None:
        assert "cannot be read" in document["notes"][0]
        pytest.skip(document["notes"][0])
    assert told["constraint"] == "CONSTRAINT_MEMCG"
    assert document["totals"]["cgroup"].endswith(told["cgroup"].rpartition("/")[2])
    assert told["killed_pid"] == told["chosen_pid"]


def text_of(call: str, pymemtools: Run) -> list[str]:
    """Give the lines that people read; skip where it cannot run."""
    done = pymemtools("lab", *call.split())
    if done.returncode == 3:
        pytest.skip(done.stderr.decode())
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().splitlines()


def test_the_transcript_of_a_kill(pymemtools: Run) -> None:
    lines = text_of("oom --limit 8M --within group", pymemtools)
    assert lines[0].split() == ["allocated", "VSS", "RSS", "anon", "tables", "charged"]
    assert len(lines[1].split()) == 6
    said = [line for line in lines if line.startswith("Killed, after ")]
    assert re.fullmatch(r"Killed, after \d+\.\d [KM]iB, for its anonymous memory\.", "".join(said))
    assert "Law: the group's peak is its limit: holds (8388608)" in lines or not any("peak" in line for line in lines)


def test_the_transcript_of_one_who_lives(pymemtools: Run) -> None:
    assert "Not killed: ends by itself." in text_of("oom --limit 8M --via mmap --touch none --within group", pymemtools)


def test_the_transcript_of_one_who_is_refused(pymemtools: Run) -> None:
    lines = text_of("oom --limit 8M --within addresses", pymemtools)
    assert any(re.fullmatch(r"Not killed, after \d\.\d MiB: refused: .+\.", line) for line in lines)
    assert "A limit of addresses (RLIMIT_AS) is not of memory: who is refused lives on," in lines


@pytest.mark.parametrize("within", [None, "addresses", "group"])
def test_where_no_group_can_be_made_addresses_are_limited(within: str | None, tmp_path: Path) -> None:
    source, request = open_source(str(machine(tmp_path))), OomRequest(within=within)
    if within == "group":
        with pytest.raises(CannotRun, match="lab oom: cannot run here: "):
            oom.EXPERIMENT.plan(source, request)
    else:
        happens = oom.EXPERIMENT.plan(source, request).happens
        assert "(RLIMIT_AS)" in happens[0]
        assert [text for text in happens if text.startswith("Its memory cannot be limited here")] == [*happens[1:-1]]
        assert len(happens) == (3 if within is None else 2)


def test_a_limit_that_holds_no_program_is_refused(pymemtools: Run) -> None:
    done = pymemtools("lab", "oom", "--limit", "1M")
    assert (done.returncode, b"at least 8.0 MiB" in done.stderr) == (2, True)


def test_bad_accesses_are_told_in_words(pymemtools: Run) -> None:
    lines = text_of("segv null kernel", pymemtools)
    assert lines[0].split() == ["case", "access", "address", "signal", "code", "si_addr"]
    assert lines[1].split() == ["null", "read", "0x0", "SIGSEGV", "MAPERR", "0x0"]
    assert "MAPERR    nothing is mapped there" in lines
    assert "Of its own memory the kernel says the same, whatever is there." in lines


def test_what_a_model_says_stands_in_a_column_behind_what_was_seen() -> None:
    elsewhere = {
        ("lab stack", "expected_signal"),  # what is beyond the limit says it
        ("lab overcommit", "predicted"),  # before the bound of it, and what was granted
        ("lab overcommit", "predicted_after"),
        ("lab drop-caches", "predicted_least"),
        ("lab drop-caches", "predicted_most"),
    }
    models = ("expected_", "predicted")
    for command, columns in VOCABULARY:
        for before, column in pairwise(columns):
            if command.startswith("lab ") and column.key.startswith(models) and (command, column.key) not in elsewhere:
                assert (column.title, bool(before.title)) == ("model", True), f"{command} {column.key}"


def test_samples_fit_a_terminal(pymemtools: Run) -> None:
    for name, options in CALLS.items():
        done = pymemtools("lab", name, *options.split())  # in a pipe, where nothing is broken
        samples = done.stdout.decode().partition("\n\n")[0].splitlines()
        assert max(map(len, samples), default=0) < 80, name


# watch.


@pytest.mark.parametrize(("script", "status"), [("exit 3", 3), ("kill -9 $$", 137), ("kill -40 $$", 168), ("true", 0)])
def test_the_status_is_the_command_s(script: str, status: int, pymemtools: Run) -> None:
    done = pymemtools("lab", "watch", "--", "sh", "-c", f"echo out; echo err >&2; {script}")
    assert (done.returncode, done.stdout) == (status, b"out\n")
    lines = done.stderr.decode().splitlines()
    header = ["seconds", "total", "used", "free", "shared", "buff/cache", "available", "swap", "used"]
    assert header in [line.split() for line in lines]
    assert "err" in lines
    assert f"Law: the status is the command's: holds ({status})" in lines


def test_a_command_that_is_not_there(pymemtools: Run) -> None:
    assert pymemtools("lab", "watch", "no-such-command").returncode == 127
    nameless = pymemtools("lab", "watch", "")
    assert nameless.returncode == 127
    assert nameless.stderr.endswith(b"\npymemtools: lab watch: '': No such file or directory\n")
    assert pymemtools("lab", "watch", "/").returncode == 126


def test_a_command_that_takes_too_long_is_ended(pymemtools: Run) -> None:
    done = pymemtools("lab", "watch", "--timeout", "0.2", "sleep", "600")
    assert (done.returncode, b"not done after 0.2 s: ended" in done.stderr) == (1, True)


def test_names_of_commands_are_hostile(pymemtools: Run, tmp_path: Path) -> None:
    (tmp_path / "\x1b[31m").write_text("#!/bin/sh\n")
    (tmp_path / "\x1b[31m").chmod(0o755)
    done = pymemtools("lab", "watch", "./\x1b[31m", cwd=tmp_path)
    assert (done.returncode, b"\x1b" in done.stderr) == (0, False)


@pytest.mark.parametrize("call", ["cow --pages 4", "watch true"])
def test_a_closed_stdin_changes_nothing(call: str) -> None:
    command = f"exec {sys.executable} -m pymemtools lab {call} <&-"
    env = os.environ | {"PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(["sh", "-c", command], env=env, capture_output=True, timeout=120, check=False)
    assert done.returncode in (0, 3), done.stderr


def test_options_behind_the_command_are_its_own(pymemtools: Run) -> None:
    assert pymemtools("lab", "watch", "echo", "-f", "--format", "--col").stdout == b"-f --format --col\n"


@pytest.mark.parametrize("every", ["--every=10ms", "--interval=x"])
def test_the_time_between_samples_is_one_as_of_record_and_faults(pymemtools: Run, every: str) -> None:
    done = pymemtools("lab", "watch", every, "--dry-run", "echo")
    assert done.returncode == 2
    assert b"is no time; write for example 2, 0.5s, 10m or 1h30m" in done.stderr
    assert pymemtools("lab", "watch", "--every", "0.5s", "--dry-run", "echo").returncode in (0, 3)


def test_used_memory_is_drawn(pymemtools: Run, tmp_path: Path) -> None:
    done = pymemtools("lab", "watch", "-o", "x.svg", "--interval", "0.01", "--", "sleep", "0.1", cwd=tmp_path)
    assert done.returncode == 0
    assert re.search(r"<title>Used memory, above .* MiB|GiB, while sleep ran</title>", (tmp_path / "x.svg").read_text())
    done = pymemtools("lab", "watch", "-o", "x.svg", "echo", cwd=tmp_path)  # and is not begun in vain
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        b"",
        b"pymemtools: x.svg: exists already (--force replaces it)\n",
    )


def watching(script: str, mark: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start a watch of a script in a session of its own, as from a terminal."""
    env = os.environ | {"PYTHONPATH": str(HERE.parent), "PYMEMTOOLS_TEST_MARK": mark}
    command = [sys.executable, "-m", "pymemtools", "lab", "watch", "--", "sh", "-c", script]
    return subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **options
    )


def test_ctrl_c_is_the_command_s() -> None:
    mark = f"{os.getpid()}-ctrl-c"
    with watching("echo on; exec sleep 600", mark) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"on\n"
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"sh: SIGINT, after" in err
    until(mark, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_watched_command_ends_with_us(number: signal.Signals) -> None:
    mark = f"{os.getpid()}-watch-{number}"
    with watching("(sleep 600 &); echo on; exec sleep 600", mark) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"on\n"
        process.send_signal(number)
        assert process.wait(60) == -number
        until(mark, 0)


def test_what_a_watched_command_leaves_running_goes_on() -> None:
    mark = f"{os.getpid()}-daemon"
    with watching("sleep 600 >/dev/null 2>&1 & echo $!", mark) as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert until(mark, 1) == [int(out)]
    os.kill(int(out), signal.SIGKILL)


# Changes.


@pytest.mark.parametrize("knows_files_without_names", [True, False])
def test_a_temporary_file_has_no_name(
    knows_files_without_names: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not knows_files_without_names:
        monkeypatch.setattr(os, "O_TMPFILE", 0)  # as a file system that refuses it: a directory is not opened to write
    owed: list[Debt] = []
    fd = Stage(open_source(None), nobody, owed.append).temporary(str(tmp_path))
    try:
        assert (os.write(fd, b"x"), os.listdir(tmp_path), os.fstat(fd).st_nlink) == (1, [], 0)
        assert [debt.kind for debt in owed] == ([] if knows_files_without_names else [FILE])
    finally:
        os.close(fd)


def test_a_setting_is_owed_before_it_is_changed(tmp_path: Path) -> None:
    setting = tmp_path / "setting"
    setting.write_text("1\n")
    owed: list[tuple[Debt, str]] = []
    stage = Stage(open_source(None), nobody, lambda debt: owed.append((debt, setting.read_text())))
    stage.set("a setting", str(setting), "2")
    assert owed == [(Debt(SETTING, str(setting), "1"), "1\n")]
    assert setting.read_text() == "2\n"


# Control groups.


def test_groups_of_experiments_that_are_gone_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a guard that was killed, too, leaves one."""
    gone, ours, other = (tmp_path / f"pymemtools-lab-{name}" for name in ("4194305", os.getpid(), "x"))
    for path in (gone, ours, other):
        path.mkdir()
    cgroups._sweep(str(tmp_path))
    assert (gone.exists(), ours.exists(), other.exists()) == (False, True, True)


def levels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, control: str) -> list[Debt]:
    """Pretend that our group is below a directory, whose groups have these controllers; give what is owed."""
    (tmp_path / "ours").mkdir()
    for name, text in (("cgroup.subtree_control", control), ("cgroup.controllers", "cpu memory")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(cgroups, "find_hierarchy", lambda source: Hierarchy(2, str(tmp_path), "/"))
    monkeypatch.setattr(cgroups, "own_group", lambda source, hierarchy: "/ours")
    owed: list[Debt] = []
    with pytest.raises(Denied, match="its groups have no memory limit"):  # this is no control group
        cgroups.make_group(open_source(None), owed.append)
    return owed


def test_a_group_is_made_where_the_controller_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / f"pymemtools-lab-{os.getpid()}"
    assert levels(tmp_path, monkeypatch, "cpu memory\n") == [Debt(GROUP, str(made))]
    assert settle_all([Debt(GROUP, str(made))]) == []
    assert not made.exists()


def test_a_level_without_the_controller_is_given_it_and_has_it_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, control = tmp_path / f"pymemtools-lab-{os.getpid()}", tmp_path / "cgroup.subtree_control"
    owed = levels(tmp_path, monkeypatch, "cpu\n")
    assert owed == [Debt(CONTROLLER, str(control), "-memory"), Debt(GROUP, str(made))]
    assert control.read_text() == "+memory\n"
    control.write_text("cpu memory\n")
    assert settle_all(owed) == []
    assert not made.exists()
    assert control.read_text().startswith("-memory\n")
