"""What a report of the OOM killer comes to in words: what held the memory, and who was killed why."""

from __future__ import annotations

import pytest
from conftest import CAPTURES
from oom_log import HOG, LOGS, MEM_INFO, TASKS, analyses, killed, made, of_group, only, real

from pymemtools.render.kill_text import told_lines
from pymemtools.reports.oom_report.analysis import memory_held, uncounted
from pymemtools.reports.oom_report.report import Told
from pymemtools.reports.oom_report.verdict import verdict


def test_what_held_the_memory_when_lists_were_shared() -> None:
    """Linux 2.6.18: anonymous and file pages are on the same lists."""
    log = b"java invoked oom-killer: gfp_mask=0x201d2, order=0, oomkilladj=0\nMem-info:\n"
    log += b"Active:20000 inactive:10000 dirty:0 writeback:0 unstable:0 free:900 slab:5000 mapped-file:3 "
    log += b"mapped-anon:4 pagetables:70\n"
    log += b"Out of memory: Killed process 42 (hog).\n"
    assert verdict(only(log)) == ["Most of it was anonymous and file 117.2 MiB, slab 19.5 MiB, page tables 280.0 KiB."]


def test_every_page_is_in_one_figure_only() -> None:
    """What the machines of the real reports had and nobody held is less than 6 % of their RAM."""
    seen = 0
    for log in [*LOGS, *CAPTURES.glob("*/oom-dmesg")]:
        for analysis in analyses(log.read_bytes()):
            rest, report = uncounted(analysis), analysis.report
            if rest is not None and report.ram_pages and report.reserved_pages:
                assert rest < 0.06 * (report.ram_pages - report.reserved_pages) * analysis.page_size
                seen += 1
    assert seen > 15


def test_caches_of_the_kernel_that_are_larger_than_all_else() -> None:
    """As the kernel then lists them."""
    more = (
        "Unreclaimable slab info:\nName                      Used          Total\n"
        "btrfs_extent_map     290000KB     300000KB\nkmalloc-64               10KB         16KB\n"
    )
    memory = MEM_INFO.format(anon=100, locked=0, shmem=0, more="").replace("unreclaimable:40", "unreclaimable:95000")
    found = only(made(TASKS, [HOG], [killed(42, "hog")], "6.1.0", memory=memory + more))
    assert verdict(found)[:2] == [
        "Most of it was slab 371.2 MiB, anonymous 400.0 KiB, page tables 200.0 KiB.",
        "Of the kernel's caches that cannot be reclaimed the largest were btrfs_extent_map 293.0 MiB, "
        "kmalloc-64 16.0 KiB.",
    ]
    assert [row.name for row in found.tasks] == ["hog"]


@pytest.mark.parametrize(
    ("dma32", "normal", "is_said"),
    [
        (1_000_000, 90_000, True),
        (1_000_000, 70_000, False),  # below low
        (250_000, 90_000, False),  # above its low, but not above what it keeps from who could use Normal: 240000 kB
    ],
)
def test_whether_memory_was_short_or_in_pieces(dma32: int, normal: int, is_said: bool) -> None:
    """The small zone gives nothing to who could use a higher one, however much it has free."""
    zones = (
        ("DMA", 15000, 60, 15360, "0 3000 60000"),
        ("DMA32", dma32, 16000, 3_000_000, "0 0 60000"),
        ("Normal", normal, 80000, 8_000_000, "0 0 0"),
    )
    lines = [
        f"{name} free:{free}kB min:{low * 3 // 4}kB low:{low}kB high:{low * 5 // 4}kB present:{whole}kB "
        f"managed:{whole}kB\nlowmem_reserve[]: {kept}"
        for name, free, low, whole, kept in zones
    ]
    memory = MEM_INFO.format(anon=100, locked=0, shmem=0, more="").partition("Normal free")[0] + "\n".join(lines)
    log = made(TASKS, [HOG], [killed(42, "hog")], "6.1.0", memory=memory).replace(b"order=0", b"order=2")
    said = "No zone was short of memory: what was missing are 4 pages in one piece."
    assert (said in verdict(only(log))) is is_said


def test_who_had_most_where_that_is_not_who_was_killed() -> None:
    row = "[     {0}]    33    {0}    90000    20000   81920        0             0 apache2"
    rows = [HOG.replace("    0 hog", "-1000 hog"), *(row.format(pid) for pid in range(50, 60))]
    words = verdict(only(made(TASKS, rows, [killed(55, "apache2")], "6.1.0")))
    assert "The 10 processes named apache2 had 781.2 MiB with swap; what they share counts for each." in words
    assert "The largest was 42 (hog) with 312.5 MiB." in words


def test_nobody_may_be_killed() -> None:
    row = HOG.replace("    0 hog", "-1000 hog")
    for end in (
        "Out of memory and no killable processes...",
        "Kernel panic - not syncing: Out of memory and no killable processes...",
    ):
        analysis = only(made(TASKS, [row], [end], "6.1.0"))
        assert "The kernel found nobody that it may kill." in verdict(analysis)
        assert "  killed:   nobody" in list(told_lines(Told("", analysis), is_whole=False))
        assert (analysis.predicted, analysis.is_cut) == (None, False)
    early = only(made(TASKS, [], [end], "6.8.0"))  # before the first process, as kernels with too small a machine do
    said = list(told_lines(Told("", early), is_whole=False))
    assert "  model:    names no victim, for lack of any that may be killed" in said
    assert (early.missing, early.is_cut) == ([], False)


def test_a_kill_that_somebody_asked_for() -> None:
    log = made(TASKS, [HOG], [killed(42, "hog")], "6.11.0").replace(b"0x201da, order=0", b"0xcc0(GFP_KERNEL), order=-1")
    log = log.replace(b"CPU: 0 PID: 7 Comm: java", b"CPU: 0 UID: 0 PID: 7 Comm: kworker/0:1")
    found = only(log)
    assert (found.report.order, found.report.invoker_pid, found.report.kernel) == (-1, 7, "6.11.0")
    assert verdict(found)[0] == "Somebody asked for the kill (SysRq-f)."
    assert not any("swap would" in sentence for sentence in verdict(found))


def test_who_asked_was_killed() -> None:
    """vm.oom_kill_allocating_task: points do not matter, and no oom_score_adj would have helped."""
    rows = [HOG, "[      7]  1000     7     9000      800     8192        0             0 java"]
    why, sizes = "Out of memory (oom_kill_allocating_task):", "total-vm:36000kB, anon-rss:3000kB"
    old = [f"{why} Kill process 7 (java) score 0 or sacrifice child", f"Killed process 7 (java) {sizes}"]
    for release, end in (("4.19.0", old), ("6.1.0", [f"{why} Killed process 7 (java) {sizes}"])):
        words = verdict(only(made(TASKS, rows, end, release)))
        assert words[-1] == "7 (java) was killed because it asked for memory then (vm.oom_kill_allocating_task)."


@pytest.mark.parametrize(
    ("figures", "more", "sentence"),
    [
        ({"anon": 90000, "shmem": 100}, "", "Most of it was anonymous 351.2 MiB, shmem 400.0 KiB, slab 280.0 KiB."),
        (
            {"anon": 90000, "shmem": 89000},
            "",
            "Most of it was shmem 347.7 MiB, anonymous 3.9 MiB, slab 280.0 KiB. Shared memory and files on tmpfs "
            "(347.7 MiB) stay after a kill, until they are deleted.",
        ),
        (
            {"anon": 100, "locked": 90000},
            "",
            "Most of it was unevictable 351.6 MiB, anonymous 400.0 KiB, slab 280.0 KiB.",
        ),
        (
            {"anon": 1000},
            "Node 0 hugepages_total=190 hugepages_free=190 hugepages_surp=0 hugepages_size=2048kB\n"
            "Node 1 hugepages_total=1 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB",
            "Most of it was hugetlb pool 382.0 MiB, anonymous 3.9 MiB, slab 280.0 KiB.",
        ),
        (
            {"anon": 60000},
            "",
            "Most of it was anonymous 234.4 MiB, slab 280.0 KiB, page tables 200.0 KiB. 152.1 MiB more are in none of "
            "the report's counters: the kernel or its drivers have them.",
        ),
        (
            {"anon": 1000},
            "",
            "382.6 MiB of RAM are in none of the report's counters: the kernel itself or its drivers have them, and no "
            "kill gives them back. Most of the rest was anonymous 3.9 MiB, slab 280.0 KiB, page tables 200.0 KiB.",
        ),
    ],
    ids=[
        "programs",
        "tmpfs, which is on the anonymous lists",
        "mlock",
        "huge pages that nobody uses",
        "a balloon",
        "a driver",
    ],
)
def test_what_held_the_memory(figures: dict[str, int], more: str, sentence: str) -> None:
    memory = MEM_INFO.format(**{"anon": 0, "shmem": 0, "locked": 0, "more": more} | figures)
    row = "[     42]     0    42    90000      800    81920        0             0 hog"
    found = verdict(only(made(TASKS, [row], [killed(42, "hog")], "6.1.0", memory=memory)))
    assert " ".join(found).partition(" There was no swap.")[0] == sentence


def test_shared_memory_of_a_group_is_among_its_files() -> None:
    log = b"x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0\n"
    log += b"memory: usage 900kB, limit 900kB, failcnt 1\nMemory cgroup stats for /a:\n"
    log += b"anon 1000\nfile 900000\nshmem 800000\n" + killed(42, "hog", group=True).encode()
    assert memory_held(only(log)) == {"anonymous": 1000, "file": 100_000, "shmem": 800_000}


def test_low_memory_is_short_though_high_memory_is_free() -> None:
    more = "HighMem free:800000kB min:512kB low:900kB high:1200kB"
    log = made(TASKS, [], [killed(42, "hog")], "6.1.0", memory=MEM_INFO.format(anon=0, shmem=0, locked=0, more=more))
    words = "Low memory was asked for, and short: 781.2 MiB of HighMem were free, but do not serve then."
    assert words not in verdict(only(log))
    assert words in verdict(only(log.replace(b"gfp_mask=0x201da", b"gfp_mask=0xd0")))


def test_what_would_have_saved_it_where_points_are_thousandths() -> None:
    """Linux 2.6.36 to 2.6.38: a step of oom_score_adj is a point, whatever the size of the machine."""
    rows = [
        "[   42]  1000    42    90000   80000   0       0             0 hog",
        "[   43]  1000    43    20000   10000   0       0             0 next",
    ]
    log = made("cpu oom_adj oom_score_adj", rows, ["Killed process 42 (hog) total-vm:360000kB"], "2.6.38")
    found = only(log.replace(b"Total swap = 262140kB", b"Total swap = 0kB"))
    assert [row.points for row in found.tasks] == [645, 80]
    assert "With oom_score_adj -566 or less, 43 (next) would have been killed instead." in verdict(found)


def test_a_child_is_sacrificed() -> None:
    rows = [
        "[     42]  1000    42    90000    80000   819200        0             0 parent",
        "[     43]  1000    43    70000    60000   819200        0             0 child",
    ]
    end = [
        "Out of memory: Kill process 42 (parent) score 423 or sacrifice child",
        "Killed process 43 (child) total-vm:280000kB, anon-rss:240000kB, file-rss:0kB",
    ]
    analysis = only(made(TASKS, rows, end, "4.19.0"))
    assert analysis.predicted is not None
    assert (analysis.predicted.pid, analysis.scores.computed) == (42, 423)
    assert "42 (parent) was chosen, and its child 43 (child) sacrificed." in verdict(analysis)


def test_pages_on_the_lists_of_processors_and_stacks_of_the_kernel() -> None:
    """Both are in the report; before Linux 5.10 zones tell of the stacks."""
    found = only(real("own-ppc64le-6.1.176-debian-sysrq.txt"))
    held = memory_held(found)
    assert (held["free"], held["kernel stacks"]) == ((9848 + 409) << 16, 848 << 10)
    assert not any("none of the report's counters" in sentence for sentence in verdict(found))
    old = analyses(real("own-x86_64-5.4.0-216-ubuntu-global-r1.txt"))[0]
    assert memory_held(old)["kernel stacks"] == 1088 << 10


@pytest.mark.parametrize(
    "reason",
    ["System is deadlocked on memory", "Out of memory: compulsory panic_on_oom is enabled"],
)
def test_a_panic_of_which_a_quiet_console_shows_no_more(reason: str) -> None:
    """As booted with ``quiet``: the report itself is not loud enough, the panic is."""
    log = f"[    1.025704] Kernel panic - not syncing: {reason}\n".encode()
    log += b"[    1.026254] CPU: 0 PID: 9 Comm: kworker/u2:0 Not tainted 6.1.0-50-amd64 #1  Debian 6.1.176-1\n"
    log += f"[    1.027962] ---[ end Kernel panic - not syncing: {reason} ]---\n".encode()
    found = only(log)
    assert (found.report.when, found.report.kernel) == ("1.025704", "6.1.0-50-amd64")
    assert verdict(found) == ["The kernel panicked instead of killing."]
    assert analyses(log.replace(reason.encode(), b"VFS: Unable to mount root fs on unknown-block(0,0)")) == []


def test_the_nodes_of_a_cpuset_were_short() -> None:
    """Nothing would have stopped it before the machine was short, which it was not."""
    assert verdict(only(real("own-x86_64-7.2.13-cpuset.txt"))) == [
        "Most of it was anonymous 359.5 MiB, slab 9.5 MiB, shmem 2.1 MiB.",
        "There was no swap.",
        "117 (tail) had 361.5 MiB, 90 % of all, of its own.",
        "On other nodes 582.2 MiB were free: more nodes in the cpuset (cpuset.mems) would have put the kill off.",
    ]


def test_more_than_the_limit_of_the_group() -> None:
    """Resident are pages of files, too, which were charged to the group that read them first: no share of all."""
    analysis = only(made(TASKS, [HOG], [killed(42, "hog", group=True)], "6.13.0", memory=of_group(0)))
    assert "42 (hog) had 313.3 MiB of its own." in verdict(analysis)
