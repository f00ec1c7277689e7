"""Recordings: what was read at a moment is read again, and figures over time."""

from __future__ import annotations

from pathlib import Path

from trees import Map, Proc, write_tree

from pymemtools.capture.recording import Tick, Writer
from pymemtools.sources import open_source
from pymemtools.sources.recording import open_recording
from pymemtools.sources.recording.schema import PROCESS

TEN = 10.0


def write_smaps_rollup(root: Path, pid: int, pss: int) -> None:
    """Let a process use so many KiB, and its stat tell that it moved."""
    folder = root / "proc" / str(pid)
    folder.joinpath("smaps_rollup").write_text(
        f"00400000-7fff0000 ---p 00000000 00:00 0 [rollup]\nRss: {pss} kB\nPss: {pss} kB\n"
    )
    words = folder.joinpath("stat").read_text().split()
    words[9] = str(pss)  # minflt
    folder.joinpath("stat").write_text(" ".join(words) + "\n")


def test_each_moment_is_read_as_it_was(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "board", Proc(7, "a --b", (Map("[heap]", 100),)), Proc(8, "c"))
    path = str(tmp_path / "a.rec")
    with Writer(path, {"page_size": 4096}) as writer:
        for number in range(1, 301):
            write_smaps_rollup(tree, 7, number)
            writer.sample(open_source(str(tree)), Tick(1_795_000_000 + TEN * number, TEN * number))
    recording = open_recording(path)
    assert [moment.number for moment in recording.moments] == list(range(1, 301))
    for number in (1, 2, 63, 64, 65, 255, 256, 257, 300):
        source = recording.at(number)
        assert source.pids() == [7, 8]
        assert source.read("7/smaps_rollup").endswith(b"\nRss: %d kB\nPss: %d kB\n" % (number, number))
    (series, _) = recording.series(PROCESS, ["pss", "minflt", "uss"]).values()
    assert list(series.numbers) == list(range(1, 301))
    assert list(series.values["pss"]) == [1024 * number for number in range(1, 301)]
    assert list(series.values["minflt"]) == list(range(1, 301))
    assert set(series.values["uss"]) == {None}
