"""Twenty processes with names made to hide, to crash or to forge a report: each is there, on one line, and harmless.

The kinds are those of tests/hostile/crowd.py. Of the programs tried on them, smem hid five and its -m crashed on four;
smem and smem2 printed escape sequences as they are, and a row that nobody but an argv[0] had written.
"""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import HERE

sys.path.insert(0, str(HERE / "hostile"))
from crowd import KINDS

pytestmark = pytest.mark.live

MODULE = [sys.executable, "-m", "pymemtools"]
TEXT = (
    *("smem", "smem -t -k", "smem -c all", "smem -a -p", "smem -m", "smem -m -c all", "smem -u", "smem -u -c all"),
    *("smem -w", "smem -W", "smem --rollup", "smem -g command", "smem -g cgroup", "smem -g tree"),
    *("smem -P .", "smem -M .", "smem -m -a -c map -M /", "free", "free -f csv"),
    *("smem -f csv", "smem -f tsv", "smem -f github", "smem -f html", "smem -f latex", "smem -f rst"),
    *("smem -m -f csv", "smem -m -f github", "smem -c pid,name,command -f csv"),
    *("pmap PIDS", "pmap -x PIDS", "pmap -X PIDS", "pmap -XX PIDS", "pmap -d -p PIDS", "pmap -f csv PIDS"),
    "status PIDS",
)
DOCUMENTS = ("smem -f json", "smem -m -f json", "smem -u -f json", "smem -g command -f json", "free -f json")
LINES = ("smem -f jsonl", "smem -m -f jsonl", "smem -c pid,name,command -f jsonl")

SHOWN = {  # name and command, as they are to be seen
    "esc": (r"\x1b[31mesc\x07", r"\x1b]0;owned\x07\x1b[2Jesc"),
    "nl": (r"nl\x0d\x0a\x08x", r"nl\x0a 9999 root     injected      0     0     0     0 \x0d\x08"),
    "bad8": (r"bad8\xff\xfe", r"bad8\xff\xfe caf\xe9"),
    "c1": (r"c1\u009b31m\x9b\x7f",) * 2,
    "bidi": (r"bi\u202edi\u200b\u2066",) * 2,
    "empty": ("empty", "[empty]"),
    "kbmap": ("dump kB",) * 2,
    "kbmap2": ("Pss: 99 kB",) * 2,
    "nlmap": (r"n\x0aRss: 9999 kB",) * 2,
    "bad8map": (r"map\xff\xfecaf\xe9",) * 2,
    "escmap": (r"\x1b[2J\x1b]0;map\x07",) * 2,
    "vtmap": (r"v\x0bt\x0c \u0085 a-b\u2028 ", r"v\x0bt\x0c \u0085 a-b\u2028 \u2028b \x1c"),  # comm holds 15 bytes
    "paren": ("a) S 1 (b c",) * 2,
    "csv": (r"""=1+1,"x";\x09'|""",) * 2,
    "num": ("1e5", "007"),
    "long": ("long", "long" + "日本" * 20_000),
    "sgml": (r"<b>&amp;\\x41%s",) * 2,
    "delmap": ("del (deleted)",) * 2,
    "spacemap": (" sp  ace ",) * 2,
    "colonmap": ("c: 1: 2 kB: ",) * 2,
    "gone": ("gone",) * 2,
}


class Crowd(NamedTuple):
    """What the crowd was, and what each command said beside it."""

    directory: str
    pids: dict[str, int]
    others: set[int]  # the crowd's parent, and the zombie that is no process any more
    zombie: int
    is_alone: bool  # nobody but they and the command itself
    results: dict[str, tuple[int, bytes, bytes]]


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    """Run all commands beside the crowd, in a PID namespace of its own where that is allowed."""
    directory = str(tmp_path_factory.mktemp("crowd"))
    calls = ["smem -c pid -H", *TEXT, *DOCUMENTS, *LINES]
    namespace = ["unshare", "-pf", "--mount-proc"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode
    ):
        namespace = []
    done = subprocess.run(
        [*namespace, sys.executable, str(HERE / "hostile" / "crowd.py"), directory],
        input=json.dumps([[*MODULE, *call.split()] for call in calls]).encode(),
        env=os.environ | {"PYTHONPATH": str(HERE.parent), "COLUMNS": "500"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    told = json.loads(done.stdout)
    results = {
        call: (status, bytes.fromhex(output), bytes.fromhex(complaint))
        for call, (status, output, complaint) in zip(calls, told["results"])
    }
    return Crowd(directory, told["pids"], {told["self"]}, told["zombie"], bool(namespace), results)


def output(crowd: Crowd, call: str) -> str:
    status, text, complaint = crowd.results[call]
    assert status == 0
    if crowd.is_alone and "rollup" not in call and "group" not in call:
        assert complaint == b""
    return text.decode("utf-8")


def test_nobody_hides(crowd: Crowd) -> None:
    listed = sorted(map(int, output(crowd, "smem -c pid -H").split()))
    assert crowd.zombie not in listed
    assert set(listed) >= {*crowd.pids.values(), *crowd.others}
    if crowd.is_alone:
        assert len(listed) == len(crowd.pids) + len(crowd.others) + 1  # the last is smem itself


@pytest.mark.parametrize("call", TEXT)
def test_no_output_holds_a_control_character(crowd: Crowd, call: str) -> None:
    text = output(crowd, call)
    lines = (text.replace("\t", "") if "tsv" in call else text).split("\n")
    assert [line for line in lines if not line.isprintable()] == []


@pytest.mark.parametrize("call", ["smem", "smem -c all", "smem -a -p", "smem --rollup", "smem -P .", "smem -M ."])
def test_one_line_each(crowd: Crowd, call: str) -> None:
    lines = output(crowd, call).splitlines()
    pids = [int(line.split()[0]) for line in lines[1:]]
    assert len(pids) == len(set(pids))
    assert set(crowd.pids.values()) <= set(pids)
    if crowd.is_alone:
        assert len(lines) == 1 + len(crowd.pids) + len(crowd.others) + 1


def rows(crowd: Crowd, call: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output(crowd, call).splitlines()]


@pytest.mark.parametrize("kind", KINDS)
def test_name_and_command_in_json_are_what_they_are(crowd: Crowd, kind: str) -> None:
    (row,) = (row for row in rows(crowd, "smem -c pid,name,command -f jsonl") if row["pid"] == crowd.pids[kind])
    argv0 = KINDS[kind].file if KINDS[kind].argv0 is None else KINDS[kind].argv0
    assert os.fsencode(row["name"]) == KINDS[kind].file[:15]
    assert os.fsencode(row["command"]) == (argv0 or b"[empty]")


@pytest.mark.parametrize("kind", KINDS)
def test_name_and_command_as_shown(crowd: Crowd, kind: str) -> None:
    name, command = SHOWN[kind]
    table = list(csv.reader(io.StringIO(output(crowd, "smem -c pid,name,command -f csv"))))
    assert [row for row in table if row[0] == str(crowd.pids[kind])] == [[str(crowd.pids[kind]), name, command]]
    lines = [line for line in output(crowd, "smem -c all").splitlines() if line.startswith(f"{crowd.pids[kind]:5} ")]
    assert [line[15:].startswith(name[:24].ljust(24) + " ") for line in lines] == [True]


@pytest.mark.parametrize("kind", KINDS)
def test_its_mapping_is_not_lost(crowd: Crowd, kind: str) -> None:
    """The kernel writes a newline in a path as \\012, and marks a deleted file."""
    file = KINDS[kind].file.replace(b"\n", b"\\012") + (b" (deleted)" if KINDS[kind].is_deleted else b"")
    path = os.path.join(os.fsencode(crowd.directory), file)
    (row,) = (row for row in rows(crowd, "smem -m -f jsonl") if os.fsencode(row["path"]) == path)
    assert row["processes"] == 1
    assert row["mappings"] >= 3
    assert 0 < row["pss"] <= row["rss"] <= row["vss"]


def test_a_process_whose_main_thread_has_ended_is_not_hidden(crowd: Crowd) -> None:
    (row,) = (row for row in rows(crowd, "smem -f jsonl") if row["pid"] == crowd.pids["headless"])
    assert "crowd.py" in row["command"]
    assert row["mappings"] > 10
    assert row["rss"] > 1 << 20


@pytest.mark.parametrize("call", DOCUMENTS)
def test_json_is_ascii_without_controls_and_valid(crowd: Crowd, call: str) -> None:
    text = output(crowd, call)
    assert text.isascii()
    assert all(line.isprintable() for line in text.split("\n"))
    assert json.loads(text)["schema"] == 2


@pytest.mark.parametrize("call", LINES)
def test_json_lines_are_valid(crowd: Crowd, call: str) -> None:
    assert all(line.isprintable() for line in output(crowd, call).split("\n"))
    assert len(rows(crowd, call)) >= len(KINDS)


@pytest.mark.parametrize("call", ["smem -f csv", "smem -m -f csv", "smem -c pid,name,command -f csv"])
def test_csv_is_rectangular(crowd: Crowd, call: str) -> None:
    table = list(csv.reader(io.StringIO(output(crowd, call)), strict=True))
    assert {len(row) for row in table} == {len(table[0])}


def test_helper_leaves_nobody_behind(crowd: Crowd) -> None:
    assert [pid for pid in crowd.pids.values() if not crowd.is_alone and Path(f"/proc/{pid}").exists()] == []
