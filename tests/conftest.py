"""What tests share: running the program as its users do."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from warm_program import WarmProgram

from pymemtools.capture.script import script

HERE = Path(__file__).parent
CAPTURES = HERE / "captures"
# A script's background job is deaf to Ctrl-C and Ctrl-\, and so would be the programs that it starts to interrupt them.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup's children would be deaf to it
os.environ.pop("COLUMNS", None)  # pipes keep their lines whole without it
os.environ.pop("PYTHONUNBUFFERED", None)  # users write through a buffer
# The same examples at each run, however slowly they are drawn: what chance alone could find, nobody could find again.
# HYPOTHESIS_PROFILE=chance looks farther, which is for who has changed something.
settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("chance", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
LONGEST = 900  # seconds that a test may take on the slowest machine: what waits for ever must not take the gate's hours
# How many tests of a run may fail once and pass when asked again. More are no chance, and fail the run.
DISTURBED = 3
FORKABLE = {"input", "stdin", "env", "cwd", "timeout"}
Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Fail a test, or what it rests on, that waits for something that does not come."""

    def fail(number: int, frame: object) -> None:
        pytest.fail(f"not done after {LONGEST} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(LONGEST)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ask what looks at the running machine once more where it fails: others move what it looks at.

    A fault of ours is there the second time, too. One that is there at times only shows in the run's end, where each
    first failure stands whole, and in a run that more than DISTURBED tests needed it for.
    """
    for item in items:
        if item.get_closest_marker("alone") or item.get_closest_marker("live"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def _disturbed(reporter: "pytest.TerminalReporter") -> list[pytest.TestReport]:
    reports: list[pytest.TestReport] = reporter.stats.get("rerun", [])
    return reports


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    """Show the failures of tests that were asked again."""
    for report in _disturbed(terminalreporter):
        terminalreporter.section(f"failed, and was asked again: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)
    if len(_disturbed(terminalreporter)) > DISTURBED:
        terminalreporter.write_line(f"more than {DISTURBED} tests were asked again: that is no chance", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that too many tests were asked again in."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and len(_disturbed(reporter)) > DISTURBED and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session", autouse=True)
def is_measured() -> bool:
    """Tell whether coverage watches this process, and let it watch no process that starts.

    That takes three times what a start of the program does, and forks of the warm one, which are watched, tell nearly
    all of it.
    """
    return os.environ.pop("COVERAGE_PROCESS_CONFIG", None) is not None


@pytest.fixture(autouse=True)
def environment_stays() -> Iterator[None]:
    """Put back the variables that a library set: dask's cluster sets some that Python reads as it starts.

    After that no fork of the warm program would be what a start is: see WarmProgram.can().
    """
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def warm_program(is_measured: bool) -> Iterator[WarmProgram]:
    """Keep the program ready to fork."""
    program = WarmProgram(is_measured=is_measured)
    yield program
    program.close()


@pytest.fixture
def pymemtools(warm_program: WarmProgram) -> Run:
    """Run the program in a process of its own: a fork of a warm one, or where that may differ, a new one."""

    def run(*arguments: str, **options: Any) -> "subprocess.CompletedProcess[bytes]":
        env = options.get("env", os.environ) | {"PYTHONPATH": str(HERE.parent)}
        if options.keys() <= FORKABLE and warm_program.can(arguments, env):
            stdin = options.get("stdin") or options.get("input") or b""
            return warm_program.run(
                arguments, env, options.get("cwd") or Path.cwd(), stdin, options.get("timeout", 120)
            )
        return started(*arguments, **options)

    return run


def started(*arguments: str, **options: Any) -> "subprocess.CompletedProcess[bytes]":
    """Start Python for a run of the program."""
    defaults: dict[str, Any] = {
        "capture_output": True,
        "timeout": 120,
        "env": os.environ | {"PYTHONPATH": str(HERE.parent)},
    }
    call = [sys.executable, "-m", "pymemtools", *arguments]
    done: subprocess.CompletedProcess[bytes] = subprocess.run(call, check=False, **defaults | options)
    return done


@pytest.fixture(scope="session")
def capture_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the path of the script that takes captures where there is no Python."""
    path = tmp_path_factory.mktemp("script") / "capture.sh"
    path.write_text(script(), encoding="ascii")
    path.parent.chmod(0o755)
    return path
