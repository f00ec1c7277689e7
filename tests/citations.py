"""Which kernel functions the program cites: `file.c, function()`, in docstrings and in what it prints.

``python -m tests.citations TREE...`` looks for them in sources of Linux (Debian's linux-source-6.1 and 6.12, unpacked),
writes what it finds to kernel_functions.txt, and says what it does not.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
FOUND = HERE / "kernel_functions.txt"
_FILE = r"(?<![\w/])(?:mm|fs|kernel|drivers|lib|include|arch)/[\w./-]*?[\w-]+\.[ch]\b"
_PART = re.compile(rf"({_FILE})|\b([a-z_]\w+)\(\)")
_BETWEEN = 60  # characters at most between a file and a function of it, or between two functions


class Citation(NamedTuple):
    """A function of a file of the kernel's, and the module that cites it."""

    file: str
    function: str
    module: str


def citations() -> Iterator[Citation]:
    """Find them in all modules."""
    for path in sorted((HERE.parent / "pymemtools").rglob("*.py")):
        text = re.sub(r'"\s*\n\s*f?"', "", path.read_text())  # a text in several pieces
        file, end = "", 0
        for part in _PART.finditer(re.sub(r"\s*\n\s*", " ", text)):
            if part[1]:
                file, end = part[1], part.end()
            elif file:
                between = part.string[end : part.start()]
                if len(between) > _BETWEEN or re.search(r'[;"=[.]', between):
                    file = ""
                else:
                    yield Citation(file, part[2], path.name)
                    end = part.end()


def found() -> dict[tuple[str, str], str]:
    """Read in which version each function was found in its file."""
    lines = (line.split() for line in FOUND.read_text().splitlines() if not line.startswith("#"))
    return {(file, function): version for version, file, *functions in lines for function in functions}


def main() -> None:
    """Look for all of them in the trees named, oldest first."""
    missing = {(each.file, each.function) for each in citations()}
    lines = [line for line in FOUND.read_text().splitlines() if line.startswith(("#", "by-hand"))]
    for tree in map(Path, sys.argv[1:]):
        makefile = (tree / "Makefile").read_text()
        version = ".".join(re.findall(r"^(?:VERSION|PATCHLEVEL|SUBLEVEL) = (\d+)", makefile, re.MULTILINE))
        for file in sorted({file for file, _ in missing}):
            source = (tree / file).read_text(errors="replace") if (tree / file).exists() else ""
            of_file = sorted(function for cited, function in missing if cited == file)
            there = [each for each in of_file if re.search(rf"^(?:[^\s*#].*\b)?{each}\(", source, re.MULTILINE)]
            missing -= {(file, function) for function in there}
            if there:
                lines.append(" ".join((version, file, *there)))
    FOUND.write_text("\n".join(lines) + "\n")
    for file, function in sorted(missing - found().keys()):
        print(f"{file}: no {function}()")


if __name__ == "__main__":
    main()
