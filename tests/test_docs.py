"""README and docs are literal: each call, each Python block and each picture in them is what the program does.

A console block is a line ``$ pymemtools ...`` and its whole output; a line ``...`` stands for any lines.
"""

import gzip
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from conftest import HERE, Run

from pymemtools.sources import open_source
from pymemtools.sources.example import demo_path
from pymemtools.sources.recording.recording import Recording

ROOT = HERE.parent
DOCUMENTS = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))
RUN_HERE = tuple(path for path in DOCUMENTS if path.name != "CONTRIBUTING.md")  # its recipes have a test of their own
CAPTURES = ("board.tar.gz", "board.tar", "tonight.tar", "yesterday.tar.gz", "sosreport-web1.tar.xz")
PLACES = {"4711": str(os.getpid()), "web.service": "init.scope"}


def blocks(text: str) -> Iterator[str]:
    """Give what is indented by four, block by block, and what stands within ```console."""
    yield from re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", outside, re.MULTILINE):
        yield re.sub(r"^    ", "", block, flags=re.MULTILINE)


def shown() -> list[object]:
    """Find the calls whose output is shown."""
    found: list[object] = []
    for document in RUN_HERE:
        for block in blocks(document.read_text()):
            for call, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n?)*)", block, re.MULTILINE):
                found.append(pytest.param(call, output.rstrip("\n") + "\n", id=f"{document.name} {call}"))
    return found


def named() -> list[object]:
    """Find the calls that stand alone."""
    found: list[object] = []
    for document in RUN_HERE:
        for block in blocks(document.read_text()):
            calls = (line.partition(" # ")[0].strip() for line in block.splitlines())
            found += [pytest.param(call, id=f"{document.name} {call}") for call in calls if "pymemtools " in call[:11]]
        inline = re.findall(r"`(pymemtools --demo [^`]+)`", document.read_text())
        found += [pytest.param(call, id=f"{document.name} {call}") for call in inline]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with the captures that the documents speak of: the example, under each name."""
    made = tmp_path_factory.mktemp("docs")
    example = Path(demo_path()).read_bytes()
    for name in CAPTURES:
        (made / name).write_bytes(example if name.endswith("z") else gzip.decompress(example))
    (made / "captures").mkdir()
    (made / "captures/board.tar.gz").write_bytes(example)
    shutil.copytree(HERE / "fleet", made / "boards")
    return made


@pytest.mark.parametrize(("call", "output"), shown())
def test_what_is_shown_is_what_is_printed(pymemtools: Run, folder: Path, call: str, output: str) -> None:
    program, *arguments = shlex.split(call)
    assert program == "pymemtools"
    done = pymemtools(*arguments, cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    pieces = [re.escape(piece) for piece in re.split(r"^\.\.\.\n", output, flags=re.MULTILINE)]
    assert re.fullmatch("(?:.*\n)*".join(pieces), done.stdout.decode()), done.stdout.decode()


def test_there_is_something_shown_and_something_named() -> None:
    assert len(shown()) >= 3
    assert len(named()) >= 10


@pytest.mark.parametrize("call", named())
def test_calls_that_are_named_work(pymemtools: Run, folder: Path, call: str) -> None:
    _, *arguments = (PLACES.get(word, word) for word in shlex.split(call))
    done = pymemtools(*arguments, cwd=folder)
    assert done.returncode != 2, done.stderr  # what there is to be read differs from machine to machine
    assert done.returncode == 0 or "-S" not in arguments or b"no kernel log in " in done.stderr, done.stderr
    assert b"internal error" not in done.stderr


@pytest.mark.parametrize("document", RUN_HERE, ids=lambda path: path.name)
def test_blocks_of_python_run(document: Path) -> None:
    names: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL):
        exec(compile(block, document.name, "exec"), names)


def test_what_may_be_imported_is_there() -> None:
    """A row of api.md names modules, what is stable in them and, behind a colon, what the object given has."""
    given = {"open_source": open_source(demo_path()), "open_recording": Recording}
    rows = re.findall(r"^\| (`pymemtools\..*?) \| (.*) \|$", (ROOT / "docs/api.md").read_text(), re.MULTILINE)
    assert len(rows) > 6
    for modules, stable in rows:
        paths = re.findall(r"`([\w.]+?)(?:\.\*)?`", modules)
        rooms = [import_module(path if path[0] != "." else paths[0].rpartition(".")[0] + path) for path in paths]
        names, attributes = (re.findall(r"`([A-Za-z]\w*)[`(]", part) for part in stable.partition(": ")[::2])
        for name in names:
            assert any(hasattr(room, name) for room in rooms), name
        for attribute in attributes:
            assert hasattr(given[names[0]], attribute), attribute


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", document.read_text()):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize(
    ("picture", "call"),
    [("vgraph.svg", "vgraph --rss 297 -o"), ("iomem-graph.svg", "iomem-graph -o")],
)
def test_pictures_are_what_the_program_draws(pymemtools: Run, tmp_path: Path, picture: str, call: str) -> None:
    assert pymemtools("--demo", *call.split(), str(tmp_path / picture)).returncode == 0
    assert (tmp_path / picture).read_bytes() == (ROOT / "docs" / picture).read_bytes()
