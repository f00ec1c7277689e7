"""Every measured case through the models, and the command that does it for other files of cases."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import HERE
from testpoints.adapters import ADAPTERS
from testpoints.cache_adapters import completed
from testpoints.judge import EXACT, FAILED, NOT_APPLICABLE, WITHIN, Verdict, case_of, judge

FILE = HERE / "testpoints" / "cases.json"
POINTS = json.loads(FILE.read_text())["testpoints"]
# The report of some may not be copied, so that no victim can be named; of one, nobody tells RAM and swap.
NOT_TO_BE_ANSWERED = [
    point["id"]
    for point in POINTS
    if (point["model"] == "oom_victim" and not (HERE / "oom_reports" / point["inputs"]["report"]).exists())
    or (point["model"] == "oom_score_interval" and "rss" not in point["inputs"])
]


@pytest.mark.parametrize("point", [pytest.param(point, id=point["id"]) for point in POINTS])
def test_case(point: dict[str, Any]) -> None:
    point = {**point, "inputs": completed(point, POINTS)}
    verdict = judge(case_of(point, FILE.parent), ADAPTERS)
    expected = (NOT_APPLICABLE,) if point["id"] in NOT_TO_BE_ANSWERED else (EXACT, WITHIN)
    assert verdict.status in expected, verdict


def test_few_are_left_out() -> None:
    assert len(POINTS) == 619
    assert len(NOT_TO_BE_ANSWERED) == 13


def run(path: Path) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.testpoints", str(path)], cwd=HERE.parent, capture_output=True, check=False
    )
    assert done.stderr == b""
    return done.returncode, done.stdout.decode().splitlines()


def test_the_command_sums_up() -> None:
    status, lines = run(FILE)
    assert status == 0
    assert lines[-1].startswith("619 cases, ")
    assert ", 0 failed, " in lines[-1]
    assert sum(line.startswith("not applicable: ") for line in lines) == len(NOT_TO_BE_ANSWERED)


def test_a_wrong_figure_fails(tmp_path: Path) -> None:
    wrong = []
    for point in POINTS:
        if point["model"] in ("watermarks", "dirty_thresholds", "proc_oom_score", "min_free_kbytes", "drop_caches"):
            point = json.loads(json.dumps(point))
            key, value = next(iter(point["expected"].items()))
            step = 10 + (point["tolerance"] or 10**9)
            point["expected"][key] = [each + step for each in value] if isinstance(value, list) else value + step
            wrong.append(point)
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps({"testpoints": wrong}))
    status, lines = run(file)
    assert status == 1
    assert lines[-1] == f"{len(wrong)} cases, 0 exact, 0 within tolerance, {len(wrong)} failed, 0 not applicable"
    assert sum(line.startswith(f"{FAILED}: ") for line in lines) == len(wrong)


def test_what_no_model_knows_is_said(tmp_path: Path) -> None:
    file = tmp_path / "new.json"
    point = {"id": "x", "model": "weather", "kernel": "any", "inputs": {}, "expected": {"rain": 1}, "tolerance": 0}
    file.write_text(json.dumps({"testpoints": [point]}))
    status, lines = run(file)
    assert status == 0
    assert lines[-2:] == [
        "not applicable: x: no model 'weather'",
        "1 cases, 0 exact, 0 within tolerance, 0 failed, 1 not applicable",
    ]


def test_cases_that_tell_too_little_stop_nothing() -> None:
    def verdict(model: str, kernel: str, inputs: dict[str, Any], expected: dict[str, Any]) -> Verdict:
        point = {"id": "x", "model": model, "kernel": kernel, "inputs": inputs, "expected": expected}
        return judge(case_of(point, HERE), ADAPTERS)

    old = {"mode": 0, "totalram_pages": 1000, "swap_total_pages": 0}
    assert verdict("overcommit_max_mmap", "4.4.0", old, {"max_pages": 1}).status == NOT_APPLICABLE
    assert verdict("watermarks", "6.1", {"zones": None}, {"DMA": [1, 2, 3]}).status == FAILED
    found = verdict("watermarks", "6.1", {}, {"DMA": [1, 2, 3]})
    assert found == (NOT_APPLICABLE, 0, ["input missing: zones"])


@pytest.mark.parametrize("text", ["", "{}", '{"testpoints": [1]}', "\0"])
def test_a_file_without_cases(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "tests.testpoints", str(file)], cwd=HERE.parent, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
