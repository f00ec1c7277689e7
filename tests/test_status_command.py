"""pymemtools status: whole outputs on captures, totals, the limit of mappings, and the RSS to VSZ ratio."""

import json
import os
from pathlib import Path
from typing import Any, cast

import pytest
from conftest import CAPTURES, HERE, Run
from trees import Proc, write_tree

from pymemtools.procfs.status import parse_status_name, parse_status_number
from pymemtools.reports.vss_ratio import ratio_report
from pymemtools.sources import open_source
from pymemtools.sources.base import Source

pytestmark = pytest.mark.live

SEVEN = str(HERE / "pmap" / "x86_64-7.2" / "processes.tar.gz")
SMEMCAP = str(CAPTURES / "x86_64-7.2" / "smemcap.tar.gz")


def test_two_processes_and_a_kernel_thread(pymemtools: Run) -> None:
    done = pymemtools("status", "-S", SEVEN, "281", "284", "2")
    assert done.stdout.decode() == (
        "KiB              281 labd 284 labd 2 kthreadd  Total\n"
        "VmPeak              36232   413064          -      -\n"
        "VmSize              36232   413064          - 449296\n"
        "VmLck                   0        0          -      0\n"
        "VmPin                   0        0          -      0\n"
        "VmHWM               34384     1616          -      -\n"
        "VmRSS               34384     1616          -  36000\n"
        "RssAnon                96       96          -    192\n"
        "RssFile                 8        8          -     16\n"
        "RssShmem            34280     1512          -  35792\n"
        "VmData               1116   410716          - 411832\n"
        "VmStk                 132      132          -    264\n"
        "VmExe                   4        4          -      8\n"
        "VmLib                1612     1612          -   3224\n"
        "VmPTE                 100       44          -    144\n"
        "VmSwap                  0        0          -      0\n"
        "HugetlbPages            0        0          -      0\n"
        "Threads                 1        1          1      3\n"
        "Maps                   24       24          0     48\n"
        "of max_map_count    0.0 %    0.0 %      0.0 %      -\n"
    )
    assert (done.stderr, done.returncode) == (b"", 0)


def test_for_programs(pymemtools: Run) -> None:
    report = json.loads(pymemtools("status", "-S", SEVEN, "-f", "json", "284").stdout)
    row = report["rows"][0]
    assert (row["pid"], row["name"], row["vss"], row["threads"]) == (284, "labd", 413064 << 10, 1)
    assert (row["mappings"], row["max_map_count"]) == (24, 65530)
    assert report["totals"]["vss_peak"] is None
    assert report["totals"]["rss"] == 1616 << 10
    assert {key: report["totals"][key] for key in ("threads", "mappings")} == {"threads": 1, "mappings": 24}


def test_a_size_of_a_later_kernel_has_the_kernels_name(pymemtools: Run, tmp_path: Path) -> None:
    process(tmp_path, 7, "Name:\tnew", "VmSize:\t    1000 kB", "VmFolioMap:\t       8 kB")
    assert "VmFolioMap           8" in pymemtools("status", "-S", str(tmp_path), "7").stdout.decode()
    row = json.loads(pymemtools("status", "-S", str(tmp_path), "7", "-f", "json").stdout)["rows"][0]
    assert (row["vss"], row["vm_folio_map"]) == (1000 << 10, 8 << 10)


def test_what_the_figures_are_is_a_note(pymemtools: Run) -> None:
    report = json.loads(pymemtools("status", "-S", SMEMCAP, "-f", "json", "281").stdout)
    assert report["notes"] == ["281: the source has no status: sizes are sums over smaps"]


def test_sums_of_smaps_where_there_is_no_status(pymemtools: Run) -> None:
    done = pymemtools("status", "-S", SMEMCAP, "281")
    assert done.stdout.decode() == (
        "KiB              281 labd\n"
        "VmSize              36232\n"
        "VmRSS               34384\n"
        "VmSwap                  0\n"
        "Threads                 -\n"
        "Maps                   24\n"
        "of max_map_count        -\n"
    )
    assert done.stderr == b"pymemtools: status: 281: the source has no status: sizes are sums over smaps\n"
    assert done.returncode == 0


@pytest.mark.parametrize(("maps", "warned"), [(79, False), (80, True), (101, True)])
def test_warning_near_the_limit_of_mappings(pymemtools: Run, tmp_path: Path, maps: int, warned: bool) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "sys" / "vm").mkdir(parents=True)
    (tmp_path / "sys" / "vm" / "max_map_count").write_text("100\n")
    (tmp_path / "7" / "status").write_text("Name:\tx\nTgid:\t7\nVmSize:\t 9 kB\nThreads:\t2\n")
    (tmp_path / "7" / "maps").write_text("00400000-00401000 r--p 00000000 fe:00 18 /x\n" * maps)
    done = pymemtools("status", "-S", str(tmp_path), "7")
    warning = f"pymemtools: status: 7: {maps} of 100 mappings ({maps} %): mmap fails at 100 % (vm.max_map_count)\n"
    assert done.stderr.decode() == (warning if warned else "")
    percent = f"{maps}.0 %"
    assert done.stdout.decode() == (
        f"KiB              {'7 x':>{len(percent)}}\n"
        f"VmSize           {'9':>{len(percent)}}\n"
        f"Threads          {'2':>{len(percent)}}\n"
        f"Maps             {maps:>{len(percent)}}\n"
        f"of max_map_count {percent}\n"
    )
    assert done.returncode == 0


def test_the_ratio_of_the_whole_system(pymemtools: Run) -> None:
    done = pymemtools("status", "--all", "-S", SMEMCAP)
    assert done.stdout.decode() == (
        "204688 701404 0.291826\n"
        "\n"
        "       KiB of VSZ   Ratio \n"
        "RSS 204688 701404 29.18 % shared pages counted once for each of their users\n"
        "PSS 154643 701404 22.05 % every page counted once\n"
    )
    assert (done.stderr, done.returncode) == (b"", 0)


def process(folder: Path, pid: int, *lines: str, mappings: int = 0) -> None:
    """Write a process's status and, of its mappings, how many there are."""
    (folder / str(pid)).mkdir()
    (folder / str(pid) / "status").write_text("".join(f"{line}\n" for line in lines))
    maps = (f"{place:08x}-{place + 0x1000:08x} rw-p 00000000 00:00 0 \n" for place in range(0, mappings << 13, 1 << 13))
    (folder / str(pid) / "maps").write_text("".join(maps))


@pytest.mark.parametrize(("limit", "share"), [("-5", "-"), ("0", "-"), ("\0\0", "-"), ("", "-"), ("8\n", "12.5 %")])
def test_a_limit_that_is_none(pymemtools: Run, tmp_path: Path, limit: str, share: str) -> None:
    process(tmp_path, 7, "Name:\told", "VmSize:\t    1000 kB", mappings=1)
    (tmp_path / "sys" / "vm").mkdir(parents=True)
    (tmp_path / "sys" / "vm" / "max_map_count").write_text(limit)
    lines = pymemtools("status", "-S", str(tmp_path), "7").stdout.decode().splitlines()
    assert lines[-1].split("max_map_count")[1].strip() == share


def test_a_process_named_twice_is_summed_once(pymemtools: Run, tmp_path: Path) -> None:
    process(tmp_path, 7, "Name:\ta", "Tgid:\t7", "VmRSS:\t     300 kB", "Threads:\t2", mappings=3)
    process(tmp_path, 8, "Name:\tb", "Tgid:\t8", "VmRSS:\t      30 kB", "Threads:\t1", mappings=1)
    done = pymemtools("status", "-S", str(tmp_path), "7", "8", "7")
    assert [line.split() for line in done.stdout.decode().splitlines()] == [
        ["KiB", "7", "a", "8", "b", "7", "a", "Total"],
        ["VmRSS", "300", "30", "300", "330"],
        ["Threads", "2", "1", "2", "3"],
        ["Maps", "3", "1", "3", "4"],
        ["of", "max_map_count", "-", "-", "-", "-"],
    ]


class Live:
    """A copy that is taken for this machine."""

    is_live = True

    def __init__(self, copy: Source) -> None:
        self._copy = copy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._copy, name)


def test_of_a_proc_that_hides_others_the_ratio_says_so(tmp_path: Path) -> None:
    write_tree(tmp_path, Proc(1, "init"))
    own = tmp_path / "proc" / "self"
    own.mkdir()
    (own / "mountinfo").write_text("21 1 0:5 / /proc rw - proc proc rw,hidepid=invisible\n")
    (own / "status").write_text("Name:\tx\nGid:\t7\t7\t7\t7\nCapEff:\t0000000000000000\nGroups:\t7 \n")
    report = ratio_report(cast(Source, Live(open_source(str(tmp_path)))), {})
    said = "/proc is mounted hidepid=invisible: other users' processes are not visible"
    assert (report.notes, report.warnings, report.answer.processes) == ((said,), (said,), 1)
    assert ratio_report(open_source(str(tmp_path)), {}).warnings == ()


def test_the_ratio_without_any_smaps(pymemtools: Run, tmp_path: Path) -> None:
    process(tmp_path, 7, "Name:\ta", "VmSize:\t    1000 kB", "VmRSS:\t     300 kB")
    assert pymemtools("status", "--all", "-S", str(tmp_path)).stdout.decode() == (
        "300 1000 0.3\n"
        "\n"
        "    KiB of VSZ   Ratio \n"
        "RSS 300   1000 30.00 % shared pages counted once for each of their users\n"
        "PSS   -      -       - every page counted once\n"
    )


def test_the_ratio_where_no_status_tells_what_is_mapped(pymemtools: Run) -> None:
    swapped = ("status", "--all", "-S", str(CAPTURES / "odd/swapped"))
    assert pymemtools(*swapped).stdout.decode().startswith("16000 - -\n")
    (row,) = json.loads(pymemtools(*swapped, "-f", "json").stdout)["rows"]
    assert (row["rss"], row["vss"], row["rss_to_vss"]) == (16000 << 10, None, None)


def test_the_ratio_is_that_of_ps(pymemtools: Run) -> None:
    """On a capture: the same files, read another way."""
    report = json.loads(pymemtools("status", "--all", "-S", SEVEN, "-f", "json").stdout)
    (row,) = report["rows"]
    sizes = {"rss": 0, "vss": 0}
    for pid in ("1", "2", "281", "284", "292"):
        one = json.loads(pymemtools("status", "-S", SEVEN, "-f", "json", pid).stdout)
        for key in sizes:
            sizes[key] += one["totals"].get(key) or 0
    assert (row["rss"], row["vss"]) == (sizes["rss"], sizes["vss"])
    assert row["rss_to_vss"] == sizes["rss"] / sizes["vss"]
    assert row["pss"] < row["rss"]


def test_a_live_process(pymemtools: Run) -> None:
    report = json.loads(pymemtools("status", "-f", "json", str(os.getpid())).stdout)
    status = Path("/proc/self/status").read_text()
    row = report["rows"][0]
    assert row["name"] == parse_status_name(status.encode()).decode()  # type: ignore[union-attr]
    assert row["threads"] == parse_status_number(status.encode(), "Threads")
    assert row["mappings"] > 10
    assert row["page_tables"] > 0


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "name processes, or ask for --all"),
        (["--all", "1"], 2, "name processes, or ask for --all"),
        (["010"], 2, "'010' is not a process number"),
        (["-S", SEVEN, "99"], 42, "status: 99: no such process"),
        (["4194304"], 42, "status: 4194304: no such process"),
    ],
)
def test_errors(pymemtools: Run, arguments: list[str], status: int, message: str) -> None:
    done = pymemtools("status", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (status, b"", 1)
    assert message in done.stderr.decode()


def test_a_missing_process_does_not_hide_the_others(pymemtools: Run) -> None:
    done = pymemtools("status", "-S", SEVEN, "99", "284")
    assert done.returncode == 42
    assert done.stdout.startswith(b"KiB              284 labd\n")


def test_a_hostile_name_is_escaped(pymemtools: Run, tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_bytes(b"Name:\ta\x1b[2J\xff\nVmSize:\t 9 kB\n")
    assert pymemtools("status", "-S", str(tmp_path), "7").stdout.startswith(rb"KiB              7 a\x1b[2J\xff")
