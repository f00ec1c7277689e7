"""free --bar: programs, cache and free memory as one bar, for every terminal."""

import os
from pathlib import Path

import pytest
from conftest import HERE, Run
from hypothesis import given
from hypothesis import strategies as st

from pymemtools.render.stacked_bar import Part, stacked_bar
from pymemtools.reports.free import FreeRow, shares

MEMINFO = """\
MemTotal: 16303456 kB
MemFree: 1234568 kB
MemAvailable: 9876544 kB
Buffers: 345676 kB
Cached: 7654320 kB
SReclaimable: 654320 kB
SwapTotal: 0 kB
SwapFree: 0 kB
"""


def draw(run: Run, path: Path, meminfo: str, *arguments: str, **variables: str) -> str:
    (path / "meminfo").write_text(meminfo)
    plain = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "PYTHONIOENCODING")}
    env = plain | {"PYTHONPATH": str(HERE.parent), "PYTHONUTF8": "1"} | variables
    done = run("free", "--bar", "-S", str(path), *arguments, env=env)
    assert done.returncode == 0
    return done.stdout.decode()


def test_a_pipe_is_80_columns_wide(tmp_path: Path, pymemtools: Run) -> None:
    expected = "█" * 32 + "▒" * 42 + "░" * 6 + "\n" + "█ programs 6.1Gi (39%)  ▒ cache 8.2Gi (53%)  ░ free 1.2Gi (8%)\n"
    assert draw(pymemtools, tmp_path, MEMINFO) == expected
    assert draw(pymemtools, tmp_path, MEMINFO, COLUMNS="wide") == expected
    assert draw(pymemtools, tmp_path, MEMINFO, "-c2", "-s.01") == f"{expected}\n{expected}"


def test_columns_and_ascii(tmp_path: Path, pymemtools: Run) -> None:
    assert draw(pymemtools, tmp_path, MEMINFO, "-m", COLUMNS="30", PYTHONIOENCODING="ascii") == (
        "############================..\n# programs 6276 (39%)\n= cache 8439 (53%)\n. free 1205 (8%)\n"
    )


def test_what_is_unknown_is_not_drawn(tmp_path: Path, pymemtools: Run) -> None:
    assert draw(pymemtools, tmp_path, "MemTotal: 4 kB\nMemFree: 1 kB\n", COLUMNS="40") == (
        "█" * 30 + "░" * 10 + "\n" + "█ programs 3.0Ki (75%)  ▒ cache -\n░ free 1.0Ki (25%)\n"
    )
    assert draw(pymemtools, tmp_path, "MemTotal: 4 kB\n") == "█ programs -  ▒ cache -  ░ free -\n"


@pytest.mark.parametrize(
    ("total", "used", "free", "available", "parts"),
    [
        (100, 40, 10, 60, (40, 0, 50, 10)),
        (100, 20, 80, 70, (20, 0, 0, 80)),  # the kernel's reserve: less is available than free
        (100, 30, 10, 25, (30, 45, 15, 10)),  # a group whose neighbours take the rest
        (100, 90, 10, None, (90, 0, None, 10)),
        (100, None, None, None, (None, None, None, None)),
        (0, 0, 0, 0, (0, 0, 0, 0)),
    ],
)
def test_shares(
    total: int, used: int | None, free: int | None, available: int | None, parts: tuple[int | None, ...]
) -> None:
    assert shares(FreeRow("Mem", total, used, free, available=available)) == parts


@given(st.lists(st.integers(0, 2**60), min_size=1, max_size=5), st.integers(1, 300))
def test_the_bar_is_as_wide_as_the_terminal_and_true_to_a_column(sizes: list[int], columns: int) -> None:
    lines = stacked_bar([Part(f"part{block}", "1G", size, block) for block, size in zip("abcde", sizes)], columns)
    if sum(sizes):
        assert len(lines[0]) == columns
        for block, size in zip("abcde", sizes):
            assert abs(lines[0].count(block) - columns * size / sum(sizes)) <= 1.001
    else:
        assert all(line[0] in "abcde" for line in lines)
