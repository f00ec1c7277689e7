"""Colour carries meaning, on terminals; NO_COLOR and --color decide, and pipes keep their bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from conftest import HERE, Run
from on_terminal import on_terminal
from trees import Map, smaps

from pymemtools.render.tones import CHECKS, GROWTH, KILLS, ZONES, Tones, toned

GREEN, RED, YELLOW, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"


@pytest.mark.parametrize(
    ("options", "environment", "is_coloured"),
    [
        ("", {}, True),
        ("", {"NO_COLOR": "1"}, False),
        ("", {"TERM": "dumb"}, False),
        ("--color never", {}, False),
        ("--color always", {"NO_COLOR": "1"}, True),
    ],
)
def test_states_of_zones_are_coloured_on_a_terminal(
    options: str, environment: dict[str, Any], is_coloured: bool
) -> None:
    seen = on_terminal("--demo", "zones", *options.split(), columns=80, **environment)
    assert (f"{GREEN}ok{PLAIN}" in seen, "\x1b" in seen) == (is_coloured, is_coloured)


def test_pipes_keep_their_bytes(pymemtools: Run) -> None:
    plain = pymemtools("--demo", "zones").stdout
    assert b"\x1b" not in plain
    coloured = pymemtools("--demo", "zones", "--color", "always").stdout
    assert coloured.replace(GREEN.encode(), b"").replace(PLAIN.encode(), b"") == plain


@pytest.mark.parametrize(
    ("tones", "line", "expected"),
    [
        (ZONES, "   0 Normal   ##  direct reclaim", f"   0 Normal   ##  {RED}direct reclaim{PLAIN}"),
        (KILLS, "  killed:   330 (x)", f"{RED}  killed:   330 (x){PLAIN}"),
        (
            KILLS,
            "  Node 0 DMA32: free 2.6 MiB below min; min",
            f"  Node 0 DMA32: free 2.6 MiB {RED}below min{PLAIN}; min",
        ),
        (CHECKS, "oom_score        NO        12", f"{RED}oom_score        NO{PLAIN}        12"),
        (CHECKS, "21 of 21 hold", f"{GREEN}21 of 21 hold{PLAIN}"),
        (GROWTH, "1 root a new hope   grown   1  2  -1", f"1 root a new hope   {RED}grown{PLAIN}   1  2  -1"),
        (GROWTH, "1 root new", "1 root new"),
    ],
)
def test_what_is_coloured(tones: Tones, line: str, expected: str) -> None:
    assert toned(line, tones) == expected


@pytest.fixture
def two_looks(tmp_path: Path) -> tuple[str, str]:
    """Two copies of /proc with one process each: earlier and now."""
    looks = {"before": "[heap] 5 /gone 3", "now": "[heap] 9 /new 8"}
    for look, mappings in looks.items():
        (tmp_path / look / "7").mkdir(parents=True)
        names, sizes = mappings.split()[::2], mappings.split()[1::2]
        maps = tuple(Map(name, int(kib)) for name, kib in zip(names, sizes))
        (tmp_path / look / "7" / "smaps").write_text(smaps(maps))
    return str(tmp_path / "before"), str(tmp_path / "now")


@pytest.mark.parametrize(
    ("call", "coloured"),
    [
        ("pmap 7", [f"{RED}new{PLAIN}", f"{RED}grown{PLAIN}", f"{GREEN}gone{PLAIN}"]),
        ("pmap --merge 7", [f"{RED}new{PLAIN}", f"{RED}grown{PLAIN}", f"{GREEN}gone{PLAIN}"]),
        ("pmap -q --group file 7", [f"{RED}new{PLAIN}", f"{RED}grown{PLAIN}", f"{GREEN}gone{PLAIN}"]),
        ("smem", [f"{RED}grown{PLAIN}"]),
    ],
)
def test_growth_is_coloured(pymemtools: Run, two_looks: tuple[str, str], call: str, coloured: list[str]) -> None:
    before, now = two_looks
    arguments = (*call.split(), "-S", now, "--diff", before)
    seen = on_terminal(*arguments, columns=80)
    assert sorted(re.findall(r"\x1b\[3.*?\x1b\[0m", seen)) == sorted(coloured)
    plain = pymemtools(*arguments).stdout.decode()
    assert re.sub(r"\x1b\[\d*m", "", seen) == plain


@pytest.mark.parametrize(
    ("call", "coloured"),
    [
        ("vgraph vgraph/old.csv --diff vgraph/new.csv", [(RED, "+"), (RED, "↑"), (RED, "+"), (GREEN, "↓")]),
        ("vgraph vgraph/new.csv --diff vgraph/old.csv", [(RED, "+"), (GREEN, "↓"), (GREEN, "−"), (RED, "↑")]),
        ("vgraph vgraph/new.csv --diff vgraph/old.csv --ascii", [(RED, "+"), (GREEN, "v"), (GREEN, "-"), (RED, "^")]),
        ("iomem-graph iomem/deep --diff iomem/deep-later --table", [(GREEN, "-"), (RED, "+"), (GREEN, "v")]),
        ("vgraph vgraph/old.csv", []),
    ],
)
def test_marks_of_what_changed_are_coloured(pymemtools: Run, call: str, coloured: list[tuple[str, str]]) -> None:
    arguments = [re.sub("^(?:vgraph|iomem)/", f"{HERE}/\\g<0>", word) for word in call.split()]
    seen = on_terminal(*arguments, columns=80, PYTHONUTF8="1")
    assert re.findall(r"(?m)^(\x1b\[3.m)(.)\x1b\[0m ", seen) == coloured
    assert "\x1b" not in pymemtools(*arguments).stdout.decode()


@pytest.mark.parametrize("call", ["smem --col pid", "smem --col=pss -t", "free --wi"])
def test_options_that_classic_programs_lack_leave_their_short_forms_alone(pymemtools: Run, call: str) -> None:
    done = pymemtools("--demo", *call.split())
    assert (done.returncode, done.stderr) == (0, b"")
