"""Make pymemtools.pyz: the program, click and tabulate in one file, for hosts with Python 3.10 or later and no pip.

    python tools/pyz.py [-o pymemtools.pyz] [--compile PYTHON ...]

Sources and data, and for each PYTHON named the modules as it compiles them, in a folder of its own: where none of them
runs it, the sources do. Click and tabulate are those that are installed for the Python that runs this; their licences
go with them. The same sources and versions give the same bytes; times are SOURCE_DATE_EPOCH's, or the first of a zip.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from io import BytesIO
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "pymemtools"
SHEBANG = b"#!/usr/bin/env python3\n"
# runpy has the archive itself on sys.path; a folder within it for this very Python goes first.
MAIN = """\
import sys

if sys.version_info < (3, 10):  # in words that Python 2 reads, too
    sys.exit(
        "pymemtools: this needs Python 3.10 or later; "
        "of a host without it, the script that 'capture --script' prints takes a capture"
    )
if sys.implementation.cache_tag in {tags!r}:
    sys.path.insert(0, sys.path[0] + "/" + sys.implementation.cache_tag)
from pymemtools.entry import main

main()
"""
READ = ("pymemtools/data/", "pymemtools/lab/programs/")  # what the program reads itself, beside what it imports
# Reads {name: source}, writes {name: compiled, for any time of the source}; runs in the Python compiled for.
COMPILER = """\
import base64, json, marshal, sys
from importlib.util import MAGIC_NUMBER
head = MAGIC_NUMBER + bytes([1, 0, 0, 0]) + bytes(8)
code = {
    name: base64.b64encode(head + marshal.dumps(compile(text, name, "exec", dont_inherit=True))).decode()
    for name, text in json.load(sys.stdin).items()
}
json.dump([sys.implementation.cache_tag, code], sys.stdout)
"""


def members(pythons: list[str]) -> dict[str, bytes]:
    """Give what goes into the archive by name."""
    sources = dict(_package(PACKAGE, "pymemtools/"))
    for name in ("click", "tabulate"):
        sources |= _installed(name)
    files = dict(sources)
    tags = []
    for python in pythons:
        tag, compiled = _compiled(python, sources)
        tags.append(tag)
        files |= {f"{tag}/{name}c": code for name, code in compiled.items()}
        files |= {f"{tag}/{name}": data for name, data in sources.items() if name.startswith(READ)}
    files["__main__.py"] = MAIN.format(tags=tuple(sorted(tags))).encode()
    files["LICENSE-pymemtools"] = (PACKAGE.parent / "LICENSE").read_bytes()
    return files


def _package(folder: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.name != "py.typed":
            yield prefix + path.relative_to(folder).as_posix(), path.read_bytes()


def _installed(name: str) -> dict[str, bytes]:
    """Give the modules of an installed package, and its licence."""
    found = distribution(name)
    files = {}
    for path in found.files or ():
        if path.suffix == ".py" and path.parts[0] == name:
            files[path.as_posix()] = path.read_binary()
        elif path.name.upper().startswith("LICEN"):
            files[f"LICENSE-{name}-{found.version}"] = path.read_binary()
    return files


def _compiled(python: str, sources: dict[str, bytes]) -> tuple[str, dict[str, bytes]]:
    """Have a Python compile; the seed keeps sets of constants in order."""
    texts = {name: text.decode() for name, text in sources.items() if name.endswith(".py")}
    done = subprocess.run(
        [python, "-c", COMPILER],
        input=json.dumps(texts).encode(),
        env=os.environ | {"PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        check=True,
    )
    tag, code = json.loads(done.stdout)
    return tag, {name: base64.b64decode(text) for name, text in code.items()}


def archive(files: dict[str, bytes]) -> bytes:
    """Pack files so that the same ones give the same bytes."""
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "315532800"))  # 1980: a zip knows no year before it
    when = time.gmtime(max(epoch, 315532800))[:6]
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, when)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            zipped.writestr(entry, files[name], zipfile.ZIP_DEFLATED, 9)
    return SHEBANG + packed.getvalue()


def _main() -> None:
    parser = argparse.ArgumentParser(description="Make pymemtools.pyz.")
    parser.add_argument("-o", "--output", type=Path, default=Path("pymemtools.pyz"))
    parser.add_argument("--compile", nargs="*", default=[], metavar="PYTHON", help="also compile for these")
    options = parser.parse_args()
    content = archive(members(options.compile))
    options.output.write_bytes(content)
    options.output.chmod(0o755)
    print(f"{options.output}: {len(content):,} bytes", file=sys.stderr)


if __name__ == "__main__":
    _main()
