"""Reports of the OOM killer weighed again: the rule of each era, and what points are measured by."""

from __future__ import annotations

import re

import pytest
from oom_log import HOG, TASKS, killed, made, of_group, only, real

from pymemtools.render.kill_text import told_lines
from pymemtools.reports.oom_report.analysis import memory_held, ranked
from pymemtools.reports.oom_report.report import Told
from pymemtools.reports.oom_report.verdict import verdict

ERAS = [
    pytest.param(
        "cpu oom_adj", "[   42]     0    42    90000   80000   0       0 hog", "2.6.32", None, None, id="2.6.32"
    ),
    pytest.param(
        *("cpu oom_adj oom_score_adj", "[   42]  1000    42    90000   80000   0       0             0 hog", "2.6.38"),
        *(None, None),
        id="2.6.36, swapped out, who knows what",
    ),
    pytest.param(
        *("nr_ptes swapents oom_score_adj", "[   42]  1000    42    90000   80000     200      5000             0 hog"),
        *("3.6.11", 85200, 449),
        id="3.6",
    ),
    pytest.param(
        *("nr_ptes swapents oom_score_adj", "[   42]     0    42    90000   80000     200      5000             0 hog"),
        *("3.6.11", 85200 - 30 * 189, 419),
        id="3.6, root",
    ),
    pytest.param(
        *("nr_ptes swapents oom_score_adj", "[   42]     0    42    90000   80000     200      5000             0 hog"),
        *("3.10.0-514.el7.x86_64", 85200 - 85200 * 3 // 100, 436),
        id="3.10, root",
    ),
    pytest.param(
        "nr_ptes nr_pmds swapents oom_score_adj",
        "[   42]  1000    42    90000   80000     200      10     5000             0 hog",
        *("4.4.0", 85210, 449),
        id="4.1",
    ),
    pytest.param(
        "nr_ptes nr_pmds nr_puds swapents oom_score_adj",
        "[   42]  1000    42    90000   80000     200      10      3     5000             0 hog",
        *("4.14.0", 85213, 449),
        id="4.14",
    ),
    pytest.param(
        "pgtables_bytes swapents oom_score_adj",
        "[     42]     0    42    90000    80000   819200     5000             0 hog",
        *("4.19.0", 85200, 449),
        id="4.17, root",
    ),
    pytest.param(
        "rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj",
        "[     42]     0    42    90000    80000    79000     1000        0   819200     5000          -999 hog",
        *("6.8.0", 85200 - 999 * 189, -546),
        id="6.8, below nothing",
    ),
]


@pytest.mark.parametrize(("columns", "row", "release", "points", "score"), ERAS)
def test_every_era(columns: str, row: str, release: str, points: int | None, score: int | None) -> None:
    """Of 189529 pages of RAM and swap."""
    end = ["Out of memory: Kill process 42 (hog) score 1 or sacrifice child", "Killed process 42 (hog)"]
    analysis = only(made(columns, [row], end, release))
    assert analysis.total_pages == 123994 + 65535
    assert analysis.tasks[0].points == points
    assert analysis.scores.computed == score
    assert (analysis.predicted is None) == (release == "2.6.32")
    assert analysis.tasks[0].rss == 80000 * 4096


def test_before_2_6_36_what_is_missing_is_named() -> None:
    row = "[   42]     0    42  90000  80000   0   0 hog"
    analysis = only(made("cpu oom_adj", [row], ["Killed process 42 (hog)"], "2.6.32"))
    assert analysis.missing == ["CPU time", "run time", "nice value", "children"]


def test_red_hat_6_has_the_later_rule() -> None:
    row = "[   42]  1000    42    90000   80000   0       0             0 hog"
    end = ["Killed process 42, UID 1000, (hog) total-vm:360000kB"]
    log = made("cpu oom_adj oom_score_adj", [row], end, "2.6.32-642.el6")
    analysis = only(log)
    assert analysis.missing == ["swapents"]
    assert analysis.version == (2, 6, 36)
    assert analysis.killed is not None
    assert analysis.killed.uid == 1000
    without_swap = only(log.replace(b"Total swap = 262140kB", b"Total swap = 0kB"))
    assert (without_swap.tasks[0].points, without_swap.missing) == (80000 * 1000 // 123994, [])


def test_page_tables_count_before_the_table_has_them() -> None:
    """Since 2.6.39 they do, and are told since 3.6: no score then, but a victim where they cannot matter."""
    row = "[   42]  1000    42    90000   80000   0       0             0 hog"
    log = made("cpu oom_adj oom_score_adj", [row], ["Killed process 42 (hog) total-vm:360000kB"], "3.2.0")
    found = only(log.replace(b"Total swap = 262140kB", b"Total swap = 0kB"))
    assert (found.tasks[0].points, found.scores.computed, found.missing) == (None, None, ["nr_ptes"])
    assert found.predicted == found.tasks[0]


def test_a_victim_beyond_doubt_though_nobody_tells_what_was_swapped() -> None:
    """As on 3.2: the largest has most, whatever of the 255 MiB of swap is whose; or it may not."""
    rows = [
        "[   42]  1000    42   500000   400000   0       0             0 large",
        "[   43]  1000    43    90000    80000   0       0             0 small",
        "[   44]  1000    44   900000        0   0     -17         -1000 udevd",
    ]
    analysis = only(made("cpu oom_adj oom_score_adj", rows, ["Killed process 42 (large) total-vm:2000000kB"], "3.2.0"))
    assert analysis.predicted is not None
    assert (analysis.predicted.pid, analysis.scores.computed, analysis.missing) == (
        42,
        None,
        ["nr_ptes", "swapents"],
    )
    rows[0] = rows[0].replace("400000", " 60000")
    in_doubt = only(made("cpu oom_adj oom_score_adj", rows, ["Killed process 42 (large) total-vm:2000000kB"], "3.2.0"))
    assert in_doubt.predicted is None


def test_who_is_spared_is_last() -> None:
    rows = [
        "[      1]     0     1    90000    80000   819200        0             0 systemd",
        "[     41]     0    41    90000    85000   819200        0         -1000 sshd",
        "[     42]     0    42    90000    70000   819200        0             0 hog",
    ]
    found = only(made(TASKS, rows, [killed(42, "hog")], "6.1.0"))
    assert [row.pid for row in ranked(found)] == [42, 41, 1]


def test_a_thread_was_chosen() -> None:
    """As seen on RHEL 7: the score is of the process, and no child was sacrificed."""
    row = "[76513]     0 76513  6553193  1047384    2363        0             0 java"
    memory = (
        "memory: usage 4194304kB, limit 4194304kB, failcnt 25581\n"
        "memory+swap: usage 4194304kB, limit 8388608kB, failcnt 0\n"
    )
    end = [
        "Memory cgroup out of memory: Kill process 76756 (java) score 1001 or sacrifice child",
        "Killed process 76513 (java) total-vm:26212772kB, anon-rss:4189536kB, file-rss:0kB, shmem-rss:0kB",
    ]
    log = made("nr_ptes swapents oom_score_adj", [row], end, "3.10.0-514.el7.x86_64", memory=memory)
    analysis = only(log)
    assert (analysis.scores.printed, analysis.scores.computed, analysis.total_pages) == (1001, 1001, 1048576)
    assert analysis.chosen_pid == 76513
    said = "76756 (java) was chosen, which is no process of the table: a thread of 76513 (java), it seems."
    assert said in verdict(analysis)


@pytest.mark.parametrize(
    ("words", "constraint"),
    [
        ("No available memory (MPOL_BIND)", "CONSTRAINT_MEMORY_POLICY"),
        ("No available memory in cpuset", "CONSTRAINT_CPUSET"),
        ("Memory cgroup out of memory", "CONSTRAINT_MEMCG"),
    ],
)
def test_what_was_short_before_2_6_36(words: str, constraint: str) -> None:
    end = [f"{words}: kill process 42 (hog) score 12 or a child", "Killed process 42 (hog) vsz:360000kB, anon-rss:80kB"]
    found = only(made("cpu oom_adj", ["[   42]  1000    42    90000   80000   0       0 hog"], end, "2.6.34"))
    assert (found.report.constraint, found.total_pages) == (constraint, None)


def test_who_has_no_capability_is_not_told() -> None:
    """Nor is the score, before 4.17, where no score is printed: both are given."""
    row = "[   42]     0    42    90000   80000     200        0             0 hog"
    found = only(made("nr_ptes swapents oom_score_adj", [row], ["Killed process 42 (hog)"], "3.10.0"))
    assert (found.scores.computed, found.scores.other) == (410, 423)
    assert found.missing == ["whether uid 0 had CAP_SYS_ADMIN"]


def test_ties_are_broken_as_the_kernel_does() -> None:
    rows = [f"[     {pid}]  1000    {pid}    90000    80000   819200        0             0 twin" for pid in (42, 43)]
    for release, pid in (("4.19.0", 42), ("5.4.0", 43), ("6.1.0", 43)):
        predicted = only(made(TASKS, rows, [f"Killed process {pid} (twin)"], release)).predicted
        assert predicted is not None
        assert predicted.pid == pid


def test_no_counter_of_a_task_is_below_nothing() -> None:
    row = "[     42]     0    42   -90000    -5    -81920    -1000             0 hog"
    (task,) = only(made(TASKS, [row], [killed(42, "hog")], "6.1.0")).tasks
    assert (task.vss, task.rss, task.swap, task.page_tables, task.points) == (0, 0, 0, 0, 0)


def test_more_reserved_than_there_is_gives_no_total() -> None:
    log = real("own-x86_64-6.8.0-151-ubuntu-global-r2.txt")
    found = only(re.sub(rb"[0-9]+ pages reserved", b"99999999999999999999 pages reserved", log))
    assert (found.total_pages, found.predicted) == (None, None)
    assert "pages RAM" in found.missing


def test_a_group_with_swap_that_the_report_does_not_tell() -> None:
    rows = [
        "[     41]     0    41    9000    2000   81920        0           100 a",
        "[     42]     0    42    9000    4000   81920        0             0 b",
    ]
    log = made(TASKS, rows, [killed(42, "b", group=True)], "6.1.0", memory=of_group(9007199254740988))
    analysis = only(log)
    assert (analysis.total_least, analysis.total_most, analysis.predicted) == (8192, None, None)
    assert analysis.missing == ["Total swap"]


def test_the_printed_score_tells_whether_swap_counts_in_a_group() -> None:
    """Of 8192 pages and as many of swap, on 4.8; in the classic line, a name with a colon."""
    row = "[   42]     0    42   500000    5200      34       4     5500             0 hog"
    memory = (
        "Task in /a:b killed as a result of limit of /a:b\nmemory: usage 32768kB, limit 32768kB, failcnt 7\n"
        "memory+swap: usage 65000kB, limit 65536kB, failcnt 7\n"
        "Memory cgroup stats for /a:b: cache:0KB rss:20260KB swap:20460KB\n"
    )
    for printed, total in ((655, 16384), (1310, 8192)):
        end = [
            f"Memory cgroup out of memory: Kill process 42 (hog) score {printed} or sacrifice child",
            "Killed process 42 (hog)",
        ]
        analysis = only(made("nr_ptes nr_pmds swapents oom_score_adj", [row], end, "4.8.0", memory=memory))
        assert (analysis.total_pages, analysis.scores.computed, analysis.missing) == (total, printed, [])
        assert (analysis.report.group, analysis.report.group_stats["rss"]) == ("/a:b", 20260 << 10)


NODES = """\
Node 0 DMA free:100kB min:88kB low:108kB high:132kB present:16000kB managed:15900kB
Node 0 Normal free:100kB min:88kB low:108kB high:132kB present:400000kB managed:390000kB
Node 1 Normal free:100kB min:88kB low:108kB high:132kB present:600000kB managed:590000kB
Free swap  = 0kB
Total swap = 40000kB
520000 pages RAM
20000 pages reserved
"""


@pytest.mark.parametrize(
    ("release", "constraint", "nodemask", "allowed", "kib"),
    [
        ("6.1.0", "CONSTRAINT_MEMORY_POLICY", "0", "0-1", 16000 + 400000 + 40000),
        ("6.1.0", "CONSTRAINT_CPUSET", "(null)", "1", 600000 + 40000),
        ("5.4.0", "CONSTRAINT_CPUSET", "(null)", "0-1", 1016000 + 40000),
        ("6.1.0", "CONSTRAINT_CPUSET", "(null)", "0-2", None),
        ("5.0.0", "CONSTRAINT_CPUSET", "(null)", "1", None),
        ("6.1.0", "CONSTRAINT_NONE", "(null)", "0-1", 500000 * 4 + 40000),
    ],
)
def test_short_on_some_nodes(release: str, constraint: str, nodemask: str, allowed: str, kib: int | None) -> None:
    """What the nodes have and the report shows, and swap; before 5.4 what they span, which it does not."""
    told = f"nodemask={nodemask},cpuset=a,mems_allowed={allowed},global_oom,task_memcg=/,task=hog,pid=42,uid=0"
    found = only(made(TASKS, [HOG], [f"oom-kill:constraint={constraint},{told}", killed(42, "hog")], release, NODES))
    assert found.total_pages == (kib and kib // 4)
    nodes = {"CPUSET": "the cpuset's nodes, and", "MEMORY_POLICY": "the policy's nodes, and"}
    what = nodes.get(constraint.removeprefix("CONSTRAINT_"), "RAM and")
    assert (f"pages of {what} swap = " in " ".join(told_lines(Told("", found), is_whole=False))) == (kib is not None)
    assert found.missing == ([] if kib else ["pages of the nodes that were allowed"])


def test_nobody_tells_whether_some_nodes_only_are_short() -> None:
    """Before 5.0: by a policy that the first line has, or if nodes are not shown."""
    end = ["Out of memory: Kill process 42 (hog) score 1 or sacrifice child", "Killed process 42 (hog)"]
    log = made(TASKS, [HOG], end, "4.19.0", NODES.replace("520000", "270000"))
    assert only(log).total_pages == 250000 + 10000
    for other in (log.replace(b", order=0", b", nodemask=1, order=0"), log.replace(b"270000 pages", b"520000 pages")):
        found = only(other)
        assert (found.total_pages, found.missing) == (None, ["pages of the nodes that were allowed"])


def test_who_is_first_whatever_swap_there_is() -> None:
    rows = [
        "[     41]     0    41    9000    2000   81920        0             0 a",
        "[     42]     0    42    9000    4000   81920        0           500 b",
    ]
    memory = of_group(9007199254740988)
    assert getattr(only(made(TASKS, rows, [], "6.1.0", memory=memory)).predicted, "pid", None) == 42


def test_root_in_a_container_has_no_bonus() -> None:
    """The printed score tells: 1003 of 1000 was seen on 4.8, without what root's tasks have less."""
    row = "[     42]     0    42    90000   80000     200      10        0             0 hog"
    for printed, other in ((423, 410), (410, 423)):
        end = [f"Out of memory: Kill process 42 (hog) score {printed} or sacrifice child", "Killed process 42 (hog)"]
        found = only(made("nr_ptes nr_pmds swapents oom_score_adj", [row], end, "4.8.0"))
        assert (found.scores.computed, found.scores.other) == (printed, other)
        assert found.tasks[0].oom_score_computed == printed


def test_pages_of_64_kib() -> None:
    """Told by the killed process's size in kB, or by free memory, which Mem-Info has in pages and in kB."""
    row = "[     42]  1000    42    90000    80000   655360        0             0 hog"
    memory = "Mem-Info:\n free:1000 slab_reclaimable:5\nNormal free:64000kB min:88kB low:108kB high:132kB\n"
    memory += "Total swap = 0kB\n131072 pages RAM\n1072 pages reserved\n"
    for end in ([killed(42, "hog", 80000 * 64 - 800, total_vm=90000 * 64)], []):
        analysis = only(made(TASKS, [row], end, "5.10.0", memory=memory))
        assert analysis.page_size == 65536
        assert analysis.tasks[0].rss == 80000 << 16
        assert analysis.tasks[0].points == 80010
        assert analysis.total_pages == 130000
        assert all(each.holds for each in analysis.identities if each.what != "pgtables")
    # Two page tables share a page there (arch/powerpc/mm/pgtable-frag.c): so many bytes count as no page, and are some.
    less = only(made(TASKS, [row.replace("655360", "23040")], [], "5.10.0", memory=memory)).tasks[0]
    assert (less.page_tables, less.points) == (23040, 80000)


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("4.18.0-553.el8_10.ppc64le", 65536),  # Red Hat's
        ("6.1.0-50-powerpc64le", 65536),  # Debian's
        ("4.18.0-553.el8_10.aarch64", 65536),
        ("5.14.0-503.el9.aarch64", 4096),
        ("5.14.0-503.el9.aarch64+64k", 65536),
        ("6.8.0-45-generic-64k", 65536),
        ("6.12.34+rpt-rpi-2712", 16384),  # Raspberry Pi 5
        ("6.6.3-asahi-16k", 16384),
        ("6.1.0-50-amd64", 4096),
    ],
)
def test_the_page_size_of_a_report_without_zones_by_its_kernel(release: str, expected: int) -> None:
    """As of one cut behind Mem-Info, in a mail to linux-xfs: its pages are 16 times those of x86."""
    head = f"xfs_db invoked oom-killer: gfp_mask=0x62, order=0\nCPU: 2 PID: 977 Comm: xfs_db Not tainted {release} #1\n"
    analysis = only((head + "Mem-Info:\nactive_anon:900 inactive_anon:100 isolated_anon:0\n").encode())
    assert analysis.page_size == expected
    assert memory_held(analysis)["anonymous"] == 1000 * expected
