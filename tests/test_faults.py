"""Page faults a second: of the machine under each generation of kernels, and of processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from asleep import wait_until_asleep
from conftest import Run, started
from on_terminal import on_terminal
from recordings import START, Told, every_ten_seconds, record
from trees import write_tree

from pymemtools.capture.recording import Tick, Writer
from pymemtools.procfs.pressure import parse_pressure
from pymemtools.procfs.stat import parse_stat
from pymemtools.procfs.vmstat import paging_events
from pymemtools.readings.paging import PagingMoment, is_same_boot, seconds_between
from pymemtools.readings.process import identify
from pymemtools.readings.process_faults import FaultsMoment
from pymemtools.reports.faults.processes import Machinery, ProcessRates, costliest, process_rates
from pymemtools.reports.faults.rates import rates_between, rates_since_start
from pymemtools.sources import open_source

# What each generation counts; those before it are in no capture of ours, so of them the names are the kernel's.
ERAS = {
    "2.6.32": "pgpgin 8 pgfault 90 pgmajfault 4 pgsteal_dma 1 pgsteal_normal 2 kswapd_steal 2 allocstall 5 "
    "pgscan_kswapd_dma 3 pgscan_kswapd_normal 4 pgscan_direct_normal 5",
    "3.4": "pgpgin 8 pgfault 90 pgmajfault 4 pgsteal_kswapd_normal 2 pgsteal_direct_normal 1 allocstall 5 "
    "pgscan_kswapd_dma 3 pgscan_kswapd_normal 4 pgscan_direct_normal 5 pgscan_direct_throttle 6",
    "4.10": "pgpgin 8 pgfault 90 pgmajfault 4 pgsteal_kswapd 2 pgsteal_direct 1 allocstall_normal 4 "
    "allocstall_movable 1 pgscan_kswapd 7 pgscan_direct 5 pgscan_direct_throttle 6 workingset_refault 9",
    "5.9": "pgpgin 8 pgfault 90 pgmajfault 4 pgsteal_kswapd 2 pgsteal_direct 1 pgsteal_anon 1 pgsteal_file 2 "
    "allocstall_normal 4 allocstall_movable 1 pgscan_kswapd 7 pgscan_direct 5 pgscan_direct_throttle 6 "
    "pgscan_anon 5 pgscan_file 7 workingset_refault_anon 4 workingset_refault_file 5",
}


def counters(text: str) -> dict[str, int]:
    words = text.split()
    return dict(zip(words[::2], map(int, words[1::2])))


@pytest.mark.parametrize("era", ERAS)
def test_each_generation_of_kernels_means_the_same(era: str) -> None:
    events = paging_events(counters(ERAS[era]))
    assert events[:3] == (86, 4, 8192)
    assert (events.scanned_pages, events.kswapd_scanned_pages, events.direct_scanned_pages) == (12, 7, 5)
    assert (events.stolen_pages, events.direct_reclaims) == (3, 5)
    assert events.refaulted_pages == (None if era < "4" else 9)
    assert events.oom_kills is None


def test_reclaim_at_the_limit_of_a_group_is_in_the_kinds_only() -> None:
    """Linux 6.18, memory.max reached again and again: mm/vmscan.c counts who reclaims only when no group asks."""
    events = paging_events(counters("pgscan_kswapd 0 pgscan_direct 0 pgscan_anon 0 pgscan_file 2487352"))
    assert (events.scanned_pages, events.kswapd_scanned_pages) == (2487352, 0)


def test_a_part_that_is_not_known_makes_the_sum_unknown() -> None:
    assert paging_events({"allocstall_dma": 1, "allocstall_normal": None}).direct_reclaims is None


STALLED = "some avg10=0.00 avg60=0.00 avg300=0.00 total={}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total={}\n"


def moment(text: str, seconds: int | None = 10, boot: bytes | None = None, stalled: int = 0) -> PagingMoment:
    pressure = parse_pressure(STALLED.format(stalled, stalled // 2).encode())
    centiseconds = None if seconds is None else seconds * 100
    return PagingMoment(
        f"2026-11-29T00:00:{seconds or 0:02}Z", counters(text), centiseconds, None, boot, pressure, 4096
    )


def test_rates_are_differences_by_time() -> None:
    before = moment("pgfault 100 pgmajfault 10 pswpin 0 pgpgin 50 pgscan_kswapd 0 pgsteal_kswapd 0 oom_kill 1")
    after = moment(
        "pgfault 160 pgmajfault 20 pswpin 5 pgpgin 60 pgscan_kswapd 40 pgsteal_kswapd 30 oom_kill 3",
        20,
        stalled=3_000_000,
    )
    rates = rates_between(before, after)
    assert rates._asdict() == {
        **dict.fromkeys(rates._fields),
        "read_at": "2026-11-29T00:00:20Z",
        "interval_seconds": 10.0,
        "minor_faults_per_second": 5.0,
        "major_faults_per_second": 1.0,
        "paged_in_bytes_per_second": 1024.0,
        "swapped_in_bytes_per_second": 2048.0,
        "scanned_pages_per_second": 4.0,
        "kswapd_scanned_pages_per_second": 4.0,
        "stolen_pages_per_second": 3.0,
        "stolen_percent": 75.0,
        "some_stalled_percent": 30.0,
        "full_stalled_percent": 15.0,
        "oom_kills": 2,
    }


def test_a_finer_clock_than_uptime_counts() -> None:
    before, after = moment("pgfault 1")._replace(clock=10.0), moment("pgfault 1")._replace(clock=10.25)
    assert seconds_between(before, after) == 0.25


@pytest.mark.parametrize(
    ("later", "boot"),
    [(5, None), (500, b"another")],  # less uptime, or another boot id
)
def test_of_two_boots_nothing_is_known(later: int, boot: bytes | None) -> None:
    before, after = moment("pgfault 7 pgmajfault 1", 10, b"one"), moment("pgfault 9 pgmajfault 1", later, boot)
    assert is_same_boot(before, after) is False
    rates = rates_between(before, after)
    assert set(rates[1:]) == {None}


def test_a_counter_that_fell_is_unknown_and_never_negative() -> None:
    rates = rates_between(moment("pgfault 2 pgmajfault 2 pgpgin 5"), moment("pgfault 9 pgmajfault 1 pgpgin 6", 20))
    assert (rates.minor_faults_per_second, rates.major_faults_per_second) == (None, None)
    assert rates.paged_in_bytes_per_second == 102.4


def test_counters_of_32_bits_go_round() -> None:
    before, after = moment(f"pgfault {2**32 - 4} pgmajfault 1"), moment("pgfault 6 pgmajfault 1", 20)
    assert rates_between(before, after).minor_faults_per_second == 1.0
    wide = before._replace(counters={**before.counters, "pgfree": 2**32})  # a 64-bit machine: it does not go round
    assert rates_between(wide, after).minor_faults_per_second is None
    # Of what is read and written KiB are told, and sectors counted: they go round at half of it.
    halved = moment(f"pgpgin {2**31 - 4} pgpgout 7"), moment("pgpgin 6 pgpgout 7", 20)
    assert rates_between(*halved).paged_in_bytes_per_second == 1024.0
    unknown = before._replace(uptime_centiseconds=None, boot_id=None)  # nothing says that the machine ran on
    assert rates_between(unknown, after).minor_faults_per_second is None


def test_one_moment_tells_the_mean_since_the_start() -> None:
    rates = rates_since_start(moment("pgfault 40 pgmajfault 10", 10, stalled=1_000_000))
    assert (rates.interval_seconds, rates.minor_faults_per_second, rates.some_stalled_percent) == (10.0, 3.0, 10.0)


# Processes

STAT = "7 (worker) S 1 7 7 0 -1 0 {} 0 {} 0 0 0 0 0 20 0 1 0 {} 8192 2 0 1 1 1 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n"


class Files:
    """As much of a process's files as its identity takes."""

    pid = 7

    def read(self, name: str) -> bytes:
        assert name == "cmdline"
        return b"/bin/worker\0-x\0"


def at(seconds: float, minor: int, major: int, start: int = 100) -> FaultsMoment:
    stat = parse_stat(STAT.format(minor, major, start).encode())
    return FaultsMoment("2026-11-29T00:00:00Z", seconds, [identify(Files(), stat)])  # type: ignore[arg-type]


MACHINE = Machinery(4096, 32768)


def rates_of(before: FaultsMoment | None, after: FaultsMoment) -> ProcessRates:
    (row,) = process_rates(before, after, MACHINE)
    return row


def test_a_process() -> None:
    assert rates_of(at(5, 100, 10), at(7, 300, 11)) == ProcessRates(
        "2026-11-29T00:00:00Z", 2.0, 7, "worker", 100.0, 0.5, 8192, 8192, 25.0, "/bin/worker -x"
    )


def test_a_process_that_was_started_meanwhile_made_all_its_faults_since() -> None:
    row = rates_of(at(5, 100, 10, start=100), at(7, 30, 1, start=600))  # another process of the same number
    assert (row.minor_faults_per_second, row.major_faults_per_second) == (15.0, 0.5)


def test_without_an_earlier_moment_the_mean_is_over_its_life() -> None:
    assert rates_of(None, at(5, 400, 4, start=100))[1:6] == (4.0, 7, "worker", 100.0, 1.0)


def test_those_that_wait_for_disks_come_first_and_idle_ones_not_at_all() -> None:
    rows = [rates_of(None, at(2, minor, major)) for minor, major in ((9, 0), (0, 0), (1, 1), (8, 1))]
    assert [row.cost for row in costliest(rows, 3)] == [(1.0, 8.0), (1.0, 1.0), (0.0, 9.0)]
    assert len(costliest(rows, 2)) == 2


# The program

ASK = ("faults", "-f", "json")


def ask(pymemtools: Run, *arguments: str) -> dict[str, Any]:
    done = pymemtools(*ASK, *arguments)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def capture(path: Path, vmstat: str, uptime: str, stat: str = "") -> str:
    write_tree(path)
    (path / "proc" / "vmstat").write_text(vmstat.replace(" ", "\n").replace("=", " ") + "\n")
    if uptime:
        (path / "proc" / "uptime").write_text(uptime)
    if stat:
        (path / "proc" / "7").mkdir()
        (path / "proc" / "7" / "stat").write_text(stat)
    return str(path)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    earlier = capture(
        tmp_path / "a", "pgfault=100 pgmajfault=0 pgpgin=10 pswpin=0 pswpout=1", "100.00 1\n", STAT.format(5, 0, 9000)
    )
    later = capture(
        tmp_path / "b", "pgfault=300 pgmajfault=2 pgpgin=50 pswpin=0 pswpout=2", "104.00 1\n", STAT.format(45, 2, 9000)
    )
    return later, earlier


def test_two_captures(pair: tuple[str, str], pymemtools: Run) -> None:
    done = pymemtools("faults", "-S", pair[0], "--diff", pair[1])
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == (
        "time      minor major     in    out    si    so   scan  steal refault stall  psi\n"
        "-            50   0.5     10      -     0     1      -      -       -     -    -\n"
        "the source does not tell its page size: 4096 is assumed\n"
    )


def test_processes_of_two_captures(pair: tuple[str, str], pymemtools: Run) -> None:
    done = pymemtools("faults", "--top", "3", "-S", pair[0], "--diff", pair[1])
    assert done.stdout.decode() == (
        "    PID     minor    major        VSS       RSS  RAM% Command\n"
        "      7        10      0.5          8         8     0 [worker]\n"
        "the source does not tell its page size: 4096 is assumed\n"
    )
    assert ask(pymemtools, "7", "-S", pair[0])["notes"] == [
        "means since each process was started",
        "the source does not tell its page size: 4096 is assumed",
    ]


def test_one_capture(pair: tuple[str, str], pymemtools: Run) -> None:
    document = ask(pymemtools, "-S", pair[1])
    assert document["notes"][0] == "means since the machine was started"
    assert document["rows"][0]["minor_faults_per_second"] == 1.0


def test_the_wrong_way_round(pair: tuple[str, str], pymemtools: Run) -> None:
    done = pymemtools("faults", "-S", pair[1], "--diff", pair[0])
    assert (done.returncode, done.stderr.decode()) == (
        0,
        "pymemtools: faults: the machine was started anew in between: its counters began at 0\n",
    )


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        ("faults --every 1", "--every and --count are for a live machine"),
        ("faults --top 3 7", "name processes, or ask for --top"),
        ("faults --compat sar -f json", "--compat sar has its own columns"),
        ("faults --plot", "one or two captures are no course"),
        ("faults --plot --top 3", "a picture is of the whole machine"),
        ("faults -o x.png", "the picture is .svg"),
        ("faults --count 2 --diff x", "--diff compares two moments"),
        ("faults --every 3x", "is no time"),
    ],
)
def test_what_makes_no_sense(call: str, complaint: str, pymemtools: Run) -> None:
    done = pymemtools("--demo", *call.split())
    assert (done.returncode, done.stdout) == (2, b"")
    assert complaint in done.stderr.decode()


def test_without_a_clock(tmp_path: Path, pymemtools: Run) -> None:
    done = pymemtools("faults", "-S", capture(tmp_path, "pgfault=1", ""))
    assert done.stderr.decode() == (
        "pymemtools: faults: without uptime a single moment tells no rates: name an earlier one with --diff\n"
    )


def test_a_machine_that_runs(pymemtools: Run) -> None:
    document = ask(pymemtools, "--every", "0.05", "--count", "3")
    rows = document["rows"]
    assert len(rows) == 3
    assert all(row["interval_seconds"] >= 0.05 and row["minor_faults_per_second"] is not None for row in rows)
    text = pymemtools("faults", "--every", "0.05", "--count", "3").stdout.decode().splitlines()
    assert [line[:5] for line in text[:1]] == ["time "]
    assert len(text) == 4


def test_what_a_process_did_before_does_not_count(pymemtools: Run) -> None:
    call = [sys.executable, "-I", "-S", "-c", "bytes(1 << 24).replace(b'0', b'1'); print(flush=True); input()"]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        wait_until_asleep(child.pid)
        rows = ask(pymemtools, "--every", "0.05", "--count", "2", str(child.pid))["rows"]
        child.kill()
    assert [(row["pid"], row["minor_faults_per_second"], row["major_faults_per_second"]) for row in rows] == [
        (child.pid, 0.0, 0.0)
    ] * 2
    assert all(0 < row["rss"] < row["vss"] for row in rows)


def test_a_process_that_is_not_there(pymemtools: Run) -> None:
    done = pymemtools("faults", "4194304")
    assert (done.returncode, done.stderr.decode()) == (42, "pymemtools: faults: 4194304: no such process\n")


def test_rows_of_programs_come_as_one_table() -> None:
    done = started("faults", "--every", "0.02", "--count", "2", "-f", "csv")
    header, *rows = done.stdout.decode().splitlines()
    assert header.startswith("read_at,interval_seconds,minor_faults_per_second,")
    assert len(rows) == 2


def test_the_example(pymemtools: Run) -> None:
    done = pymemtools("--demo", "faults")
    assert done.stdout.decode() == (
        "time      minor major     in    out    si    so   scan  steal refault stall  psi\n"
        "00:43:24    891     0      0      0     0     0      0      0       0     0    -\n"
        "means since the machine was started\n"
    )


# Recordings


def recording(path: Path, tree: Path) -> str:
    """Record four samples, ten seconds apart; before the last one the machine is started anew."""
    capture(tree, "pgfault=0 pgmajfault=0", "", STAT.format(0, 0, 100))
    boot = tree / "proc" / "sys" / "kernel" / "random" / "boot_id"
    boot.parent.mkdir(parents=True)
    with Writer(str(path), {"page_size": 4096, "every_s": 10.0, "host": "vm", "machine": "x86_64"}) as writer:
        for number, faults in enumerate((100, 200, 400, 50)):
            boot.write_text("one\n" if number < 3 else "two\n")
            (tree / "proc" / "vmstat").write_text(f"pgfault {faults}\npgmajfault {faults // 100}\npgpgin {faults}\n")
            (tree / "proc" / "7" / "stat").write_text(STAT.format(faults, faults // 100, 100))
            since = 100.0 + 10 * number if number < 3 else 5.0
            writer.sample(open_source(str(tree)), Tick(1795936448.25 + 10 * number, since, utc_offset_s=3600))
    return str(path)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("recording")
    return recording(place / "vm.rec", place / "tree")


def test_a_recording_is_a_course_by_its_machines_clock(recorded: str, pymemtools: Run) -> None:
    done = pymemtools("faults", "-S", recorded)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == (
        "time      minor major     in    out    si    so   scan  steal refault stall  psi\n"
        "08:14:18    9.9   0.1     10      -     -     -      -      -       -     -    -\n"
        "08:14:28     20   0.2     20      -     -     -      -      -       -     -    -\n"
        "08:14:38      -     -      -      -     -     -      -      -       -     -    -\n"
    )
    rows = ask(pymemtools, "-S", recorded)["rows"]
    assert rows[0]["read_at"] == "2026-11-29T07:14:18.250Z"
    assert set(list(rows[2].values())[1:]) == {None}


def test_a_moment_that_is_named_is_the_interval_before_it(recorded: str, pymemtools: Run) -> None:
    rows = ask(pymemtools, "-S", f"{recorded}@3")["rows"]
    assert [row["minor_faults_per_second"] for row in rows] == [19.8]
    rows = ask(pymemtools, "-S", f"{recorded}@3", "--top", "5")["rows"]
    assert [(row["pid"], row["minor_faults_per_second"]) for row in rows] == [(7, 20.0)]
    done = pymemtools("faults", "-S", f"{recorded}@first")
    assert (done.returncode, done.stderr.decode().splitlines()[-1]) == (
        1,
        f"pymemtools: {recorded}: one sample tells no rates: there is none before it",
    )


def test_a_part_of_a_recording(pymemtools: Run, tmp_path: Path) -> None:
    """Reclaim, and stalls, are those of the part, too; of processes the means over it."""
    told = lambda number: {
        "vmstat": b"pgfault %d\npgmajfault 0\n" % (10 * number * number),
        "pressure/memory": b"some avg10=0 avg60=0 avg300=0 total=%d\n" % (1000 * number),
    }
    path = record(str(tmp_path / "a.rec"), [Told(7, "a", lambda number: 100 * number)], every_ten_seconds(30, told))

    def rates(*arguments: str) -> list[tuple[Any, ...]]:
        rows = ask(pymemtools, "-S", path, *arguments)["rows"]
        return [(row["read_at"][11:19], row["minor_faults_per_second"]) for row in rows]

    assert rates("--from", "12:06:50", "--to", "2026-11-18T11:07:10Z") == rates("--from", "2", "--to", "4")
    assert rates("--from", "2", "--to", "4") == [("11:07:00", 3.0), ("11:07:10", 5.0)]
    assert rates("--from", "29") == [("11:11:30", 57.0)]
    assert rates("--to", "2") == rates("--from", "-2h", "--to", "2") == [("11:06:50", 1.0)]
    assert rates("--from", "1", "--to", "11", "--top", "1") == [("11:08:20", 10.0)]
    with_stalls = ask(pymemtools, "-S", path, "--from", "2", "--to", "3")["rows"]
    assert [row["some_stalled_percent"] for row in with_stalls] == [0.01]


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("--from", "3"), 2, "faults: --from and --to are of one recording: -S FILE names it"),
        (("--to", "3"), 2, "faults: --to is for a moment of a recording: say which with -S FILE"),
        (
            ("-S", "REC", "--from", "1", "--diff", "REC@1"), 2,
            "faults: --from and --to are of one recording: -S FILE names it",
        ),
        (
            ("-S", "REC@2", "--to", "3"), 2,
            "faults: --to names the moment that is described, as --at does: give one of them",
        ),
        (
            ("-S", "REC", "--from", "last"), 1,
            "REC: less than two samples from 2026-11-29 08:14:38 +0100 to 2026-11-29 08:14:38 +0100",
        ),
    ],
)  # fmt: skip
def test_what_is_no_part_of_a_recording(
    recorded: str, pymemtools: Run, arguments: tuple[str, ...], status: int, says: str
) -> None:
    done = pymemtools("faults", *(word.replace("REC", recorded) for word in arguments))
    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.decode().splitlines()[-1] == f"pymemtools: {says.replace('REC', recorded)}"


def test_a_recording_on_a_terminal(recorded: str) -> None:
    """Who waits there is told what takes long, by another source around it."""
    seen = on_terminal("faults", "-S", recorded, columns=80, with_stderr=True)
    assert [line[:8] for line in seen.splitlines()] == ["time    ", "08:14:18", "08:14:28", "08:14:38"]
    seen = on_terminal("faults", "-S", recorded, "--at", "3", "--top", "2", columns=80, with_stderr=True)
    assert seen.splitlines()[-1].split() == ["7", "20", "0.2", "8", "8", "0", "[worker]"]


def test_two_moments_of_a_recording(recorded: str, pymemtools: Run) -> None:
    rows = ask(pymemtools, "-S", f"{recorded}@3", "--diff", f"{recorded}@1")["rows"]
    assert [(row["interval_seconds"], row["minor_faults_per_second"]) for row in rows] == [(20.0, 14.85)]


def test_a_recording_as_a_picture_with_the_start_of_the_machine(recorded: str, tmp_path: Path, pymemtools: Run) -> None:
    output = tmp_path / "x.svg"
    assert pymemtools("faults", "-S", recorded, "-o", str(output)).returncode == 0
    text = output.read_text()
    assert (text.count("machine started"), text.count('class="start"')) == (3, 3)
    assert "Paging and page faults of vm, Linux 6.12.0, 2026-11-29" in text


def test_a_recording_as_sar_prints_it(recorded: str, pymemtools: Run) -> None:
    done = pymemtools("faults", "-S", recorded, "--compat", "sar", env=os.environ | {"TZ": "UTC", "LC_ALL": "C"})
    assert done.stdout.decode() == (
        "Linux 6.12.0 (vm) \t11/29/26 \t_x86_64_\t(1 CPU)\n\n"
        "07:14:08     pgpgin/s pgpgout/s   fault/s  majflt/s  pgfree/s pgscank/s pgscand/s pgsteal/s    %vmeff\n"
        "07:14:18        10.00      0.00     10.00      0.10      0.00      0.00      0.00      0.00      0.00\n"
        "07:14:28        20.00      0.00     20.00      0.20      0.00      0.00      0.00      0.00      0.00\n"
        "Average:        15.00      0.00     15.00      0.15      0.00      0.00      0.00      0.00      0.00\n\n"
        "07:14:33     LINUX RESTART\t(1 CPU)\n"
    )


def test_a_clock_that_is_set_for_the_first_time_makes_no_picture_of_half_a_century(
    pymemtools: Run, tmp_path: Path
) -> None:
    """Of a machine that is started anew meanwhile: both times in 1970, until it has the time from elsewhere."""
    kept = every_ten_seconds(60, lambda number: {"vmstat": b"pgfault %d\npgmajfault %d\n" % (number * number, number)})
    never_set = [sample._replace(set_s=60 - START) for sample in kept[:40]]
    samples = [*never_set[:20], *(sample._replace(boot="second") for sample in [*never_set[20:], *kept[40:]])]
    done = pymemtools("faults", "-S", record(str(tmp_path / "a"), [], samples), "-o", str(tmp_path / "a.svg"))
    assert done.returncode == 0
    texts = [each.text for each in ElementTree.parse(tmp_path / "a.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert texts[-5:] == ["12:06:40", "12:09:07", "12:11:35", "12:14:02", "12:16:30"]


def test_a_clock_that_is_set_back_bends_no_picture(pymemtools: Run, tmp_path: Path) -> None:
    told = lambda number: {"vmstat": b"pgfault %d\npgmajfault %d\n" % (number * number, number)}
    kept = every_ten_seconds(60, told)
    moved = [sample._replace(set_s=7200 if number < 30 else 0) for number, sample in enumerate(kept)]
    pictures = [
        pymemtools("faults", "--plot", "-S", record(str(tmp_path / name), [], samples)).stdout
        for name, samples in (("kept", kept), ("moved", moved))
    ]
    assert pictures[0] == pictures[1]
    assert pictures[0].splitlines()[0] == b"paged in: not known"
