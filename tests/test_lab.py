"""Experiments: the frame that they run in, whoever ends it, and laws that a wrong sighting breaks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import HERE, Run

from pymemtools.control.undo import FILE, SETTING, Debt
from pymemtools.errors import MemtoolsError
from pymemtools.lab.guard import Hear, Leftovers, Owe, Terms, guarded
from pymemtools.reports.lab.demand_paging import PagingRequest, paging_report
from pymemtools.reports.lab.laws import broken
from pymemtools.reports.lab.plan import Findings, Plan, refusal
from pymemtools.sources import open_source

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


def until(mark: str, count: int) -> bool:
    """Wait until so many processes have the mark; for ever would be a failure."""
    deadline = time.monotonic() + 60
    while len(descendants(mark)) != count:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


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
    done = pymemtools("lab", "demand-paging", "--dry-run")
    assert done.returncode == 0
    assert b"It takes at most" in done.stdout
    assert b"Law:" not in done.stdout


def test_what_is_explained_stands_before_what_happens(pymemtools: Run) -> None:
    text = pymemtools("lab", "demand-paging", "--pages", "3", "--explain").stdout.decode()
    assert text.index("mmap() only promises") < text.index("write a byte") < text.index("Law: ")


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
        (1, "0.00", 1249, False, "zone Normal of node 0 is below its low watermark"),
    ],
)
def test_bounds_hold_and_pressure_refuses(
    tmp_path: Path, memory: int, pressure: str, free: int, forced: bool, said: str
) -> None:
    source = open_source(str(machine(tmp_path, pressure, free)))
    found = refusal(source, Plan((), memory), None, forced=forced)
    assert said in found if said else found == ""


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
    from pymemtools.lab.guard import Terms, guarded
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
            assert until(mark, 7)  # we, the guard, the experiment, and four
            assert setting.read_text() == "changed\n"
        finally:
            process.send_signal(number)
        assert process.wait() == -number
        if number != signal.SIGKILL:  # we wait for the guard, and are gone after it
            assert setting.read_text() == "as before\n"
            assert descendants(mark) == []
    assert until(mark, 0)
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


def test_paging_here(pymemtools: Run) -> None:
    done = pymemtools("lab", "demand-paging", "--pages", "100", "-f", "json")
    assert done.returncode in (0, 3), done.stderr
    if done.returncode == 3:
        pytest.skip(done.stderr.decode())
    document = json.loads(done.stdout)
    assert [law["holds"] for law in document["totals"]["laws"]] == [True, True]
    assert document["rows"][1]["rss_change"] == 100 * PAGE


def test_a_sabotaged_program_breaks_the_law(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hand that writes to every second page only, is found out."""
    from pymemtools.cli import _call
    from pymemtools.lab import child

    source_of = child._source_of
    lazy = "ctypes.memset(address if address % (2 * PAGE) else start, 1, 1)"
    monkeypatch.setattr(child, "_source_of", lambda name: source_of(name).replace("ctypes.memset(address, 1, 1)", lazy))
    monkeypatch.setattr(sys, "argv", ["pymemtools", "lab", "demand-paging", "--pages", "100"])
    assert _call() == 1
    out, err = capsys.readouterr()
    assert (
        "Law: RSS grows by the pages written: DOES NOT HOLD (expected 409600, seen write a byte to each page: " in out
    )
    assert "pymemtools: lab demand-paging: law broken: RSS grows by the pages written" in err
