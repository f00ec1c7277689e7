"""Captures taken by the program and by its script, and read back by every command."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shlex import quote

import pytest
from conftest import HERE, Run

from pymemtools.capture.body import keep
from pymemtools.capture.contents import PROCESS_FILES, system_paths
from pymemtools.capture.veil import Veil
from pymemtools.readings.processes import read_processes
from pymemtools.readings.wants import Wants
from pymemtools.sources import open_source

pytestmark = pytest.mark.alone

READERS = (
    "smem -t",
    "smem -m -t",
    "smem -u -t",
    "smem -c all",
    "smem -g tree",
    "smem --rollup",
    "smem -f csv",
    "pmap {pid}",
    "pmap -x {pid}",
    "pmap -X {pid}",
    "pmap -XX {pid}",
    "pmap -d {pid}",
    "status {pid}",
)


@pytest.fixture
def still(tmp_path: Path) -> Iterator[list[int]]:
    """Run two processes that stand still, of a program that shares no page with others: their PSS does not change."""
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox is not installed")
    own = tmp_path / "own" / "busybox"
    own.parent.mkdir()
    shutil.copy(busybox, own)
    pids = [subprocess.Popen([own, "sleep", "600"], start_new_session=True).pid for _ in range(2)]
    try:
        for pid in pids:
            _wait(lambda pid=pid: Path(f"/proc/{pid}/cmdline").read_bytes().startswith(bytes(own)))  # type: ignore[misc]
            _wait(lambda pid=pid: "S (sleeping)" in _status(pid))  # type: ignore[misc]
            os.kill(pid, signal.SIGSTOP)
            _wait(lambda pid=pid: "T (stopped)" in _status(pid))  # type: ignore[misc]
        yield pids
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


def names(path: Path) -> list[str]:
    with tarfile.open(path, ignore_zeros=True) as archive:
        return archive.getnames()


def frozen(pids: list[int], to: Path) -> Path:
    """Copy the files of processes, and of the machine, as they are."""
    for pid in pids:
        (to / "proc" / str(pid)).mkdir(parents=True)
        for name in PROCESS_FILES:
            (to / "proc" / str(pid) / name).write_bytes(Path(f"/proc/{pid}/{name}").read_bytes())
    for name in ("meminfo", "version", "sys/vm/max_map_count", "uptime"):
        (to / "proc" / name).parent.mkdir(parents=True, exist_ok=True)
        (to / "proc" / name).write_bytes((Path("/proc") / name).read_bytes())
    (to / "etc").mkdir()
    shutil.copy("/etc/passwd", to / "etc" / "passwd")
    return to


def comparable(output: bytes) -> bytes:
    """Leave out what tells a frozen copy from the archive of the moment before."""
    return b"\n".join(line for line in output.split(b"\n") if b"MemFree" not in line)


@pytest.mark.parametrize("how", ["program", "program.tar.gz", "dash", "busybox sh", "mksh", "bash --posix"])
def test_round_trip(pymemtools: Run, still: list[int], capture_script: Path, tmp_path: Path, how: str) -> None:
    archive = tmp_path / ("a.tar.gz" if how.endswith("gz") else "a.tar")
    if how.startswith("program"):
        done = pymemtools("capture", "-o", str(archive), *map(str, still))
    else:
        shell = how.split()
        if shutil.which(shell[0]) is None:
            pytest.skip(f"{shell[0]} is not installed")
        command = [*shell, str(capture_script), "-d", str(tmp_path), "-o", str(archive), *map(str, still)]
        done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    copy = frozen(still, tmp_path / "copy")
    for reader in READERS:
        call = reader.format(pid=still[0]).split()
        ours, theirs = (pymemtools(*call, "-S", str(source)) for source in (archive, copy))
        assert ours.returncode == theirs.returncode == 0, reader
        assert ours.stderr == theirs.stderr, reader
        assert comparable(ours.stdout) == comparable(theirs.stdout), reader


def test_unpacked_it_is_the_same(pymemtools: Run, still: list[int], tmp_path: Path) -> None:
    pymemtools("capture", "-o", str(tmp_path / "a.tar"), *map(str, still))
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "xf", tmp_path / "a.tar", "-C", tmp_path / "out"], check=True)
    for reader in (*READERS, "free", "free --cgroup /", "smem -w", "zones", "zones --sysrq", "tunables list"):
        call = reader.format(pid=still[0]).split()
        packed, unpacked = (pymemtools(*call, "-S", str(tmp_path / name)) for name in ("a.tar", "out"))
        assert packed.returncode == unpacked.returncode == 0, (reader, packed.stderr)
        assert (packed.stdout, packed.stderr) == (unpacked.stdout, unpacked.stderr), reader
    packed_facts = open_source(str(tmp_path / "a.tar")).facts
    assert packed_facts[2:] == open_source(str(tmp_path / "out")).facts[2:]


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tgz", "tar.xz", "txz", "tar.bz2", "tbz2", "tar.zst", "tzst"])
def test_suffixes(pymemtools: Run, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    assert pymemtools("capture", "-o", str(path), str(os.getpid())).returncode == 0
    assert list(open_source(str(path)).pids()) == [os.getpid()]
    assert path.stat().st_mode & 0o777 == 0o600


def test_contents_of_program_and_script_agree(
    pymemtools: Run, still: list[int], capture_script: Path, tmp_path: Path
) -> None:
    pymemtools("capture", "-o", str(tmp_path / "a.tar"), *map(str, still))
    subprocess.run(["sh", str(capture_script), "-o", str(tmp_path / "b.tar"), *map(str, still)], check=True)
    theirs = names(tmp_path / "b.tar")
    files = {name for name in theirs if not any(other.startswith(f"{name}/") for other in theirs)}
    assert files - {"etc/passwd"} == set(names(tmp_path / "a.tar"))


def test_what_there_is_of_the_system(tmp_path: Path) -> None:
    """A star stands for all that the machine has, but for what must not be read."""
    there = (
        *("proc/meminfo", "proc/sys/vm/swappiness", "proc/sys/vm/stat_refresh", "proc/sys/vm/drop_caches"),
        *("sys/kernel/mm/ksm/run", "sys/kernel/mm/ksm/pages_shared", "sys/kernel/mm/transparent_hugepage/enabled"),
    )
    for name in there:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1\n")
    paths = list(system_paths(open_source(str(tmp_path))))
    starred = [path for path in paths if path.startswith(("sys/vm/", "/sys/"))]
    assert starred == [
        *("sys/vm/swappiness", "/sys/kernel/mm/ksm/pages_shared", "/sys/kernel/mm/ksm/run"),
        "/sys/kernel/mm/transparent_hugepage/enabled",
    ]
    assert not [path for path in paths if "*" in path]


def test_manifest(pymemtools: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    before = int(time.time())
    assert pymemtools("capture", "-o", str(path), str(os.getpid())).returncode == 0
    assert names(path)[0] == "pymemtools-capture"
    assert names(path)[-1] == "manifest.json"
    with tarfile.open(path) as archive:
        file = archive.extractfile("manifest.json")
        assert file is not None
        manifest = json.load(file)
    assert (manifest["format"], manifest["page_size"]) == (1, os.sysconf("SC_PAGE_SIZE"))
    assert (manifest["kernel"], manifest["machine"], manifest["host"]) == (
        os.uname().release,
        os.uname().machine,
        os.uname().nodename,
    )
    assert before <= manifest["taken_at"] <= time.time()
    assert all(set(each) == {"file", "reason", "pids"} for each in manifest["unreadable"])
    assert "proc/sys/vm/stat_refresh" not in names(path)


def test_a_capture_cut_at_a_members_end_is_cut(pymemtools: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    pymemtools("capture", "-o", str(path), str(os.getpid()))
    with tarfile.open(path) as archive:
        place = archive.getmember("manifest.json").offset
    os.truncate(path, place)
    done = pymemtools("smem", "-S", str(path))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().startswith(f"pymemtools: {path}: truncated archive: no manifest at its end; --partial ")
    assert pymemtools("smem", "-S", str(path), "--partial").returncode == 3


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
@pytest.mark.parametrize(("options", "status"), [((), 0), (("--strict",), 3)])
def test_what_could_not_be_read_is_said_there_and_then(
    pymemtools: Run, still: list[int], tmp_path: Path, options: tuple[str, ...], status: int
) -> None:
    # What is imported late comes first: nobody may have no right to read this Python's files.
    code = (
        "import difflib, json, os, platform, zlib, pymemtools.cli.capture, pymemtools.sources.files, pymemtools.entry\n"
        "os.setgroups([])\nos.setuid(65534)\npymemtools.entry.main()"
    )
    command = [sys.executable, "-c", code, "capture", "-o", "-", str(still[0]), *options]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    said = b"pymemtools: capture: 1 of 1 processes could not be read (Permission denied); run as root for all\n"
    assert (done.returncode, done.stderr) == (status, said)
    (tmp_path / "a.tar").write_bytes(done.stdout)
    source = open_source(str(tmp_path / "a.tar"))
    assert source.manifest is not None
    assert ("smaps", "Permission denied", 1) in [
        (file, why, len(pids)) for file, why, pids in source.manifest.unreadable
    ]
    read = pymemtools("smem", "-H", "-S", str(tmp_path / "a.tar"))
    assert (read.returncode, read.stdout) == (1, b"")
    assert read.stderr.startswith(
        b"pymemtools: smem: 1 of 1 processes could not be read (Permission denied, when it was taken)"
    )


@pytest.mark.parametrize(("pids", "status"), [(True, 42), (False, 0)])
def test_a_process_that_ends_is_news_only_if_it_was_named(tmp_path: Path, pids: bool, status: int) -> None:
    code = (
        "import os, pymemtools.capture.take as take\n"
        "from pymemtools.errors import Missing\n"
        "read = take.read_steadily\n"
        "def ended(source, pid, reader):\n"
        "    if pid == os.getppid():\n"
        "        raise Missing('ended')\n"
        "    return read(source, pid, reader)\n"
        "take.read_steadily = ended\n"
        "from pymemtools.entry import main\n"
        "main()"
    )
    named = [str(os.getpid()), "1"] if pids else []
    command = [sys.executable, "-c", code, "capture", "-o", "a.tar", *named]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    said = f"pymemtools: capture: {os.getpid()}: no such process; all else was captured\n".encode()
    assert done.returncode == status
    assert (said in done.stderr) == pids
    assert os.getpid() not in open_source(str(tmp_path / "a.tar")).pids()


def test_as_smemcap_writes_it(pymemtools: Run, still: list[int], tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    assert pymemtools("capture", "--compat", "smemcap", "-o", str(path), *map(str, still)).returncode == 0
    processes = [f"{pid}{name}" for pid in sorted(still) for name in ("", "/smaps", "/cmdline", "/stat")]
    assert names(path) == ["meminfo", "version", *processes]
    assert path.read_bytes()[257:265] == bytes(8)  # V7: no magic
    full = tmp_path / "b.tar"
    pymemtools("capture", "-o", str(full), *map(str, still))
    for options in ("-t", "-m -t", "-n -u"):
        compat, ours = (pymemtools("smem", "-n", *options.split(), "-S", str(each)).stdout for each in (path, full))
        assert compat == ours


def test_anonymized(pymemtools: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret-file"
    secret.write_bytes(b"x" * 4096)
    code = (
        "import mmap, time\n"
        f"file = open({str(secret)!r}, 'rb')\n"
        "kept = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)\n"
        "print(1)\n"
        "time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-uc", code, "--password=hunter2"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"1\n"
    try:
        path = tmp_path / "a.tar"
        assert pymemtools("capture", "--anonymize", "-o", str(path), str(child.pid)).returncode == 0
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    content = path.read_bytes()
    for text in (b"hunter2", b"secret-file", str(tmp_path).encode(), os.uname().nodename.encode() + b'"'):
        assert text not in content
    assert b"/hidden/" in content
    assert "proc/cmdline" not in names(path)
    sample = read_processes(open_source(str(path)), Wants(("Pss",), by_name=True))
    assert sample.processes[0].sums["Pss"]
    assert b"[heap]" in sample.processes[0].by_name


@pytest.mark.parametrize(("options", "start"), [((), os.uname().nodename), (("--anonymize",), "capture")])
def test_a_capture_has_a_name(pymemtools: Run, tmp_path: Path, options: tuple[str, ...], start: str) -> None:
    done = pymemtools("capture", *options, str(os.getpid()), cwd=tmp_path)
    (name,) = (path.name for path in tmp_path.iterdir())
    assert (done.returncode, done.stderr.decode()) == (0, f"pymemtools: capture: wrote {name}\n")
    assert re.fullmatch(re.escape(start) + r"-[0-9]{8}T[0-9]{6}Z\.tar\.gz", name)


def test_what_is_hidden() -> None:
    veil, other = Veil(), Veil()
    assert veil.file("cmdline", b"/usr/bin/psql\0-U\0ann\0") == b"/usr/bin/psql\0"
    assert veil.file("cmdline", b"") == b""
    line = b"7f00-7f01 r--p 00000000 fe:00 18                   /home/ann/x y (deleted)\nRss: 4 kB\n"
    hidden = veil.file("smaps", line)
    assert hidden.endswith(b" (deleted)\nRss: 4 kB\n")
    assert b"ann" not in hidden
    assert hidden == veil.file("smaps", line) != other.file("smaps", line)
    for kept in (b"[heap]", b"/usr/lib/x.so", b"/dev/zero (deleted)", b"", b"anon_inode:[x]"):
        text = b"7f00-7f01 r--p 00000000 fe:00 18                   " + kept + b"\n"
        assert veil.file("maps", text) == text
    for path in (
        b"/development/ann",
        b"/dev/shm/ann",
        b"/dev/mapper/ann-x",
        b"/usr/home/ann",
        b"/usr/local/home/ann",
        b"/lib/../home/ann",
    ):
        text = b"7f00-7f01 r--p 00000000 fe:00 18                   " + path + b"\n"
        assert b"/hidden/" in veil.file("maps", text)
        assert b"ann" not in veil.file("cmdline", path + b"\0x\0")
    for name in (b"nginx:", b"-bash", b"(sd-pam)", b"[kthreadd]", b"python3.11", b"/usr/bin/g++"):
        for separator in (b"\0", b" ", b"\t", b"\n"):
            assert veil.file("cmdline", name + separator + b"ann\0x\0") == name + b"\0"
    for name in (b"ann/run", b"./ann", b"../ann", b"KEY=ann", b"ann@host", b"/usr/bin/x=ann", b"/usr/bin/x;ann"):
        assert veil.file("cmdline", name + b"\0x\0").startswith(b"hidden-")
    group = veil.file("cgroup", b"0::/user.slice/user-1000.slice/ann.service\n1:name=systemd:/\n").decode()
    assert group.startswith("0::/user.slice/g-")
    assert group.endswith(".service\n1:name=systemd:/\n")
    assert "ann" not in group
    assert "ann" not in veil.group("/user.slice/user-ann.slice/session-ann.scope")
    assert veil.group("/system.slice/init.scope") == "/system.slice/init.scope"
    with_colons, with_return = "/k8s.slice:cri-containerd:ann/b", "/c\rann"
    group = veil.file("cgroup", f"4:memory,cpu:{with_colons}\n0::{with_return}\n".encode()).decode()
    assert group == f"4:memory,cpu:{veil.group(with_colons)}\n0::{veil.group(with_return)}\n"
    assert "ann" not in group
    swaps = b"Filename  Type  Size\n/dev/vda2  partition  1\n/home/ann/swap  file  2\n"
    assert veil.machine_file("swaps", swaps).startswith(b"Filename  Type  Size\n/dev/vda2  partition  1\n/hidden/")
    for builder in (b"ann@box", b"ann@(none)", b"ann lee@box", b"ann@ box"):
        version = b"Linux version 6.1.0 (%b) (gcc (Debian 12) 12.2) #1 SMP\n" % builder
        assert veil.machine_file("version", version) == b"Linux version 6.1.0 (hidden) (gcc (Debian 12) 12.2) #1 SMP\n"
    assert veil.machine_file("meminfo", version) == version


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (("-o", "a.zip"), 2, "capture: 'a.zip': the name should end in .tar, .tar.gz"),
        (("-o", "no/a.tar"), 1, "no/a.tar: No such file or directory"),
        (("-o", "a.tar", "4194304"), 42, "capture: 4194304: no such process"),
        (("-o", "a.tar", "x"), 2, "'x' is not a valid integer range"),
        (
            ("--script", "1"),
            2,
            "capture: --script prints a script, which takes options of its own: -k for --dmesg, -n, -o, -z",
        ),
        (
            ("--compat", "smemcap", "--dmesg"),
            2,
            "capture: smemcap's layout has no room for --dmesg, --kpageflags, --numa-maps and",
        ),
        (("--anonymize", "--dmesg"), 2, "capture: the kernel's log tells names that --anonymize cannot hide"),
        (("-o", "there.tar"), 1, "there.tar: exists already (--force replaces it)"),
        (("-o", "link.tar"), 1, "link.tar: exists already (--force replaces it)"),
        (("-o", "folder.tar", "--force"), 1, "folder.tar: Is a directory"),
    ],
)
def test_what_is_refused(pymemtools: Run, tmp_path: Path, arguments: tuple[str, ...], status: int, reason: str) -> None:
    (tmp_path / "there.tar").write_text("mine")
    (tmp_path / "link.tar").symlink_to("nowhere")
    (tmp_path / "folder.tar").mkdir()
    before = sorted(path.name for path in tmp_path.iterdir())
    done = pymemtools("capture", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (status, b"", 1)
    assert reason in done.stderr.decode()
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "there.tar").read_text() == "mine"


def test_a_terminal_gets_no_archive(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "pymemtools", "capture"]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    done = subprocess.run([*command, "-o", "-"], stdout=slave, stderr=subprocess.PIPE, env=environment, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        b"pymemtools: capture: an archive does not belong on a terminal; say -o FILE\n",
    )
    os.close(master)
    os.close(slave)


def test_a_full_disk_leaves_nothing(pymemtools: Run, tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{quote(sys.executable)} -m pymemtools capture -o - > /dev/full"],
        env=os.environ | {"PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"pymemtools: write error: No space left on device\n")
    limited = subprocess.run(
        [
            "sh",
            "-c",
            f"ulimit -f 8; trap '' XFSZ; exec {quote(sys.executable)} -m pymemtools capture -o {tmp_path}/a.tar",
        ],
        env=os.environ | {"PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        check=False,
    )
    assert limited.returncode == 1
    assert limited.stderr.decode() == f"pymemtools: {tmp_path}/a.tar: File too large\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    code = (
        "import os, time, pymemtools.capture.take as take\n"
        "take.Taking._process = lambda self, pid, names: (print(flush=True), time.sleep(60))\n"
        "from pymemtools.entry import main\n"
        "main()"
    )
    command = [sys.executable, "-c", code, "capture", "-o", "a.tar"]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    child = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    (left,) = tmp_path.iterdir()
    assert re.fullmatch(rf"a\.tar\.{child.pid}-[0-9a-f]{{8}}\.tmp", left.name)
    child.send_signal(number)
    _, errors = child.communicate(timeout=120)
    assert (child.returncode, errors) == (-number, b"")
    assert list(tmp_path.iterdir()) == []


def test_the_kernels_log(pymemtools: Run, tmp_path: Path) -> None:
    done = pymemtools("capture", "--dmesg", "-o", str(tmp_path / "a.tar"), str(os.getpid()))
    assert done.returncode == 0
    if not os.access("/dev/kmsg", os.R_OK):
        assert b"no kernel log" in done.stderr
        return
    log = open_source(str(tmp_path / "a.tar")).read("dmesg").decode("utf-8", "surrogateescape").splitlines()
    assert all(line.startswith("[") and "] " in line for line in log)


def test_info(pymemtools: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    pymemtools("capture", "-o", str(path), str(os.getpid()))
    document = json.loads(pymemtools("info", "-S", str(path), "-f", "json").stdout)
    assert (document["source"]["host"], document["totals"]["processes"]) == (os.uname().nodename, 1)
    assert {row["question"]: row["answer"] for row in document["rows"]}["smem"] == "yes"
    done = pymemtools("info", "-S", str(HERE / "captures" / "armv7-highmem-6.1" / "smemcap.tar.gz"))
    assert done.stdout.decode().splitlines()[1:] == [
        *("Host:       -", "Machine:    -", "Kernel:     6.1.0-50-armmp", "Page size:  4096 bytes"),
        *("Taken at:   2026-11-23T00:47:55Z", "Taken by:   -", "Memory:     1019988 KiB", "Swap:       0 KiB"),
        *("Processes:  16, and 42 kernel threads", "Unreadable: 0", ""),
        "Command             Answer    Without",
        *done.stdout.decode().splitlines()[13:],
    ]
    assert "free --cgroup       no        /sys/fs/cgroup/" in done.stdout.decode().splitlines()


def test_info_on_an_iomem_whose_addresses_the_kernel_hid(pymemtools: Run, tmp_path: Path) -> None:
    """As it does from all but root: iomem-graph refuses it."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 1024 kB\n")
    for text, answer in (("00000000-00000000 : System RAM\n", "no"), ("00001000-0009fbff : System RAM\n", "yes")):
        (tmp_path / "proc" / "iomem").write_text(text)
        document = json.loads(pymemtools("info", "-S", str(tmp_path), "-f", "json").stdout)
        assert {row["question"]: row["answer"] for row in document["rows"]}["iomem-graph"] == answer
        assert pymemtools("iomem-graph", "-S", str(tmp_path)).returncode == (answer == "no")


@pytest.mark.parametrize(
    ("group", "answer"), [("/", "no"), ("/docker/1f", "no"), ("/system.slice/sshd.service", "yes")]
)
def test_info_promises_units_where_there_are_any(pymemtools: Run, tmp_path: Path, group: str, answer: str) -> None:
    """As smem -g unit does: what has control groups need not have systemd."""
    process = tmp_path / "proc" / "7"
    process.mkdir(parents=True)
    (process / "smaps").write_text("00400000-00401000 r-xp 00000000 08:01 9 /bin/x\nRss: 4 kB\nPss: 4 kB\n")
    (process / "cmdline").write_bytes(b"x\0")
    (process / "cgroup").write_text(f"0::{group}\n")
    rows = json.loads(pymemtools("info", "-S", str(tmp_path), "-f", "json").stdout)["rows"]
    assert {row["question"]: row["answer"] for row in rows}["smem -g unit"] == answer
    done = pymemtools("smem", "-g", "unit", "-S", str(tmp_path))
    assert done.returncode == (0 if answer == "yes" else 1)


def test_a_huge_file_is_held_packed() -> None:
    line = b"7f00-7f01 r--p 00000000 fe:00 18                   /home/ann/x\nRss: 4 kB\n"
    chunks = [line * 20_000] * 30
    body = keep(chunks)
    assert body.size == len(line) * 600_000
    assert sum(map(len, body.plain + body.packed)) < 6 << 20
    assert all(len(piece) <= 2 << 20 for piece in body.pieces())
    assert b"".join(body.pieces()) == b"".join(chunks)


def test_what_is_hidden_does_not_depend_on_the_pieces() -> None:
    veil = Veil()
    text = b"7f00-7f01 r--p 00000000 fe:00 18                   /home/ann/x\nRss: 4 kB\n" * 3 + b"7f00-7f01 r--p"
    whole = veil.file("smaps", text)
    for size in (1, 7, 64, 100, 1000):
        pieces = [text[place : place + size] for place in range(0, len(text), size)]
        assert b"".join(veil.pieces("smaps", pieces)) == whole
    assert b"".join(veil.pieces("cmdline", [b"/home/", b"ann\0x\0"])) == veil.file("cmdline", b"/home/ann\0x\0")
