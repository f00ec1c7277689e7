"""stat, status and cgroup of a process: names may hold anything, kernels may lack fields."""

from __future__ import annotations

import pytest

from pymemtools.errors import ParseError
from pymemtools.procfs.cgroup import parse_cgroup, unit_of
from pymemtools.procfs.stat import PF_KTHREAD, parse_stat
from pymemtools.procfs.status import parse_status_sizes, stat_by_status

REAL = (  # /proc/self/stat of a cat, Linux 6.1
    b"1402 (cat) R 1399 1399 1399 34817 1399 4194304 95 0 0 0 0 0 0 0 20 0 1 0 4402 2375680 353 18446744073709551615 "
    b"94083416064000 94083416084041 140733861893632 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 94083416100592 94083416102016 "
    b"94084225863680 140733861900009 140733861900029 140733861900029 140733861904363 0\n"
)
OLD = (  # Linux 2.6.18: fewer fields at the end
    b"1 (init) S 0 1 1 0 -1 4194560 606 20742 14 155 1 40 42 29 16 0 1 0 9 2048000 160 4294967295 134512640 134544100 "
    b"3214610560 3214609408 3086283778 0 0 1475401980 671819267 3222447312 0 0 0 0 0 0 0 0\n"
)


def test_a_real_one() -> None:
    stat = parse_stat(REAL)
    assert tuple(stat) == (
        *(1402, b"cat", "R", 1399, 0x400000, 95, 0, 1, 4402, 2375680, 353, 94083416064000, 140733861893632),
    )
    assert not stat.is_kernel_thread
    assert not stat.is_dead


def test_an_old_one() -> None:
    stat = parse_stat(OLD)
    assert (stat.ppid, stat.starttime_ticks, stat.rss_pages) == (0, 9, 160)
    assert (stat.minor_faults, stat.major_faults) == (606, 14)


@pytest.mark.parametrize(
    "comm", [b"", b")", b"a b) (c", b") S 1 (x", b"\n", b"\x1b[2J", b"\xff\xfe", b"1 (x) R 2", b"(((", b")))"]
)
def test_names_end_at_the_last_parenthesis(comm: bytes) -> None:
    stat = parse_stat(REAL.replace(b"(cat)", b"(" + comm + b")"))
    assert (stat.comm, stat.ppid) == (comm, 1399)


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"1402", b"1402 (cat", b"x (cat) R 1", b"1 (cat) R x 1\n", b"1 (cat)\n", b")(", b"\0" * 99]
)
def test_what_is_no_stat(text: bytes) -> None:
    with pytest.raises(ParseError, match=r"^7/stat: line 1: expected "):
        parse_stat(text, "7/stat")


@pytest.mark.parametrize("figure", ["minor_faults", "major_faults", "threads", "starttime_ticks", "vsize", "rss_pages"])
@pytest.mark.parametrize("text", [REAL, b" ".join(REAL.split()[:24]) + b"\n"], ids=["whole", "short"])
def test_no_figure_is_below_0(text: bytes, figure: str) -> None:
    """As in a damaged copy: sizes were negative, and sums with them."""
    words = text.split()
    place = {"minor_faults": 9, "major_faults": 11, "threads": 19, "starttime_ticks": 21, "vsize": 22, "rss_pages": 23}
    words[place[figure]] = b"-1"
    with pytest.raises(ParseError, match=r"^stat: line 1: expected numbers after the state"):
        parse_stat(b" ".join(words) + b"\n")


def test_kinds_of_processes() -> None:
    thread = parse_stat(REAL.replace(b" 4194304 ", b" %d " % (PF_KTHREAD | 64)))
    assert thread.is_kernel_thread
    assert parse_stat(OLD.replace(b" 2048000 160 ", b" 0 0 ")).is_kernel_thread  # before 2.6.27 without the flag
    assert not parse_stat(OLD.replace(b" 2048000 160 ", b" 0 0 ").replace(b") S ", b") Z ")).is_kernel_thread
    for state, is_dead in ((b"Z", True), (b"X", True), (b"x", True), (b"D", False), (b"T", False), (b"I", False)):
        assert parse_stat(REAL.replace(b") R ", b") " + state + b" ")).is_dead == is_dead


def test_the_same_image() -> None:
    before = parse_stat(REAL)
    assert before.same_image(parse_stat(REAL.replace(b" 353 ", b" 999 ").replace(b") R ", b") S ")))
    assert not before.same_image(parse_stat(REAL.replace(b" 4402 ", b" 4403 ")))  # the PID's next owner
    assert not before.same_image(parse_stat(REAL.replace(b" 94083416064000 ", b" 94083416064001 ")))  # exec
    assert not before.same_image(parse_stat(REAL.replace(b" 140733861893632 ", b" 140733861893633 ")))


def test_status() -> None:
    text = b"Name:\tRssShmem: 9 kB\nVmRSS:\t    1412 kB\nRssShmem:\t       4 kB\nVmSwap:\t0 kB\nThreads:\t1\n"
    assert parse_status_sizes(text) == {"VmRSS": 1412 << 10, "RssShmem": 4 << 10, "VmSwap": 0}
    assert parse_status_sizes(b"") == {}
    assert parse_status_sizes(b"VmRSS:\t-4 kB\nVmRSS:\t4 MB\nVmRSS: " + b"9" * 5000 + b" kB\n") == {}


@pytest.mark.parametrize(
    ("text", "path", "unit"),
    [
        (b"0::/system.slice/nginx.service\n", "/system.slice/nginx.service", "nginx.service"),
        (
            b"0::/user.slice/user-0.slice/session-3.scope\n",
            "/user.slice/user-0.slice/session-3.scope",
            "session-3.scope",
        ),
        (b"0::/user.slice/user-0.slice\n", "/user.slice/user-0.slice", "user-0.slice"),
        (b"0::/system.slice/docker-1f.scope/init\n", "/system.slice/docker-1f.scope/init", "docker-1f.scope"),
        (b"0::/\n", "/", None),
        (b"4:memory:/docker/1f\n1:name=systemd:/init.scope\n0::/\n", "/docker/1f", None),
        (b"5:cpu,memory:/lxc/a\n", "/lxc/a", None),
        (b"1:name=systemd:/a.service\n", "/a.service", "a.service"),
        (b"4:memory:/v1\n0::/v2\n", "/v2", None),
        (b"0::/a:b.service\n", "/a:b.service", "a:b.service"),
        (b"0::/caf\xe9.service (deleted)\n", "/caf\udce9.service (deleted)", "caf\udce9.service"),
        (b"", None, None),
        (b"garbage\n", None, None),
    ],
)
def test_cgroup(text: bytes, path: str | None, unit: str | None) -> None:
    assert parse_cgroup(text) == path
    assert unit_of(path) == unit


def test_fewer_fields_than_today() -> None:
    short = parse_stat(b"7 (old) S 1 7 7 0 -1 64\n")
    assert (short.comm, short.state, short.ppid, short.flags, short.vsize) == (b"old", "S", 1, 64, None)
    assert not short.is_kernel_thread
    assert parse_stat(b"7 (cut) S 1 7 7 0 -1 6").flags is None  # of 64
    ends_with_vsize = parse_stat(OLD[: OLD.index(b" 160 ")] + b"\n")
    assert (ends_with_vsize.vsize, ends_with_vsize.rss_pages, ends_with_vsize.has_memory) == (2048000, None, True)


STATUS = b"Name:\tjujud\nState:\tS (sleeping)\nPPid:\t1\nVmSize:\t     200 kB\nVmRSS:\t      80 kB\nThreads:\t3\n"


def test_status_tells_what_stat_does_not() -> None:
    stat = stat_by_status(STATUS, 100)
    assert stat is not None
    assert tuple(stat) == (100, b"jujud", "S", 1, None, None, None, 3, None, 204800, None, None, None)
    assert not stat.is_kernel_thread
    assert stat.has_memory
    assert stat_by_status(STATUS, 100, parse_stat(b"7 (old) S 9\n")) == parse_stat(b"7 (old) S 9\n")._replace(
        vsize=204800
    )
    assert stat_by_status(b"", 100) is None


@pytest.mark.parametrize(
    ("status", "is_kernel_thread"),
    [
        (b"Name:\tkthreadd\nState:\tS (sleeping)\n", True),
        (b"Name:\tdefunct\nState:\tZ (zombie)\n", False),
        (b"Name:\tlab\nVmRSS:\t 80 kB\n", False),  # whoever kept that line may have dropped VmSize
    ],
)
def test_what_has_no_address_space_is_a_kernel_thread(status: bytes, *, is_kernel_thread: bool) -> None:
    stat = stat_by_status(status, 2)
    assert stat is not None
    assert stat.is_kernel_thread == is_kernel_thread
