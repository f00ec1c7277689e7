"""What stands where a number should be in a damaged capture: unknown, or one line that says which file it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Run
from trees import Proc, write_tree

from pymemtools.errors import ParseError
from pymemtools.procfs.pressure import Stall, parse_pressure
from pymemtools.readings.process import small_number

SOME = b"some avg10=12.50 avg60=1.00 avg300=0.00 total=3000000"
ZONES = "Node 0, zone   Normal\n  pages free     9\n        min      1\n        low      2\n        high     3\n" + (
    "        spanned  99\n        present  99\n        managed  99\n        protection: (0, 0)\n"
)


def test_pressure_of_kernels_to_come() -> None:
    """They may tell of more kinds, and more of each."""
    found = parse_pressure(b"new avg10=1.00 avg60=0.00 avg300=0.00 total=1\n" + SOME + b" new=1\n")
    assert (found.some, found.full) == (Stall(12.5, 1.0, 0.0, 3.0), Stall())


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        SOME.replace(b"12.50", b"nan"),
        SOME.replace(b"12.50", b"-1.00"),
        SOME.replace(b"3000000", b"inf"),
        SOME.replace(b"3000000", b"9" * 5000),
        SOME.replace(b"avg60", b"avg61"),
    ],
)
def test_pressure_that_cannot_be(damaged: bytes) -> None:
    with pytest.raises(ParseError, match="line 2: expected averages and a total"):
        parse_pressure(SOME + b"\n" + damaged + b"\n")


@pytest.mark.parametrize("text", [b"", b"--5", b"5_0", b"\xd9\xa3", b"99999999"])
def test_no_adjustment(text: bytes) -> None:
    assert small_number(text) is None


@pytest.mark.parametrize("ratios", ["9" * 5000, "\N{SUPERSCRIPT TWO}", "-1 x"])
def test_settings_that_are_no_numbers(tmp_path: Path, pymemtools: Run, ratios: str) -> None:
    """The first was a traceback."""
    write_tree(tmp_path, Proc(7, "a"))
    (tmp_path / "proc/zoneinfo").write_text(ZONES)
    for name in ("proc/sys/vm/lowmem_reserve_ratio", "proc/sys/vm/min_free_kbytes", "sys/kernel/mm/ksm/general_profit"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(ratios)
    for command in ("zones", "report", "ksm", "what-if watermarks"):
        done = pymemtools(*command.split(), "-S", str(tmp_path), "-f", "json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["command"] == command


def test_a_part_that_is_more_than_its_whole(tmp_path: Path, pymemtools: Run) -> None:
    """Both were below 0."""
    write_tree(tmp_path, meminfo={"MemTotal": 400, "MemFree": 4, "Buffers": 0, "Cached": 80, "Shmem": 100})
    (tmp_path / "proc/zoneinfo").write_text(ZONES.replace("free     9", "free     999"))
    nodes = json.loads(pymemtools("numa", "-S", str(tmp_path), "-f", "json").stdout)["rows"]
    assert [(row["mem_total"], row["free"], row["used"]) for row in nodes] == [(99 << 12, 999 << 12, None)]
    types = json.loads(pymemtools("pages", "-S", str(tmp_path), "-f", "json").stdout)["rows"]
    assert {row["type"]: row["counted"] for row in types if row["type"] in ("file", "shmem")} == {
        "file": None,
        "shmem": 100 << 10,
    }
