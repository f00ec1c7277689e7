"""pymemtools.pyz: the program in one file, run by each Python there is, without any package installed."""

import ast
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import HERE, Run
from trees import Map, Proc, write_tree

TOOL = HERE.parent / "tools" / "pyz.py"
WITHOUT_PACKAGES = ("-I", "-S")


def pythons(oldest: int = 10, newest: int = 14) -> list[str]:
    """Find one interpreter of each version of Python 3, in PATH or where pyenv keeps them."""
    found = {}
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(oldest, newest + 1):
        name = f"python3.{minor}"
        for path in (*sorted(map(str, versions.glob(f"3.{minor}.*/bin/{name}"))), shutil.which(name) or ""):
            if path and not subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode:
                found[minor] = path
    return list(found.values())


def made(path: Path, *options: str) -> Path:
    subprocess.run([sys.executable, TOOL, "-o", path, *options], check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the file as `make pyz` does: this Python's bytes, and the sources for the others."""
    return made(tmp_path_factory.mktemp("pyz") / "pymemtools.pyz", "--compile", sys.executable)


def run(python: str, pyz: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    command = [python, *WITHOUT_PACKAGES, str(pyz), *arguments]
    return subprocess.run(command, cwd=pyz.parent, stdin=subprocess.DEVNULL, capture_output=True, check=False)


@pytest.mark.parametrize("python", pythons(), ids=lambda path: Path(path).name)
def test_each_python_runs_it(pymemtools: Run, pyz: Path, python: str, tmp_path: Path) -> None:
    board = write_tree(tmp_path / "board", Proc(1, "/sbin/init", (Map("[heap]", 100),)))
    for call in ("--demo smem -t", f"smem -m -S {board}", "--demo free -h", "completion bash", "capture --script"):
        done = run(python, pyz, *call.split())
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == pymemtools(*call.split()).stdout
    taken = tmp_path / "taken.tar.gz"
    assert run(python, pyz, "capture", "-o", str(taken), str(os.getpid())).returncode == 0
    assert str(os.getpid()) in run(python, pyz, "smem", "-H", "-c", "pid", "-S", str(taken)).stdout.decode().split()
    done = run(python, pyz, "lab", "demand-paging", "--pages", "3", "--force")  # which reads its own source
    assert done.returncode == 0 or b" run here: " in done.stderr or b" run now: " in done.stderr, done.stderr
    done = run(python, pyz, "oom-scores", "--wide")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"pymemtools: this needs the Python package psutil, which is not installed\n"


def test_the_compiled_modules_are_those_that_run(pyz: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(pyz) as archive, zipfile.ZipFile(tmp_path / "less.pyz", "w") as less:
        for name in archive.namelist():
            if not name.endswith(".py") or name == "__main__.py":
                less.writestr(name, archive.read(name))
    assert (
        run(sys.executable, tmp_path / "less.pyz", "--version").stdout == run(sys.executable, pyz, "--version").stdout
    )


def test_the_same_sources_give_the_same_bytes(pyz: Path, tmp_path: Path) -> None:
    again = made(tmp_path / "again.pyz", "--compile", sys.executable)
    assert again.read_bytes() == pyz.read_bytes()


def test_licences_go_with_it(pyz: Path) -> None:
    with zipfile.ZipFile(pyz) as archive:
        licences = [name for name in archive.namelist() if name.startswith("LICENSE-")]
        assert [name.split("-")[1] for name in licences] == ["click", "pymemtools", "tabulate"]
        assert all(archive.read(name) for name in licences)


@pytest.mark.skipif(not pythons(9, 9), reason="there is no Python 3.9")
def test_a_python_too_old_is_told_so(pyz: Path) -> None:
    done = run(pythons(9, 9)[0], pyz, "free")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == TOO_OLD


TOO_OLD = (
    b"pymemtools: this needs Python 3.10 or later; "
    b"of a host without it, the script that 'capture --script' prints takes a capture\n"
)


def test_so_is_one_older_than_our_words(pyz: Path) -> None:
    """Python 2 reads the start to its end before it runs any of it: no f-string may be in it."""
    with zipfile.ZipFile(pyz) as archive:
        start = ast.parse(archive.read("__main__.py"))
    assert not any(isinstance(node, (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr)) for node in ast.walk(start))
