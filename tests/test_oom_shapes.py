"""Logs of the OOM killer as they really arrive: whatever stands around the kernel's lines, they say the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_wrappings import WRAPPINGS, prefixed, raw, text
from oom_log import LOGS, MEMCG, RPI, analyses, killed, only, real

from pymemtools.kernel_log.prefix import strip
from pymemtools.reports.oom_report.analysis import Analysis, memory_held

SHIPPED = Path(__file__).parent / "oom_logs"
PLAIN = "own-x86_64-6.1.176-464M-100Mswap-global-r1.txt"


def bare(log: bytes) -> list[bytes]:
    """Give the kernel's own words, line by line."""
    return [strip(line).message for line in log.splitlines()[1:]]


def anywhere(found: Sequence[Analysis]) -> list[Analysis]:
    """Leave away when and where, which differ from shape to shape."""
    return [each._replace(report=each.report._replace(when=None, host=None)) for each in found]


@pytest.mark.parametrize(
    ("name", "when", "host"),
    [
        ("dmesg-H.txt", "Dec11 10:48", None),
        ("dmesg-T-de.txt", "Di Aug 12 03:54:03 2025", None),
        ("docker.jsonl", "2026-11-03T14:02:11.123456789Z", None),
        ("journald.jsonl", "2026-11-03T13:02:11.123456Z", "node-1"),
        ("rsyslog-012.txt", "Nov  3 14:02:11", "node-1"),
        ("syslog-maer.txt", "Mär 11 10:48:03", "host7"),
        ("utf16le-bom.txt", "24.023571", None),
    ],
)
def test_the_same_kill_as_shippers_hand_it_on(name: str, when: str, host: str | None) -> None:
    expected = analyses(real(PLAIN))[0]
    found = only((SHIPPED / name).read_bytes())
    assert (found.report.when, found.report.host) == (when, host)
    assert anywhere([found]) == anywhere([expected])
    assert (found.killed and found.killed.pid, found.predicted and found.predicted.pid) == (244, 244)
    assert found.missing == []
    assert memory_held(found) == memory_held(expected)


def test_the_one_line_that_some_kernels_leave() -> None:
    log = (SHIPPED / "only-oom-kill.txt").read_bytes()
    report = only(log).report
    assert (report.when, report.told_pid, report.told_name) == ("180042.118480", 966, "manager")
    assert (report.constraint, report.group) == ("CONSTRAINT_MEMCG", "/kubepods/burstable/pod1")
    assert (report.kills, report.tasks, report.zones, report.counters, report.limits) == ([], [], [], {}, {})
    assert (report.invoker, report.kernel, report.host) == (None, None, None)
    assert [each.report.told_pid for each in analyses(log + log.replace(b"pid=966", b"pid=967"))] == [966, 967]


@pytest.mark.parametrize("wrapping", WRAPPINGS.values(), ids=WRAPPINGS)
@pytest.mark.parametrize("name", [PLAIN, MEMCG, RPI])
def test_every_wrapping(name: str, wrapping: object) -> None:
    lines = bare(real(name))
    assert callable(wrapping)
    assert anywhere(analyses(wrapping(lines), 24 << 10)) == anywhere(analyses(b"\n".join(lines)))


WORDS = st.text(st.sampled_from("abcXYZäßé月火"), min_size=1, max_size=6)
NUMBERS = st.just("{}")
MARKS = st.sampled_from([" ", "  ", ": ", "[", "] ", "|", "-", "/", "=", "(", ")", ".", ",", "+", "<", ">", "@", "#"])
STAMPS = st.lists(st.one_of(WORDS, NUMBERS, MARKS), min_size=1, max_size=10).map("".join)


@settings(max_examples=150)
@given(st.sampled_from(LOGS), STAMPS, st.sampled_from([" ", ": ", "] ", " | "]))
def test_any_prefix_that_the_lines_of_a_report_share(log: Path, stamp: str, end: str) -> None:
    """Of words that stay, numbers that change, and marks."""
    lines = bare(log.read_bytes())
    found = analyses(prefixed(lambda number: stamp.replace("{}", str(100 + number)) + end)(lines))
    assert anywhere(found) == anywhere(analyses(b"\n".join(lines)))


@settings(max_examples=100)
@given(st.sampled_from(LOGS), st.sampled_from(sorted(WRAPPINGS)), st.integers(100, 70_000))
def test_any_wrapping_in_any_pieces(log: Path, name: str, piece: int) -> None:
    lines = bare(log.read_bytes())
    assert anywhere(analyses(WRAPPINGS[name](lines), piece)) == anywhere(analyses(b"\n".join(lines)))


@pytest.mark.parametrize(
    "write",
    [
        lambda host, number, line: f"Mär 11 10:48:{number % 60:02d} {host} kernel: {line}",
        lambda host, number, line: json.dumps({"message": line, "hostname": host, "n": number}),
        lambda host, number, line: json.dumps({"host": {"name": host}, "log": f"Mär 11 10:48 {host} kernel: {line}"}),
    ],
    ids=["localised", "JSON", "localised in JSON"],
)
def test_two_machines_and_other_messages_in_between(write: object) -> None:
    assert callable(write)
    logs = [bare(real(f"own-x86_64-{name}-global-r2.txt")) for name in ("6.8.0-151-ubuntu", "5.4.0-216-ubuntu")]
    mixed = []
    for number in range(max(map(len, logs))):
        for host, lines in zip(("alpha", "beta"), logs):
            mixed += [raw(write(host, number, text(line))) for line in lines[number : number + 1]]
            mixed.append(b"M\xc3\xa4r 11 10:48:03 gamma sshd[77]: 12 pages RAM free:7")
            mixed.append(b'{"text": "free:7 Total swap = 8kB", "app": "shop"}')
    found = analyses(b"\n".join(mixed))
    assert [each.report.host for each in found] == ["alpha", "beta"]
    assert anywhere(found) == [anywhere([only(b"\n".join(lines))])[0] for lines in logs]


def test_a_document_of_one_line_that_is_longer_than_we_hold() -> None:
    """Cut between its objects; the strings that are not the kernel's have other keys."""
    other = {"timestamp": 1793710931123, "note": "usb 1-1: new device", "ingestionTime": 1793710931999}
    lines = bare(real(PLAIN))
    events = [
        *[other] * 5000,
        *({"timestamp": 1793710931124, "message": text(line)} for line in lines),
        *[other] * 5000,
    ]
    found = analyses(json.dumps({"events": events}).encode(), 24 << 10)
    assert anywhere(found) == anywhere(analyses(b"\n".join(lines)))
    assert {each.report.when for each in found} == {"2026-11-03T13:02:11.124Z"}


@pytest.mark.parametrize("name", ["German", "docker", "Google, compact", "CloudWatch", "RFC 5424", "UTF-16"])
@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_the_latest_line_first(log: Path, name: str) -> None:
    """As Google's, Loki's and Kibana's exports have them: the same reports, the last one first."""
    lines = bare(log.read_bytes())
    found = analyses(WRAPPINGS[name](lines[::-1]), 24 << 10)
    assert anywhere(found) == anywhere(analyses(b"\n".join(lines)))[::-1]


def test_ends_of_reports_are_all_told() -> None:
    """Nothing but lines of kills, as of groups whose reports were too many: in their order, each once."""
    line = "[    1.000000] Memory cgroup out of memory: Killed process {} (x) total-vm:4kB, anon-rss:4kB\n"
    log = "".join(line.format(pid) for pid in range(1, 3000)).encode() + real(RPI)
    assert [found.killed.pid for found in analyses(log) if found.killed] == [*range(1, 3000), 2148]


def test_what_an_application_writes_of_a_kill_is_no_report() -> None:
    for line in (
        b'{"level": "warn", "msg": "the oom-killer: gfp_mask was not found", "pid": 7}',
        b'{"msg": "python3 died", "hint": "see [ pid ] and Mem-Info: in dmesg, or oom-kill:constraint"}',
        b'{"message": "a.service: Failed with result \'oom-kill\'."}',
        b'{"message": "Killed process 77 (x) by request", "free": "7"}',
    ):
        assert analyses((line + b"\n") * 3) == []


def test_lines_that_a_relay_cut() -> None:
    """What is whole is used, and what is lost named; a figure that was cut is unknown, not smaller."""
    prefix = b"2025-08-12T03:54:03.123456+02:00 ip-10-0-12-34.compute.internal kernel: [180042.118480] "
    lines = bare(real("own-x86_64-5.4.0-216-ubuntu-global-r2.txt"))
    whole, long, short = (only(b"\n".join((prefix + line)[:size] for line in lines)) for size in (1024, 305, 200))
    assert whole.missing == []
    assert long.missing == ["figures of a node (cut off)", "zone DMA (cut off)", "zone DMA32 (cut off)"]
    assert long.predicted == whole.predicted
    assert [zone[:6] for zone in long.report.zones] == [zone[:6] for zone in whole.report.zones]
    assert (long.report.kernel_stacks, "kernel stacks" in memory_held(long)) == (None, False)
    assert short.missing == [
        *("figures of a node (cut off)", "zone DMA (cut off)", "zone DMA32 (cut off)", "the line oom-kill: (cut off)"),
        "sizes of the killed process (cut off)",
    ]
    assert (short.report.told_pid, short.report.told_name, short.killed and short.killed.pid) == (
        *(None, None),
        whole.report.told_pid,
    )


def test_rows_and_counters_that_were_cut() -> None:
    log = real(PLAIN).replace(b" slab_unreclaimable:1676", b" slab_unrecl", 1)
    log = log.replace(b"   245     2856      187    61440     2575          -999 hog10_-999", b"   245     285", 1)
    found = analyses(log)[0]
    assert found.missing == ["counters (cut off)", "a row of the table (cut off)"]
    assert "slab_unreclaimable" not in found.report.counters
    assert found.report.counters["slab_reclaimable"] == 2397
    assert 245 not in [row.pid for row in found.tasks]


def test_a_name_that_is_no_utf8_in_a_journal() -> None:
    message = list(killed(42, "hog").encode().replace(b"hog", b"h\xf6g"))
    log = b'{"MESSAGE":"x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0"}\n'
    found = only(log + json.dumps({"MESSAGE": message}).encode())
    assert found.killed is not None
    assert (found.killed.pid, found.killed.name) == (42, "h\udcf6g")


@pytest.mark.parametrize("name", ['my"app', "a\\nb", "a#012b", 'x": "y', "{}", "$", "a\tb"])
def test_names_with_what_records_are_made_of(name: str) -> None:
    """In a plain log, and in JSON."""
    row = f"[     42]  1000    42    90000    80000   819200        0             0 {name}"
    table = "[ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name"
    lines = ["x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0", "Mem-Info:", table, row, killed(42, name)]
    in_json = "\n".join(json.dumps({"log": line}) for line in lines)
    for log in ("\n".join(lines), in_json):
        report = only(log.encode()).report
        assert [(row.pid, row.name) for row in report.tasks] == [(42, name)]
        assert [(kill.pid, kill.name) for kill in report.kills] == [(42, name)]


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":' * 100_000 + b'"x invoked oom-killer: gfp_mask=0x1"',
        b"[" * 500_000 + b'"oom-killer: gfp_mask"',
        b'"oom-kill:constraint' + b"\\" * 500_000,
        b'{"a":"' + b'\\"{' * 200_000 + b'oom-killer: gfp_mask"}',
        b"oom-kill:constraint#012" * 20_000,
    ],
    ids=["deep", "brackets", "backslashes", "strings in strings", "lines in lines"],
)
def test_hostile_records_are_no_fault(line: bytes) -> None:
    found = analyses(line + b"\n" + real(RPI), 24 << 10)
    assert (found[-1].killed and found[-1].killed.pid, found[-1].report.when) == (2148, "1316.727656")


@pytest.mark.parametrize("zeros", [1, 700, 4096, 300_000])
def test_zeros_that_a_power_failure_left(zeros: int) -> None:
    """They hid when it was: more than a line may have were before the first line of the report."""
    whole = real(PLAIN)
    start = whole.rindex(b"\n", 0, whole.index(b"invoked oom-killer")) + 1
    damaged = whole[:start].removesuffix(b"\n") + b"\0" * zeros + whole[start:]
    assert analyses(damaged) == analyses(whole)
    assert analyses(b"\0" * zeros + whole[start:]) == analyses(whole[start:])
