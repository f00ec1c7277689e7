"""Experiments where limits of ours, a full disk or a TMPDIR leave no room: one line, status 3, and nothing left."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HERE, Run

from pymemtools.cli import _call
from pymemtools.control.cgroups import controllers_of, why_no_group
from pymemtools.control.undo import FILE, Debt, settle_all
from pymemtools.errors import MemtoolsError
from pymemtools.lab import keeper, ksm, overcommit, page_cache
from pymemtools.lab.child import start
from pymemtools.lab.guard import claimed, guarded
from pymemtools.lab.keeper import Hear, Owe, Terms
from pymemtools.reports.lab.ksm import MergeRequest
from pymemtools.reports.lab.overcommit import PromiseRequest
from pymemtools.reports.lab.plan import CannotRun
from pymemtools.sources import open_source

pytestmark = pytest.mark.live

MIB = 1 << 20


def limited(call: str, pymemtools: Run, limit: int, soft: int) -> tuple[int, list[str]]:
    """Run an experiment under a limit; give its status, and what it said on stderr."""
    done = pymemtools("lab", *call.split(), preexec_fn=lambda: resource.setrlimit(limit, (soft, soft)))
    return done.returncode, done.stderr.decode().splitlines()


def test_malloc_that_gives_nothing_is_no_bug(pymemtools: Run) -> None:
    status, said = limited("malloc 200M --force", pymemtools, resource.RLIMIT_DATA, 100 * MIB)
    if "will not run now" in said[-1]:
        pytest.skip(said[-1])
    assert (status, said) == (
        3,
        ["pymemtools: lab malloc: cannot run here: malloc() gives nothing: see ulimit -v and -d"],
    )


@pytest.mark.parametrize("call", ["oom --via mmap --touch none", "oom --via mmap --touch read", "oom --limit 128M"])
def test_who_is_refused_before_the_limit_of_the_group_breaks_no_law(call: str, pymemtools: Run) -> None:
    if reason := why_no_group(open_source(None)):
        pytest.skip(reason)
    status, said = limited(f"{call} --within group --force", pymemtools, resource.RLIMIT_DATA, 100 * MIB)
    if "will not run now" in said[-1]:
        pytest.skip(said[-1])
    text = "lab oom: cannot run here: refused: Cannot allocate memory, before the group's limit: ulimit -d"
    assert (status, said) == (3, [f"pymemtools: {text}"])


def test_addresses_that_something_else_limits_are_not_tried(pymemtools: Run) -> None:
    status, said = limited("oom --within addresses --limit 200M", pymemtools, resource.RLIMIT_DATA, 150 * MIB)
    text = "lab oom: cannot run here: ulimit -d refuses it memory before its addresses end"
    assert (status, said) == (3, [f"pymemtools: {text}"])


@pytest.mark.parametrize("most", [10, 12, 14])
@pytest.mark.parametrize("call", ["cow --pages 2", "malloc 1", "mmap-vs-read --size 4K"])
def test_few_descriptors_are_said(call: str, most: int, pymemtools: Run) -> None:
    status, said = limited(f"{call} --force", pymemtools, resource.RLIMIT_NOFILE, most)
    text = "\n".join(said)
    assert status == 0 or re.search("Too many open files|cannot run here|unable to open database", text)
    assert "internal error" not in text


def test_ctrl_c_is_not_for_a_program_that_starts() -> None:
    """It would answer it with a traceback."""
    hand = start("hand")
    try:
        status = Path(f"/proc/{hand.pid}/status").read_text()
    finally:
        hand.end()
    blocked = int(next(line for line in status.splitlines() if line.startswith("SigBlk:")).split()[1], 16)
    assert blocked == 1 << (signal.SIGINT - 1)


def test_a_program_says_what_it_was_refused() -> None:
    hand = start("hand")
    try:
        with pytest.raises(CannotRun, match=r"^lab: cannot run here: write file: No space left on device$"):
            hand.ask("write_file", "/dev/full", 1)
        assert hand.ask("largest")["largest"] > 0  # and goes on
    finally:
        hand.end()


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("no/x.svg", "No such file or directory"),
        ("file/x.svg", "Not a directory"),
        ("file.svg", "exists already (--force replaces it)"),
    ],
)
def test_a_chart_that_cannot_be_written_is_said_before_the_command_runs(
    output: str, reason: str, pymemtools: Run, tmp_path: Path
) -> None:
    for name in ("file", "file.svg"):
        (tmp_path / name).touch()
    done = pymemtools("lab", "watch", "-o", output, "--", "touch", "ran", cwd=tmp_path)
    assert (done.returncode, done.stderr.decode()) == (1, f"pymemtools: {output}: {reason}\n")
    assert {path.name for path in tmp_path.iterdir()} == {"file", "file.svg"}


@pytest.mark.parametrize("call", ["page-cache", "writeback", "mmap-vs-read"])
@pytest.mark.parametrize("place", ["nowhere", "file"])
def test_where_no_file_can_be_made_it_cannot_run(call: str, place: str, pymemtools: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = pymemtools("lab", call, env=os.environ | {"TMPDIR": str(tmp_path / place)})
    said = f"lab: cannot run here: no file can be made in {tmp_path / place}: TMPDIR names another place"
    assert (done.returncode, done.stderr.decode()) == (3, f"pymemtools: {said}\n")


def test_a_file_that_was_never_made_is_not_owed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert settle_all([Debt(FILE, str(tmp_path / "file" / "x")), Debt(FILE, str(tmp_path / "no" / "x"))]) == []


def test_a_file_system_without_page_cache_breaks_no_law(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(page_cache._Trial, "_in_cache", lambda self: 0)
    monkeypatch.setattr(sys, "argv", ["pymemtools", "lab", "page-cache", "--size", "4K", "--force"])
    assert _call() == 3
    said = "pymemtools: lab page-cache: cannot run here: this file system keeps nothing in the page cache\n"
    assert capsys.readouterr().err == said


def test_who_starts_us_with_sigchld_ignored_sees_every_experiment(pymemtools: Run) -> None:
    ignore = lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # and so children, that cannot be waited for then
    done = pymemtools("lab", "watch", "--", "sh", "-c", "exit 7", preexec_fn=ignore)
    assert (done.returncode, b"Law: the status is the command's: holds (7)" in done.stderr) == (7, True)


def test_what_is_owed_is_settled_where_the_guard_itself_goes_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*_: object) -> None:
        raise ChildProcessError

    def work(hear: Hear, owe: Owe) -> dict[str, object]:
        owe(Debt(FILE, str(tmp_path / "owed")))
        (tmp_path / "owed").touch()
        return {}

    monkeypatch.setattr(keeper, "_ended", fails)
    with pytest.raises(MemtoolsError, match="the guard was killed"):
        guarded(work, lambda *_: None, Terms(60.0))
    assert not (tmp_path / "owed").exists()


def test_where_proc_is_of_another_pid_namespace_nothing_is_started(pymemtools: Run) -> None:
    inside = ["unshare", "-p", "-f"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no PID namespace can be made")
    command = [*inside, sys.executable, "-m", "pymemtools", "lab"]
    env = os.environ | {"PYTHONPATH": str(HERE.parent)}
    done = subprocess.run([*command, "cow"], env=env, capture_output=True, check=False)
    said = b"pymemtools: lab cow: cannot run here: /proc is that of another PID namespace\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, b"", said)
    listed = subprocess.run([*command, "-f", "csv"], env=env, capture_output=True, check=False).stdout.splitlines()[1:]
    assert {line.rpartition(b",")[2] for line in listed} == {b"/proc is that of another PID namespace"}


def test_without_proc_nothing_is_started() -> None:
    apart = ["unshare", "-m", "sh", "-c", 'umount -l /proc && exec "$@"', "sh"]
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("/proc cannot be taken away from a process")
    env = os.environ | {"PYTHONPATH": str(HERE.parent)}
    call = [*apart, sys.executable, "-m", "pymemtools", "lab", "cow"]
    done = subprocess.run(call, env=env, capture_output=True, check=False)
    said = b"pymemtools: lab cow: cannot run here: /proc/self: No such file or directory\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, b"", said)


def test_two_that_change_the_same_do_not_run_at_once(tmp_path: Path) -> None:
    """Each would put back what the other has set: KSM stayed on, and hurried."""
    claim = tmp_path / "run"
    claim.touch()
    terms = Terms(60.0, claim=str(claim))
    said = f"^lab: will not run now: another experiment has to put {claim} back first$"

    def work(hear: Hear, owe: Owe) -> dict[str, object]:
        with pytest.raises(CannotRun, match=said):
            claimed(str(claim))
        return {"is_claimed": True}

    assert guarded(work, lambda *_: None, terms) == {"is_claimed": True}
    file = claimed(str(claim))  # nobody has it any more
    with pytest.raises(CannotRun, match=said):
        guarded(work, lambda *_: None, terms)
    os.close(file)
    assert guarded(work, lambda *_: None, terms) == {"is_claimed": True}


def test_what_changes_settings_claims_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: True)
    source = open_source(None)
    assert ksm.EXPERIMENT.plan(source, MergeRequest()).claim == "/sys/kernel/mm/ksm/run"
    assert overcommit.EXPERIMENT.plan(source, PromiseRequest(modes=True)).claim == "/proc/sys/vm/overcommit_memory"
    assert overcommit.EXPERIMENT.plan(source, PromiseRequest(modes=False)).claim == ""


@pytest.mark.parametrize(
    ("file", "claim"),
    [("memory/memory.limit_in_bytes", ""), ("cgroup.controllers", "/sys/fs/cgroup/cgroup.controllers")],
)
def test_who_may_give_groups_a_controller_claims_it(file: str, claim: str, tmp_path: Path) -> None:
    for path in (tmp_path / "proc/meminfo", tmp_path / "sys/fs/cgroup" / file):
        path.parent.mkdir(parents=True)
        path.write_text("1\n")
    assert controllers_of(open_source(str(tmp_path))) == claim
