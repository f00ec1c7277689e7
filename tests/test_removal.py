"""Each field of each file, and each file, is taken away in turn: that costs the figures that rest on it, and no more.

A figure stays what it was, becomes unknown, or its interval gets wider; or the command refuses in one line that names
the field. What steps in for a figure by a rule of its own is in ``STAND_INS``, with the note that says so.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from conftest import CAPTURES, HERE

from pymemtools.cli import cli
from pymemtools.errors import MemtoolsError

TREES = {
    "x86_64-7.2": HERE.parent / "pymemtools" / "data" / "example.tar.gz",
    "armv7-highmem-6.1": CAPTURES / "armv7-highmem-6.1" / "reserves.tar.gz",
    "ppc64le-6.1": CAPTURES / "ppc64le-6.1" / "reserves.tar.gz",
}
PROCESSES = ("1", "278", "282")  # of the many in the first, one is small and two are not
COMMANDS = (
    *("free", "smem", "smem -w", "smem -W", "smem -m", "pmap {pid}", "status {pid}", "oom-scores", "zones"),
    *("tunables list", "drop-caches 3 --dry-run", "what-if overcommit", "what-if overcommit --processes"),
    *("what-if alloc 20M", "what-if alloc 300M --count 3", "what-if alloc 9G", "what-if fork {pid}", "what-if oom"),
    *("what-if alloc 900M --set overcommit_memory=2", "what-if alloc 90M --kernel 4.4"),
    *("what-if watermarks --set min_free_kbytes=9999", "what-if drop-caches 3"),
    *("what-if cache 90M", "what-if dirty --write 90M --disk 20M"),
)
FILES = {  # each with how a line of a field begins
    "meminfo": re.compile(rb"([A-Za-z]\S*):"),
    "vmstat": re.compile(rb"(\S+) "),
    "zoneinfo": re.compile(rb" +(?:pages )?([a-z_]+):? "),
    "stat": re.compile(rb"(\w+) "),
    "*/status": re.compile(rb"(\w+):"),
    "*/smaps": re.compile(rb"([A-Z]\w+):"),
}
WHOLE = (
    *("meminfo", "vmstat", "zoneinfo", "buddyinfo", "pagetypeinfo", "version", "stat", "swaps", "mounts", "cpuinfo"),
    *("sys/vm/min_free_kbytes", "sys/vm/overcommit_memory", "*/cgroup", "*/cmdline", "*/comm", "*/maps"),
    *("*/oom_score", "*/oom_score_adj", "*/smaps", "*/smaps_rollup", "*/stat", "*/statm", "*/status"),
)
MORE = ("thp", "swap", "numa")  # which live by whole files
OF_PROCESSES = tuple(
    command for command in COMMANDS if command.startswith(("smem", "pmap", "status", "oom", "what-if o", "what-if f"))
)
KEPT = (0, 1, 2, 6, 7, 17, 18, 20, 21, 22, 23, 24, 26, 30)  # fields of stat behind the name, of some fifty
SWAP = "SwapTotal: 262144 kB\nSwapFree: 250000 kB"  # none of the machines had any
GROUP = 16  # fields that are taken away together first: nobody asks for most of zoneinfo and vmstat
STAND_INS = {  # file and field, command, columns: the start of the note that says so, or of the man page's rule
    ("meminfo MemAvailable", "free", "used available"): "no MemAvailable",
    # -W: "a part whose counter the kernel lacks is unknown, and its memory in the last row"; 2.6.31 had no Shmem
    ("meminfo *", "smem -W", "used cache noncache"): "",
    ("*/status VmPTE", "*oom*", "badness_pages victim_*"): "the source does not tell the size of page tables",
    (
        "*/status VmPTE",
        "*oom*",
        "oom_score oom_score_computed share_permille",
    ): "the source does not tell the size of page",
    ("*/smaps VmFlags", "what-if *", "*"): "",  # is_estimate says it, and a note
    ("meminfo SwapTotal", "oom-scores", "total_pages"): "meminfo: no SwapTotal",
    ("meminfo SwapTotal", "what-if oom", "oom_score badness_pages victim_score total_pages"): "meminfo: no SwapTotal",
    ("meminfo CommitLimit", "what-if *", "*"): "the source does not tell, so the kernel's own choice is assumed",
    (
        "*/smaps Size",
        "what-if overcommit",
        "processes_that_cannot_fork",
    ): "",  # of those that are not counted as unreadable
    ("*/smaps KernelPageSize", "*", "*"): "the source does not tell its page size",
    ("meminfo MemAvailable", "what-if *", "available*"): "",  # the kernel's rule, worked out
    ("zoneinfo *", "what-if *", "*"): "zoneinfo: line 1: zone ",
    ("zoneinfo zoneinfo", "what-if *", "*"): "no zoneinfo: what zones keep for themselves is taken as a boot",
    ("sys/vm/min_free_kbytes *", "what-if alloc * --kernel 4.4", "available_*"): "the source does not tell vm.min_free",
    ("*/oom_score *", "*oom*", "oom_score victim_score"): "the source has no oom_score: scores are computed",
    ("*/smaps smaps", "smem", "pss tpss pss_dirty"): "without smaps: the figures of ",
    ("*/smaps smaps", "what-if overcommit*", "*"): "processes without readable VmFlags",
    ("*/smaps smaps", "what-if fork *", "*"): "no readable VmFlags: what is charged is estimated",
    ("*/smaps smaps", "*", "*"): "the source does not tell its page size",
    ("*/status status", "*oom*", "badness_pages victim_*"): "the source does not tell the size of page tables",
    ("zoneinfo managed", "*", "*"): "",  # before Linux 3.8: present
    ("zoneinfo protection", "*", "*"): "",  # before 2.6.13 there were none
}
DERIVED = frozenset(
    ("taken", "touched", "outcome", "error_bound", "free_after", "available_after", "missing_least", "missing_most")
)
WORDS = frozenset(
    ("rule", "grant_rule", "title", "meaning", "note", "default", "state", "command", "kind", "map", "path")
)
PAIRS = (
    *(("least", "most"), ("predicted_least", "predicted_most"), ("free_least", "free_most")),
    *(("least_seconds", "most_seconds"), ("least_bytes_per_second", "most_bytes_per_second")),
)
IDENTITY = (
    "tunable",
    "pid",
    "node",
    "zone",
    "area",
    "what",
    "source",
    "name",
    "map",
    "path",
    "class",
    "mode",
    "lru",
    "pass",
    "address",
)


class Reply(NamedTuple):
    """What a command printed, by row and column, or the line with which it refused."""

    figures: Mapping[tuple[str, str], Any]
    notes: Sequence[str] = ()
    refusal: str | None = None


def call(command: str, tree: Path, pid: str) -> Reply:
    """Run a command in this process. What is not for users, a traceback, is an error of the test."""
    arguments = [*command.format(pid=pid).split(), "-S", str(tree), "-f", "json"]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    if isinstance(done.exception, MemtoolsError):
        return Reply({}, refusal=str(done.exception))
    if done.exception is not None:
        raise AssertionError(f"{command}: {done.exception!r}") from done.exception
    document = json.loads(done.stdout)
    figures: dict[tuple[str, str], Any] = {}
    for row in [*document["rows"], document.get("totals") or {}]:
        name = " ".join(str(row[key]) for key in IDENTITY if key in row)
        for column, value in row.items():
            if column not in WORDS and not isinstance(value, (list, dict)):
                figures[name, column] = value
    return Reply(figures, document["notes"])


def is_wider(row: str, pair: tuple[str, str], before: Reply, after: Reply) -> bool:
    """Tell whether an interval holds what it was; of what is unknown there is no end."""
    least, most = ((before.figures[row, key], after.figures.get((row, key))) for key in pair)
    return (least[1] is None or least[1] <= least[0]) and (most[1] is None or most[0] is None or most[1] >= most[0])


def worse(before: Reply, after: Reply, field: str) -> Iterator[tuple[str, str]]:
    """Give column and change of what is neither as it was, nor unknown, nor wider."""
    if after.refusal is not None:
        is_named = field in after.refusal or after.refusal.endswith(
            ("no process in it", "no such process")
        )  # it had but that file
        if before.refusal is None and (not is_named or "\n" in after.refusal):
            yield "", f"refuses: {after.refusal}"
        return
    pairs = {key: pair for pair in PAIRS for key in pair}
    is_unsure = any(before.figures.get(each) != after.figures.get(each) for each in before.figures if each[1] in pairs)
    is_unsure = is_unsure or after.figures.get(("", "outcome")) == "may be refused"
    for (row, column), was in before.figures.items():
        now = after.figures.get((row, column))
        if now == was or now in (None, "", "-", "?"):
            continue
        if (
            column in pairs
            and (row, pairs[column][0]) in before.figures
            and is_wider(row, pairs[column], before, after)
        ):
            continue
        if is_unsure and (column in DERIVED or column.startswith("victim_")):
            continue
        yield column, f"{row}: {column} {was} -> {now}"


def is_stand_in(where: str, command: str, column: str, news: Sequence[str]) -> bool:
    return any(
        fnmatch(where, place)
        and fnmatch(command, of)
        and any(fnmatch(column, each) for each in columns.split())
        and (not note or any(new.startswith(note) for new in news))
        for (place, of, columns), note in STAND_INS.items()
    )


def complaints(where: str, command: str, before: Reply, after: Reply) -> list[str]:
    news = [note for note in after.notes if note not in before.notes]
    found = worse(before, after, where.split()[1])
    return [f"{where}: {command}: {text}" for column, text in found if not is_stand_in(where, command, column, news)]


@pytest.fixture(params=TREES)
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(TREES[request.param]) as archive:
        for member in archive:
            parts = member.name.split("/")
            if member.isfile() and (not parts[1:2] or not parts[1].isdigit() or parts[1] in PROCESSES):
                path = tmp_path / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.extractfile(member).read())  # type: ignore[union-attr]
    meminfo = tmp_path / "proc" / "meminfo"
    text = re.sub(r"SwapTotal: .*\nSwapFree: .*", SWAP, meminfo.read_text())
    meminfo.write_text(re.sub(r"CommitLimit: +(\d+)", lambda match: f"CommitLimit: {int(match[1]) + 262144}", text))
    return tmp_path


class Fields:
    """The fields of a file, or of the same file of all processes, which can be taken away and put back."""

    def __init__(self, tree: Path, name: str) -> None:
        self._pattern = FILES[name]
        self._texts = {path: path.read_bytes() for path in (tree / "proc").glob(name)}
        lines = (line for text in self._texts.values() for line in text.split(b"\n"))
        found = (match[1].decode() for line in lines if (match := self._pattern.match(line)))
        self.names = list(dict.fromkeys(found))

    def without(self, names: Sequence[str]) -> None:
        for path, text in self._texts.items():
            kept = [line for line in text.split(b"\n") if not self._is_of(line, names)]
            path.write_bytes(b"\n".join(kept))

    def _is_of(self, line: bytes, names: Sequence[str]) -> bool:
        match = self._pattern.match(line)
        return match is not None and match[1].decode() in names


@pytest.mark.parametrize("name", FILES)
def test_a_field_costs_what_rests_on_it(tree: Path, name: str) -> None:
    pid = "278" if (tree / "proc" / "278").exists() else "1"
    fields, found = Fields(tree, name), []
    before = {command: call(command, tree, pid) for command in COMMANDS}
    fields.without(fields.names)
    readers = [command for command in COMMANDS if call(command, tree, pid) != before[command]]
    for start in range(0, len(fields.names), GROUP):
        group = fields.names[start : start + GROUP]
        fields.without(group)
        concerned = [command for command in readers if call(command, tree, pid) != before[command]]
        for field in group if concerned else ():
            fields.without([field])
            for command in concerned:
                found += complaints(f"{name} {field}", command, before[command], call(command, tree, pid))
    fields.without([])
    assert found == []


def pid_in(tree: Path) -> str:
    return "278" if (tree / "proc" / "278").exists() else "1"


@contextmanager
def changed(paths: Iterable[Path], change: Callable[[bytes], bytes | None]) -> Iterator[None]:
    """Change files for as long as the block lasts; None takes one away, and its directory where that is empty."""
    texts = {path: path.read_bytes() for path in paths}
    try:
        for path, text in texts.items():
            now = change(text)
            if now is not None:
                path.write_bytes(now)
                continue
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
        yield
    finally:
        for path, text in texts.items():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text)


def test_a_file_costs_what_rests_on_it(tree: Path) -> None:
    pid, found = pid_in(tree), []
    before = {command: call(command, tree, pid) for command in (*COMMANDS, *MORE)}
    for name in WHOLE:
        with changed(list((tree / "proc").glob(name)), lambda text: None):
            for command, was in before.items():
                found += complaints(f"{name} {name.rpartition('/')[2]}", command, was, call(command, tree, pid))
    assert found == []


def test_a_stat_with_fewer_fields_costs_what_rests_on_them(tree: Path) -> None:
    pid, found = pid_in(tree), []
    before = {command: call(command, tree, pid) for command in OF_PROCESSES}
    stats = list((tree / "proc").glob("[0-9]*/stat"))
    for kept in KEPT:
        for end in (b"\n", b""):
            with changed(stats, lambda text, kept=kept, end=end: _first_fields(text, kept) + end):  # type: ignore[misc]
                for command, was in before.items():
                    found += complaints(f"*/stat stat {kept}", command, was, call(command, tree, pid))
    assert found == []


def _first_fields(stat: bytes, count: int) -> bytes:
    head, _, rest = stat.rpartition(b") ")
    return head + b") " + b" ".join(rest.split()[:count])


def test_free_blocks_that_are_cut_are_not_known(tree: Path) -> None:
    """By columns in all zones or in one, by lines, and anywhere."""
    pid, found = pid_in(tree), []
    commands = ("zones", "thp")
    before = {command: call(command, tree, pid) for command in commands}
    path = tree / "proc" / "buddyinfo"
    text = path.read_bytes()
    lines = text.splitlines(keepends=True)
    cut = [b"".join(b" ".join(line.split()[:count]) + b"\n" for line in lines) for count in range(1, 4 + 11)]
    cut += [b" ".join(lines[0].split()[:count]) + b"\n" + b"".join(lines[1:]) for count in range(4, 4 + 11)]
    cut += [b"".join(lines[:count]) for count in range(len(lines))]
    cut += [text[:count] for count in range(0, len(text), 7)]
    for each in cut:
        with changed([path], lambda _, each=each: each):  # type: ignore[misc]
            for command, was in before.items():
                found += complaints("buddyinfo buddyinfo", command, was, call(command, tree, pid))
    assert found == []
    assert {column for (_, column), value in before["zones"].figures.items() if value} >= {"largest_free_block"}


def test_the_test_can_fail() -> None:
    before = Reply({("A", "used"): 7, ("B", "least"): 3, ("B", "most"): 9, ("", "outcome"): "fits"})
    for figures in ({("A", "used"): 6}, {("B", "least"): 4}, {("B", "most"): 8}, {("", "outcome"): "OOM"}):
        assert list(worse(before, Reply({**before.figures, **figures}), "X"))
    for wider in ({("A", "used"): None}, {("B", "least"): 2}, {("B", "most"): None}):
        assert list(worse(before, Reply({**before.figures, **wider}), "X")) == []
    assert list(worse(before, Reply({}, refusal="meminfo: no Y field"), "X"))
    assert list(worse(before, Reply({}, refusal="meminfo: no X field"), "X")) == []
