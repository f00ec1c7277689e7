"""free --cgroup: the table of a container or a unit, from v1 and v2, live and captured."""

import io
import shutil
import tarfile
from pathlib import Path

import pytest
from conftest import Run
from group_trees import MEMINFO, MIB, V2_ROOT, group, group_v1, write
from hypothesis import given
from hypothesis import strategies as st

from pymemtools.errors import Missing, ParseError, UsageProblem
from pymemtools.procfs.cgroup import parse_cgroups
from pymemtools.procfs.cgroup_memory import parse_amount, parse_limit, parse_stat
from pymemtools.procfs.mountinfo import Mount, parse_mountinfo
from pymemtools.readings.cgroup_path import Hierarchy, find_hierarchy, group_of, named_group, own_group
from pymemtools.readings.groups import read_levels
from pymemtools.sources.directory import directory
from pymemtools.sources.tree import live

pytestmark = pytest.mark.alone

HEADER = "               total        used        free      shared  buff/cache   available\n"


def free(run: Run, root: Path, *arguments: str) -> tuple[str, list[str]]:
    done = run("free", "-S", str(root), *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode(), done.stderr.decode().splitlines()


def test_the_groups_own_limit(tmp_path: Path, pymemtools: Run) -> None:
    """used = 465 - 60 - 40 - 10; available = 512 - used; buffers are not counted by group."""
    own = group("/a.slice/b.service", max=512 * MIB, swap__max=100 * MIB, swap__current=8 * MIB)
    write(tmp_path, V2_ROOT | group("/a.slice", current=600 * MIB) | own)
    expected = HEADER + (
        "Mem:             512         355          47          50         160         157\n"
        "Swap:            100           8          92\n"
        "Total:           612         363         139\n"
        "Comm:              -           -           -\n"
    )
    for name in ("/a.slice/b.service", "a.slice/b.service", "/sys/fs/cgroup/a.slice/b.service/", "b.service", "b"):
        assert free(pymemtools, tmp_path, "-m", "-t", "-v", "--cgroup", name) == (expected, [])
    wide, _ = free(pymemtools, tmp_path, "-mwl", "--cgroup=b")
    assert wide.splitlines()[1:] == [
        "Mem:             512         355          47          50           -         160         157",
        "Low:               -           -           -",
        "High:              -           -           -",
        "Swap:            100           8          92",
    ]


def test_the_nearest_of_equal_and_the_least_of_all_limits_hold(tmp_path: Path, pymemtools: Run) -> None:
    """Of the parent's 600 MiB, 550 are used, 110 of them reclaimable: free is 50, available 160."""
    parent = group("/pod", max=600 * MIB, current=550 * MIB)
    write(tmp_path, V2_ROOT | parent | group("/pod/one", max=1024 * MIB) | group("/pod/two", high=500 * MIB))
    table, notes = free(pymemtools, tmp_path, "-m", "--cgroup", "/pod/one")
    assert table.splitlines()[1] == "Mem:             600         355          50          50         160         160"
    assert notes == ["pymemtools: free: /pod/one: the limit is memory.max of /pod"]
    table, notes = free(pymemtools, tmp_path, "-m", "--cgroup", "/pod/two")
    assert table.splitlines()[1] == "Mem:             500         355          35          50         160         145"
    assert notes == ["pymemtools: free: /pod/two: the limit is memory.high of /pod/two"]


def test_without_a_limit_the_machine_is_the_limit(tmp_path: Path, pymemtools: Run) -> None:
    write(tmp_path, V2_ROOT | group("/a", swap__max="max", swap__current=0) | group("/huge", max=1 << 50))
    for name in ("/a", "/huge"):
        table, notes = free(pymemtools, tmp_path, "--cgroup", name)
        assert table.splitlines()[1] == (
            "Mem:        16000000      363520     8000000       51200      163840    12000000"
        )
        assert notes == [
            f"pymemtools: free: {name}: no limit below the machine's own memory, which is shown as the total"
        ]
    assert table.splitlines()[2] == "Swap:        1048576           -      524288", "swap is not counted in /huge"


def test_the_machine_may_have_less_left_than_the_group(tmp_path: Path, pymemtools: Run) -> None:
    write(tmp_path, V2_ROOT | group("/a", max=12000 * MIB, current=465 * MIB))
    table, _ = free(pymemtools, tmp_path, "--cgroup", "/a")
    assert table.splitlines()[1] == "Mem:        12288000      363520     8000000       51200      163840    11924480"


def test_above_its_limit_nothing_is_free(tmp_path: Path, pymemtools: Run) -> None:
    write(tmp_path, V2_ROOT | group("/a", max=300 * MIB))
    table, _ = free(pymemtools, tmp_path, "-m", "--cgroup", "/a")
    assert table.splitlines()[1] == "Mem:             300         355           0          50         160           0"


def test_the_root_of_v2_has_no_figures(tmp_path: Path, pymemtools: Run) -> None:
    write(tmp_path, V2_ROOT)
    machine, _ = free(pymemtools, tmp_path)
    table, notes = free(pymemtools, tmp_path, "--cgroup", "/")
    assert table == machine
    assert notes == [
        "pymemtools: free: /: the kernel does not count this group's memory; the figures are the machine's"
    ]


def test_a_group_without_the_controller_is_counted_above(tmp_path: Path, pymemtools: Run) -> None:
    write(tmp_path, V2_ROOT | group("/a", max=512 * MIB) | {"sys/fs/cgroup/a/init.scope/cgroup.procs": "1\n"})
    table, notes = free(pymemtools, tmp_path, "-m", "--cgroup", "init.scope")
    assert table.splitlines()[1] == "Mem:             512         355          47          50         160         157"
    assert notes == [
        "pymemtools: free: /a/init.scope: its memory is counted in /a, and that is shown",
        "pymemtools: free: /a/init.scope: the limit is memory.max of /a",
    ]


def test_a_figure_the_kernel_does_not_give_is_unknown(tmp_path: Path, pymemtools: Run) -> None:
    write(tmp_path, V2_ROOT | group("/a", max=512 * MIB, stat="anon 1"))
    table, _ = free(pymemtools, tmp_path, "-m", "--cgroup", "/a")
    assert table.splitlines()[1] == "Mem:             512           -          47           -           -           -"


def test_v1(tmp_path: Path, pymemtools: Run) -> None:
    """Its swap limit is that of memory and swap less that of memory; reclaimable slab is not told."""
    limits = {"limit_in_bytes": 512 * MIB, "memsw__limit_in_bytes": 612 * MIB}
    top = group_v1("", memsw__limit_in_bytes=2**63 - 4096, use_hierarchy=1)
    write(tmp_path, top | group_v1("/docker", use_hierarchy=1) | group_v1("/docker/1f", **limits))
    expected = HEADER + (
        "Mem:             512         365          47          50         150         147\n"
        "Swap:            100           8          92\n"
    )
    for name in ("/docker/1f", "/sys/fs/cgroup/memory/docker/1f", "1f"):
        assert free(pymemtools, tmp_path, "-m", "--cgroup", name) == (expected, [])
    table, notes = free(pymemtools, tmp_path, "--cgroup", "/docker")
    assert table.splitlines()[1] == "Mem:        16000000      373760     8000000       51200      153600    12000000"
    assert len(notes) == 1


def test_v1_may_not_count_children(tmp_path: Path, pymemtools: Run) -> None:
    top = group_v1("") | group_v1("/a", limit_in_bytes=100 * MIB, use_hierarchy=0)
    write(tmp_path, top | group_v1("/a/b", limit_in_bytes=512 * MIB, use_hierarchy=0))
    assert free(pymemtools, tmp_path, "-m", "--cgroup", "/a/b")[0].splitlines()[1].split()[1] == "512"


def test_an_archive(tmp_path: Path, pymemtools: Run) -> None:
    files = {"proc/meminfo": MEMINFO} | V2_ROOT | group("/a.service", max=512 * MIB)
    with tarfile.open(tmp_path / "board.tar", "w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    (tmp_path / "tree").mkdir()
    from_tree = free(pymemtools, write(tmp_path / "tree", files), "--cgroup", "a.service")
    assert free(pymemtools, tmp_path / "board.tar", "--cgroup", "a.service") == from_tree


def test_a_path_may_be_written_in_many_ways(tmp_path: Path, pymemtools: Run) -> None:
    tree = write(tmp_path, V2_ROOT | group("/a") | group("/a/b", max=512 * MIB))
    table = free(pymemtools, tree, "--cgroup", "/a/b")
    for path in ("a/b", "/a/b/", "//a//b", "/a/./b", "./a/b", "/sys/fs/cgroup/a/b", "/sys/fs/cgroup//a/b/."):
        assert free(pymemtools, tree, "--cgroup", path) == table


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--cgroup",), 2, "a capture has no group of its own: name one, by its path or its unit"),
        (("--cgroup", "/nope"), 1, "/nope: no such control group"),
        (("--cgroup", "/a/../../../../etc"), 1, "/a/../../../../etc: no such control group"),
        (("--cgroup", "nope.service"), 1, "nope.service: no such control group ('pymemtools groups' lists them)"),
        (("--cgroup", "cgroup.procs"), 1, "cgroup.procs: no such control group ('pymemtools groups' lists them)"),
        (("--cgroup", "bat"), 1, "bat: no such control group; did you mean bad?"),
        (("--cgroup", "x.service"), 2, "x.service is the name of several control groups: /a/x.service /b/x.service"),
        (("--cgroup", "/a", "--classic"), 2, "free: --classic knows no control groups"),
        (("--cgroup", "/bad"), 1, "/sys/fs/cgroup/bad/memory.max: expected bytes, got '12 MB\\x0a'"),
    ],
)
def test_a_group_that_cannot_be_shown(
    tmp_path: Path, pymemtools: Run, arguments: tuple[str, ...], status: int, message: str
) -> None:
    write(tmp_path, V2_ROOT | group("/a/x.service") | group("/b/x.service") | group("/bad", max="12 MB"))
    done = pymemtools("free", "-S", str(tmp_path), *arguments)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (status, b"", f"pymemtools: {message}\n")


def test_no_control_groups_at_all(tmp_path: Path, pymemtools: Run) -> None:
    done = pymemtools("free", "-S", str(write(tmp_path, {})), "--cgroup", "/")
    nothing = f"pymemtools: no control groups: {tmp_path} has nothing of the memory controller in /sys/fs/cgroup\n"
    assert done.stderr.decode() == nothing
    assert done.returncode == 1


CONTROLLERS = "4:memory:/docker/1f\n1:name=systemd:/docker/1f\n0::/unified\n"


@pytest.mark.parametrize(
    ("cgroup", "mounts", "found"),
    [
        ("0::/\n", "35 1 0:3 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", (2, "/sys/fs/cgroup", "/")),
        ("0::/u/x\n", "35 1 0:3 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", (2, "/sys/fs/cgroup", "/u/x")),
        # a container that sees the host's paths, but has only its own group mounted
        (CONTROLLERS, "35 1 0:3 /docker/1f /m ro - cgroup cgroup rw,memory\n", (1, "/m", "/")),
        (CONTROLLERS, "35 1 0:3 /docker /m ro - cgroup cgroup rw,memory\n", (1, "/m", "/1f")),
        (
            CONTROLLERS,
            "31 1 0:2 / /c rw - cgroup2 cgroup2 rw\n32 1 0:3 / /m rw - cgroup cgroup rw,memory\n",
            (1, "/m", "/docker/1f"),
        ),
        # one mount covers another
        (
            CONTROLLERS,
            "31 1 0:3 / /m rw - cgroup cgroup rw,memory\n32 31 0:3 /docker/1f /m rw - cgroup cgroup rw,memory\n",
            (1, "/m", "/"),
        ),
    ],
)
def test_the_group_we_are_in(tmp_path: Path, cgroup: str, mounts: str, found: tuple[int, str, str]) -> None:
    write(tmp_path, {"proc/self/cgroup": cgroup, "proc/self/mountinfo": mounts})
    machine = live(str(tmp_path / "proc"), str(tmp_path))
    hierarchy = find_hierarchy(machine)
    assert (hierarchy.version, hierarchy.point, own_group(machine, hierarchy)) == found


@pytest.mark.parametrize(
    ("cgroup", "pid", "found"), [("/", "self", "/docker/1f"), ("/in", "self", "/docker/1f/in"), ("/", "7", "/docker/2")]
)
def test_our_group_in_a_namespace_of_its_own(tmp_path: Path, cgroup: str, pid: str, found: str) -> None:
    """A mount made outside shows more than the namespace: who is in which group tells where that is."""
    groups = {f"c/{name}/cgroup.procs": "" for name in ("docker", "docker/1f", "docker/1f/in", "docker/2", "system")}
    groups["c/docker/1f/cgroup.procs" if cgroup == "/" else "c/docker/1f/in/cgroup.procs"] = "1\n42\n"
    own = {"proc/self/cgroup": f"0::{cgroup}\n", "proc/7/cgroup": "0::/../2\n", "proc/self/stat": "42 (x) S 1\n"}
    write(tmp_path, own | groups)
    machine = live(str(tmp_path / "proc"), str(tmp_path))
    assert group_of(machine, Hierarchy(2, "/c", "/../.."), pid) == found


@pytest.mark.parametrize(("path", "root"), [("/", "/../.."), ("/docker/1f2", "/docker/1f"), ("/../x", "/")])
def test_a_mount_of_another_namespace_does_not_show_our_group(tmp_path: Path, path: str, root: str) -> None:
    write(tmp_path, {"proc/self/cgroup": f"0::{path}\n"})
    machine = live(str(tmp_path / "proc"), str(tmp_path))
    with pytest.raises(Missing, match=r"^/c shows /.*, but our own group is /.*: name one of those$"):
        own_group(machine, Hierarchy(2, "/c", root))


def test_live(pymemtools: Run) -> None:
    """Whatever groups this machine has, or none, the answer is a table or one line."""
    done = pymemtools("free", "--cgroup")
    if done.returncode == 0:
        assert [line.split()[0] for line in done.stdout.splitlines()] == [b"total", b"Mem:", b"Swap:"]
    else:
        assert (done.stdout, done.stderr.count(b"\n")) == (b"", 1)


def test_a_group_that_ends_is_an_error_and_not_its_parents_figures(tmp_path: Path) -> None:
    write(tmp_path, V2_ROOT | group("/a") | group("/a/b"))
    tree = directory(str(tmp_path))
    hierarchy = find_hierarchy(tree)
    assert [level.path for level in read_levels(tree, hierarchy, "/a/b")] == ["/a/b", "/a", "/"]
    shutil.rmtree(tmp_path / "sys/fs/cgroup/a/b")
    with pytest.raises(Missing, match=r"^/a/b: no such control group$"):
        read_levels(tree, hierarchy, "/a/b")


def test_several_units_of_a_name_are_no_answer(tmp_path: Path) -> None:
    write(tmp_path, V2_ROOT | group("/a/x.service") | group("/x"))
    tree = directory(str(tmp_path))
    hierarchy = find_hierarchy(tree)
    assert named_group(tree, hierarchy, "x.service") == "/a/x.service"
    with pytest.raises(UsageProblem):
        named_group(tree, hierarchy, "x")


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (b"max\n", None),
        (b"0\n", 0),
        (b"536870912\n", 512 * MIB),
        (b"9223372036854771712\n", None),  # LONG_MAX in pages of 4 KiB
        (b"9223372036854710272\n", None),  # ... of 64 KiB
        (b"9223372036854775807\n", None),
        (b"18446744073709551615\n", None),
        (b"8796093018112\n", None),  # 32-bit
        (b"1099511627776\n", 1 << 40),
    ],
)
def test_limits(text: bytes, limit: int | None) -> None:
    assert parse_limit(text, "memory.max") == limit


@pytest.mark.parametrize("text", [b"", b"\n", b"-1\n", b"1 2\n", b"1.5\n", b"x\n", b"max max\n", b"1" * 21])
def test_no_limit_is_not_taken_from_damage(text: bytes) -> None:
    with pytest.raises(ParseError, match=r"^memory\.max: expected bytes, got '"):
        parse_limit(text, "memory.max")


def test_amounts_and_statistics() -> None:
    assert parse_amount(b"4096\n", "memory.current") == 4096
    assert parse_stat(b"anon 1\nnew_key 2\n\n") == {"anon": 1, "new_key": 2}
    for damage in (b"anon\n", b"anon -1\n", b"anon 1 2\n", b"anon 0x1\n"):
        with pytest.raises(ParseError, match=r"^memory\.stat: line 2: expected 'name bytes', got '"):
            parse_stat(b"file 0\n" + damage)


@given(st.one_of(st.binary(), st.lists(st.sampled_from([b"file", b" ", b"4096", b"max", b"\n", b"\0"])).map(b"".join)))
def test_nothing_but_a_parse_error(text: bytes) -> None:
    parsers = (lambda: parse_stat(text).values(), lambda: [parse_limit(text, "memory.max") or 0])
    for parse in parsers:
        try:
            assert all(figure >= 0 for figure in parse())
        except ParseError as error:
            assert str(error).startswith("memory.")
    parse_mountinfo(text)
    parse_cgroups(text)


def test_mountinfo_and_cgroup_lines() -> None:
    text = (
        b"36 35 98:0 /mnt1 /mnt\\040two rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n"
        b"not a mount\n"
        b"1 2 3\n"
        b"31 23 0:28 /a\\134040 / rw - tmpfs tmpfs rw\n"
    )
    assert parse_mountinfo(text) == [
        Mount("/mnt1", "/mnt two", "ext3", ("rw", "errors=continue"), "98:0"),
        Mount("/a\\040", "/", "tmpfs", ("rw",), "0:28"),
    ]
    assert parse_cgroups(b"3:cpu,cpuacct:/a:b\n0::/\njunk\n") == {"cpu": "/a:b", "cpuacct": "/a:b", "": "/"}
