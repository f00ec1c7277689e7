"""Fill or compact datasets, each by a child that kills itself at one of its steps: the first, the second, and so on.

python tests/fleet_killed.py ingest|compact CAPTURES FOLDER EVERY writes FOLDER/1 and so on, for each EVERYth step,
until a child comes to its end; FOLDER/0 is the dataset as it was before.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from pymemtools.fleet import ingest as ingesting
from pymemtools.fleet.compact import compact
from pymemtools.fleet.dataset import Dataset
from pymemtools.fleet.ingest import Wishes, in_this_process, ingest
from pymemtools.fleet.schema import needed

STEPS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "shutil.rmtree")
RELATIVE = ("os.remove", "os.rmdir")  # to an open folder


def killed_at(step: int, folder: str, work: Callable[[], object]) -> bool:
    """Let a child work, and kill itself at one of its steps in a folder; tell whether it came to that."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    left = step

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in STEPS and (str(arguments[0]).startswith(folder) or (event in RELATIVE and arguments[-1] != -1)):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    try:
        work()
    finally:
        os._exit(0)


def main() -> None:
    """Do it."""
    what, captures, root, every = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    ingesting.BATCH = 2
    needed("pyarrow"), needed("duckdb")
    before = Dataset(str(root / "0"), create=True)
    if what == "compact":
        list(ingest(before, [captures], Wishes(), in_this_process))
    for step in count(1, every):
        folder = root / str(step)
        shutil.copytree(before.path, folder)
        dataset = Dataset(str(folder))

        def work(dataset: Dataset = dataset) -> object:
            if what == "compact":
                return compact(dataset)
            return list(ingest(dataset, [captures], Wishes(), in_this_process))

        if not killed_at(step, str(folder), work):
            return


if __name__ == "__main__":
    main()
