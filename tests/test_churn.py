"""While processes come and go, 200 a second where that is possible, each report is whole, and right on those that stay.

``PYMEMTOOLS_CHURN_RUNS`` says how often each report is made; 500 is what smem was measured with: 18 of 500 runs, and
237 on a busier machine, had rows of ``?``.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from typing import NamedTuple

import pytest
from conftest import HERE

RUNS = int(os.environ.get("PYMEMTOOLS_CHURN_RUNS", "4"))
CALLS = ("smem", "smem -m", "smem -u", "smem --rollup -c pid,name,pss", "free")
FIGURES = r" +0 +[0-9]+ +[1-9][0-9]* +[1-9][0-9]* "  # swap, USS (none at the moment of a fork), PSS, RSS
INTERPRETER = re.escape(f"{sys.executable} "[:26])  # the column is cut, and where Python is may be a long way down
PROCESS = re.compile(rf" *([0-9]+) root {{5}}(staying 1000|churn 0\.0[13]|{INTERPRETER}.{{0,26}}){FIGURES}")
MAPPING = re.compile(r"(/\S+|\[\S+\]|<anonymous>) +([0-9]+)( +[0-9]+){2} ")
USER = re.compile(rf"root +([0-9]+){FIGURES}")
ROLLUP = re.compile(r" *([0-9]+) (sleep|python\S*) +[0-9]+ ")


class Churn(NamedTuple):
    """What was said among the processes that come and go."""

    staying: set[int]
    forks: int
    outputs: dict[str, list[list[str]]]  # for each command and run, lines


@pytest.fixture(scope="module")
def churn() -> Churn:
    namespace = ["unshare", "-pf", "--mount-proc"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("a PID namespace of its own is not allowed")
    done = subprocess.run(
        [*namespace, sys.executable, str(HERE / "hostile" / "churn.py"), str(RUNS)],
        input=json.dumps([[sys.executable, "-m", "pymemtools", *call.split()] for call in CALLS]).encode(),
        env=os.environ | {"PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        check=True,
    )
    told = json.loads(done.stdout)
    outputs = {}
    for call, results in zip(CALLS, told["results"]):
        complaints = [complaint for _, _, complaint in results if "smaps_rollup" not in complaint]
        assert {status for status, _, _ in results} == {0}
        assert complaints == [] if "rollup" in call else set(complaints) == {""}
        outputs[call] = [output.splitlines() for _, output, _ in results]
        assert len(outputs[call]) == RUNS
    return Churn(set(told["staying"]), told["forks"], outputs)


def test_there_was_churn(churn: Churn) -> None:
    assert churn.forks > RUNS * len(CALLS)


@pytest.mark.parametrize(("call", "row"), [("smem", PROCESS), ("smem --rollup -c pid,name,pss", ROLLUP)])
def test_processes(churn: Churn, call: str, row: "re.Pattern[str]") -> None:
    for header, *rows in churn.outputs[call]:
        assert header.startswith("  PID ")
        assert [line for line in rows if not row.fullmatch(line)] == []
        pids = [int(line.split()[0]) for line in rows]
        assert len(pids) == len(set(pids))
        assert set(pids) >= churn.staying


def test_mappings(churn: Churn) -> None:
    for header, *rows in churn.outputs["smem -m"]:
        assert header.startswith("Map ")
        assert [line for line in rows if not MAPPING.fullmatch(line)] == []
        names = {line.split()[0]: int(line.split()[1]) for line in rows}
        assert names["<anonymous>"] >= len(churn.staying)
        assert names["[stack]"] >= len(churn.staying)


def test_users(churn: Churn) -> None:
    for header, *rows in churn.outputs["smem -u"]:
        assert header.startswith("User ")
        assert len(rows) == 1
        match = USER.fullmatch(rows[0])
        assert match is not None, rows
        assert int(match[1]) >= len(churn.staying)


def test_free(churn: Churn) -> None:
    for lines in churn.outputs["free"]:
        assert [line.split()[0] for line in lines] == ["total", "Mem:", "Swap:"]
