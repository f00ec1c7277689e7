"""A few processes that stand still and share memory with nobody else: what two programs must see alike.

PSS depends on who else maps a page. So these run from copies of a program and its libraries that only they map, give
back the page of the vDSO, which every process of the machine shares, and are stopped before they are looked at.
"""

from __future__ import annotations

import importlib.util
import mmap
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from asleep import without_huge_pages

SCRIPT = """
import os, signal, sys
sys.path.insert(0, {directory!r})
import ctypes, mmap
madvise = ctypes.CDLL(None).madvise
madvise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
kept = bytearray(b"x") * (3 << 20)
file = open({data!r}, "r+b")
mapped = mmap.mmap(file.fileno(), 0)
mapped[:100] = b"z" * 100
for number in range({children}):
    if os.fork() == 0:
        kept[:number << 19] = b"c" * (number << 19)
        private = bytearray(b"p") * (number * 700_000)
        if number == 2:
            try:
                os.setuid(65534)
            except PermissionError:
                pass
        break
    os.waitpid(-1, os.WUNTRACED)
vdso = [line.split()[0] for line in open("/proc/self/maps") if line.endswith("[vdso]\\n")]
ranges = [[int(address, 16) for address in addresses.split("-")] for addresses in vdso]
for start, end in ranges:
    madvise(start, end - start, {dontneed})  # last of all: reading a file may ask the vDSO for the time
os.kill(os.getpid(), signal.SIGSTOP)
"""
_MODULES = ("mmap", "_ctypes", "_struct")
CHILDREN = 4


class StillTree(NamedTuple):
    """The processes, and the regular expression that -P finds them by, and not the one who looks."""

    pids: list[int]
    pattern: str


@contextmanager
def still_tree(directory: Path) -> Iterator[StillTree]:
    """Start the processes, stop them, and end them afterwards. Those of a run beside this one have other names."""
    directory = directory / f"still-{os.getpid()}"
    directory.mkdir()
    program = _private_copy(directory, sys.executable)
    for name in _MODULES:
        _copy_module(directory, name)
    data = directory / "data"
    data.write_bytes(b"d" * 300_000)
    script = SCRIPT.format(directory=str(directory), data=str(data), children=CHILDREN, dontneed=mmap.MADV_DONTNEED)
    first = subprocess.Popen(
        [*program, "-I", "-S", "-c", f"'{directory}'\n{script}"],
        env={"LC_ALL": "C", "PYTHONHOME": sys.base_prefix, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=without_huge_pages,
    )
    try:
        _, status = os.waitpid(first.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "the first of the processes did not start"
        children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
        assert len(children) == CHILDREN
        marker = directory.name
        yield StillTree([first.pid, *map(int, children)], f"[{marker[0]}]{re.escape(marker[1:])}/")
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()


def _copy_module(directory: Path, name: str) -> None:
    """Copy a module that is a shared object, and its libraries; others are read, not mapped."""
    module = importlib.util.find_spec(name)
    if module is not None and module.origin and module.origin.endswith(".so"):
        for file in (module.origin, *_libraries(module.origin)):
            shutil.copy(file, directory)


def _libraries(program: str) -> list[str]:
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return re.findall(r"(?:=> )?(/\S+) \(0x", listed)


def _private_copy(directory: Path, program: str) -> list[str]:
    """Copy a program, its libraries and its loader; give the command that runs the copy."""
    program = os.path.realpath(program)
    libraries = _libraries(program)
    for file in (program, *libraries):
        shutil.copy(file, directory)
    (loader,) = (Path(file).name for file in libraries if Path(file).name.startswith("ld-"))
    return [str(directory / loader), "--library-path", str(directory), str(directory / Path(program).name)]
