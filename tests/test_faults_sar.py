"""``faults --compat sar`` prints the bytes of ``sar -B``: of literals always, of sysstat 12.6 where it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest
from conftest import HERE, Run
from sar_oracle import START, Snapshot, recorded, sadf, sar, why_not
from trees import write_tree

from pymemtools.cli.faults.sar import SarPrinter
from pymemtools.procfs.uptime import parse_uptime
from pymemtools.procfs.vmstat import parse_vmstat
from pymemtools.readings.paging import PagingMoment
from pymemtools.render.sar_paging import sar_layout
from pymemtools.reports.faults.sar import SarMachine, sar_figures
from pymemtools.sources.base import since_1970

pytestmark = pytest.mark.live

BEFORE = """\
pgpgin 1000
pgpgout 2000
pgfree 500
pgfault 90000
pgmajfault 10
pgsteal_kswapd 100
pgsteal_direct 0
pgscan_kswapd 200
pgscan_direct 0
pgscan_direct_throttle 0
pgscan_anon 0
pgscan_file 200
pgsteal_anon 0
pgsteal_file 100
"""
AFTER = """\
pgpgin 1307
pgpgout 2614
pgfree 614
pgfault 91000
pgmajfault 11
pgsteal_kswapd 150
pgsteal_direct 50
pgscan_kswapd 300
pgscan_direct 100
pgscan_direct_throttle 7
pgscan_anon 0
pgscan_file 400
pgsteal_anon 0
pgsteal_file 200
"""
# sar -B -f of a file that sadc 12.6.1 wrote of these two; the titles, and the line that is the Average, too
ROW = "    100.00    200.00    325.73      0.33     37.13     32.57     34.85     65.15     96.62"
TITLES = "  pgpgin/s pgpgout/s   fault/s  majflt/s  pgfree/s pgscank/s pgscand/s pgsteal/s    %vmeff"


def moment(vmstat: str, uptime: str, read_at: str = "2026-11-29T07:14:08Z") -> PagingMoment:
    return PagingMoment(read_at, parse_vmstat(vmstat.encode()), parse_uptime(uptime.encode()))


def capture(path: Path, vmstat: str, uptime: str, taken_at: int) -> Path:
    write_tree(path)
    (path / "proc" / "vmstat").write_text(vmstat)
    (path / "proc" / "uptime").write_text(uptime)
    (path / "proc" / "stat").write_text("cpu  1\ncpu0 1\ncpu1 1\n")
    (path / "proc" / "version").write_text("Linux version 6.1.0 (x) #1\n")
    facts = {"format": 1, "page_size": 4096, "taken_at": taken_at, "machine": "x86_64", "host": "vm"}
    (path / "manifest.json").write_text(json.dumps(facts))
    return path


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    earlier = capture(tmp_path / "earlier", BEFORE, "1000.50 900.00\n", 1795936448)
    return str(capture(tmp_path / "later", AFTER, "1003.57 903.00\n", 1795936451)), str(earlier)


@pytest.mark.parametrize(
    ("environment", "date"), [({"TZ": "UTC"}, "11/29/26"), ({"TZ": "UTC", "S_TIME_FORMAT": "ISO"}, "2026-11-29")]
)
def test_two_captures(environment: dict[str, str], date: str, pair: tuple[str, str], pymemtools: Run) -> None:
    later, earlier = pair
    done = pymemtools("faults", "--compat", "sar", "-S", later, "--diff", earlier, env=environment | {"PATH": "/bin"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == (
        f"Linux 6.1.0 (vm) \t{date} \t_x86_64_\t(2 CPU)\n\n07:14:08   {TITLES}\n07:14:11   {ROW}\nAverage:   {ROW}\n"
    )


def test_one_capture_is_the_mean_since_the_start(pair: tuple[str, str], pymemtools: Run) -> None:
    done = pymemtools("faults", "--compat", "sar", "-S", pair[1], env={"TZ": "UTC", "PATH": "/bin"})
    _, empty, titles, row = done.stdout.decode().splitlines()
    assert (empty, titles[:11], row[:31]) == ("", "07:14:08   ", "07:14:08         1.00      2.00")


def test_pages_that_were_stolen_count_twice() -> None:
    assert sar_figures(moment(BEFORE, "1.00 1\n"), moment(AFTER, "2.00 1\n"))[7] == 200.0


def test_a_counter_that_fell_is_a_huge_one_as_of_unsigned_numbers() -> None:
    figures = sar_figures(moment("pgfault 7\n", "1.00 1\n"), moment("pgfault 2\n", "2.00 1\n"))
    assert figures[2] == float(2**64 - 5)
    assert sar_figures(moment("pgfault 7\n", "1.00 1\n"), moment("pgfault 2\n", "2.00 1\n"), 32)[2] == pytest.approx(
        2**32 - 5
    )


def test_ctrl_c_brings_the_mean_as_of_sar() -> None:
    environment = os.environ | {"PYTHONPATH": str(HERE.parent), "LC_ALL": "C"}
    call = [sys.executable, "-m", "pymemtools", "faults", "--compat", "sar", "--every", "0.1"]
    with subprocess.Popen(call, env=environment, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        lines = [program.stdout.readline() for _ in range(5)]  # the machine, a blank one, titles, two intervals
        program.send_signal(signal.SIGINT)
        rest = program.stdout.read().splitlines()
    assert (program.returncode, len(lines[3]), lines[1]) == (0, len(lines[4]), b"\n")
    assert [line[:11] for line in rest if line.startswith(b"Average")] == [b"Average:   "]
    assert rest[-1].startswith(b"Average")


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sar")
    reason = why_not(place)
    if reason:
        pytest.skip(reason)
    return place


NAMES = (
    *("pgpgin", "pgpgout", "pgfault", "pgmajfault", "pgfree", "pgsteal_kswapd", "pgsteal_direct", "pgsteal_khugepaged"),
    *("pgscan_kswapd", "pgscan_direct", "pgscan_direct_throttle", "pgscan_anon", "pgscan_file", "pgsteal_anon"),
    *("pgsteal_file", "pgscan_kswapd_dma", "pgscan_kswapd_normal", "pgscan_direct_movable", "pgsteal_kswapd_dma32"),
    *("pswpin", "allocstall_normal", "pgscan_khugepaged"),
)


def course(seed: int) -> Iterator[Snapshot]:
    """Invent a machine's course: a kernel that has some counters, idle and busy times, sometimes one that falls."""
    random = Random(seed)
    names = [name for name in NAMES if random.random() < 0.8]
    counters = {name: random.randrange(10 ** random.randrange(1, 15)) for name in names}
    hundredths = random.randrange(10**8)
    for _ in range(random.randrange(2, 7)):
        yield Snapshot("".join(f"{name} {count}\n" for name, count in counters.items()), uptime(hundredths))
        for name in names:
            counters[name] += random.choice((0, 1, random.randrange(10 ** random.randrange(1, 10))))
            counters[name] = max(0, counters[name] - (random.random() < 0.02) * random.randrange(10**9))
        hundredths += random.choice((1, 97, 100, 101, random.randrange(100_000)))


def uptime(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02} 0.00\n"


def ours(snapshots: Sequence[Snapshot], times: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Print the moments of one boot; the machine is said to be the one that sadc ran on."""
    printer = SarPrinter(machine(), sar_layout(), 10_000)
    for snapshot, read_at in zip(snapshots, times):
        printer.feed(moment(snapshot.vmstat, snapshot.uptime, read_at))
    printer.end()
    return capsys.readouterr().out


def machine() -> SarMachine:
    from pymemtools.cli.faults.sar import machine_of
    from pymemtools.sources import open_source

    return machine_of(open_source())


def times_of(file: Path) -> list[str]:
    """Ask when sadc took each record: of the first one only the titles tell."""
    records = json.loads(sadf(file, "-B"))["sysstat"]["hosts"][0]["statistics"]
    later = [f"{each['timestamp']['date']}T{each['timestamp']['time']}Z" for each in records]
    return [f"{later[0][:11]}{sar(file, TZ='UTC').splitlines()[2][:8]}Z", *later]


@pytest.mark.parametrize("seed", range(12))
def test_sar_prints_the_same(
    seed: int, oracle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots = list(course(seed))
    file = recorded(tmp_path, snapshots)
    times = times_of(file)
    for environment in ({"TZ": "UTC"}, {"TZ": "XYZ-5:30", "S_TIME_FORMAT": "ISO"}):
        monkeypatch.delenv("S_TIME_FORMAT", raising=False)
        for name, text in environment.items():
            monkeypatch.setenv(name, text)
        time.tzset()
        assert ours(snapshots, times, capsys) == sar(file, **environment)
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("name", ["en_US", "de_DE", "ja_JP"])  # AM and PM, decimal commas, dates of two-byte letters
def test_locales_decide_how_times_and_decimals_are_written(
    name: str, oracle: Path, tmp_path: Path, pymemtools: Run
) -> None:
    call = ["localedef", "-i", name, "-f", "UTF-8", str(tmp_path / f"{name}.UTF-8")]
    try:
        if subprocess.run(call, capture_output=True, check=False).returncode > 1:  # 1: done, with warnings
            pytest.skip("no source of that locale")
    except FileNotFoundError:
        pytest.skip("no localedef")
    snapshots = [Snapshot(BEFORE, "1000.50 900.00\n"), Snapshot(AFTER, "1003.57 903.00\n")]
    file = recorded(tmp_path, snapshots)
    first, second = (round(since_1970(read_at)) for read_at in times_of(file))
    earlier = capture(tmp_path / "earlier", *snapshots[0], first)
    later = capture(tmp_path / "later", *snapshots[1], second)
    locale = {"LOCPATH": str(tmp_path), "LANG": f"{name}.UTF-8", "LC_ALL": "", "LC_MESSAGES": "C", "TZ": "UTC"}
    call = ["faults", "--compat", "sar", "-S", str(later), "--diff", str(earlier)]
    mine = pymemtools(*call, env=os.environ | locale).stdout.decode().splitlines()
    theirs = sar(file, **locale).splitlines()
    assert mine[1:] == theirs[1:]
    assert mine[0].split("\t")[1] == theirs[0].split("\t")[1]  # the date


def test_sar_prints_the_same_when_the_machine_is_started_anew(
    oracle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = list(course(3)), list(course(4))
    file = recorded(tmp_path, [*first, START, *second])
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    theirs = sar(file, TZ="UTC").splitlines()
    mine = SarPrinter(machine(), sar_layout(), 10_000)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for boot, snapshots in (("a", first), ("b", second)):
        for snapshot in snapshots:
            taken = moment(snapshot.vmstat, snapshot.uptime, now)
            mine.feed(taken._replace(boot_id=boot.encode()))
    mine.end()
    stamped = capsys.readouterr().out.splitlines()
    assert [line[11:] for line in stamped[1:]] == [line[11:] for line in theirs[1:]]
    monkeypatch.undo()
    time.tzset()
