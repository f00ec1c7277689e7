"""free on frozen input: the classic layout, what the kernel does not say, repetition, formats and wrong calls."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import CAPTURES, HERE, Run
from trees import Map, smaps

from pymemtools.reports.free import FreeRow

pytestmark = pytest.mark.live

A = """\
MemTotal:       16303456 kB
MemFree:         1234568 kB
MemAvailable:    9876544 kB
Buffers:          345676 kB
Cached:          7654320 kB
SwapTotal:       2097148 kB
SwapFree:        1572860 kB
Shmem:            456780 kB
Slab:             987652 kB
SReclaimable:     654320 kB
CommitLimit:    10248876 kB
Committed_AS:   12345680 kB
"""
CONTAINER = """\
MemTotal: 1000 kB
MemFree: 400 kB
MemAvailable: 5000 kB
Buffers: 0 kB
Cached: 900 kB
SwapTotal: 10 kB
SwapFree: 50 kB
Shmem: 0 kB
SReclaimable: 0 kB
"""
LINUX_2_6_32 = """\
MemTotal: 1000000 kB
MemFree: 100000 kB
Buffers: 20000 kB
Cached: 300000 kB
SwapTotal: 0 kB
SwapFree: 0 kB
Active(file): 150000 kB
Inactive(file): 130000 kB
Shmem: 1000 kB
SReclaimable: 40000 kB
"""


class Machine:
    """A directory that holds a /proc/meminfo."""

    def __init__(self, path: Path, run: Run) -> None:
        self.path = path
        self._run = run

    def free(self, meminfo: str, options: str = "") -> str:
        done = self.run(meminfo, options)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode()

    def run(self, meminfo: str, options: str = "") -> "subprocess.CompletedProcess[bytes]":
        (self.path / "meminfo").write_text(meminfo)
        return self._run("free", "-S", str(self.path), *options.split())


@pytest.fixture
def machine(tmp_path: Path, pymemtools: Run) -> Machine:
    return Machine(tmp_path, pymemtools)


def test_all_rows(machine: Machine) -> None:
    assert (
        machine.free(A, "-lwtv")
        == """\
               total        used        free      shared     buffers       cache   available
Mem:        16303456     6426912     1234568      456780      345676     8308640     9876544
Low:        16303456    15068888     1234568
High:              0           0           0
Swap:        2097148      524288     1572860
Total:      18400604     6951200     2807428
Comm:       10248876    12345680    -2096804
"""
    )


def test_human(machine: Machine) -> None:
    assert (
        machine.free(A, "-hv")
        == """\
               total        used        free      shared  buff/cache   available
Mem:            15Gi       6.1Gi       1.2Gi       446Mi       8.3Gi       9.4Gi
Swap:          2.0Gi       512Mi       1.5Gi
Comm:          9.8Gi        11Gi        -1Gi
"""
    )


def test_line(machine: Machine) -> None:
    """The blanks are those of procps 4.0.4: two before MemUse, one at the end. Other layout options do nothing."""
    line = "SwapUse      524288 CachUse     8654316  MemUse     6426912 MemFree     1234568 \n"
    assert machine.free(A, "-L") == line
    assert machine.free(A, "-L -lwtv -c 2 -s 0.01") == line * 2


@pytest.mark.parametrize(
    ("meminfo", "options", "row"),
    [
        (A, "", "Mem: 16303456 6426912 1234568 456780 8654316 9876544"),
        (A, "--si", "Mem: 16694738 6581157 1264197 467742 8862019 10113581"),
        (A, "-h --si", "Mem: 16G 6.6G 1.3G 467M 8.9G 10G"),
        (A, "-b", "Mem: 16694738944 6581157888 1264197632 467742720 8862019584 10113581056"),
        (A, "-m", "Mem: 15921 6276 1205 446 8451 9645"),
        (A, "--mega", "Mem: 16694 6581 1264 467 8862 10113"),
        (A, "-g", "Mem: 15 6 1 0 8 9"),
        (A, "--tera", "Mem: 0 0 0 0 0 0"),
        (A, "-v", "Comm: 10248876 12345680 -2096804"),
        (A, "-vh", "Comm: 9.8Gi 11Gi -1Gi"),
        (A, "-vm", "Comm: 10008 12056 -2047"),
        (CONTAINER, "", "Mem: 1000 600 400 0 900 400"),
        (CONTAINER, "", "Swap: 10 0 50"),
    ],
)
def test_figures_of_procps(machine: Machine, meminfo: str, options: str, row: str) -> None:
    """What 4.0.2 printed; in the container, the host's MemAvailable and more swap free than there is."""
    assert row.split() in [line.split() for line in machine.free(meminfo, options).splitlines()]


class TestClassic:
    """The layout of procps 3.3.9 and before, checked against figures taken from that program."""

    def test_all_rows(self, machine: Machine) -> None:
        assert (
            machine.free(A, "--classic -lt")
            == """\
             total       used       free     shared    buffers     cached
Mem:      16303456   15068888    1234568     456780     345676    7654320
Low:      16303456   15068888    1234568
High:            0          0          0
-/+ buffers/cache:    7068892    9234564
Swap:      2097148     524288    1572860
Total:    18400604   15593176    2807428
"""
        )

    def test_old_leaves_the_adjusted_line_out(self, machine: Machine) -> None:
        assert (
            machine.free(A, "--classic -o -m")
            == """\
             total       used       free     shared    buffers     cached
Mem:         15921      14715       1205        446        337       7474
Swap:         2047        512       1535
"""
        )

    def test_human(self, machine: Machine) -> None:
        assert (
            machine.free(A, "--classic -h")
            == """\
             total       used       free     shared    buffers     cached
Mem:           15G        14G       1.2G       446M       337M       7.3G
-/+ buffers/cache:       6.7G       8.8G
Swap:         2.0G       512M       1.5G
"""
        )

    def test_si_divides_kib_by_thousands(self, machine: Machine) -> None:
        assert machine.free(A, "--classic -m --si") == machine.free(A, "--classic --mega")
        assert machine.free(A, "--classic --mega").splitlines()[1] == (
            "Mem:         16303      15068       1234        456        345       7654"
        )

    def test_figures_may_be_negative(self, machine: Machine) -> None:
        assert (
            machine.free(CONTAINER, "--classic")
            == """\
             total       used       free     shared    buffers     cached
Mem:          1000        600        400          0          0        900
-/+ buffers/cache:       -300       1300
Swap:           10        -40         50
"""
        )

    def test_repeats(self, machine: Machine) -> None:
        once = machine.free(A, "--classic -b")
        assert machine.free(A, "--classic -b -c 2 -s 0.01") == f"{once}\n{once}"


def test_what_the_kernel_does_not_say_is_unknown(machine: Machine) -> None:
    done = machine.run("MemTotal: 1000 kB\n", "-lwtv")
    assert (
        done.stdout.decode()
        == """\
               total        used        free      shared     buffers       cache   available
Mem:            1000           -           -           -           -           -           -
Low:            1000           -           -
High:              0           0           0
Swap:              -           -           -
Total:             -           -           -
Comm:              -           -           -
"""
    )
    assert done.stderr == (
        b"pymemtools: free: no MemAvailable, and too few other fields to estimate it; used is total - free\n"
    )
    assert done.returncode == 0
    assert machine.run("MemTotal: 1000 kB\n", "-h -L").stdout == (
        b"SwapUse           - CachUse           -  MemUse           - MemFree           - \n"
    )
    assert (
        machine.run("MemTotal: 1000 kB\n", "--classic").stdout.decode()
        == """\
             total       used       free     shared    buffers     cached
Mem:          1000          -          -          -          -          -
-/+ buffers/cache:          -          -
Swap:            -          -          -
"""
    )


@pytest.mark.parametrize(
    ("min_free_kbytes", "available", "how"),
    [
        # low = 5/4 * 8000 = 10000; 100000 - 10000 + 280000 - 10000 + 40000 - 10000
        ("8000\n", 390000, ""),
        # low = 100000: of the caches, half stays
        ("80000\n", 200000, ""),
        ("400000\n", 0, ""),
        (None, 420000, ", without the kernel's reserve (no vm.min_free_kbytes)"),
    ],
)
def test_memavailable_is_estimated_where_there_is_none(
    machine: Machine, min_free_kbytes: str | None, available: int, how: str
) -> None:
    if min_free_kbytes is not None:
        (machine.path / "sys" / "vm").mkdir(parents=True)
        (machine.path / "sys" / "vm" / "min_free_kbytes").write_text(min_free_kbytes)
    note = f"no MemAvailable (Linux before 3.14): available and used are estimated{how}"
    done = machine.run(LINUX_2_6_32, "-c 2 -s 0.01")
    used = 1000000 - available
    assert done.stdout.decode().splitlines()[1] == (
        f"Mem:         1000000 {used:>11}      100000        1000      360000 {available:>11}"
    )
    assert done.stderr.decode() == f"pymemtools: free: {note}\n", "said once, however many samples"
    done = machine.run(LINUX_2_6_32, "-f json")
    assert done.stderr == b""
    assert json.loads(done.stdout)["notes"] == [note]


def test_where_min_free_kbytes_was_not_captured_zoneinfo_tells_the_reserve(machine: Machine) -> None:
    """Two zones whose low watermarks are 1000 and 1500 pages: as much as of 8000 kB in min_free_kbytes."""
    zone = "Node 0, zone {:>8}\n  pages free {}\n        min {}\n        low {}\n        high {}\n        present {}\n"
    zones = zone.format("DMA", 5000, 800, 1000, 1200, 9000) + zone.format("Normal", 20000, 1200, 1500, 1800, 241000)
    (machine.path / "zoneinfo").write_text(zones)
    (machine.path / "1").mkdir()
    (machine.path / "1" / "smaps").write_text(smaps((Map("[heap]", 4),)))  # tells the size of a page
    done = machine.run(LINUX_2_6_32, "")
    assert done.stdout.decode().splitlines()[1] == (
        "Mem:         1000000      610000      100000        1000      360000      390000"
    )
    assert done.stderr == b"pymemtools: free: no MemAvailable (Linux before 3.14): available and used are estimated\n"


def test_an_available_of_zero_is_believed(machine: Machine) -> None:
    """procps takes MemFree instead, but the kernel means what it says: it clamps what is below its reserve."""
    assert machine.free(A.replace("9876544", "0")).splitlines()[1] == (
        "Mem:        16303456    16303456     1234568      456780     8654316           0"
    )


@pytest.mark.parametrize("style", ["json", "jsonl", "csv", "github"])
def test_machine_formats_have_all_rows_whatever_is_shown(machine: Machine, style: str) -> None:
    assert machine.free(A, f"-f {style}") == machine.free(A, f"-f {style} -h -w")


def test_json(machine: Machine) -> None:
    document = json.loads(machine.free(A, "-f json"))
    assert document["rows"][0] == {
        "area": "Mem",
        "total": 16694738944,
        "used": 6581157888,
        "free": 1264197632,
        "shared": 467742720,
        "buffers": 353972224,
        "cache": 8508047360,
        "buff_cache": 8862019584,
        "available": 10113581056,
    }
    assert [row["area"] for row in document["rows"]] == ["Mem", "Low", "High", "Swap", "Total", "Comm"]
    assert document["rows"][5]["free"] == -2096804 * 1024
    assert document["source"]["path"] == str(machine.path)


def test_repeated_samples_are_no_document(machine: Machine) -> None:
    done = machine.run(A, "-f json -c 2 -s 0.01")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == (
        b"pymemtools: free: samples again and again are not one document of json: use --format jsonl, "
        b"whose rows have their moment\n"
    )
    rows = [json.loads(line) for line in machine.free(A, "-f jsonl -c 2 -s 0.01").splitlines()]
    times = [row.pop("read_at") for row in rows]
    assert times[0] == times[5] < times[6] == times[11]
    assert rows[:6] == rows[6:]


def test_repeated_csv_has_one_header(machine: Machine) -> None:
    lines = machine.free(A, "-f csv -c 3 -s 0.01").splitlines()
    assert lines[0] == "read_at,area,total,used,free,shared,buffers,cache,buff_cache,available"
    assert [line.split(",")[1] for line in lines[1:]] == ["Mem", "Low", "High", "Swap", "Total", "Comm"] * 3
    assert len(machine.free(A, "-f jsonl -c 3 -s 0.01").splitlines()) == 18


def test_every_sample_is_read_afresh(machine: Machine) -> None:
    (machine.path / "meminfo").write_text(A)
    command = [sys.executable, "-m", "pymemtools", "free", "-S", str(machine.path), "-s", "0.05", "-L"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline().endswith("1234568 \n")
        (machine.path / "new").write_text(A.replace("1234568", "1234567"))
        (machine.path / "new").rename(machine.path / "meminfo")
        deadline = time.monotonic() + 120
        while not running.stdout.readline().endswith("1234567 \n"):
            assert time.monotonic() < deadline
        running.send_signal(signal.SIGINT)
    assert running.returncode == -signal.SIGINT


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_long_sleep_is_interruptible(stop: signal.Signals) -> None:
    command = [sys.executable, "-m", "pymemtools", "free", "-s", "99999999999999999999"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline().split()[0] == b"total"
        running.send_signal(stop)
        _, errors = running.communicate(timeout=120)
    assert (running.returncode, errors) == (-stop, b"")


@pytest.mark.parametrize("layout", [(), ("--classic",)])
def test_a_capture_is_read_as_itself(pymemtools: Run, layout: tuple[str, ...]) -> None:
    """32-bit: low and high memory are the kernel's own figures, not MemTotal."""
    done = pymemtools("free", "-l", *layout, "-S", str(CAPTURES / "armv7-highmem-6.1" / "smemcap.tar.gz"))
    assert (done.returncode, done.stderr) == (0, b"")
    areas = {line.split()[0]: [int(word) for word in line.split()[-3:]] for line in done.stdout.splitlines()[2:4]}
    assert areas == {b"Low:": [757844, 14368, 743476], b"High:": [262144, 88920, 173224]}


ARCHIVE = ("-S", str(CAPTURES / "x86_64-7.2" / "smemcap.tar.gz"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o",), "free: -o leaves a line out of --classic; give both"),
        (("--classic", "-L"), "free: --line and --classic are different layouts; choose one"),
        (("--bar", "-L"), "free: --line and --bar are different layouts; choose one"),
        (("--classic", "-f", "json"), "free: --classic is a layout of text; --format json has every figure without it"),
        (("-f", "yaml"), "unknown format 'yaml': text, json, jsonl, csv, tsv or one of tabulate's"),
        (("now",), "free: Got unexpected extra argument (now); try 'pymemtools free --help'"),
        (("--me",), "free: option '--me' is ambiguous: --mebi, --mega; try 'pymemtools free --help'"),
        (("-s", "0"), "free: seconds argument `0' is not positive number"),
        (("-k", "-k"), "free: Multiple unit options don't make sense."),
        (
            (*ARCHIVE, "-s", "1"),
            "free: an archive does not change: -s and -c need a live machine or a directory",
        ),
    ],
)
def test_a_wrong_call(pymemtools: Run, arguments: tuple[str, ...], message: str) -> None:
    done = pymemtools("free", *arguments)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", f"pymemtools: {message}\n")


def test_version(pymemtools: Run) -> None:
    done = pymemtools("free", "-V")
    assert done.stdout.startswith(b"free from pymemtools ")
    assert done.stdout.count(b"\n") == 1


def test_the_manual_has_every_column() -> None:
    page = (HERE.parent / "man" / "man1" / "pymemtools-free.1").read_text()
    described = {word for line in page.splitlines() if line.startswith(".It ") for word in line.split()}
    assert [name for name in FreeRow._fields if name.replace("_", "/") not in described] == ["area"]
    assert ".Cm area\n" in page


LIST_MODULES = """
import os, sys, click
before, leave = set(sys.modules), os._exit
os._exit = lambda status: (print(*set(sys.modules) - before, file=sys.stderr, flush=True), leave(status))
sys.argv = ["pymemtools", "free"]
from pymemtools.entry import main
main()
"""
HEAVY = "tabulate psutil tarfile zlib json csv pathlib dataclasses tempfile shutil subprocess importlib.metadata"


def test_what_is_loaded() -> None:
    """Start-up is a feature: beside click and what it needs, free loads little, and nothing heavy."""
    env = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")}  # it loads much itself
    env["PYTHONPATH"] = str(HERE.parent)
    done = subprocess.run([sys.executable, "-c", LIST_MODULES], capture_output=True, text=True, check=True, env=env)
    loaded = set(done.stderr.split())
    assert loaded.isdisjoint(HEAVY.split())
    assert sorted(name.removeprefix("pymemtools.") for name in loaded if name.startswith("pymemtools.")) == [
        *("cli", "cli.command", "cli.explain", "cli.free", "cli.free.arguments", "cli.free.layouts"),
        *(
            "cli.lazy_group",
            "cli.offers",
            "cli.options",
            "cli.output",
            "cli.terminal",
            "cli.types",
            "cli.watch",
            "entry",
            "errors",
        ),
        *("procfs", "procfs.meminfo", "render", "render.escape", "render.free_table", "render.free_units"),
        *("report", "reports", "reports.free", "sources", "sources.base", "sources.files", "sources.tree", "units"),
    ]
