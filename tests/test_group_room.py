"""What the limits of memory groups make of an answer, in trees written by hand; for kills see test_group_kill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from group_trees import MEMINFO, MIB, V2_ROOT, V2_STAT, group, group_v1, write
from trees import Map, Proc, write_tree

from pymemtools.capture.contents import cgroup_paths
from pymemtools.sources import open_source

# 465 MiB in use: 100 MiB of them file pages that are clean and mapped by nobody, 10 of slab.
ROOM_WITHOUT_SLAB = 512 - 465 + 100


def ask(run: Run, root: Path, *arguments: str) -> dict[str, Any]:
    done = run("what-if", *arguments, "-S", str(root), "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def limits(document: dict[str, Any]) -> list[tuple[str, str, int, int]]:
    rows = document["totals"]["limits"]
    return [(row["cgroup"], row["file"], row["room_least"] // MIB, row["room_most"] // MIB) for row in rows]


@pytest.mark.parametrize(
    ("files", "size", "outcome", "decided", "rooms"),
    [
        ({"max": 512 * MIB}, "140M", "fits", None, [("/a", "memory.max", 147, 157)]),
        ({"max": 512 * MIB}, "150M", "may not fit", "memory.max", [("/a", "memory.max", 147, 157)]),
        ({"max": 512 * MIB}, "200M", "OOM", "memory.max", [("/a", "memory.max", 147, 157)]),
        ({"high": 512 * MIB}, "200M", "throttled", "memory.high", [("/a", "memory.high", 147, 157)]),
        ({"high": 512 * MIB}, "150M", "may be throttled", "memory.high", [("/a", "memory.high", 147, 157)]),
        (
            {"max": 1024 * MIB, "high": 512 * MIB},
            "900M",
            "throttled",
            "memory.high",
            [("/a", "memory.max", 659, 669), ("/a", "memory.high", 147, 157)],
        ),
        # 512 MiB of swap are free on the machine; a limit of swap leaves less of it, and 8 MiB of that are in use.
        (
            {"max": 512 * MIB, "swap__max": 100 * MIB, "swap__current": 8 * MIB},
            "200M",
            "fits",
            None,
            [("/a", "memory.max", 239, 249)],
        ),
        ({"max": 512 * MIB, "swap__max": "max", "swap__current": 0}, "600M", "fits", None, None),
    ],
)
def test_v2(
    tmp_path: Path,
    pymemtools: Run,
    files: dict[str, object],
    size: str,
    outcome: str,
    decided: str | None,
    rooms: list[tuple[str, str, int, int]] | None,
) -> None:
    """Without a limit of swap in the group, all that is free on the machine could be had: here none is."""
    meminfo = MEMINFO if "swap__max" in files else MEMINFO.replace("SwapFree: 524288", "SwapFree: 0")
    write(tmp_path, V2_ROOT | group("/a", **files) | {"proc/meminfo": meminfo})
    document = ask(pymemtools, tmp_path, "alloc", size, "--group", "/a")
    assert document["totals"]["outcome"] == outcome
    assert document["totals"]["cgroup"] == "/a"
    assert document["totals"]["decided_by_file"] == decided
    assert rooms is None or limits(document) == rooms


def test_the_least_room_on_the_way_up_decides(tmp_path: Path, pymemtools: Run) -> None:
    parent = group("/pod", max=600 * MIB, current=580 * MIB, stat="inactive_file 0\nactive_file 0\n")
    tree = write(tmp_path, V2_ROOT | parent | group("/pod/one", max=512 * MIB, swap__max=0, swap__current=0))
    document = ask(pymemtools, tree, "alloc", "100M", "--group", "one")
    # Another group of the pod may be swapped out for it, so that is not sure.
    assert limits(document) == [("/pod/one", "memory.max", 147, 157), ("/pod", "memory.max", 20, 532)]
    totals = document["totals"]
    assert (totals["outcome"], totals["decided_by_cgroup"]) == ("may not fit", "/pod")
    assert totals["missing_least"] == 0
    assert totals["missing_most"] > 80 * MIB


def test_where_the_memory_comes_from(tmp_path: Path, pymemtools: Run) -> None:
    """Of 120 MiB, 47 are free below the limit; for the rest the group gives up its file pages, not the machine's."""
    tree = write(tmp_path, V2_ROOT | group("/a", max=512 * MIB, swap__max=0, swap__current=0))
    document = ask(pymemtools, tree, "alloc", "120M", "--group", "/a")
    taken = {row["source"]: row["taken"] for row in document["rows"]}
    assert taken["free"] == 47 * MIB
    assert taken["free"] + taken["clean file pages"] == document["totals"]["touched"]
    assert document["totals"]["free_before"] - document["totals"]["free_after"] == 47 * MIB


def test_file_pages_that_memory_min_keeps_are_not_surely_there(tmp_path: Path, pymemtools: Run) -> None:
    """Of the groups right below the one that is short; at the most what they have on the lists of files: 100 MiB."""
    parent = group("/a", max=512 * MIB, swap__max=0, swap__current=0)
    for inside, kept in (({"min": 30 * MIB}, 30), ({"min": "max"}, 100), ({"min": 0}, 0), ({"low": 90 * MIB}, 0)):
        tree = write(tmp_path / f"{inside}", V2_ROOT | parent | group("/a/b", **inside))
        document = ask(pymemtools, tree, "alloc", "140M", "--group", "/a")
        assert limits(document) == [("/a", "memory.max", 147 - kept, 157)]
        assert document["totals"]["outcome"] == ("may not fit" if kept else "fits")
        note = f"memory.min may keep {kept}.0 MiB of file pages within /a"
        assert (note in document["notes"]) is bool(kept)


def test_of_the_machine_memory_min_keeps_them_too(tmp_path: Path, pymemtools: Run) -> None:
    """Version 1 has no such file."""
    sure = {}
    for name, tree in (
        ("none", group("/a")),
        ("some", group("/a", min=30 * MIB)),
        ("v1", group_v1("/a", min=30 * MIB)),
    ):
        meminfo = {"proc/meminfo": f"{MEMINFO}Writeback: 0 kB\n"}  # without, all of it may be under writeback
        root = write(tmp_path / name, meminfo | (V2_ROOT if name != "v1" else group_v1("")) | tree)
        rows = ask(pymemtools, root, "alloc", "1M")["rows"]
        sure[name] = next(row["least"] for row in rows if row["source"] == "clean file pages")
    assert sure["none"] - sure["some"] == 30 * MIB
    assert sure["v1"] == sure["none"]


def test_a_limit_beyond_the_machine(tmp_path: Path, pymemtools: Run) -> None:
    """The machine is out of memory first, and by as much as if there were no limit: 90 GiB were said to be found."""
    tree = write(tmp_path, V2_ROOT | group("/a", max=100 << 30))
    totals = ask(pymemtools, tree, "alloc", "200G", "--group", "/a", "--set", "vm.overcommit_memory=1")["totals"]
    without = ask(pymemtools, tree, "alloc", "200G", "--set", "vm.overcommit_memory=1")["totals"]
    assert (totals["outcome"], totals["decided_by_cgroup"], totals["victim_pid"]) == ("OOM", None, 0)
    assert totals["missing_least"] == without["missing_least"] > 184 << 30


def test_v1(tmp_path: Path, pymemtools: Run) -> None:
    """memory.memsw.limit_in_bytes is of both: at that one nothing is swapped out, it would not help."""
    own = {"limit_in_bytes": 512 * MIB, "memsw__limit_in_bytes": 612 * MIB, "memsw__usage_in_bytes": 473 * MIB}
    tree = write(tmp_path, group_v1("") | group_v1("/docker") | group_v1("/docker/1f", **own))
    document = ask(pymemtools, tree, "alloc", "300M", "--group", "1f")
    assert limits(document) == [
        ("/docker/1f", "memory.memsw.limit_in_bytes", 612 - 473 + 100, 612 - 473 + 100),
        ("/docker/1f", "memory.limit_in_bytes", ROOM_WITHOUT_SLAB + 512, ROOM_WITHOUT_SLAB + 512),
    ]
    assert document["totals"]["outcome"] == "OOM"
    for name, text, rooms in (
        ("swappiness", "0\n", (239, ROOM_WITHOUT_SLAB)),
        ("oom_control", "oom_kill_disable 1\nunder_oom 0\noom_kill 0\n", (239, ROOM_WITHOUT_SLAB)),
    ):
        (tree / f"sys/fs/cgroup/memory/docker/1f/memory.{name}").write_text(text)
        document = ask(pymemtools, tree, "alloc", "300M", "--group", "1f")
        assert tuple(row["room_most"] // MIB for row in document["totals"]["limits"]) == rooms
    assert document["totals"]["outcome"] == "waits"
    assert document["totals"]["victim_pid"] is None


def test_v1_tells_of_a_limit_above_what_a_container_shows(tmp_path: Path, pymemtools: Run) -> None:
    """But not how much of it others use: so much may be had, and nothing is sure."""
    tree = write(tmp_path, group_v1("", limit_in_bytes=1024 * MIB))
    stat = tree / "sys/fs/cgroup/memory/memory.stat"
    stat.write_text(stat.read_text().replace(f"_memory_limit {512 * MIB}", f"_memory_limit {600 * MIB}"))
    document = ask(pymemtools, tree, "alloc", "100M", "--group", "/", "--swap", "512M")
    assert limits(document) == [
        ("/", "memory.limit_in_bytes", 1024 - 465 + 100, 1024 - 465 + 100),
        ("(above)", "hierarchical_memory_limit", 0, 600 - 465 + 100),
    ]
    assert document["totals"]["outcome"] == "may not fit"
    assert ask(pymemtools, tree, "alloc", "300M", "--group", "/", "--swap", "512M")["totals"]["outcome"] == "OOM"


def test_in_words(tmp_path: Path, pymemtools: Run) -> None:
    tree = write(tmp_path, V2_ROOT | group("/a", max=512 * MIB, swap__max=0, swap__current=0))
    done = pymemtools("what-if", "alloc", "200M", "-S", str(tree), "--group", "/a")
    lines = done.stdout.decode().splitlines()
    assert lines[1:4] == [
        "Touched, it takes 200.4 MiB; the memory group /a (memory.max 512.0 MiB) is out",
        "  of memory with 43.4 MiB missing: the kernel would kill the new process, score",
        "  871.",
    ]
    start = lines.index("limit          set to       used    surely there    at most  group")
    assert lines[start + 2] == "memory.max  512.0 MiB  465.0 MiB       147.0 MiB  157.0 MiB  /a"
    (tree / "sys/fs/cgroup/a/memory.high").write_text(f"{480 * MIB}\n")
    done = pymemtools("what-if", "alloc", "130M", "-S", str(tree), "--group", "/a")
    assert done.stdout.decode().splitlines()[1:3] == [
        "Touched, it takes 130.3 MiB; it is slowed down by the memory group /a",
        "  (memory.high 480.0 MiB), beyond 125.0 MiB.",
    ]


def test_before_5_4_memory_high_does_not_hold(tmp_path: Path, pymemtools: Run) -> None:
    files = {"max": 512 * MIB, "high": 480 * MIB, "swap__max": 0, "swap__current": 0}
    tree = write(tmp_path, V2_ROOT | group("/a", **files))
    for kernel, outcome in (("5.3", "OOM"), ("5.4", "throttled")):
        document = ask(pymemtools, tree, "alloc", "200M", "--group", "/a", "--kernel", kernel)
        assert document["totals"]["outcome"] == outcome


@pytest.mark.parametrize(
    ("question", "is_told"),
    [(("alloc", "1M"), True), (("cache", "1M"), True), (("oom", "--alloc", "1M"), True), (("oom",), False)],
)
def test_a_capture_has_no_caller(tmp_path: Path, pymemtools: Run, question: tuple[str, ...], is_told: bool) -> None:
    tree = write_tree(tmp_path, Proc(42, "a"))
    note = "a capture has no caller, so the root group asks: say --pid or --group for another"
    (tree / "proc/meminfo").write_text(MEMINFO)
    assert note not in ask(pymemtools, tree, *question)["notes"], "there are no groups"
    write(tree, V2_ROOT | group("/a", max=1 * MIB))
    document = ask(pymemtools, tree, *question)
    assert (note in document["notes"]) is is_told
    assert document["totals"]["cgroup"] == ("/" if is_told and question[0] != "oom" else None)


def test_who_asks(tmp_path: Path, pymemtools: Run) -> None:
    tree = write_tree(tmp_path, Proc(42, "a", cgroup="/a"), Proc(43, "b", cgroup="/b"))
    unknown = group("/a", max=466 * MIB, stat="anon 1", swap__max=0, swap__current=0)
    write(tree, V2_ROOT | unknown | group("/b"))
    for pid, outcome in (("42", "may not fit"), ("43", "fits")):
        assert ask(pymemtools, tree, "alloc", "100M", "--pid", pid)["totals"]["outcome"] == outcome
    for arguments in (("alloc", "1M"), ("cache", "1M"), ("oom",)):
        done = pymemtools("what-if", *arguments, "--pid", "42", "--group", "/a", "-S", str(tree))
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr == b"pymemtools: --pid and --group each say who asks: give one of them\n"
        done = pymemtools("what-if", *arguments, "--group", ".", "-S", str(tree))
        message = b"pymemtools: a capture has no group of its own: name one, by its path or its unit\n"
        assert (done.returncode, done.stdout, done.stderr) == (2, b"", message)
        done = pymemtools("what-if", *arguments, "--group", "/nope", "-S", str(tree))
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)


def test_a_copy_from_within_a_container(tmp_path: Path, pymemtools: Run) -> None:
    """It has the machine's path of the group, but shows the group as the root: its limit holds all the same."""
    tree = write_tree(tmp_path, Proc(42, "a", cgroup="/docker/1f"))
    write(tree, group("", max=466 * MIB, stat="active_file 0\ninactive_file 0\n", swap__max=0, swap__current=0))
    document = ask(pymemtools, tree, "alloc", "100M", "--pid", "42")
    assert (document["totals"]["outcome"], document["totals"]["decided_by_cgroup"]) == ("OOM", "/")
    assert "the source does not tell of /docker/1f, only of /: that is taken" in document["notes"]
    assert document["totals"]["killed_pids"] == [42]


def test_a_file_in_the_cache_of_a_group(tmp_path: Path, pymemtools: Run) -> None:
    """Of 512 MiB, 365 are used otherwise: 147 are for files, less a folio of 2 MiB; memory.high holds for them, too."""
    tree = write(tmp_path, V2_ROOT | group("/a", max=512 * MIB) | group("/b", high=512 * MIB))
    for name, file in (("/a", "memory.max"), ("/b", "memory.high")):
        totals = ask(pymemtools, tree, "cache", "1G", "--group", name)["totals"]
        assert (totals["room"], totals["cached_before"]) == (145 * MIB, 100 * MIB)
        assert (totals["cgroup"], totals["limited_by_cgroup"], totals["limited_by_file"]) == (name, name, file)
    machine = ask(pymemtools, tree, "cache", "1G")["totals"]
    assert machine["room"] > 1024 * MIB
    assert machine["limited_by_cgroup"] is None
    done = pymemtools("what-if", "cache", "1G", "--limit", "1G", "--group", "/a", "-S", str(tree))
    assert done.returncode == 2


def test_a_fork_in_a_group(tmp_path: Path, pymemtools: Run) -> None:
    tree = write_tree(tmp_path, Proc(1, "init", cgroup="/"), Proc(42, "a", (Map("", 40960),), cgroup="/a"))
    stat = "active_file 0\ninactive_file 0\n"
    write(tree, V2_ROOT | group("/a", max=64 * MIB, current=45 * MIB, stat=stat, swap__max=0, swap__current=0))
    totals = ask(pymemtools, tree, "fork", "42")["totals"]
    assert (totals["outcome"], totals["decided_by_cgroup"], totals["killed_pids"]) == ("OOM", "/a", [42])
    assert ask(pymemtools, tree, "fork", "42", "--dirty", "10")["totals"]["outcome"] == "fits"
    assert ask(pymemtools, tree, "fork", "42", "--group", "/")["totals"]["outcome"] == "fits"


def test_version_2_beside_version_1(tmp_path: Path, pymemtools: Run) -> None:
    """As systemd's hybrid layout has it; the program finds it there, and takes it into captures from there."""
    files = {path.replace("/cgroup/", "/cgroup/unified/"): text for path, text in group("/a", max=512 * MIB).items()}
    tree = write(tmp_path, files | {"sys/fs/cgroup/pids/a/pids.max": "max\n"})
    document = ask(pymemtools, tree, "alloc", "1G", "--group", "/a")
    assert (document["totals"]["outcome"], document["totals"]["decided_by_cgroup"]) == ("OOM", "/a")
    taken = list(cgroup_paths(open_source(str(tree)), [b"4:pids:/a\n0::/a\n"]))
    assert "/sys/fs/cgroup/unified/a/memory.max" in taken
    assert not [path for path in taken if not path.startswith("/sys/fs/cgroup/unified/")]


def test_swap_of_a_group_that_is_ram_of_the_machine(tmp_path: Path, pymemtools: Run) -> None:
    area = "Filename Type Size Used Priority\n/dev/zram0 partition 1048576 524288 100\n"
    for limit, said in (("max", 1), (0, 0)):
        files = group("/a", max=512 * MIB, swap__max=limit, swap__current=0) | {"proc/swaps": area}
        document = ask(pymemtools, write(tmp_path / f"{limit}", V2_ROOT | files), "alloc", "1G", "--group", "/a")
        assert sum("a group's swap may be on zram" in note for note in document["notes"]) == said


def test_unknown_usage_leaves_all_of_a_limit_or_nothing(tmp_path: Path, pymemtools: Run) -> None:
    """A limit below which nothing tells how much is used was taken for none, and the answer was "it fits"."""
    inner = group("/pod/one", max=2048 * MIB, swap__max=0, swap__current=0)
    tree = write(tmp_path, V2_ROOT | group("/pod", max=600 * MIB) | inner)
    (tree / "sys/fs/cgroup/pod/memory.current").unlink()
    document = ask(pymemtools, tree, "alloc", "300M", "--group", "one")
    own, above = document["totals"]["limits"]
    assert (own["used"], own["room_most"] // MIB) == (465 * MIB, 2048 - 465 + 100 + 10)
    swap = 512 * MIB  # free on the machine
    assert (above["used"], above["room_least"], above["room_most"]) == (None, 100 * MIB, 600 * MIB + swap)
    assert document["totals"]["outcome"] == "may not fit"
    doubt = "nothing tells how much /pod uses of its memory.max: what it leaves is known the less"
    assert doubt in document["notes"]
    for command in ("free", "--cgroup", "one"), ("groups", "one"):
        done = pymemtools(*command, "-S", str(tree), "-f", "json")
        row = json.loads(done.stdout)["rows"][0]
        assert row["free" if command[0] == "free" else "headroom"] is None


@pytest.mark.parametrize("gone", ["swap__current", "SwapFree"])
def test_swap_that_nothing_tells_of_may_be_there(tmp_path: Path, pymemtools: Run, gone: str) -> None:
    """It was taken for all that is free on the machine, or for none."""
    files = {"max": 512 * MIB, "swap__max": 100 * MIB, "swap__current": 8 * MIB}
    files.pop(gone, None)
    meminfo = MEMINFO if gone != "SwapFree" else MEMINFO.replace("SwapFree: 524288 kB\n", "")
    tree = write(tmp_path, V2_ROOT | group("/a", **files) | {"proc/meminfo": meminfo})
    document = ask(pymemtools, tree, "alloc", "200M", "--group", "/a")
    left = 100 if gone != "SwapFree" else 92
    assert limits(document) == [("/a", "memory.max", 147, 157 + left)]
    assert document["totals"]["outcome"] == "may not fit"


def test_a_limit_that_is_not_told_is_said_to_be_taken_as_none(tmp_path: Path, pymemtools: Run) -> None:
    """The root has no such file, and no counter of what is used."""
    tree = write(tmp_path, V2_ROOT | group("/a", max=512 * MIB) | group("/a/b", swap__current=0))
    (tree / "sys/fs/cgroup/a/memory.max").unlink()
    notes = ask(pymemtools, tree, "alloc", "300M", "--group", "/a/b")["notes"]
    assert [note for note in notes if "no limit" in note] == [
        "/a/b: no memory.swap.max: taken as no limit",
        "/a: no memory.max: taken as no limit",
    ]


def test_what_is_not_told_of_files_that_programs_have_mapped(tmp_path: Path, pymemtools: Run) -> None:
    """All of them may be: what can surely be reclaimed was more without the figure than with it."""
    stat = V2_STAT.replace("file_mapped 0\n", "")
    tree = write(tmp_path, V2_ROOT | group("/a", max=512 * MIB, swap__max=0, swap__current=0, stat=stat))
    document = ask(pymemtools, tree, "alloc", "100M", "--group", "/a")
    assert limits(document) == [("/a", "memory.max", 47, 157)]


def test_the_least_room_is_that_of_all_limits(tmp_path: Path, pymemtools: Run) -> None:
    """Of one that is known the less, the least may be below all that another has at the most."""
    inner = group("/pod/one", max=600 * MIB, swap__max=0, swap__current=0)
    tree = write(tmp_path, V2_ROOT | group("/pod", max=600 * MIB, swap__max=0, swap__current=0) | inner)
    (tree / "sys/fs/cgroup/pod/memory.current").unlink()
    totals = ask(pymemtools, tree, "alloc", "1M", "--group", "one")["totals"]
    assert limits({"totals": totals}) == [("/pod/one", "memory.max", 235, 245), ("/pod", "memory.max", 100, 600)]
    assert (totals["cgroup_room_least"] // MIB, totals["cgroup_room_most"] // MIB) == (100, 245)


NEGATIVE = 2**64 - 126976  # as kernels 4.x have printed what is below 0


@pytest.mark.parametrize(
    ("tree", "file", "key"),
    [
        (V2_ROOT | group("/a", max=512 * MIB, stat=f"anon {NEGATIVE}\nshmem 0\nfile 0\n"), "memory.stat", "anon"),
        (V2_ROOT | group("/a", max=512 * MIB, current=NEGATIVE), None, "memory.current"),
        (group_v1("") | group_v1("/a", stat=f"total_rss {NEGATIVE}\ntotal_cache 0\n"), "memory.stat", "total_rss"),
    ],
    ids=["v2", "current", "v1"],
)
def test_figures_that_cannot_be_are_unknown(
    tmp_path: Path, pymemtools: Run, tree: dict[str, str], file: str | None, key: str
) -> None:
    """They were shown as 16 EiB, to programs, too."""
    root = write(tmp_path, tree)
    folder = "/sys/fs/cgroup/a" if "sys/fs/cgroup/a/memory.stat" in tree else "/sys/fs/cgroup/memory/a"
    note = f"{folder}/{file}: {key}" if file else f"{folder}: {key}"
    for command in (
        ("groups", "/a"),
        ("free", "--cgroup", "/a"),
        ("what-if", "alloc", "1M", "--group", "/a"),
        ("metrics",),
    ):
        done = pymemtools(*command, "-S", str(root), *(["-f", "json"] if command != ("metrics",) else []))
        assert done.returncode == 0
        assert str(NEGATIVE) not in done.stdout.decode()
        if command != ("metrics",):
            assert f"{note} of 16.0 EiB cannot be: it is taken as unknown" in json.loads(done.stdout)["notes"]


def test_a_kernel_that_writes_no_limit_so_is_not_doubted(tmp_path: Path, pymemtools: Run) -> None:
    stat = f"total_rss 4096\nhierarchical_memory_limit {2**64 - 1}\n"
    root = write(tmp_path, group_v1("") | group_v1("/a", stat=stat))
    assert json.loads(pymemtools("groups", "-S", str(root), "-f", "json").stdout)["notes"] == []


def test_what_processors_have_charged_ahead_may_be_had(tmp_path: Path, pymemtools: Run) -> None:
    """A limit that is met gets it back: 20 MiB were granted in a group that was said to lack 248 KiB of them."""
    files = {
        "stat": f"anon {464 * MIB}\nfile 0\nkernel {MIB // 2}\ninactive_file 0\nactive_file 0\n",
        "swap__max": 0,
        "swap__current": 0,
    }
    machine = {"proc/version": "Linux version 6.1.0 (x)\n", "proc/stat": "cpu 1\ncpu0 1\n"}
    tree = write(tmp_path, V2_ROOT | group("/a", max=512 * MIB, **files) | machine)
    for kernel, ahead in (("6.1.0", 256 << 10), ("6.18.0", MIB // 2)):  # what memory.stat does not know of, at the most
        (tree / "proc/version").write_text(f"Linux version {kernel} (x)\n")
        row = ask(pymemtools, tree, "alloc", "46M", "--group", "/a")["totals"]["limits"][0]
        assert row["room_most"] - row["room_least"] == ahead


@pytest.mark.parametrize(
    ("cgroup", "said"),
    [
        ("0::/kubepods/pod1\n", ["the source does not tell what limits /kubepods/pod1, the memory group of 7"]),
        ("4:memory:/docker/1f\n0::/\n", ["the source does not tell what limits /docker/1f, the memory group of 7"]),
        ("4:memory:/\n0::/user.slice\n", []),
        ("0::/\n", []),
    ],
)
def test_a_copy_without_files_of_groups(tmp_path: Path, pymemtools: Run, cgroup: str, said: list[str]) -> None:
    """It fits the machine, but that is not all: a group of 64 MiB may be around the process that asks."""
    write_tree(tmp_path, Proc(7, "here"))
    write(tmp_path, {"proc/7/cgroup": cgroup})
    document = ask(pymemtools, tmp_path, "alloc", "100M", "--pid", "7")
    assert document["totals"]["outcome"] == "fits"
    assert [note for note in document["notes"] if "limits" in note] == said


def test_a_process_of_no_known_group_is_told_of(tmp_path: Path, pymemtools: Run) -> None:
    """It may be the one that is killed, and was left out in silence."""
    write_tree(tmp_path, Proc(7, "inside"), Proc(8, "somewhere"))
    write(tmp_path, V2_ROOT | group("/a", max=512 * MIB) | {"proc/7/cgroup": "0::/a\n"})
    document = ask(pymemtools, tmp_path, "oom", "--group", "/a")
    assert [row["pid"] for row in document["rows"]] == [7]
    assert "processes that are left out, as nothing tells their memory group: 1" in document["notes"]
