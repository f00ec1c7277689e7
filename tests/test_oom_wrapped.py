"""Lines that a mail program or a terminal broke: put together where the next one is the rest, and only there.

The breaks are those of mails to linux-ext4, linux-block, linux-nfs and cgroups (2020 to 2024); the figures are made up.
"""

from __future__ import annotations

import pytest
from oom_log import TASKS, killed, made, only

from pymemtools.kernel_log.records import Record
from pymemtools.kernel_log.wrapped import Unwrapped

WHOLE = {
    "head": b"[  35.1] mkfs invoked oom-killer: gfp_mask=0x101cc0(GFP_USER|__GFP_WRITE), order=0, oom_score_adj=0",
    "head, names of flags": b"[  35.1] mkfs invoked oom-killer: gfp_mask=0x101cc0(GFP_USER|__GFP_WRITE), order=0",
    "processor": b"[  35.1] CPU: 2 PID: 391 Comm: mkfs.ext4 Not tainted 5.7.0-rc6-next #1",
    "processor, flags": b"<4>[  35.1] CPU: 0 PID: 1 Comm: nfsd Kdump: loaded Tainted: G E 6.1.119-1.el9 #1",
    "zone": b"[  9.1] Node 0 DMA free:4kB min:4kB low:8kB high:9kB active_anon:0kB present:9kB managed:8kB mlocked:0kB",
    "node": b"[  35.1] Node 0 active_anon:4kB shmem_thp: 0kB kernel_stack:8kB pagetables:4kB all_unreclaimable? no",
    "pool": b"[  35.1] Node 0 hugepages_total=0 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB",
    "table": b"> [  9.1] [ pid ]   uid  tgid total_vm rss rss_anon rss_file pgtables_bytes swapents oom_score_adj name",
    "constraint": b"[  35.1] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),oom_memcg=/a,task=fio,pid=649,uid=0",
    "killed": b"[  35.1] Out of memory: Killed process 348 (polkitd) total-vm:78084kB, anon-rss:2980kB, "
    b"file-rss:8148kB, shmem-rss:0kB, UID:998 pgtables:64kB oom_score_adj:0",
    "killed, adj": b"[  35.1] Out of memory: Killed process 348 (a) total-vm:4kB, UID:9 pgtables:6kB oom_score_adj:100",
    "chosen": b"[  35.1] Out of memory: Kill process 348 (polkitd) score 1003 or sacrifice child",
    "all": b"[  35.1] Tasks in /build are going to be killed due to memory.oom.group set",
    "reaped": b"[  35.1] oom_reaper: reaped process 348 (polkitd), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
}
BREAKS = [
    ("head", (b" oom-killer:",)),
    ("head", (b" gfp_mask", b" oom_score")),
    ("head, names of flags", (b"__GFP", b" order")),
    ("processor", (b" tainted",)),
    ("processor", (b" 5.7",)),
    ("processor", (b"next #1",)),
    ("processor", (b" #1",)),
    ("processor, flags", (b" E 6.1",)),
    ("zone", (b" high", b" active_anon", b" managed")),
    ("zone", (b"0kB present", b"ocked:0")),
    ("node", (b" kernel_stack", b" no")),
    ("node", (b" 0kB kernel", b"o")),
    ("pool", (b" hugepages_surp",)),
    ("table", (b" rss_file", b" oom_score")),
    ("table", (b"ss_anon", b"score_adj")),
    ("constraint", (b"mask=", b"=/a,")),
    ("killed", (b" 348",)),
    ("killed", (b" (polkitd)",)),
    ("killed", (b" total-vm", b" shmem-rss", b" pgtables")),
    ("killed", (b"B, file-rss", b"em-rss:0", b":998", b"adj")),
    ("killed, adj", (b"00",)),
    ("chosen", (b" (polkitd)",)),
    ("chosen", (b" score", b" or ")),
    ("chosen", (b" child",)),
    ("all", (b" due", b" memory")),
    ("reaped", (b" (polkitd)", b" shmem")),
    ("reaped", (b" now", b" anon")),
]


def put_together(*lines: bytes) -> list[bytes]:
    unwrapped = Unwrapped()
    found = [record.text for line in lines for record in unwrapped.take(Record(line))]
    return found + [record.text for record in unwrapped.rest()]


def broken_before(line: bytes, places: tuple[bytes, ...], begin: bytes) -> list[bytes]:
    parts, rest = [], line
    for place in places:
        at = rest.index(place, 1)
        parts.append(rest[:at])
        rest = rest[at:].removeprefix(b" ")
    return [parts[0], *(begin + part for part in (*parts[1:], rest))]


@pytest.mark.parametrize(("name", "places"), BREAKS, ids=lambda part: part if isinstance(part, str) else str(part))
def test_a_line_in_parts(name: str, places: tuple[bytes, ...]) -> None:
    line = WHOLE[name]
    parts = broken_before(line, places, b"> " if line.startswith(b">") else b"")
    assert len(parts) == len(places) + 1
    (found,) = put_together(*parts)
    assert found.replace(b" ", b"") == line.replace(b" ", b"")
    assert put_together(line, b"[  35.2] usb 1-1: new device") == [line, b"[  35.2] usb 1-1: new device"]


def test_rows_have_as_many_numbers_as_the_table_has_columns() -> None:
    table = b"[ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name"
    row = b"[  225]     0   225     3425     1294    24576        0             0 systemd-journal"
    for parts in ((row[:48], row[48:]), (row[:35], row[35:]), (row[:43], row[43:]), (row[:70], row[70:])):
        *first, found = put_together(table, *parts)
        assert (first, found.split()) == ([table], row.split())
    assert put_together(table, b"[    7]     0     7      9", b"[    8]     0     8     9     9", b"Mem-Info:") == [
        *(table, b"[    7]     0     7      9", b"[    8]     0     8     9     9", b"Mem-Info:"),
    ]
    numeric = b"[  225]     0   225     3425     1294    24576        0             0 4711"
    assert put_together(table, numeric, b"usb 1-1: new device") == [table, numeric, b"usb 1-1: new device"]


@pytest.mark.parametrize(
    "second",
    [
        b"Out of memory: Killed process 8 (b)",
        b"[   36.1] shmem-rss:0kB, UID:0",
        b"Nov  3 14:02:11 web-1 kernel: shmem-rss:0kB",
        b"usb 1-1: new device",
        b"",
        b"4 pages reserved",
    ],
)
def test_lines_that_are_others(second: bytes) -> None:
    first = b"Out of memory: Killed process 7 (a) total-vm:4kB, anon-rss:4kB, file-rss:4kB"
    assert put_together(first, second) == [first, second]


def test_what_a_string_of_json_holds_is_whole() -> None:
    unwrapped = Unwrapped()
    parts = [b"Killed process 7 (a) total-vm:4kB,", b"anon-rss:4kB"]
    assert [each.text for part in parts for each in unwrapped.take(Record(part, is_quoted=True))] == parts


def test_who_asked_is_named_by_the_processors_line_where_the_first_is_broken() -> None:
    log = made(
        TASKS, ["[     42]  1000    42    90000    80000   819200        0             0 hog"], [killed(42, "hog")]
    )
    cpu = b"\nCPU: 2 PID: 7 Comm: java Not tainted\n5.4.0-29-generic #33\nMem-Info:"
    mail = log.replace(
        b"java invoked oom-killer:", b"Creating journal (262144 blocks): [ 35.4] java invoked\noom-killer:"
    )
    report = only(mail.replace(b"\nMem-Info:", cpu)).report
    assert (report.invoker, report.invoker_pid, report.order, report.kernel) == ("java", 7, 0, "5.4.0-29-generic")
    assert [kill.pid for kill in report.kills] == [42]


def test_a_hand_leaves_dots() -> None:
    """A mail that tells of a kill without its sizes; a log of a service manager has such lines, too, and no more."""
    report = only(
        b"[4.1] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task=adb,pid=7,uid=0\n"
        b"[4.2] Out of memory: Killed process 7 (adb) ....\n"
    ).report
    assert [(kill.pid, kill.name, dict(kill.sizes)) for kill in report.kills] == [(7, "adb", {})]


def test_a_line_of_a_forger_that_never_ends() -> None:
    """Each part would be searched again with all before: 64 KiB took a second."""
    lines = [b"Out of memory: Killed process 7 (a) total-vm:4kB,", *[b"UID:0,"] * 100]
    first, *rest = put_together(*lines)
    assert (first.count(b"UID"), rest) == (32, [b"UID:0,"] * 68)
    whole = WHOLE["chosen"]
    assert put_together(*[whole[:40], whole[40:]] * 40) == [whole] * 40
