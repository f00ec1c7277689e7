"""Text is fitted to the terminal; in a pipe it stays whole, unless --width or COLUMNS was given."""

from __future__ import annotations

import re
import textwrap

import pytest
from conftest import Run
from effort import times_the_effort
from on_terminal import on_terminal

from pymemtools.render.escape import width
from pymemtools.render.fit import breakable, fitted, wrapped

FITTED = [
    *("zones", "tunables list", "info", "oom-scores", "selftest", "vgraph 297", "iomem-graph", "zones --explain"),
    *("oom-scores --verify", "oom-scores --set-adj 297=-1000", "what-if alloc 600M", "what-if oom", "what-if pss"),
    *("what-if overcommit", "what-if overcommit --processes", "what-if watermarks", "what-if drop-caches"),
    *("what-if malloc 8 200000", "what-if fork 278", "what-if dirty --write 20M --disk 10M", "what-if cache 1G"),
    *("smem -w", "smem -a", "free", "free --bar", "status --all", "numa", "report", "report --list"),
]


def widest(text: str) -> int:
    return max(width(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in text.splitlines())


@pytest.mark.parametrize("call", FITTED)
def test_nothing_is_wider_than_a_terminal_of_80_columns(call: str) -> None:
    assert widest(on_terminal("--demo", *call.split(), columns=80)) <= 80


@pytest.mark.parametrize("call", ["zones", "info", "oom-scores", "tunables list"])
def test_on_a_wide_terminal_lines_are_those_of_a_pipe(pymemtools: Run, call: str) -> None:
    seen = on_terminal("--demo", *call.split(), columns=200, NO_COLOR="1")
    assert seen == pymemtools("--demo", *call.split()).stdout.decode()


def test_the_picture_of_a_cached_file_goes_before_its_name_is_cut_to_nothing() -> None:
    narrow = on_terminal("cache", __file__, columns=40, NO_COLOR="1")
    assert "RESIDENT" not in narrow
    assert [line.endswith("test_width.py") for line in narrow.splitlines()[:2]] == [False, True]


def test_a_long_command_is_cut_on_a_terminal() -> None:
    lines = on_terminal("--demo", "faults", "297", columns=60, NO_COLOR="1").splitlines()
    assert lines[1:] == [
        "    297       110        0      36232     16920   2.3 labd s",
        "means since each process was started",
    ]


def test_who_is_killed_next_is_told_where_there_is_little_room() -> None:
    """What figures do not need is the command line's, before any of it is cut."""
    assert on_terminal("--demo", "oom-scores", "--top", "2", columns=64, NO_COLOR="1").splitlines() == [
        "PID User    Score Adj /1000   RSS Swap Tables Kill Command",
        "287 seawolf   878 300    19 13844    0     60 yes  labd hog 12",
        "278 root      704   0    57 41644    0    116 yes  lab hog 40",
    ]


def test_why_memory_is_not_huge_is_never_cut() -> None:
    seen = on_terminal("--demo", "thp", "297", columns=80, NO_COLOR="1")
    assert "a file's pages, which are up to its file system".rjust(80) in seen.splitlines()
    assert seen.splitlines()[0].endswith(": huge pages of 2 MiB")


def test_a_percentage_is_not_broken() -> None:
    assert list(fitted("of RAM that is free: 40 % of all", 24)) == ["of RAM that is free:", "    40 % of all"]


def test_columns_goes_before_the_terminal() -> None:
    assert widest(on_terminal("--demo", "zones", columns=80, COLUMNS="60", NO_COLOR="1")) <= 72  # of the table of zones
    assert widest(on_terminal("--demo", "info", columns=80, COLUMNS="200")) == widest(
        on_terminal("--demo", "info", columns=200)
    )


@pytest.mark.parametrize("call", ["zones", "tunables list", "oom-scores", "info"])
def test_a_pipe_keeps_lines_whole(pymemtools: Run, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pymemtools("--demo", *call.split()).stdout
    cut = pymemtools("--demo", *call.split(), "--width", "80").stdout.decode()
    assert widest(cut) <= 80
    monkeypatch.setenv("COLUMNS", "80")
    assert pymemtools("--demo", *call.split()).stdout.decode() == cut
    monkeypatch.setenv("COLUMNS", "wide")
    assert pymemtools("--demo", *call.split()).stdout == whole
    assert re.findall(r"\d+", cut)[:20] == re.findall(r"\d+", whole.decode())[:20]


def test_width_is_refused_where_the_table_is_of_another_program(pymemtools: Run) -> None:
    done = pymemtools("--demo", "free", "--width", "60")
    message = b"pymemtools: free: the table is as wide as procps has it: --width is for --bar\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, b"", message)
    done = pymemtools("--demo", "status", "--width", "60", "297")
    assert done.stderr == b"pymemtools: status: each process takes its column: --width is for --all\n"
    done = pymemtools("--demo", "pmap", "--width", "60", "297")
    assert (done.returncode, done.stderr) == (
        2,
        b"pymemtools: pmap: the tables are as wide as procps has them: no --width\n",
    )


def test_the_kernels_own_layout_is_whole_on_a_terminal(pymemtools: Run) -> None:
    assert (
        on_terminal("--demo", "zones", "--sysrq", columns=80)
        == pymemtools("--demo", "zones", "--sysrq").stdout.decode()
    )


def test_width_fits_smem_as_a_terminal_does(pymemtools: Run) -> None:
    text = pymemtools("--demo", "smem", "--width", "60").stdout.decode()
    assert text == on_terminal("--demo", "smem", "-a", columns=60)


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("free blocks: 12*4kB 34*8kB 56*16kB 78*32kB", ["free blocks: 12*4kB 34*8kB", "    56*16kB 78*32kB"]),
        ("a  b  one two three four five six seven", ["a  b  one two three four five", "      six seven"]),
        ("/a/path/that/has/no/blank/at/all/in/it", ["/a/path/that/has/no/blank/at/all/in/it"]),
        ("  see:  /a/path/that/has/no/blank, and-more", ["  see:  /a/path/that/has/no/blank,", "        and-more"]),
        (f"{'':28}far to the right", [f"{'':10}far to the right"]),
        ("日本語日本語日本語 日本語日本語日本語", ["日本語日本語日本語", "    日本語日本語日本語"]),
        ("154 MiB mapped, largest hole 128 TiB", ["154 MiB mapped, largest hole", "    128 TiB"]),
        ("short", ["short"]),
    ],
)
def test_lines_break_at_blanks(line: str, lines: list[str]) -> None:
    assert list(fitted(line, 30)) == lines


def test_a_line_that_is_longer_than_any_of_ours() -> None:
    """Each piece of it is fitted by itself: the time it takes grows with its length alone."""
    text = "\N{LATIN SMALL LETTER E WITH ACUTE}" * 7
    line = " ".join([text] * 5000)
    found = list(fitted(line, 40))
    assert max(map(len, found)) <= 40
    assert " ".join(each.strip() for each in found) == line
    assert found[:2] == [" ".join([text] * 5), "    " + " ".join([text] * 4)]


def test_words_that_are_longer_than_any_path() -> None:
    assert breakable("a" * 4096 + " b") == "a" * 4096 + " b"
    assert breakable("a" * 10000).split(" ") == ["a" * 4096, "a" * 4096, "a" * 1808]


def test_paragraphs_take_time_that_grows_with_their_length() -> None:
    word = "a" * 2_000_000
    assert times_the_effort(lambda: wrapped(word, 79), lambda: textwrap.wrap(word, 79)) < 0.7
