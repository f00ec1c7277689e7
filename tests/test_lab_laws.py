"""Each experiment's laws: what real machines showed breaks none, and what would be wrong breaks the one it must."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from pymemtools.report import Report
from pymemtools.reports.lab.cow import CowRequest, cow_report
from pymemtools.reports.lab.laws import all_of, at_least, at_most, between, broken, equal
from pymemtools.reports.lab.malloc import CallsRequest, call_rows, calls_report, predict
from pymemtools.reports.lab.oom import OomRequest, oom_report
from pymemtools.reports.lab.page_cache import CacheTrial, trial_report
from pymemtools.reports.lab.plan import Findings
from pymemtools.reports.lab.segv import CASES, SegvRequest, segv_report, sighting
from pymemtools.reports.lab.stack import StackRequest, stack_report
from pymemtools.reports.lab.watch import WatchRequest, watch_report
from pymemtools.reports.what_if.asked import ask
from pymemtools.sources.example import open_example

KIB, MIB = 1024, 1 << 20
Rows = Sequence[Mapping[str, Any]]


def judged(judge: Callable[[Findings], Report], request: Any, rows: Rows, seen: Mapping[str, Any]) -> list[str]:
    """Name the laws that such a sighting breaks."""
    report = judge(Findings(request, None, rows, seen, {}))
    laws = report.answer.laws
    assert report.totals is not None
    assert report.totals["laws"] == [law._asdict() for law in laws]
    return [law.name for law in broken(laws)]


def test_what_was_not_seen_breaks_every_kind_of_law() -> None:
    laws = [equal("a", 0, None), between("b", 0, 1, None), at_most("c", 1, None), at_least("d", 0, None)]
    assert broken([*laws, all_of("e", [])]) == [*laws, all_of("e", [])]


def test_ends_of_a_range_hold() -> None:
    held = [between("a", 1, 2, 1), between("a", 1, 2, 2), at_most("b", 2, 2), at_least("c", 2, 2)]
    assert broken(held) == []
    assert len(broken([between("a", 1, 2, 0), between("a", 1, 2, 3), at_most("b", 2, 3), at_least("c", 2, 1)])) == 4


# cow: 1000 pages, Linux 6.18.

COW = ("step", "minor", "expected_minor", "rss", "pss", "child_rss", "child_pss", "pages_in_ram")
COW_ROWS = [
    dict(zip(COW, row))
    for row in (
        ("write", 1000, 1000, 4000 * KIB, 4000 * KIB, None, None, 4000 * KIB),
        ("fork", None, None, 4000 * KIB, 2000 * KIB, 4000 * KIB, 2000 * KIB, 4000 * KIB),
        ("read", 14, 0, 4000 * KIB, 2000 * KIB, 4000 * KIB, 2000 * KIB, 4000 * KIB),
        ("half", 502, 500, 4000 * KIB, 3000 * KIB, 4000 * KIB, 3000 * KIB, 6000 * KIB),
        ("all", 1006, 1000, 4000 * KIB, 4000 * KIB, 4000 * KIB, 4000 * KIB, 8000 * KIB),
    )
]
FAULTS, SUM, SAME = (
    "a fault for each shared page written",
    "PSS of both adds up to the pages there are",
    "RSS of each is the same all the time",
)


@pytest.mark.parametrize(
    ("place", "key", "value", "law"),
    [
        (0, "step", "write", None),
        (3, "minor", 499, FAULTS),
        (3, "minor", 525, FAULTS),
        (4, "minor", 500, FAULTS),  # as if pages of which the other has a copy were written to without a fault
        (1, "pss", 4000 * KIB, SUM),  # as if fork copied
        (3, "child_pss", 2000 * KIB, SUM),
        (1, "child_rss", 0, SAME),
        (4, "rss", 2000 * KIB, SAME),
    ],
)
def test_cow(place: int, key: str, value: object, law: str | None) -> None:
    rows: list[dict[str, object]] = [dict(row) for row in COW_ROWS]
    rows[place][key] = value
    assert judged(cow_report, CowRequest(), rows, {}) == ([] if law is None else [law])


# stack: 4 MiB down, Linux 6.18.

STACK = ("step", "minor", "size", "rss_change", "signal", "expected_size", "expected_signal")
STACK_ROWS = [
    dict(zip(STACK, row), page_size=4096)
    for row in (
        ("begin", None, 136 * KIB, None, None, None, None),
        ("down", 1, 1024 * KIB, 4096, None, 1024 * KIB, None),
        ("farther", 2, 4096 * KIB, 4096, None, 4096 * KIB, None),
        ("within", None, None, None, "none", None, "none"),
        ("beyond", None, None, None, "SIGSEGV", None, "SIGSEGV"),
    )
]


@pytest.mark.parametrize(
    ("place", "key", "value", "law"),
    [
        (0, "step", "begin", None),
        (1, "size", 136 * KIB, "the mapping reaches down to the page touched"),
        (2, "rss_change", 4096 * KIB, "a page comes for a page touched, none in between"),
        (2, "minor", 0, "a page comes for a page touched, none in between"),
        (3, "signal", "SIGSEGV", "it ends at RLIMIT_STACK"),
        (4, "signal", "none", "it ends at RLIMIT_STACK"),
    ],
)
def test_stack(place: int, key: str, value: object, law: str | None) -> None:
    rows: list[dict[str, object]] = [dict(row) for row in STACK_ROWS]
    rows[place][key] = value
    assert judged(stack_report, StackRequest(), rows, {}) == ([] if law is None else [law])


# malloc: glibc 2.36, x86_64; the heap had 32 bytes left, and two mappings.

TOP, SIZES = 0x55D0A0000FE0, (8, 4084, 8, 136168, 200000)
CALLS = [
    {"pointer": pointer, "break": brk, "mapped": mapped, "regions": regions, "in_use": in_use}
    for pointer, brk, mapped, regions, in_use in (
        (TOP, TOP + 32, 401408, 2, 3780576),
        (TOP + 16, TOP + 32 + 135168, 401408, 2, 3780608),
        (TOP + 48, TOP + 32 + 135168, 401408, 2, 3784704),
        (TOP + 4144, TOP + 32 + 135168, 401408, 2, 3784736),
        (0x7F0123456010, TOP + 32 + 135168, 540672, 3, 3784736),
        (0x7F0123423010, TOP + 32 + 135168, 741376, 4, 3784736),
    )
]


@pytest.mark.parametrize(
    ("place", "key", "more", "law"),
    [
        (1, "pointer", 0, None),
        (2, "pointer", 16, "pointers are where the model has them"),
        (5, "break", 4096, "the break moves as the model has it"),
        (5, "mapped", 4096, "mappings grow as the model has it"),
    ],
)
def test_malloc(place: int, key: str, more: int, law: str | None) -> None:
    calls = [dict(call) for call in CALLS]
    calls[place][key] += more
    rows = call_rows(calls, SIZES, predict(ask(open_example()), SIZES, 64, 32))
    assert judged(calls_report, CallsRequest(), rows, {"libc": "glibc 2.36"}) == ([] if law is None else [law])


def test_a_mapping_where_the_model_has_the_heap_breaks_the_law() -> None:
    rows = call_rows(CALLS, SIZES, predict(ask(open_example()), SIZES, 64, 32))
    rows[0]["heap_offset"] = None
    assert judged(calls_report, CallsRequest(), rows, {"libc": ""}) == ["pointers are where the model has them"]


# page-cache: 64 MiB and a byte, from a disk.

CACHE = ("read", "from_disk", "in_cache")
CACHE_ROWS = [
    dict(zip(CACHE, row))
    for row in ((None, None, 0), (64 * MIB + 1, 64 * MIB + 4096, 64 * MIB + 4096), (64 * MIB + 1, 0, 64 * MIB + 4096))
]
CACHE_SEEN = {"files": 1, "size": 64 * MIB + 1, "whole_pages": 64 * MIB + 4096, "directory": None, "method": None}


@pytest.mark.parametrize(
    ("place", "key", "value", "law"),
    [
        (0, "read", None, None),
        (2, "in_cache", None, None),  # mincore tells nothing of files of others: there is no law then
        (2, "read", 64 * MIB, "both readings give the same bytes"),
        (2, "from_disk", 4096, "the second reading takes nothing from the disk"),
        (2, "from_disk", None, "the second reading takes nothing from the disk"),
        (2, "in_cache", 64 * MIB, "cached are the files in whole pages"),
    ],
)
def test_page_cache(place: int, key: str, value: object, law: str | None) -> None:
    rows: list[dict[str, object]] = [dict(row) for row in CACHE_ROWS]
    rows[place][key] = value
    assert judged(trial_report, CacheTrial(), rows, CACHE_SEEN) == ([] if law is None else [law])


# segv: what x86_64 (6.1 and 6.18) and arm64 (6.1) say.

MAPPED = 0x7F0000000000
X86_64 = {
    "null": (11, 1, 0),
    "hole": (11, 1, MAPPED),
    "none": (11, 2, MAPPED),
    "data": (11, 2, MAPPED),
    "kernel": (11, 1, 0xFFFFFFFF81000000),
    "no-address": (11, 128, 0),
    "tagged": (11, 128, 0),
    "beyond-eof": (7, 2, MAPPED),
    "pkey": (11, 4, MAPPED),
}
ARM64 = X86_64 | {"no-address": (11, 1, 1 << 54), "tagged": (None, None, None), "kernel": (11, 1, 0xFFFF800008000000)}
ADDRESSES = {"null": 0, "kernel": 0xFFFFFFFF81000000, "no-address": 1 << 62}


def sightings(told: Mapping[str, tuple[Any, ...]], addresses: Mapping[str, int] = ADDRESSES) -> list[dict[str, Any]]:
    keys = ("signal", "code", "told")
    return [
        sighting(case, how, {"address": addresses.get(case, MAPPED), **dict(zip(keys, answer))})
        for case, answer in told.items()
        for how in CASES[case].accesses
    ]


def test_segv_of_two_architectures() -> None:
    of_arm64 = ADDRESSES | {"kernel": 0xFFFF800008000000, "no-address": 1 << 54}
    assert judged(segv_report, SegvRequest(), sightings(X86_64), {"machine": "x86_64"}) == []
    assert judged(segv_report, SegvRequest(), sightings(ARM64, of_arm64), {"machine": "aarch64"}) == []


def test_a_law_that_holds_says_what_must_be_told() -> None:
    rows = sightings(X86_64 | {"guard": (11, 1, MAPPED)})
    laws = segv_report(Findings(None, None, rows, {"machine": "x86_64"}, {})).answer.laws
    told = {law.name.partition(":")[0]: (law.expected, law.seen) for law in laws}
    assert told["none"] == ("SIGSEGV ACCERR",) * 2
    assert told["beyond-eof"] == ("SIGBUS ADRERR",) * 2
    assert told["guard"] == ("SIGSEGV MAPERR or ACCERR", "SIGSEGV MAPERR")
    rows = sightings({"tagged": (None, None, None)})
    (law,) = segv_report(Findings(None, None, rows, {"machine": "aarch64"}, {})).answer.laws
    assert (law.expected, law.seen) == ("no signal", "no signal")


@pytest.mark.parametrize(
    ("case", "answer"),
    [
        ("null", (11, 2, 0)),
        ("hole", (11, 1, MAPPED + 4096)),
        ("none", (None, None, None)),  # as if it were allowed
        ("kernel", (11, 128, 0)),  # as in a transcript of 2016
        ("no-address", (11, 1, 1 << 62)),
        ("beyond-eof", (11, 1, MAPPED)),
        ("tagged", (None, None, None)),  # as on arm64
    ],
)
def test_another_answer_breaks_the_law_of_its_case(case: str, answer: tuple[Any, ...]) -> None:
    found = judged(segv_report, SegvRequest(), sightings(X86_64 | {case: answer}), {"machine": "x86_64"})
    assert found == [f"{case}: {CASES[case].what}"]


def test_what_cannot_be_tried_and_what_is_not_known_has_no_law() -> None:
    rows = [sighting("pkey", "read", {"lacks": "pkey_alloc: No space left on device"})]
    assert judged(segv_report, SegvRequest(), rows, {"machine": "x86_64"}) == []
    rows = sightings({"kernel": (11, 128, 0), "null": (11, 1, 0)})
    report = segv_report(Findings(None, None, rows, {"machine": "sparc64"}, {}))
    assert [law.name.partition(":")[0] for law in report.answer.laws] == ["null"]


def test_an_architecture_that_tells_pages_only_is_not_held_to_more() -> None:
    rows = [sighting("hole", "read", {"address": MAPPED + 8, "signal": 11, "code": 1, "told": MAPPED})]
    assert judged(segv_report, SegvRequest(), rows, {"machine": "s390x"}) == []


# oom: cgroup v1, Linux 6.18, a limit of 64 MiB.

DIED = {
    "within": "group",
    "ending": "SIGKILL",
    "pid": 7548,
    "limit": 64 * MIB,
    "group_kills": 1,
    "kills_above": 0,
    "peak": 64 * MIB,
}
LIVED = DIED | {"ending": "ends by itself", "group_kills": 0, "peak": 256 * KIB}
ANON, TABLES = (
    {"rss_anon": 66040 * KIB, "page_tables": 184 * KIB},
    {"rss_anon": 4476 * KIB, "page_tables": 61624 * KIB},
)


def oom_laws(touch: str, via: str, row: Mapping[str, int | None], **seen: object) -> list[str]:
    rows = [{"allocated": 0, **row}]
    known = {"cgroup": "/lab", "log": b"", **(DIED if "ending" not in seen else {}), **seen}
    return judged(oom_report, OomRequest(touch, via), rows, known)


@pytest.mark.parametrize("call", ["write malloc", "read malloc", "none malloc", "write mmap"])
def test_what_is_written_dies_of_anonymous_memory(call: str) -> None:
    touch, via = call.split()
    assert oom_laws(touch, via, ANON) == []
    assert oom_laws(touch, via, TABLES) == ["most of what it had was"]


def test_what_is_read_dies_of_page_tables() -> None:
    assert oom_laws("read", "mmap", TABLES) == []
    assert oom_laws("read", "mmap", ANON) == ["most of what it had was"]


def test_addresses_alone_kill_nobody() -> None:
    assert oom_laws("none", "mmap", ANON, **LIVED) == []
    assert oom_laws("none", "mmap", ANON, **LIVED | {"ending": "SIGKILL"}) == ["addresses alone kill nobody"]
    assert oom_laws("none", "mmap", ANON, **LIVED | {"group_kills": 1}) == ["kills in its group"]


@pytest.mark.parametrize(
    ("key", "value", "law"),
    [
        ("ending", "ends by itself", "it is killed"),
        ("ending", "refused: Cannot allocate memory", "it is killed"),
        ("group_kills", 0, "kills in its group"),
        ("group_kills", 2, "kills in its group"),
        ("group_kills", None, "kills in its group"),
        ("peak", 64 * MIB - 4096, "the group's peak is its limit"),
        ("kills_above", 1, "kills by the limit above"),
    ],
)
def test_a_kill_elsewhere_or_otherwise_breaks_a_law(key: str, value: object, law: str) -> None:
    assert oom_laws("write", "malloc", ANON, **DIED | {key: value}) == [law]


def test_what_the_kernel_does_not_tell_is_no_law() -> None:
    assert oom_laws("write", "malloc", ANON, **DIED | {"peak": None, "kills_above": None}) == []


# oom, within addresses: 64 MiB more than a Python has.

REFUSED = LIVED | {
    "within": "addresses",
    "ending": "refused: Cannot allocate memory",
    "errno": errno.ENOMEM,
    "limit": 79404 * KIB,
    "group_kills": None,
    "kills_above": None,
    "peak": None,
}


@pytest.mark.parametrize("call", ["write malloc", "none malloc", "read mmap", "none mmap"])
def test_addresses_end_at_their_limit_however_they_are_used(call: str) -> None:
    touch, via = call.split()
    assert oom_laws(touch, via, ANON | {"vss": 79372 * KIB}, **REFUSED) == []


@pytest.mark.parametrize(
    ("seen", "vss", "law"),
    [
        ({"ending": "SIGKILL", "errno": None}, 79372 * KIB, "it is refused more"),
        ({"errno": errno.EAGAIN}, 79372 * KIB, "it is refused more"),
        ({}, 78372 * KIB, "its addresses end at the limit"),
        ({}, 80632 * KIB, "its addresses end at the limit"),
        ({}, None, "its addresses end at the limit"),
    ],
)
def test_a_limit_of_addresses_that_does_not_hold(seen: dict[str, object], vss: int | None, law: str) -> None:
    assert oom_laws("write", "malloc", ANON | {"vss": vss}, **REFUSED | seen) == [law]


def test_nothing_dies_of_a_limit_of_addresses() -> None:
    seen = {"cgroup": None, "log": b"", **REFUSED}
    totals = oom_report(Findings(OomRequest(), None, [{"allocated": 0, **ANON, "vss": 0}], seen, {})).totals
    assert totals is not None
    assert (totals["within"], totals["dies_of"], totals["cgroup"]) == ("addresses", None, None)


# watch.


@pytest.mark.parametrize(
    ("seen", "times", "law"),
    [
        ({"code": 3, "status": 3}, (0.0, 0.5, 1.0), None),
        ({"code": -9, "status": 137}, (0.0, 1.0), None),
        ({"code": 3, "status": 0}, (0.0, 1.0), "the status is the command's"),
        ({"code": 0, "status": 0}, (0.2, 1.0), "samples span the run"),
        ({"code": 0, "status": 0}, (0.0, 0.8), "samples span the run"),
        ({"code": 0, "status": 0}, (), "samples span the run"),
    ],
)
def test_watch(seen: dict[str, int], times: Sequence[float], law: str | None) -> None:
    keys = ("used", "free", "shared", "buff_cache", "available", "swap_used")
    rows = [{"seconds": at, **dict.fromkeys(keys, 0)} for at in times]
    known = {"command": ["true"], "started": 0.1, "ended": 0.9} | seen
    assert judged(watch_report, WatchRequest(["true"]), rows, known) == ([] if law is None else [law])
