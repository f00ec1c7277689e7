"""The tree of memory groups: equal to the kernel's files, beside what is mapped, whatever groups are called."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from asleep import wait_until_asleep
from conftest import CAPTURES, HERE, Run
from group_trees import MIB, V2_ROOT, group, group_v1, write
from small_group import small_group
from trees import Map, Proc, write_tree

from pymemtools.errors import MemtoolsError
from pymemtools.procfs.cgroup_memory import parse_limit
from pymemtools.procfs.cgroup_names import container_of, label_of, pod_of
from pymemtools.readings.cgroup_path import Hierarchy
from pymemtools.readings.group_tree import read_tree
from pymemtools.sources import open_source

pytestmark = pytest.mark.alone

_T = TypeVar("_T")
ID = "1f" * 32
UID = "5bd8ef07-3a5c-4bc3-8a8e-5b8ef07aa3cd"
PRESSURE = "some avg10=1.50 avg60=0.20 avg300=0.01 total=2500000\nfull avg10=0.00 avg60=0.10 avg300=0.00 total=7"
EMPTY = {"current": 0, "stat": "anon 0\nfile 0"}


def report(run: Run, *arguments: str) -> dict[str, Any]:
    done = run("groups", *arguments, "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def rows(run: Run, *arguments: str) -> dict[str, dict[str, Any]]:
    return {row["cgroup"]: row for row in report(run, *arguments)["rows"]}


def lines(run: Run, *arguments: str) -> list[str]:
    done = run("groups", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().splitlines()


# What a column must be equal to: v2's files of a group, and v1's; a dot before what is a key of memory.stat.
V2_FIGURES = {
    "current": "memory.current",
    "limit": "memory.max",
    "high": "memory.high",
    "swap": "memory.swap.current",
    "swap_limit": "memory.swap.max",
    "anonymous": ".anon",
    "page_cache": ".file",
    "shmem": ".shmem",
    "slab": ".slab",
    "kernel_memory": ".kernel",
    "sock": ".sock",
}
V1_FIGURES = {
    "current": "memory.usage_in_bytes",
    "limit": "memory.limit_in_bytes",
    "memsw": "memory.memsw.usage_in_bytes",
    "memsw_limit": "memory.memsw.limit_in_bytes",
    "peak": "memory.max_usage_in_bytes",
    "kernel_memory": "memory.kmem.usage_in_bytes",
    "sock": "memory.kmem.tcp.usage_in_bytes",
    "max_events": "memory.failcnt",
    "anonymous": ".total_rss",
    "page_cache": ".total_cache",
    "shmem": ".total_shmem",
    "swap": ".total_swap",
}


def told(read: Callable[[str], str | None], figures: dict[str, str]) -> dict[str, int | None]:
    """Read the files themselves; None where there is none, or no limit."""
    stat = dict(line.split() for line in (read("memory.stat") or "").splitlines())
    found: dict[str, int | None] = {}
    for key, name in figures.items():
        text = stat.get(name[1:]) if name.startswith(".") else read(name)
        found[key] = None if text is None else parse_limit(text.encode(), name)
    return found


def folder_of(path: str) -> str:
    return f"sys/fs/cgroup{path}".rstrip("/")


@pytest.mark.parametrize("capture", sorted((CAPTURES / "groups-6.1").glob("*.tar.gz")), ids=lambda path: path.stem)
def test_v2_is_what_the_kernel_wrote(capture: Path, pymemtools: Run) -> None:
    found = rows(pymemtools, "--all", "-S", str(capture))
    with tarfile.open(capture) as archive:
        files = {member.name: archive.extractfile(member) for member in archive if "/cgroup/" in member.name}
        texts = {name: file.read().decode() for name, file in files.items() if file is not None}
    groups = {name.removeprefix("sys/fs/cgroup").rpartition("/")[0] or "/" for name in texts}
    assert found.keys() == groups
    for path, row in found.items():
        own = {Path(name).name: text for name, text in texts.items() if os.path.dirname(name) == folder_of(path)}
        expected = told(own.get, V2_FIGURES)
        assert {key: row[key] for key in expected} == expected
        events = dict(line.split() for line in own.get("memory.events", "").splitlines())
        shown = {"high": "high_events", "max": "max_events", "oom": "oom_events", "oom_kill": "oom_kills"}
        assert {name: row[key] for name, key in shown.items() if name in events} == {
            name: int(events[name]) for name in shown if name in events
        }


def while_it_stays(ask: Callable[[], Any], read: Callable[[], _T]) -> tuple[Any, _T]:
    """Ask between two looks that are alike, and give the answer with what they saw.

    Processors charge groups in advance, and give that back when they work for others; statistics are summed up every
    two seconds. So the files of a group whose processes sleep may change still, but not for ever.
    """
    last, before = time.monotonic() + 120, read()
    while True:
        answer = ask()
        after = read()
        if before == after:
            return answer, after
        assert time.monotonic() < last, f"{before} and {after}: no two looks are alike"
        before = after


def test_provoked_memory_is_what_the_kernel_says(tmp_path: Path, pymemtools: Run) -> None:
    """A process in a group of its own fills memory and a file, and then keeps still."""
    program = (
        "import mmap, sys\n"
        "anon = mmap.mmap(-1, 6 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
        "shared = mmap.mmap(-1, 3 << 20)\n"
        "anon.write(b'x' * (6 << 20)); shared.write(b'y' * (3 << 20))\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    with small_group(64 << 20) as path:
        if not (path / "memory.usage_in_bytes").exists():
            pytest.skip("groups of version 1 are looked at")
        enter = f"import os; open({str(path / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))\n"
        with subprocess.Popen(
            [sys.executable, "-c", enter + program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None and child.stdout.readline() == b"ready\n"
            wait_until_asleep(child.pid)
            document, expected = while_it_stays(
                lambda: report(pymemtools, f"/{path.name}"),
                lambda: told(lambda name: (path / name).read_text() if (path / name).exists() else None, V1_FIGURES),
            )
            (row,) = document["rows"]
            rollup = Path(f"/proc/{child.pid}/smaps_rollup").read_text()
            child.communicate()
    del expected["max_events"], row["unit"]
    assert {key: row[key] for key in expected} == expected
    assert row["limit"] == 64 << 20
    assert row["headroom"] == (64 << 20) - row["current"]
    assert (row["decided_by_group"], row["decided_by_file"]) == (f"/{path.name}", "memory.limit_in_bytes")
    assert row["anonymous"] >= 6 << 20
    assert row["shmem"] == 3 << 20
    # What libraries the child shares with others, and so their share, others decide; what is its own is exact.
    pss = {line.split()[0]: int(line.split()[1]) << 10 for line in rollup.splitlines()[1:]}
    assert row["processes"] == 1
    assert row["pss_anon"] == pss["Pss_Anon:"]
    assert row["pss_shmem"] == pss["Pss_Shmem:"] >= 3 << 20


def test_what_is_charged_here_and_mapped_there(tmp_path: Path, pymemtools: Run) -> None:
    write_tree(
        tmp_path,
        Proc(7, "writer", (Map("[heap]", 100),), cgroup="/a"),
        Proc(8, "reader", (Map("/data", 3000),), cgroup="/b/c"),
        Proc(9, "gone", (Map("[heap]", 50),), cgroup="/b/removed (deleted)"),
        Proc(10, "init", (Map("[heap]", 20),), cgroup="/"),
    )
    write(tmp_path, V2_ROOT | group("/a", current=4 * MIB) | group("/b", current=MIB) | group("/b/c", current=MIB))
    found = rows(pymemtools, "-S", str(tmp_path))
    kib = {path: (row["processes"], row["pss"] >> 10) for path, row in found.items()}
    assert kib == {"/": (4, 3170), "/a": (1, 100), "/b": (2, 3050), "/b/c": (1, 3000)}
    assert [row["pss_anon"] for row in found.values()] == [None] * 4, "only smaps_rollup tells"
    # Asked for one group, only its processes are read.
    below = rows(pymemtools, "/b", "-S", str(tmp_path))
    assert {path: row["pss"] >> 10 for path, row in below.items()} == {"/b": 3050, "/b/c": 3000}
    without = rows(pymemtools, "-S", str(tmp_path), "--no-pss")
    assert {path: (row["processes"], row["pss"]) for path, row in without.items()} == {
        path: (count, None) for path, (count, _) in kib.items()
    }


def test_pss_without_huge_pages(tmp_path: Path, pymemtools: Run) -> None:
    """As all kernels of 32 bits have it: what is charged to the group is more than that."""
    write_tree(tmp_path, Proc(7, "a", (Map("[heap]", 4048),), cgroup="/web"), Proc(8, "b", cgroup="/web"))
    write(tmp_path, V2_ROOT | group("/web", current=8 * MIB))
    smaps = tmp_path / "proc" / "7" / "smaps"
    smaps.write_text(smaps.read_text().replace("Pss:                4048 kB", "Pss:                2000 kB"))
    says = "the PSS of 1 process is below its USS: 32-bit kernels leave huge pages out of it"
    for arguments in (("groups",), ("groups", "/web"), ("metrics",)):
        done = pymemtools(*arguments, "-S", str(tmp_path))
        assert done.stderr.decode() == f"pymemtools: {arguments[0]}: {says}\n"
    assert pymemtools("groups", "--no-pss", "-S", str(tmp_path)).stderr == b""


def test_unreadable_processes_are_counted_and_no_sum_is_made_up(tmp_path: Path, pymemtools: Run) -> None:
    write_tree(tmp_path, Proc(7, "a", cgroup="/a"), Proc(8, "b", cgroup="/b"), Proc(9, "b", cgroup="/b"))
    write(tmp_path, V2_ROOT | group("/a") | group("/b"))
    for pid in (7, 9):
        (tmp_path / "proc" / str(pid) / "smaps").unlink()
    done = pymemtools("groups", "-S", str(tmp_path), "-f", "json", "--strict")
    assert (done.returncode, done.stderr) == (3, b"pymemtools: groups: 2 of 3 processes could not be read (no smaps)\n")
    found = {row["cgroup"]: row for row in json.loads(done.stdout)["rows"]}
    assert [(row["processes"], row["unreadable"], row["pss"]) for row in found.values()] == [
        (3, 2, 100 << 10),
        (1, 1, None),
        (2, 1, 100 << 10),
    ]


def test_the_least_of_limits_on_the_way_up_decides(tmp_path: Path, pymemtools: Run) -> None:
    tree = write(
        tmp_path,
        V2_ROOT
        | group("/pod", max=600 * MIB, current=580 * MIB)
        | group("/pod/one", max=512 * MIB)
        | group("/pod/two", high=470 * MIB)
        | group("/free"),
    )
    keys = ("headroom", "decided_by_group", "decided_by_file")
    found = rows(pymemtools, "-S", str(tree))
    assert {path: tuple(row[key] for key in keys) for path, row in found.items()} == {
        "/": (None, None, None),
        "/pod": (20 * MIB, "/pod", "memory.max"),
        "/pod/one": (20 * MIB, "/pod", "memory.max"),
        "/pod/two": (5 * MIB, "/pod/two", "memory.high"),
        "/free": (None, None, None),
    }
    # So it is when the groups above are not among those asked for.
    assert rows(pymemtools, "/pod/one", "-S", str(tree))["/pod/one"]["headroom"] == 20 * MIB


def test_v1_limits_of_both_and_above_the_container(tmp_path: Path, pymemtools: Run) -> None:
    both = {"memsw__limit_in_bytes": 480 * MIB, "memsw__usage_in_bytes": 473 * MIB}
    tree = write(tmp_path, group_v1("") | group_v1("/a", limit_in_bytes=500 * MIB, **both) | group_v1("/b"))
    found = rows(pymemtools, "-S", str(tree))
    assert [(row["headroom"] // MIB, row["decided_by_file"]) for row in found.values()] == [
        (512 - 465, "hierarchical_memory_limit"),
        (480 - 473, "memory.memsw.limit_in_bytes"),
        (512 - 465, "hierarchical_memory_limit"),
    ]
    # A group that does not count those in it limits none of them.
    (tree / "sys/fs/cgroup/memory/a/memory.use_hierarchy").write_text("0\n")
    write(tree, group_v1("/a/in", limit_in_bytes=512 * MIB))
    assert rows(pymemtools, "-S", str(tree))["/a/in"]["headroom"] == (512 - 465) * MIB
    assert report(pymemtools, "-S", str(tree))["notes"] == [
        "groups with use_hierarchy=0 count without the groups in them; their PSS and processes are with those"
    ]
    (tree / "sys/fs/cgroup/memory/memory.use_hierarchy").write_text("0\n")  # of the root, which counts all the same
    (tree / "sys/fs/cgroup/memory/a/memory.use_hierarchy").unlink()
    assert report(pymemtools, "-S", str(tree))["notes"] == []


def test_groups_whose_memory_is_not_counted(tmp_path: Path, pymemtools: Run) -> None:
    """With cgroup_disable=memory there are groups, and stalls are counted in them."""
    write_tree(tmp_path, Proc(7, "a", cgroup="/web"))
    write(tmp_path, {f"sys/fs/cgroup{path}/memory.pressure": PRESSURE for path in ("/web", "/batch")})
    done = pymemtools("groups", "-S", str(tmp_path))
    off = b"the kernel counts the memory of none of these groups: their memory controller is off"
    assert done.stderr == b"pymemtools: groups: %b\n" % off
    found = rows(pymemtools, "-S", str(tmp_path))
    assert (found["/web"]["current"], found["/web"]["pss"], found["/web"]["some_avg10"]) == (None, 100 << 10, 1.5)


def test_groups_without_processes_and_memory_are_folded(tmp_path: Path, pymemtools: Run) -> None:
    write_tree(tmp_path, Proc(7, "a", cgroup="/busy/in"))
    folders = V2_ROOT | group("/busy", **EMPTY) | group("/busy/in", **EMPTY)
    write(
        tmp_path,
        folders | group("/idle.slice", **EMPTY) | group("/idle.slice/x", **EMPTY) | group("/left", current=4096),
    )
    shown = lines(pymemtools, "-S", str(tmp_path), "-c", "current,processes")
    assert shown == [
        "Current Procs Group",
        "      -     1 /",
        "     4K     0   left",
        "      0     1   busy",
        "      0     1     in",
        "2 groups without processes and memory not shown: see --all",
    ]
    assert len(rows(pymemtools, "-S", str(tmp_path), "--all")) == 6
    assert report(pymemtools, "-S", str(tmp_path))["totals"] == {"cgroup_version": 2, "groups": 6, "folded": 2}


def test_in_words(tmp_path: Path, pymemtools: Run) -> None:
    """465 MiB are charged: 110 of them can be reclaimed."""
    kube = f"/kubepods.slice/kubepods-pod{UID.replace('-', '_')}.slice"
    tree = write(
        tmp_path,
        V2_ROOT
        | group("/kubepods.slice")
        | group(kube, max=500 * MIB)
        | group(f"{kube}/cri-containerd-{ID}.scope", max=470 * MIB, stat="anon 480000000\nfile 0", events="oom_kill 2"),
    )
    shown = lines(pymemtools, "-S", str(tree), "--no-pss")
    assert shown[:5] == [
        "Current Limit Room Anon File Kernel Swap OOM Group",
        "      -     -    - 300M 150M    15M    -   - /",
        "   465M     -    - 300M 150M    15M    -   -   kubepods.slice",
        "   465M  500M  35M 300M 150M    15M    -   -     pod 5bd8ef07",
        "   465M  470M   5M 458M    0      -    -   2       cri-containerd 1f1f1f1f1f1f",
    ]
    said = " ".join(line.strip() for line in shown[5:])
    assert "near its limit: 5 MiB left of its limit of 470 MiB" in said
    assert "full of what can be reclaimed: 35 MiB left of its limit of 500 MiB, and 110 MiB could be reclaimed" in said
    found = rows(pymemtools, ID[:12], "-S", str(tree))
    assert [(row["container"], row["pod"], row["unit"]) for row in found.values()] == [
        (ID, UID, f"cri-containerd-{ID}.scope")
    ]
    assert max(map(len, lines(pymemtools, kube, "-S", str(tree)))) <= 80


def test_top_is_of_those_that_hold_something_themselves(tmp_path: Path, pymemtools: Run) -> None:
    files = (
        V2_ROOT
        | group("/a")
        | group("/a/x", current=MIB)
        | group("/a/y", current=3 * MIB)
        | group("/b", current=2 * MIB)
    )
    write(tmp_path, files)
    assert [*rows(pymemtools, "-S", str(tmp_path), "--top", "2")] == ["/a/y", "/b"]
    assert [*rows(pymemtools, "-S", str(tmp_path), "--top", "2", "-r")] == ["/a/x", "/b"]
    assert [*rows(pymemtools, "-S", str(tmp_path), "-s", "cgroup", "-r")] == ["/", "/b", "/a", "/a/y", "/a/x"]
    assert lines(pymemtools, "-S", str(tmp_path), "--top", "1", "-c", "current")[1:] == ["     3M /a/y"]


def test_pressure(tmp_path: Path, pymemtools: Run) -> None:
    write(tmp_path, V2_ROOT | group("/a", pressure=PRESSURE) | group("/b", pressure="some nonsense"))
    done = pymemtools("groups", "-S", str(tmp_path), "-f", "json")
    assert done.stderr.count(b"\n") == 1
    assert b"groups: 1 group could not be read whole (/sys/fs/cgroup/b/memory.pressure: line 1: expected" in done.stderr
    row = json.loads(done.stdout)["rows"][1]
    assert [row[f"some_{key}"] for key in ("avg10", "avg60", "avg300", "seconds")] == [1.5, 0.2, 0.01, 2.5]
    assert (row["full_avg60"], row["full_seconds"]) == (0.1, 7e-06)


@pytest.mark.parametrize("name", ["a\x1b[2J", "blank in", "memory.mine", "tasks.slice", "\udce9", "日本", "x\\x2dy"])
def test_hostile_names(name: str, tmp_path: Path, pymemtools: Run) -> None:
    write(tmp_path, V2_ROOT | group(f"/{name}", current=MIB) | group(f"/{name}/in", current=MIB))
    for packed in (tmp_path, tmp_path.with_suffix(".tar")):
        if packed != tmp_path:
            with tarfile.open(packed, "w") as archive:
                archive.add(tmp_path, ".")
        assert [*rows(pymemtools, "-S", str(packed))] == ["/", f"/{name}", f"/{name}/in"]
        shown = pymemtools("groups", "-S", str(packed)).stdout
        assert b"\x1b" not in shown and shown.count(b"\n") == 4


def test_groups_as_deep_as_they_get(tmp_path: Path, pymemtools: Run) -> None:
    paths = ["/d" * depth for depth in range(1, 40)]
    files = V2_ROOT.copy()
    for path in paths:
        files |= group(path, current=MIB)
    write(tmp_path, files)
    assert [*rows(pymemtools, "-S", str(tmp_path))] == ["/", *paths]
    assert lines(pymemtools, "-S", str(tmp_path), "-c", "current")[-1] == f"     1M {'  ' * 8}(39) d"


class Vanishing:
    """A live source in which a group is removed as soon as one of its files was opened."""

    def __init__(self, root: Path, group: str) -> None:
        self._source = open_source(str(root))
        self._root = root
        self._group = group

    def names(self, path: str) -> list[str]:
        return self._source.names(path)

    def read(self, path: str) -> bytes:
        if path.startswith(f"/sys/fs/cgroup{self._group}/"):
            shutil.rmtree(self._root / f"sys/fs/cgroup{self._group}", ignore_errors=True)
        return self._source.read(path)


def test_a_group_that_ends_meanwhile_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, V2_ROOT | group("/a") | group("/b") | group("/b/in") | group("/c"))
    tree = read_tree(Vanishing(tmp_path, "/b"), Hierarchy(2, "/sys/fs/cgroup", "/"), "/")  # type: ignore[arg-type]
    assert [each.level.path for each in tree.groups] == ["/", "/a", "/c"]
    assert (tree.refused, tree.too_deep) == (0, 0)


class Replacing(Vanishing):
    """One in which it is there again right away: whoever had it open sees ENODEV."""

    def read(self, path: str) -> bytes:
        if path == f"/sys/fs/cgroup{self._group}/memory.stat" and self._group:
            self._group = ""
            raise MemtoolsError(f"{path}: No such device")
        return self._source.read(path)


def test_a_group_that_is_made_anew_meanwhile_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, V2_ROOT | group("/a") | group("/b", current=MIB))
    tree = read_tree(Replacing(tmp_path, "/b"), Hierarchy(2, "/sys/fs/cgroup", "/"), "/")  # type: ignore[arg-type]
    assert [(each.level.path, each.level.usage) for each in tree.groups][1:] == [("/a", 465 * MIB), ("/b", MIB)]
    assert (tree.groups[2].level.held.file, tree.refused) == (150 * MIB, 0)


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become somebody else")
def test_what_may_not_be_read_is_counted() -> None:
    call = f"import sys; sys.path.insert(0, {str(HERE.parent)!r}); from pymemtools.entry import main; main()"
    nobody = ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", call]
    with tempfile.TemporaryDirectory() as folder:
        tree = write(Path(folder), V2_ROOT | group("/a") | group("/b") | group("/b/in"))
        tree.chmod(0o755)
        (tree / "sys/fs/cgroup/a/memory.stat").chmod(0)
        (tree / "sys/fs/cgroup/b").chmod(0)
        if subprocess.run([*nobody, "--version"], check=False, capture_output=True).returncode:
            pytest.skip("others may not use this Python")
        done = subprocess.run(
            [*nobody, "groups", "-S", folder, "-f", "jsonl", "--strict"], check=False, capture_output=True
        )
    assert [json.loads(line)["cgroup"] for line in done.stdout.splitlines()] == ["/", "/a"]
    assert done.returncode == 3
    assert done.stderr.startswith(b"pymemtools: groups: 2 groups could not be read whole (")
    assert done.stderr.endswith(b"/sys/fs/cgroup/a/memory.stat: Permission denied)\n")


@pytest.mark.parametrize(
    ("path", "container", "pod", "label"),
    [
        (f"/docker/{ID}", ID, None, "container 1f1f1f1f1f1f"),
        (f"/system.slice/docker-{ID}.scope/init.scope", ID, None, "init.scope"),
        (f"/machine.slice/libpod-{ID}.scope", ID, None, "libpod 1f1f1f1f1f1f"),
        (f"/machine.slice/libpod-conmon-{ID}.scope", None, None, f"libpod-conmon-{ID}.scope"),
        (f"/machine.slice/libpod_pod_{ID}.slice", None, ID, "pod 1f1f1f1f1f1f"),
        (f"/kubepods/burstable/pod{UID}/{ID}", ID, UID, "container 1f1f1f1f1f1f"),
        (f"/kubepods/besteffort/pod{UID}", None, UID, "pod 5bd8ef07"),
        (f"/system.slice/kubepods-pod{UID}.slice:cri-containerd:{ID}", ID, None, "cri-containerd 1f1f1f1f1f1f"),
        ("/lxc/web", "web", None, "web"),
        ("/lxc.payload.web/system.slice", "web", None, "system.slice"),
        ("/machine.slice/machine-qemu\\x2d1\\x2dweb.scope", "qemu-1-web", None, "machine-qemu-1-web.scope"),
        ("/machine.slice/systemd-nspawn@web.service", "web", None, "systemd-nspawn@web.service"),
        ("/user.slice/user-0.slice/session-3.scope", None, None, "session-3.scope"),
        ("/", None, None, "/"),
    ],
)
def test_names(path: str, container: str | None, pod: str | None, label: str) -> None:
    assert (container_of(path), pod_of(path), label_of(path)) == (container, pod, label)


DOCKER, PODS = f"/docker/abcdef{'0' * 58}", "/kubepods"
POD = f"{PODS}/pod5bd8ef07-3a5c-4bc3-8a8e-5b8ef07aa3cd"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        *(("abcd", DOCKER), ("abcdef0000", DOCKER), ("container abcdef000000", DOCKER)),
        *(("5bd8ef07", POD), ("5bd8ef07-3a5c", POD), ("pod 5bd8ef07", POD)),
        ("abc0", "/abc0"),  # a group of that name, and no container of an ID that begins so
    ],
)
def test_what_it_is_called(tmp_path: Path, pymemtools: Run, name: str, path: str) -> None:
    """As docker and kubectl show it, cut wherever one likes, or as the table of groups does."""
    named = [group(each) for each in ("/docker", DOCKER, f"/docker/abc0{'1' * 60}", "/abc0", PODS, POD)]
    tree = write(tmp_path, V2_ROOT | {key: text for each in named for key, text in each.items()})
    by_name, by_path = (pymemtools("groups", each, "-S", str(tree)) for each in (name, path))
    assert (by_name.returncode, by_name.stdout) == (0, by_path.stdout)


def test_two_containers_of_one_beginning(tmp_path: Path, pymemtools: Run) -> None:
    tree = write(tmp_path, V2_ROOT | group("/docker") | group(DOCKER) | group(f"/docker/abcd{'1' * 60}"))
    done = pymemtools("groups", "abcd", "-S", str(tree))
    assert done.returncode == 2
    assert done.stderr.startswith(b"pymemtools: abcd is the name of several control groups: /docker/abcd")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("nope",), 1, "nope: no such control group"),
        (("/nope",), 1, "/nope: no such control group"),
        (("/../..",), 1, "/../..: no such control group"),
        (("",), 2, "groups: the name of the group is empty"),
        ((".",), 2, "a capture has no group of its own: name one, by its path or its unit"),
        (("-c", "rss"), 2, "groups: unknown column 'rss'; there are: cgroup depth"),
        (("--watch", "1", "-f", "json"), 2, "groups: samples again and again"),
    ],
)
def test_mistakes(tmp_path: Path, pymemtools: Run, arguments: tuple[str, ...], status: int, said: str) -> None:
    tree = write(tmp_path, V2_ROOT | group("/a"))
    done = pymemtools("groups", *arguments, "-S", str(tree))
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (status, b"", 1)
    assert done.stderr.decode().startswith(f"pymemtools: {said}")
