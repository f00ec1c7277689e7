"""smem --pie and --bar: pictures in files, bars of characters without matplotlib."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import HERE, Run
from trees import Map, Proc, write_tree

NAMES = ("$x^", "<b>&", "a\x1b[2Jb", "caf\udce9", "日本")


@pytest.fixture
def tree(tmp_path: Path) -> str:
    sizes = (400_000, 90_000, 30_000, 12_000, 8_000)
    processes = [
        Proc(pid, "x", (Map("[heap]", size),), comm=f"p{pid}") for pid, size in zip((11, 12, 13, 14, 15), sizes)
    ]
    root = write_tree(tmp_path / "tree", *processes)
    for pid, name in zip((11, 12, 13, 14, 15), NAMES):
        (root / "proc" / str(pid) / "cmdline").write_bytes(os.fsencode(name) + b"\0")
    return str(root)


def texts(svg: Path) -> list[str]:
    return [element.text or "" for element in ElementTree.parse(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_pie_folds_small_slices_and_shows_what_is_unused(pymemtools: Run, tree: str, tmp_path: Path) -> None:
    done = pymemtools("smem", "-S", tree, "--pie", "command", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"pymemtools: smem: wrote smem-pie.svg\n")
    # 1,024,000 kB: 8,000 are below 2 %, with 12,000 just below, 30,000 more are not
    labels = ["unused", "$x^", "<b>&", "a\\x1b[2Jb", "other"]
    shares = ["47.27%", "39.06%", "8.79%", "2.93%", "1.95%"]
    found = texts(tmp_path / "smem-pie.svg")
    assert [text for text in found if text not in shares] == [*labels, "command by pss"]
    assert [text for text in found if text in shares] == shares  # before matplotlib 3.11 each follows its label


def test_bar_draws_every_figure_shown(pymemtools: Run, tree: str, tmp_path: Path) -> None:
    done = pymemtools("smem", "-S", tree, "--bar", "command", "-c", "pid pss rss", "-o", "x.svg", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"pymemtools: smem: wrote x.svg\n")
    found = texts(tmp_path / "x.svg")
    assert found[:5] == ["$x^", "<b>&", "a\\x1b[2Jb", "caf\\xe9", "日本"]
    assert found[-4:] == ["KiB", "PSS", "RSS", "smem by command"]


def test_a_label_that_is_not_known_is_a_dash(pymemtools: Run, tree: str, tmp_path: Path) -> None:
    assert pymemtools("smem", "-S", tree, "--bar", "unit", "-c", "pss", "-o", "x.svg", cwd=tmp_path).returncode == 0
    assert texts(tmp_path / "x.svg")[:5] == ["-"] * 5


def test_same_figures_same_bytes(pymemtools: Run, tree: str, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        assert pymemtools("smem", "-S", tree, "--bar", "pid", "-o", name, cwd=tmp_path).returncode == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_png(pymemtools: Run, tree: str, tmp_path: Path) -> None:
    assert pymemtools("smem", "-S", tree, "--pie", "pid", "-o", "x.PNG", cwd=tmp_path).returncode == 0
    assert (tmp_path / "x.PNG").read_bytes().startswith(b"\x89PNG\r\n")


def test_no_file_is_overwritten_unasked(pymemtools: Run, tree: str, tmp_path: Path) -> None:
    target = tmp_path / "x.svg"
    target.write_text("mine")
    (tmp_path / "link.svg").symlink_to("nowhere.svg")
    for name in ("x.svg", "link.svg"):
        done = pymemtools("smem", "-S", tree, "--pie", "pid", "-o", name, cwd=tmp_path)
        assert done.returncode == 1
        assert done.stderr.decode() == f"pymemtools: {name}: exists already (--force replaces it)\n"
    assert target.read_text() == "mine"
    done = pymemtools("smem", "-S", tree, "--pie", "pid", "-o", "x.svg", "--force", cwd=tmp_path)
    assert done.returncode == 0
    assert target.read_text() != "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.svg", "tree", "x.svg"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("-o", "x.pdf"), 2, "smem: --output takes a name in .svg or .png, not 'x.pdf'"),
        (("-o", "no/x.svg"), 1, "no/x.svg: No such file or directory"),
        (("-P", "nobody"), 1, "smem: there is nothing to draw"),
    ],
)
def test_charts_that_cannot_be(
    pymemtools: Run, tree: str, tmp_path: Path, arguments: tuple[str, ...], status: int, message: str
) -> None:
    done = pymemtools("smem", "-S", tree, "--pie", "pid", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (status, b"", f"pymemtools: {message}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


def without_matplotlib(cwd: Path, *arguments: str, encoding: str = "utf-8") -> subprocess.CompletedProcess[bytes]:
    code = "import sys; sys.modules['matplotlib'] = None; from pymemtools.entry import main; main()"
    environment = os.environ | {"PYTHONPATH": str(HERE.parent), "COLUMNS": "60", "PYTHONIOENCODING": encoding}
    return subprocess.run(
        [sys.executable, "-c", code, "smem", *arguments], cwd=cwd, env=environment, capture_output=True, check=False
    )


def test_bars_of_characters_without_matplotlib(tree: str, tmp_path: Path) -> None:
    done = without_matplotlib(tmp_path, "-S", tree, "--bar", "command", "-k", encoding="ascii")
    assert done.returncode == 0
    assert done.stderr.decode() == (
        "pymemtools: smem: bars of characters, for want of matplotlib: "
        "pip install 'pymemtools[plot]' writes a picture\n"
    )
    assert done.stdout.decode("ascii").splitlines() == [
        "$x^        390.6M  " + "#" * 41,
        "<b>&        87.9M  " + "#" * 10,
        "a\\x1b[2Jb   29.3M  " + "#" * 4,
        "caf\\xe9     11.7M  " + "#" * 2,
        "\\u65e5\\u672c         7.8M  #",
    ]
    assert "█" * 41 in without_matplotlib(tmp_path, "-S", tree, "--bar", "pid").stdout.decode()


@pytest.mark.parametrize("arguments", [("--pie", "pid"), ("--bar", "pid", "-o", "x.svg")])
def test_files_need_matplotlib(tree: str, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = without_matplotlib(tmp_path, "-S", tree, *arguments)
    assert (done.returncode, done.stdout) == (1, b"")
    kind = arguments[0][2:]
    assert done.stderr.decode() == (
        f"pymemtools: smem: a {kind} chart in a file needs matplotlib: pip install 'pymemtools[plot]'\n"
    )


def test_amounts_as_labels_are_in_kib(pymemtools: Run, tree: str, tmp_path: Path) -> None:
    assert pymemtools("smem", "-S", tree, "--pie", "uss", "-o", "x.svg", cwd=tmp_path).returncode == 0
    assert {"400000", "90000", "30000"} <= set(texts(tmp_path / "x.svg"))


def test_what_is_not_known_is_not_drawn_as_nothing(pymemtools: Run, tree: str, tmp_path: Path) -> None:
    (Path(tree) / "proc" / "12" / "oom_score").write_text("7\n")
    calls = ("--bar", "pid", "-s", "oom_score", "-c", "oom_score", "-o")
    done = pymemtools("smem", "-S", tree, *calls, "x.svg", cwd=tmp_path)
    assert done.stderr.decode().splitlines() == [
        "pymemtools: smem: oom_score is not known of 4 rows, which are not drawn",
        "pymemtools: smem: wrote x.svg",
    ]
    assert texts(tmp_path / "x.svg")[0] == "12"
    (Path(tree) / "proc" / "12" / "oom_score").unlink()
    done = pymemtools("smem", "-S", tree, *calls, "y.svg", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        1,
        b"pymemtools: smem: the source tells the oom_score of nothing that could be drawn\n",
    )
    assert not (tmp_path / "y.svg").exists()


@pytest.mark.parametrize("variable", ["MPLBACKEND=nope", "SOURCE_DATE_EPOCH=yesterday"])
def test_what_matplotlib_refuses_is_a_line(variable: str, pymemtools: Run, tmp_path: Path) -> None:
    """Its environment may be wrong, which is no error of ours; nothing is written."""
    name, _, value = variable.partition("=")
    done = pymemtools("--demo", "smem", "--bar", "name", cwd=tmp_path, env=os.environ | {name: value})
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert done.stderr.startswith(b"pymemtools: matplotlib does not ")
    assert not any(tmp_path.iterdir())
