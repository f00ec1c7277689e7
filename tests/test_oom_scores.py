"""oom-scores: the kernel's scores, the model's beside them, and what if."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from conftest import CAPTURES, Run
from trees import Map, Proc, write_tree

pytestmark = pytest.mark.live

X86 = str(CAPTURES / "x86_64-7.2" / "preoom.tar.gz")
ARM = str(CAPTURES / "armv7-highmem-6.1" / "preoom.tar.gz")


def output(pymemtools: Run, *arguments: str) -> list[str]:
    done = pymemtools("oom-scores", *arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().splitlines()


def test_first_to_be_killed_first(pymemtools: Run) -> None:
    lines = output(pymemtools, "-S", X86)
    assert lines[:4] == [
        "    PID User     Score   Adj /1000       RSS     Swap  Tables Kill  Command",
        "    287 seawolf    878   300    19     13844        0      60 yes   labd hog 12",
        "    278 root       704     0    57     41644        0     116 yes   lab hog 40",
        "    281 root       698     0    47     34384        0     100 yes   labd share 32 /tmp/shm",
    ]
    assert lines[-3:] == [
        "    288 seawolf    339  -500     7      5708        0      48 yes   labd named 4 evil (name) x",
        "      1 root         0     0     2      1740        0      40 never /bin/sh /init",
        "    286 root         0 -1000     3      2712        0      44 never labd lock 1",
    ]
    assert output(pymemtools, "-S", X86, "--top", "2") == lines[:3]
    assert output(pymemtools, "-S", X86, "-r", "--top", "1")[1] == lines[-1]
    assert [line.split()[0] for line in output(pymemtools, "-S", X86, "-s", "rss", "--top", "3")[1:]] == [
        *("278", "281", "279")
    ]
    assert [line.split()[0] for line in output(pymemtools, "-S", X86, "-P", "hog", "-U", "root")[1:]] == [
        *("278", "279", "280")
    ]


def test_as_the_well_known_script_prints(pymemtools: Run) -> None:
    lines = output(pymemtools, "-S", X86, "--classic")
    assert lines[:3] == ["PID\tOOM Score\tOOM Adj\tCommand", "287\t878\t\t300\tlabd", "278\t704\t\t0\tlab"]
    assert lines[-1] == "288\t339\t\t-500\tevil (name) x"
    assert len(lines) == 1 + 16  # init and the one with -1000 score 0
    ties = [line for line in lines if "\t668\t" in line]
    assert ties == sorted(ties)


@pytest.mark.parametrize("capture", [X86, ARM])
def test_the_model_gives_the_kernels_scores(pymemtools: Run, capture: str) -> None:
    assert output(pymemtools, "-S", capture, "--verify") == [
        "18 processes, 0 differ; scores are those of Linux 5.9 and later"
    ]


@pytest.mark.parametrize(("capture", "size"), [(X86, "510268K"), (ARM, "911196K")])
def test_the_victim_of_the_kill_that_followed(pymemtools: Run, capture: str, size: str) -> None:
    """The kernel killed lab, with so much anonymous memory."""
    lines = output(pymemtools, "-S", capture, "--alloc", f"{size}:lab", "--top", "1")
    assert re.fullmatch(r" +0 - .* lab", lines[1])
    assert lines[2].startswith("Out of memory, the kernel would kill lab, score 1")


def test_what_if(pymemtools: Run) -> None:
    assert output(pymemtools, "-S", X86, "--set-adj", "287=-1000", "--top", "1")[1:] == [
        "    278 root       704     0    57     41644        0     116 yes   lab hog 40",
        "Out of memory, the kernel would kill 278 (lab), score 704.",
    ]
    assert output(pymemtools, "-S", X86, "--set-adj", "280=1000", "--set-adj", "287=0", "--top", "1")[2] == (
        "Out of memory, the kernel would kill 280 (labd), score 1342."
    )
    assert output(pymemtools, "-S", X86, "--safer-than", "287", "278") == [
        "oom_score_adj 38 or less makes 287 safer than 278."
    ]
    below = output(pymemtools, "-S", X86, "--set-adj", "287=38", "-P", "hog")[1:3]
    above = output(pymemtools, "-S", X86, "--set-adj", "287=39", "-P", "hog")[1:3]
    assert [line.split()[0] for line in below + above] == ["278", "287", "287", "278"]
    for a, b, said in (
        ("278", "287", "278 is safer than 287 already, with oom_score_adj 0."),
        ("1", "287", "1 is never killed."),
        ("287", "286", "286 is never killed: only oom_score_adj -1000 makes 287 as safe."),
    ):
        assert output(pymemtools, "-S", X86, "--safer-than", a, b) == [said]


def test_who_dies_is_data_too(pymemtools: Run) -> None:
    """Totals say for programs what the last line says; without a hypothesis there is nobody to name."""
    for options, victim in (
        (("--set-adj", "287=-1000"), {"victim_pid": 278, "victim_name": "lab", "victim_score": 704}),
        (
            ("--alloc", "510268K:lab"),
            {"victim_pid": 0, "victim_name": "lab", "victim_score": 1134, "cgroup": None}
            | {"oom_cgroup": None, "killed_pids": [0]},
        ),
        ((), {}),
    ):
        document = json.loads("\n".join(output(pymemtools, "-S", X86, *options, "-f", "json")))
        assert document["totals"] == {"total_pages": 182109, "score_scale": "5.9", **victim}


def test_what_is_compared_is_data_too(pymemtools: Run) -> None:
    """A program that asks for JSON gets no words."""
    document = json.loads("\n".join(output(pymemtools, "-S", X86, "--safer-than", "287", "278", "-f", "json")))
    assert document["rows"] == [
        {
            "pid": 287,
            "name": "labd",
            "than_pid": 278,
            "than_name": "lab",
            "oom_score_adj": 300,
            "is_safer": False,
            "needed_oom_score_adj": 38,
        }
    ]
    for a, b, is_safer, needed in (
        ("278", "287", "true", ""),
        ("1", "287", "true", ""),
        ("287", "286", "false", "-1000"),
    ):
        row = output(pymemtools, "-S", X86, "--safer-than", a, b, "-f", "csv")[1].split(",")
        assert (row[-2:]) == [is_safer, needed]
    lines = output(pymemtools, "-S", X86, "--verify", "-f", "csv")
    assert (lines[0], "287,labd,878,878" in lines, len(lines)) == ("pid,name,oom_score,oom_score_computed", True, 19)


def test_scores_are_computed_where_there_are_none(pymemtools: Run) -> None:
    done = pymemtools("oom-scores", "-S", str(CAPTURES / "x86_64-7.2" / "smemcap.tar.gz"), "--top", "1")
    assert done.returncode == 0
    assert done.stdout.decode().splitlines()[1:] == [
        "    278 0          704     -    57     41644        0       - yes   lab hog 40"
    ]
    assert done.stderr.decode().splitlines() == [
        "pymemtools: oom-scores: the source has no oom_score: scores are computed",
        "pymemtools: oom-scores: the source has no oom_score_adj: 0 is assumed",
        "pymemtools: oom-scores: the source does not tell the size of page tables: computed scores leave them out",
    ]


def test_rows_for_programs(pymemtools: Run) -> None:
    document = json.loads("\n".join(output(pymemtools, "-S", X86, "-f", "json")))
    assert (document["totals"]["score_scale"], document["totals"]["total_pages"]) == ("5.9", 182109)
    assert document["rows"][0] == {
        "pid": 287,
        "user": "seawolf",
        "oom_score": 878,
        "oom_score_adj": 300,
        "oom_score_computed": 878,
        "badness_pages": 58076,
        "share_permille": 19,
        "rss": 14176256,
        "swap": 0,
        "page_tables": 61440,
        "state": "S",
        "killable": True,
        "name": "labd",
        "command": "labd hog 12",
        "hypothetical": False,
    }


def test_hostile_names_take_a_line_each(pymemtools: Run, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", Proc(7, "a", (Map("", 100),), comm="x) S\ny"), Proc(8, "b"))
    (tree / "proc" / "7" / "cmdline").write_bytes(b"\x1b[2J\n\xff\0")
    done = pymemtools("oom-scores", "-S", str(tree))
    assert [line.split()[0] for line in done.stdout.decode().splitlines()[1:]] == ["8", "7"]
    assert "\\x1b[2J\\x0a\\xff" in done.stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (("--set-adj", "1"), 2, "write --set-adj PID=ADJ"),
        (("--set-adj", "1=1001"), 2, "with ADJ from -1000 to 1000"),
        (("--set-adj", "99999=1"), 42, "99999: no such process"),
        (("--alloc", "x"), 2, "'x' is no size"),
        (("--safer-than", "1", "99999"), 42, "99999: no such process"),
        (("-s", "nonsense"), 2, "unknown column 'nonsense'"),
        (("-P", "["), 2, "bad regular expression '['"),
        (("--classic", "--verify"), 2, "--classic has its own columns"),
        (("--wide",), 2, "--wide shows what only a live machine tells"),
        (("--watch", "1"), 2, "a capture does not change"),
    ],
)
def test_what_is_refused(pymemtools: Run, arguments: tuple[str, ...], status: int, reason: str) -> None:
    done = pymemtools("oom-scores", "-S", X86, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (status, b"", 1)
    assert reason in done.stderr.decode()


def test_live(pymemtools: Run) -> None:
    for options in ((), ("--wide",)):
        done = pymemtools("oom-scores", "-f", "json", *options)
        rows = {row["pid"]: row for row in json.loads(done.stdout)["rows"]}
        assert abs(rows[os.getpid()]["oom_score"] - rows[os.getpid()]["oom_score_computed"]) <= 1
        assert not options or rows[os.getpid()]["threads"] >= 1


def test_before_2_6_36_the_kernels_scores_are_all_there_is(pymemtools: Run, tmp_path: Path) -> None:
    """They went by virtual size, CPU and run time."""
    proc = write_tree(tmp_path, Proc(1, "init"), Proc(42, "large"), Proc(43, "small")) / "proc"
    (proc / "version").write_text("Linux version 2.6.32-5-amd64 (x)\n")
    for pid, score in ((1, 70), (42, 9000), (43, 12)):
        (proc / str(pid) / "oom_score").write_text(f"{score}\n")
    done = pymemtools("oom-scores", "-S", str(tmp_path), "-f", "json")
    document = json.loads(done.stdout)
    assert [(row["pid"], row["oom_score"], row["oom_score_computed"]) for row in document["rows"]] == [
        (42, 9000, None),
        (1, 70, None),
        (43, 12, None),
    ]
    assert "before Linux 2.6.36" in document["notes"][0]
    for option in (("--verify",), ("--set-adj", "42=5"), ("--alloc", "1G")):
        refused = pymemtools("oom-scores", "-S", str(tmp_path), *option)
        assert (refused.returncode, refused.stdout) == (1, b"")
        assert refused.stderr.count(b"\n") <= 2


@pytest.mark.parametrize(
    ("release", "rule"),
    [
        ("2.6.32", []),  # another rule: no figures to put in
        (
            "3.2.0",
            [
                "badness = (RSS + swap + page tables) * 1000 / total + adj; total: RAM and swap, in pages",
                "42 = (25600 + 0 + 10) * 1000 / 307200 + 100 = 183",
                "score = badness",
                "  (oom_badness(), mm/oom_kill.c; proc_oom_score(), fs/proc/base.c; Linux 2.6.36 to 3.5)",
            ],
        ),
    ],
)
def test_the_rule_of_old_kernels(pymemtools: Run, tmp_path: Path, release: str, rule: list[str]) -> None:
    """It was said to be that of later ones, with a score of None."""
    proc = write_tree(tmp_path, Proc(42, "large")) / "proc"
    (proc / "version").write_text(f"Linux version {release} (x)\n")
    (proc / "42/oom_score").write_text("183\n")
    (proc / "42/oom_score_adj").write_text("100\n")
    (proc / "42/status").write_text("VmRSS:\t102400 kB\nVmSwap:\t     0 kB\nVmPTE:\t    40 kB\n")
    lines = pymemtools("oom-scores", "-S", str(tmp_path), "--explain").stdout.decode().splitlines()
    assert [line for line in lines if "badness" in line or " = " in line or "(oom_" in line] == rule


@pytest.mark.parametrize(("release", "tables"), [("4.1.0", 28), ("4.14.0", 28), ("4.15.0", 20)])
def test_page_tables_of_the_second_level_are_apart_from_4_0_to_4_14(
    pymemtools: Run, tmp_path: Path, release: str, tables: int
) -> None:
    """Before, the kernel did not count them; later they are in VmPTE."""
    proc = write_tree(tmp_path, Proc(42, "large")) / "proc"
    (proc / "version").write_text(f"Linux version {release} (x)\n")
    (proc / "42/oom_score_adj").write_text("0\n")
    (proc / "42/status").write_text("VmRSS:\t4000 kB\nVmSwap:\t0 kB\nVmPTE:\t80 kB\nVmPMD:\t32 kB\n")
    rows = json.loads("\n".join(output(pymemtools, "-S", str(tmp_path), "-f", "json")))["rows"]
    assert [row["badness_pages"] for row in rows] == [1000 + tables]


def test_who_has_no_score_may_still_be_killed(pymemtools: Run, tmp_path: Path) -> None:
    proc = write_tree(tmp_path, Proc(1, "init"), Proc(42, "large")) / "proc"
    (proc / "version").write_text("Linux version 2.6.14 (x)\n")
    rows = json.loads("\n".join(output(pymemtools, "-S", str(tmp_path), "-f", "json")))["rows"]
    assert [(row["pid"], row["oom_score"], row["killable"]) for row in rows] == [(1, None, False), (42, None, None)]


def test_zombies_have_no_memory(pymemtools: Run, tmp_path: Path) -> None:
    """The kernel shows 0 for them, however many there are, and never kills one."""
    dead = [Proc(pid, "dead") for pid in range(50, 60)]
    proc = write_tree(tmp_path, Proc(42, "alive"), *dead) / "proc"
    (proc / "42/oom_score").write_text("666\n")
    (proc / "42/status").write_text("Name:\talive\nVmRSS:\t     100 kB\nVmPTE:\t      40 kB\n")
    for folder in proc.glob("[0-9]*"):
        (folder / "oom_score_adj").write_text("0\n")
    for each in dead:
        folder = proc / str(each.pid)
        (folder / "stat").write_text((folder / "stat").read_text().replace(") S ", ") Z "))
        (folder / "oom_score").write_text("0\n")
        (folder / "smaps").write_text("")
        (folder / "cmdline").write_text("")
    lines = output(pymemtools, "-S", str(tmp_path), "--verify")
    assert lines[-1] == "11 processes, 0 differ; scores are those of Linux 5.9 and later"
    rows = json.loads("\n".join(output(pymemtools, "-S", str(tmp_path), "-f", "json")))["rows"]
    assert {(row["oom_score"], row["oom_score_computed"], row["killable"]) for row in rows if row["pid"] != 42} == {
        (0, 0, False)
    }


def test_what_nothing_tells_the_memory_of_is_not_weighed(pymemtools: Run, tmp_path: Path) -> None:
    proc = write_tree(tmp_path, Proc(1, "init"), Proc(42, "bare"), Proc(43, "scored")) / "proc"
    for pid in ("42", "43"):
        for name in ("smaps", "stat", "status"):
            (proc / pid / name).unlink(missing_ok=True)
    (proc / "43" / "oom_score").write_text("700\n")
    done = pymemtools("oom-scores", "-S", str(tmp_path), "-f", "json")
    rows = json.loads(done.stdout)["rows"]
    keys = ("pid", "oom_score", "oom_score_computed", "badness_pages", "share_permille", "killable")
    assert [row["pid"] for row in rows] == [1, 43]
    assert [rows[1][key] for key in keys] == [43, 700, None, None, None, None]
    assert b"1 of 3 processes could not be read\n" in done.stderr
    refused = pymemtools("oom-scores", "-S", str(tmp_path), "--set-adj", "43=5")
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert refused.stderr.endswith(b"43: the source does not tell its memory\n")


def test_the_init_of_a_container_is_killed_like_others(pymemtools: Run, tmp_path: Path) -> None:
    """The kernel gives it a score; that of the machine has 0."""
    proc = write_tree(tmp_path, Proc(1, "sh", (Map("", 9000),)), Proc(42, "small")) / "proc"
    (proc / "42" / "oom_score").write_text("666\n")
    for score, killable in (("670\n", True), ("0\n", False)):
        (proc / "1" / "oom_score").write_text(score)
        rows = json.loads("\n".join(output(pymemtools, "-S", str(tmp_path), "-f", "json")))["rows"]
        assert {row["pid"]: row["killable"] for row in rows} == {1: killable, 42: True}
