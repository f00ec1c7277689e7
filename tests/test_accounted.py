"""What Committed_AS counts of a process: the mappings with VM_ACCOUNT, and what it does without VmFlags."""

from __future__ import annotations

from pathlib import Path

import pytest
from trees import Map, Proc, write_tree

from pymemtools.errors import Denied, Missing, ParseError
from pymemtools.procfs.smaps.accounted import Accounted, Accounting
from pymemtools.procfs.smaps.tally import Tally
from pymemtools.readings.processes import read_processes
from pymemtools.readings.reader import read_process
from pymemtools.reports.what_if.commitments import OF_A_FORK, WANTS, commitment_of, commitments, private_memory
from pymemtools.sources import open_source

SMAPS = b"""\
00400000-00401000 r-xp 00000000 08:01 7                          /bin/a VmFlags: ac
Size:                  4 kB
Rss:                   4 kB
VmFlags: rd ex mr mw me dw
00600000-00610000 rw-p 00000000 00:00 0                          [heap]
Size:                 64 kB
Rss:                  64 kB
VmFlags: rd wr mr mw me ac sd
7f0000000000-7f0000100000 rw-p 00000000 00:00 0
Size:               1024 kB
Rss:                   0 kB
VmFlags: rd wr mr mw me dc ac
"""
KIB = 1024
HEADER = b"00800000-00801000 rw-p 00000000 00:00 0\n"


def accounted(chunks: list[bytes]) -> Accounted | None:
    tally, accounting = Tally(("Rss", "Size")), Accounting()
    tally.restart(accounting)
    for chunk in chunks:
        tally.feed(chunk)
    tally.finish()
    return accounting.finish()


@pytest.mark.parametrize("piece", [1, 3, 50, 200, 10_000])
def test_sizes_of_accounted_mappings(piece: int) -> None:
    """By the places of lines, and line by line where one of them is wider than the others."""
    for text, more in (
        (SMAPS, 0),
        (SMAPS.replace(b"Size:               1024", b"Size:           100001024"), 100_000_000),
    ):
        chunks = [text[at : at + piece] for at in range(0, len(text), piece)]
        assert accounted(chunks) == Accounted((1088 + more) * KIB, 64 * KIB, 64 * KIB)


def test_flags_of_other_processes_are_forgotten() -> None:
    tally, first, second = Tally(("Size",)), Accounting(), Accounting()
    for accounting in (first, second):
        tally.restart(accounting)
        tally.feed(SMAPS)
        tally.finish()
    assert first.finish() == second.finish() == Accounted(1088 * KIB, 64 * KIB, 64 * KIB)


def test_without_flags_nothing_is_known() -> None:
    old = b"".join(line for line in SMAPS.splitlines(keepends=True) if not line.startswith(b"VmFlags"))
    assert accounted([old]) is None
    assert accounted([]) is None
    assert accounted([b"x" * (1 << 21)]) is None


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (HEADER + b"Rss:                   4 kB\nVmFlags: ac\n", "a mapping without Size"),
        (HEADER + b"Size: four kB\nVmFlags: ac\n", "expected 'Size: N kB'"),
    ],
)
def test_damage_is_said(damage: bytes, words: str) -> None:
    with pytest.raises(ParseError, match=words):
        accounted([SMAPS, damage])


def write_process(root: Path, status: str, smaps: bytes | None) -> Path:
    proc = write_tree(root, Proc(7, "a", (Map("[heap]", 100),))) / "proc" / "7"
    (proc / "status").write_text(status)
    if smaps is None:
        (proc / "smaps").unlink()
    else:
        (proc / "smaps").write_bytes(smaps)
    return root


def test_a_process_by_its_flags_and_without(tmp_path: Path) -> None:
    status = "Name:\ta\nVmSize:\t2000 kB\nVmData:\t300 kB\nVmStk:\t132 kB\nCapEff:\t0000000000200000\n"
    row = commitment_of(open_source(str(write_process(tmp_path / "a", status, SMAPS))), 7)
    assert row is not None
    assert (row.committed, row.charged_by_fork, row.is_admin, row.is_estimate) == (1088 * KIB, 64 * KIB, True, False)
    row = commitment_of(open_source(str(write_process(tmp_path / "b", status, None))), 7)
    assert row is not None
    assert (row.committed, row.charged_by_fork, row.is_estimate) == (432 * KIB, 432 * KIB, True)


def private(root: Path) -> tuple[int | None, int | None]:
    return private_memory(read_process(open_source(str(root)), 7, OF_A_FORK))


def test_what_a_fork_may_copy(tmp_path: Path) -> None:
    """RssAnon is from 4.5; before, smaps has Anonymous; without either nobody knows."""
    status = "Name:\ta\nRssAnon:\t40 kB\nVmSwap:\t8 kB\nVmPTE:\t36 kB\n"
    assert private(write_process(tmp_path / "a", status, SMAPS)) == (48 * KIB, 36 * KIB)
    smaps = SMAPS.replace(b"Rss:   ", b"Anonymous:").replace(b"Anonymous:  ", b"Anonymous:")
    assert b"Anonymous" in smaps
    found = private(write_process(tmp_path / "b", "Name:\ta\nVmPTE:\t36 kB\n", smaps))
    assert found[1] == 36 * KIB
    assert found[0] is not None
    assert private(write_process(tmp_path / "c", "Name:\ta\n", None)) == (None, None)


def test_damaged_processes_are_counted(tmp_path: Path) -> None:
    source = open_source(str(write_process(tmp_path, "Name:\ta\n", SMAPS + HEADER + b"Size: four kB\nVmFlags: ac\n")))
    assert commitments(read_processes(source, WANTS)) == ([], 1)
    with pytest.raises(Denied):
        commitment_of(source, 7)
    with pytest.raises(Missing):
        commitment_of(source, 8)
