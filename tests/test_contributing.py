"""Each recipe of CONTRIBUTING.md is followed in a copy of the package, and then does what it says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from shlex import quote

import pytest
from conftest import HERE

from pymemtools.sources.example import demo_path

ROOT = HERE.parent
RECIPES = dict(re.findall(r"^### (.*)\n((?:(?!^#).*\n)*)", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE))
BLOCK = r":\n\n```\w+\n(.*?)^```$"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy what a recipe may change, and unpack the example."""
    leave_out = shutil.ignore_patterns("__pycache__", "captures", "oom_logs", "oom_reports", "golden", "testpoints")
    for name in ("pymemtools", "man", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=leave_out)
    (tmp_path / "board").mkdir()
    subprocess.run(["tar", "-xzf", demo_path(), "-C", tmp_path / "board"], check=True)
    return tmp_path


def follow(recipe: str, copy: Path) -> None:
    """Write the recipe's files and lines."""
    for path, text in re.findall(rf"^The new file `(.*?)`{BLOCK}", recipe, re.MULTILINE | re.DOTALL):
        (copy / path).write_text(text)
    added = rf"[Ii]n `([^`]*)`, below the line `([^`]*)`{BLOCK}"
    for path, line, text in re.findall(added, recipe, re.MULTILINE | re.DOTALL):
        before = (copy / path).read_text()
        assert before.count(f"\n{line}\n") == 1, line
        (copy / path).write_text(before.replace(f"\n{line}\n", f"\n{line}\n{text}"))


@pytest.mark.parametrize("name", RECIPES)
def test_recipe(copy: Path, name: str) -> None:
    follow(RECIPES[name], copy)
    (console,) = re.findall(r"^```console\n(.*?)^```$", RECIPES[name], re.MULTILINE | re.DOTALL)
    python = quote(sys.executable)
    for call, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", console, re.MULTILINE):
        shell = f'pymemtools() {{ {python} -m pymemtools "$@"; }}\npython() {{ {python} "$@"; }}\n{call}'
        done = subprocess.run(["bash", "-c", shell], cwd=copy, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        pattern = re.escape(expected).replace(re.escape("...\n"), "(?:.*\n)*")
        assert re.fullmatch(pattern, re.sub(" +$", "", done.stdout, flags=re.MULTILINE)), f"{call}:\n{done.stdout}"


def test_there_are_recipes() -> None:
    names = ["A column of smem", "A field of a new kernel", "A tunable", "A rule of report", "A subcommand"]
    assert list(RECIPES) == names
