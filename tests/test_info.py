"""What info promises and denies, held against the commands themselves."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Run
from recordings import Told, every_ten_seconds, record
from trees import Proc, write_tree

from pymemtools.cli import cli
from pymemtools.errors import MemtoolsError
from pymemtools.sources.example import demo_path

CAPTURES = Path(__file__).parent / "captures"
ARGUMENTS = {  # of questions that are not a whole call
    "faults --top": "5",
    "pmap": "1",
    "pmap -x": "1",
    "status": "1",
    "tunables": "list",
    "vgraph": "1",
    "what-if alloc": "100M",
    "what-if cache": "100M",
    "what-if dirty": "--write 100M --disk 10M",
    "what-if fork": "1",
}
GONE = (
    "",
    "meminfo",
    "sys/vm",
    "zoneinfo",
    "PID/maps",
    "PID/smaps_rollup",
    "PID/stat",
    "PID/status",
    "PID/smaps",
    "PID/smaps PID/maps",
    "PID/smaps PID/status",
    "PID/smaps PID/smaps_rollup",
    "PID/stat PID/status PID/oom_score",
    "iomem sys",
)


@pytest.mark.parametrize("gone", GONE)
def test_info_denies_what_fails_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str], gone: str) -> None:
    """With some files of a whole capture gone; what only warns is answered partly."""
    subprocess.run(["tar", "-xzf", demo_path(), "-C", tmp_path], check=True)
    proc = next(tmp_path.rglob("meminfo")).parent
    for name in gone.split():
        for path in proc.glob(name.replace("PID/", "[1-9]*/")):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    cli.main(["info", "-S", str(tmp_path), "-f", "json"], standalone_mode=False)
    said = {row["question"]: row["answer"] for row in json.loads(capsys.readouterr().out)["rows"]}
    fails, warns = set(), set()
    for question in said:
        call = f"{question} {ARGUMENTS.get(question, '')}".split()
        try:
            status = cli.main([*call, "-S", str(tmp_path)], standalone_mode=False)
        except MemtoolsError:
            status = 1
        complaints = capsys.readouterr().err
        unread = "could not be read (no smaps)" in complaints
        if status or (unread and question != "report"):  # which tells of the machine all the same
            fails.add(question)
        elif unread or "does not tell" in complaints or "no smaps_rollup" in complaints:
            warns.add(question)
    assert {question for question, answer in said.items() if answer == "no"} == fails
    assert [question for question in warns if said[question] != "partly"] == []


@pytest.mark.parametrize(
    ("threads", "told"), [(0, "0 kernel threads"), (1, "1 kernel thread"), (2, "2 kernel threads")]
)
def test_kernel_threads_are_counted_in_english(tmp_path: Path, pymemtools: Run, threads: int, told: str) -> None:
    write_tree(tmp_path, Proc(1, "init"), *(Proc(2 + number, "kthread", ()) for number in range(threads)))
    for number in range(threads):
        stat = tmp_path / "proc" / str(2 + number) / "stat"
        stat.write_text(stat.read_text().replace(" 4194304 ", " 2097152 "))  # PF_KTHREAD
    lines = pymemtools("info", "-S", str(tmp_path)).stdout.decode().splitlines()
    assert f"Processes:  1, and {told}" in lines


def test_a_bad_smaps_is_counted_and_the_rest_told(tmp_path: Path, pymemtools: Run) -> None:
    write_tree(tmp_path, Proc(1, "init"), Proc(2, "bad"))
    (tmp_path / "proc" / "2" / "smaps").write_bytes(b"x" * (70 << 10))
    done = pymemtools("info", "-S", str(tmp_path))
    assert done.returncode == 0
    assert done.stdout.decode().splitlines()[9:11] == ["Processes:  2, and 0 kernel threads", "Unreadable: 1"]


def test_a_log_and_a_recording_are_asked_for(tmp_path: Path, pymemtools: Run) -> None:
    """What became of the board is in its log, which a capture has where that was asked for, and a sosreport."""

    def answers(source: Path) -> dict[str, tuple[str, list[str]]]:
        rows = json.loads(pymemtools("info", "-S", str(source), "-f", "json").stdout)["rows"]
        return {row["question"]: (row["answer"], row["missing"]) for row in rows}

    board = write_tree(tmp_path / "board", Proc(1, "init"))
    without = answers(board)
    assert (without["oom-report"], without["trend"]) == (("no", ["log"]), ("no", ["recording"]))
    assert "log" in without["report"][1]
    (board / "proc/dmesg").write_text("[    1.000000] hello\n")
    assert answers(board)["oom-report"] == answers(CAPTURES / "sosreport")["oom-report"] == ("yes", [])
    subprocess.run(["tar", "-czf", tmp_path / "sos.tar.gz", "-C", CAPTURES, "sosreport"], check=True)
    assert answers(tmp_path / "sos.tar.gz")["oom-report"] == ("yes", [])
    recording = record(
        str(tmp_path / "a.rec"),
        [Told(7, "/bin/a", lambda n: 900)],
        every_ten_seconds(3, lambda number: {"uptime": b"9 9\n"}),
    )
    assert answers(Path(recording))["trend"] == ("yes", [])
