"""selftest: rules that kernels keep to, a broken figure for each of them to find, and what cannot be told, and why."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from conftest import CAPTURES, HERE, Run

from pymemtools.errors import ParseError
from pymemtools.procfs.statm import parse_statm
from pymemtools.report import Report
from pymemtools.reports.selftest.cases import MOVED, Case, Verdict, verdict_of
from pymemtools.reports.selftest.catalog import CHECKS
from pymemtools.reports.selftest.compared import Check, Compared
from pymemtools.reports.selftest.evidence import read_evidence
from pymemtools.reports.selftest.meminfo_checks import dirty
from pymemtools.reports.selftest.report import COLUMNS, selftest
from pymemtools.sources import open_source

pytestmark = pytest.mark.alone

OLD = CAPTURES / "x86_64-5.10" / "selftest.tar.gz"  # its groups are of version 1
NEW = CAPTURES / "x86_64-7.2" / "selftest.tar.gz"
PROCESS = 1  # init of both, a shell


@cache
def members(archive: Path) -> dict[str, bytes]:
    """Read the files of a capture, but for those of kernel threads, which are most of them and say nothing here."""
    with tarfile.open(archive, ignore_zeros=True) as tar:  # the script writes several, one after the other
        files = {member.name: tar.extractfile(member) for member in tar if member.isreg()}
        texts = {name: file.read() for name, file in files.items() if file is not None}
    threads = {name.rpartition("/")[0] for name, text in texts.items() if name.endswith("/smaps") and not text}
    return {name: text for name, text in texts.items() if name.rpartition("/")[0] not in threads}


def unpacked(archive: Path, folder: Path) -> Path:
    """Write a capture as the directory that it is one of."""
    for name, text in members(archive).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return folder


def checked(path: Path) -> Report:
    source = open_source(str(path))
    return selftest(source, source.facts._asdict())


def outcomes(report: Report) -> dict[str, bool | None]:
    return {verdict.check: verdict.holds for verdict in report.answer.verdicts}


def reason(report: Report, check: str) -> str | None:
    reasons: dict[str, str | None] = {verdict.check: verdict.reason for verdict in report.answer.verdicts}
    return reasons[check]


@pytest.mark.parametrize("archive", [OLD, NEW], ids=["5.10", "7.2"])
def test_all_rules_hold_where_the_settings_were_written(pymemtools: Run, archive: Path) -> None:
    done = pymemtools("selftest", "-S", str(archive))
    lines = done.stdout.decode().splitlines()
    assert (done.returncode, done.stderr, lines[-1]) == (0, b"", "21 of 21 hold")
    assert max(map(len, lines)) < 80


def test_the_text(pymemtools: Run) -> None:
    lines = pymemtools("selftest", "-S", str(NEW)).stdout.decode().splitlines()
    assert lines[:7] == [
        "Check            Holds        Expected            Seen Unit  Compared",
        "commit-limit     yes            776680          776680 KiB          1",
        "committed        yes             45332           68284 KiB          1",
        "available        yes            840628          840628 KiB          1",
        "dirty-limits     yes            209732          209732 KiB          2",
        "watermarks       yes             44976           44976 KiB          6",
        "zone-reserves    yes             15184           15184 KiB          2",
    ]


CAPTURED = sorted(
    path for path in CAPTURES.glob("*/*.tar.gz") if path.parent.name != "odd" and not path.name.startswith("expected")
)


@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_rule_fails_on_a_real_machine(path: Path) -> None:
    report = checked(path)
    assert [verdict for verdict in report.answer.verdicts if verdict.holds is False] == []
    assert report.totals is not None
    assert report.totals["held"] >= 4  # smemcap has little more than meminfo and smaps


def test_what_boot_left_is_not_held_against_it() -> None:
    report = checked(HERE.parent / "pymemtools" / "data" / "example.tar.gz")
    assert outcomes(report)["watermarks"] is None
    assert reason(report, "watermarks") == (
        "node 0 DMA, min: as boot left it, before all its memory was freed: exact after a write to min_free_kbytes"
    )


Edit = tuple[str, str, str]  # file, what stands there, what is put in its place


def figure(file: str, key: str, value: int) -> Edit:
    """Give a figure of meminfo, status, smaps or smaps_rollup another value."""
    return file, rf"^({re.escape(key)}:\s+)\d+", rf"\g<1>{value}"


def counter(file: str, key: str, value: int) -> Edit:
    """Give a counter of vmstat or memory.stat another value."""
    return file, rf"^({key}) \d+", rf"\g<1> {value}"


def of_zone(zone: str, key: str, value: str) -> Edit:
    return "proc/zoneinfo", rf"(zone +{zone}\n(?:  .*\n)*? *{key}) .*", rf"\g<1> {value}"


# For each rule an edit that breaks it, and no other.
BROKEN: dict[str, tuple[Edit, ...]] = {
    "commit-limit": (figure("proc/meminfo", "CommitLimit", 776684),),
    "committed": (figure("proc/meminfo", "Committed_AS", 1000),),
    "available": (figure("proc/meminfo", "MemAvailable", 840700),),
    "dirty-limits": (counter("proc/vmstat", "nr_dirty_threshold", 35600),),
    "watermarks": (of_zone("DMA32", "min", "2500"),),
    "zone-reserves": (of_zone("DMA", "protection:", "(0, 400, 949, 949, 949)"),),
    "zone-sizes": (of_zone("DMA32", "managed", "242970"),),
    "zone-free": (of_zone("DMA32", "pages free", "216580"), ("proc/buddyinfo", r"(DMA32 +)\d+", r"\g<1>5010")),
    "free-blocks": (("proc/buddyinfo", r"(DMA32 +)\d+", r"\g<1>5010"),),
    "page-cache": (figure("proc/meminfo", "Buffers", 9000),),
    "counters": (figure("proc/meminfo", "Mapped", 20000),),
    "active-inactive": (figure("proc/meminfo", "Active", 67200),),
    "slab": (figure("proc/meminfo", "Slab", 12800),),
    "swap-areas": (("proc/swaps", r"\Z", "/dev/vda2 partition 1000 0 -2\n"),),
    "huge-pages": (figure("proc/meminfo", "HugePages_Free", 9),),
    "oom-scores": ((f"proc/{PROCESS}/oom_score", r"\d+", "700"),),
    "smaps-rollup": (figure(f"proc/{PROCESS}/smaps_rollup", "Rss", 9000),),
    "vm-size": (figure(f"proc/{PROCESS}/status", "VmSize", 90000),),
    "vm-rss": (figure(f"proc/{PROCESS}/status", "RssAnon", 9000),),
    "page-size": (("proc/177/smaps", r"^(KernelPageSize: +)4 kB", r"\g<1>2 kB"),),
    "groups": (("sys/fs/cgroup/work/memory.current", r"\d+", "4096"),),
}


def apply(folder: Path, edits: Sequence[Edit]) -> None:
    """Make the edits, each of which must change something."""
    for name, old, new in edits:
        changed = 0
        for path in folder.glob(name):
            text = path.read_text()
            after = re.sub(old, new, text, count=1, flags=re.MULTILINE)
            changed += after != text
            path.write_text(after)
        assert changed, name


def test_every_check_has_a_way_to_fail() -> None:
    assert list(BROKEN) == [check.id for check in CHECKS]


@pytest.mark.parametrize("check", BROKEN)
def test_one_broken_figure_breaks_one_rule(tmp_path: Path, check: str) -> None:
    apply(unpacked(NEW, tmp_path), BROKEN[check])
    report = checked(tmp_path)
    assert outcomes(report) == {each.id: each.id != check for each in CHECKS}
    assert reason(report, check)


def test_groups_of_version_1_can_fail_too(tmp_path: Path) -> None:
    apply(unpacked(OLD, tmp_path), [("sys/fs/cgroup/memory/work/memory.usage_in_bytes", r"\d+", "4096")])
    assert outcomes(checked(tmp_path)) == {each.id: each.id != "groups" for each in CHECKS}


def test_what_does_not_hold_is_explained_and_is_the_exit_status(tmp_path: Path, pymemtools: Run) -> None:
    apply(
        unpacked(NEW, tmp_path),
        [*BROKEN["slab"], *BROKEN["smaps-rollup"], (f"proc/{PROCESS}/stat", r"\(.*\)", "(a\x1b[31m)")],
    )
    done = pymemtools("selftest", "-S", str(tmp_path))
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 1
    assert "slab             NO              10912           12800 KiB          2" in lines
    assert lines[lines.index("") + 1 :] == [
        "slab does not hold: Slab",
        "  Slab is SReclaimable and SUnreclaim together (fs/proc/meminfo.c,",
        "  meminfo_proc_show(); Linux 2.6.19 to 7.2)",
        r"smaps-rollup does not hold: PID 1 (a\x1b[31m) Rss",
        "  a process's mappings add up to its smaps_rollup (fs/proc/task_mmu.c,",
        "  show_smaps_rollup(); Linux 4.14 to 7.2)",
        "19 of 21 hold, 2 do not",
    ]


def test_json(pymemtools: Run) -> None:
    report = json.loads(pymemtools("selftest", "-S", str(NEW), "-f", "json").stdout)
    assert report["totals"] == {"held": 21, "failed": 0, "unknown": 0}
    assert [row["check"] for row in report["rows"]] == [check.id for check in CHECKS]
    assert report["rows"][0] == {
        "check": "commit-limit",
        "holds": True,
        "expected": 795320320,
        "seen": 795320320,
        "unit": "bytes",
        "compared": 1,
        "what": "CommitLimit is what overcommit_ratio or overcommit_kbytes makes of RAM and swap",
        "rule": "mm/util.c, vm_commit_limit(); Linux 2.6.18 to 7.2",
        "reason": None,
    }


def test_zones_of_another_machine_decide_nothing() -> None:
    report = checked(CAPTURES / "odd" / "lxcfs-swap")
    told = outcomes(report)
    assert [told[check] for check in ("available", "zone-sizes", "zone-free")] == [None] * 3
    doubt = "MemTotal: zones manage 61.0 GiB, but MemTotal is 2.0 GiB: zones decide nothing"
    assert reason(report, "zone-sizes") == doubt


def test_where_zones_are_of_another_machine_a_difference_proves_nothing(tmp_path: Path) -> None:
    edits = [of_zone("DMA32", "managed", "1000000"), *BROKEN["oom-scores"], *BROKEN["slab"]]
    apply(unpacked(NEW, tmp_path), edits)
    told = outcomes(checked(tmp_path))
    assert [check for check, holds in told.items() if holds is False] == ["slab"]  # which is meminfo's own
    assert [check for check, holds in told.items() if holds is None] == [
        *("watermarks", "zone-reserves", "zone-sizes", "oom-scores")
    ]


def test_a_boost_that_the_kernel_does_not_tell_is_no_error(tmp_path: Path) -> None:
    marks = [of_zone("DMA32", key, str(pages)) for key, pages in (("min", 3465), ("low", 4203), ("high", 4941))]
    apply(unpacked(OLD, tmp_path), marks)
    said = "node 0 DMA32, min: fragmentation may have raised it for a while: told since Linux 6.1"
    assert reason(checked(tmp_path), "watermarks") == said


def test_memory_that_a_guest_has_not_accepted_is_free_and_in_no_block(tmp_path: Path) -> None:
    more = [of_zone("DMA32", "pages free", "216580"), of_zone("DMA32", "nr_unaccepted", "5000")]
    apply(unpacked(NEW, tmp_path), more)
    assert outcomes(checked(tmp_path))["free-blocks"] is True


@pytest.mark.parametrize(
    ("release", "note"),
    [
        ("7.2.99-x", ()),
        (
            "7.3.0-rc1",
            ("Linux 7.3.0-rc1 is none of those that rules were read from, 2.6.18 to 7.2: they may not hold for it",),
        ),
        (
            "2.4.37",
            ("Linux 2.4.37 is none of those that rules were read from, 2.6.18 to 7.2: they may not hold for it",),
        ),
    ],
)
def test_unknown_kernels_are_named(tmp_path: Path, release: str, note: tuple[str, ...]) -> None:
    apply(unpacked(NEW, tmp_path), [("proc/version", r"Linux version \S+", f"Linux version {release}")])
    assert checked(tmp_path).notes == note


def test_nothing_to_check_anything_by(tmp_path: Path, pymemtools: Run) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "version").write_text("Linux version 6.1.0\n")
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 1000 kB\n")
    done = pymemtools("selftest", "-S", str(tmp_path))
    said = f"pymemtools: {tmp_path}: nothing in it that a rule could be held against\n"
    assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", said)


FILES = (
    *("meminfo", "vmstat", "zoneinfo", "buddyinfo", "swaps", "stat", "version", "sys/vm/*"),
    *("*/stat", "*/status", "*/statm", "*/smaps", "*/smaps_rollup", "*/oom_score", "*/oom_score_adj", "*/cgroup"),
    *("../sys/fs/cgroup/work/memory.stat", "../sys/fs/cgroup/work/memory.current"),
)
DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda text: None,
    "empty": lambda text: b"",
    "garbage": lambda text: b"\xff\0 9999999999999999999999999 -1 kB\n" * 3,
    "cut short": lambda text: text[: len(text) // 2],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("name", FILES)
def test_what_is_missing_or_damaged_costs_what_rests_on_it(
    tmp_path: Path, name: str, damage: Callable[[bytes], bytes | None]
) -> None:
    unpacked(NEW, tmp_path)
    for path in list((tmp_path / "proc").glob(name)):
        text = damage(path.read_bytes())
        path.unlink() if text is None else path.write_bytes(text)
    report = checked(tmp_path)
    assert len(report.answer.verdicts) == len(CHECKS)
    assert [each.reason for each in report.answer.verdicts if each.holds is None and not each.reason] == []


def looks(*pairs: tuple[int, int], excuse: str = "") -> Verdict:
    """Decide about one subject of a live machine that was looked at so often."""
    case = Case(Check("x", "", "", "bytes", lambda evidence: ()))
    case.seen["it"] = [Compared("it", expected, seen, excuse=excuse) for expected, seen in pairs]
    return verdict_of(case, is_live=True)


def test_a_live_figure_that_stays_wrong_fails() -> None:
    assert looks((5, 7), (5, 7), (5, 7)) == Verdict("x", False, 5, 7, "bytes", 1, "", "", "it")
    assert looks((50, 70), (51, 71), (49, 69)).holds is False


def test_a_live_figure_that_moves_proves_nothing() -> None:
    moved = looks((5, 7), (7, 9), (9, 11))
    assert (moved.holds, moved.reason) == (None, f"it: {MOVED}")
    assert looks((5, 7)).holds is None  # a process that was gone at the second look


def test_alike_once_is_alike() -> None:
    assert looks((5, 7), (7, 7)).holds is True


def test_an_excuse_is_not_held_against_it() -> None:
    excused = looks((5, 7), (5, 7), (5, 7), excuse="it may")
    assert (excused.holds, excused.reason) == (None, "it: it may")


def test_this_machine(pymemtools: Run) -> None:
    done = pymemtools("selftest", "-f", "json")
    report: dict[str, Any] = json.loads(done.stdout)
    told = {row["check"]: row["holds"] for row in report["rows"]}
    assert list(told) == [check.id for check in CHECKS]
    assert done.returncode == int(False in told.values())
    assert told["page-size"] is True


def test_statm_of_too_few_words() -> None:
    with pytest.raises(ParseError, match="statm: line 1: expected pages, got 'x'"):
        parse_statm(b"x")


def test_the_man_page_names_every_check_and_column() -> None:
    page = (HERE.parent / "man" / "man1" / "pymemtools-selftest.1").read_text()
    words = set(re.findall(r"[a-z-]+", "\n".join(re.findall(r"^\.It Cm (.*)$", page, re.MULTILINE))))
    assert {check.id for check in CHECKS} | {column.key for column in COLUMNS} <= words


@pytest.mark.parametrize("joined", [0, 13])
def test_dirty_limits_go_by_what_the_kernel_has_free_in_all(joined: int) -> None:
    """Zones that memory has joined later may tell some pages more, and vmstat with them, as on our 6.18."""
    look = read_evidence(open_source(str(NEW)))._replace(is_live=True)  # then nothing may be off
    machine, size = look.machine, look.machine.page_size
    free = machine.counters["nr_free_pages"] + joined
    assert machine.zones is not None
    first, *others = machine.zones
    first = first._replace(free=free - sum(zone.free for zone in others))
    meminfo = {**machine.meminfo, "MemFree": (free - joined) * size}
    counted = {**machine.counters, "nr_free_pages": free}
    more = machine._replace(meminfo=meminfo, counters=counted, zones=[first, *others])
    for off, holds in ((0, True), (1, False)):
        counters = {**counted, "nr_dirty_threshold": counted["nr_dirty_threshold"] + off}
        pairs = list(dirty(look._replace(machine=more._replace(counters=counters))))
        assert [each.holds for each in pairs] == [holds, True]
