"""Run the program many times, each in a fork of this process; the calls are JSON on stdin, what they did is on stdout.

What a call does beyond printing is the files that it leaves in the folder.
"""

from __future__ import annotations

import base64
import csv  # noqa: F401 (what the program loads late)
import gc
import json
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import tabulate  # noqa: F401

import pymemtools
from pymemtools.entry import main


def _done(arguments: list[str], there: frozenset[str]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            _become(arguments, out.fileno(), err.fileno())
        _, ending = os.waitpid(child, 0)
        left = {}
        for path in sorted(Path().iterdir()):
            if path.name not in there:
                left[path.name] = _text(path.read_bytes())
                path.unlink()
        return {"exit": os.waitstatus_to_exitcode(ending), "out": _whole(out), "err": _whole(err), "files": left}


def _become(arguments: list[str], out: int, err: int) -> None:
    """Be the program: never returns."""
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(i, mode, closefd=False) for i, mode in enumerate(("r", "w", "w")))
    sys.argv = ["pymemtools", *arguments]
    try:
        main()
    finally:
        os._exit(70)


def _whole(file: Any) -> str:
    file.seek(0)
    return _text(file.read())


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(content).decode()


def _run_all() -> None:
    for module in walk_packages(pymemtools.__path__, "pymemtools."):  # once, not in each fork
        if not module.name.endswith("__main__"):
            import_module(module.name)
    gc.freeze()
    there = frozenset(path.name for path in Path().iterdir())
    json.dump([_done(call, there) for call in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    _run_all()
