"""Start a program of ours in a fresh Python, and talk with it line by line."""

from __future__ import annotations

import json
import mmap
import os
import signal
import sys
from importlib.util import find_spec
from typing import Any, Protocol, cast

from pymemtools.errors import MemtoolsError
from pymemtools.reports.lab.ending import ending_of
from pymemtools.reports.lab.plan import CannotRun

# Run a program's source, the second argument, with the module that it imports, the first: there are no files of them.
_BOOT = """if True:
    import sys, types
    name = "pymemtools.lab.programs.base"
    base = sys.modules[name] = types.ModuleType(name)
    _, shared, program, *words = sys.argv
    sys.argv[1:] = words
    exec(compile(shared, "base.py", "exec"), base.__dict__)
    exec(compile(program, "program.py", "exec"))
"""


# Bytes that a program takes, besides what it is told to: 12 MiB of pages of 4 KiB, more of larger ones.
PROGRAM = (16 if mmap.PAGESIZE <= 4096 else 32) << 20


class _Loader(Protocol):
    def get_source(self, name: str) -> str | None: ...


class Child:
    """A running program: it does what it is told by a line, and answers with one."""

    def __init__(self, pid: int, asks: int, answers: int) -> None:
        self.pid = pid
        self._asks = asks
        self._answers = os.fdopen(answers, "rb")

    def ask(self, *words: Any) -> Any:
        """Have it do something, and wait for the answer. Raises what heard() does."""
        self.tell(*words)
        return self.heard()

    def heard(self) -> Any:
        """Wait for the answer to what it was told. Raises CannotRun if it was refused, MemtoolsError if it died."""
        answer = self.hear()
        if answer is None:
            raise MemtoolsError(f"a program of the experiment ended: {self.ending()}")
        if isinstance(answer, dict) and "error" in answer:
            raise CannotRun(f"lab: cannot run here: {answer['error']}")
        return answer

    def tell(self, *words: Any) -> None:
        """Have it do something."""
        try:
            os.write(self._asks, json.dumps(words).encode() + b"\n")
        except BrokenPipeError:
            raise MemtoolsError(f"a program of the experiment ended: {self.ending()}") from None

    def hear(self) -> Any:
        """Wait for its next line; None when it ended."""
        line = self._answers.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def fileno(self) -> int:
        """Give the descriptor of its answers, for select()."""
        return self._answers.fileno()

    def wait(self) -> int:
        """Wait for its end; give the exit status, negative for a signal."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def end(self) -> None:
        """Kill it, and wait until it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()
        os.close(self._asks)
        self._answers.close()

    def ending(self) -> str:
        """Say how it ended."""
        return ending_of(self.wait())


def start(name: str, *arguments: str) -> Child:
    """Start a module of ``programs``: as a program of its own, without site packages and what they bring.

    Its first line says that it is ready. Raises MemtoolsError.
    """
    asked, asks = os.pipe()
    answers, answered = os.pipe()
    command = [sys.executable, "-I", "-S", "-c", _BOOT, _source_of("base"), _source_of(name)]
    words = [*command, str(os.getpid()), *arguments]
    ends = [(os.POSIX_SPAWN_DUP2, asked, 0), (os.POSIX_SPAWN_DUP2, answered, 1)]
    quiet = [signal.SIGINT]  # Ctrl-C, which it would answer with a traceback until it has a session of its own
    try:
        pid = os.posix_spawn(
            sys.executable, words, _environment(), file_actions=ends, setsigdef=[signal.SIGPIPE], setsigmask=quiet
        )
    except OSError as error:
        raise CannotRun(f"lab: cannot run here: {sys.executable}: {os.strerror(error.errno or 0)}") from None
    os.close(asked)
    os.close(answered)
    child = Child(pid, asks, answers)
    if child.hear() != "ready":
        raise MemtoolsError(f"{sys.executable} cannot run {name}: {child.ending()}")
    return child


def _environment() -> dict[str, str]:
    """Give our own environment without what changes how a program allocates memory."""
    foreign = ("LD_PRELOAD", "GLIBC_TUNABLES")
    return {key: text for key, text in os.environ.items() if key not in foreign and not key.startswith("MALLOC_")}


def _source_of(name: str) -> str:
    """Read a module's source, wherever it is kept: there may be no file of it, as in a zip."""
    spec = find_spec(f"pymemtools.lab.programs.{name}")
    source = None if spec is None else cast(_Loader, spec.loader).get_source(spec.name)
    if source is None:
        raise MemtoolsError(f"this installation has no source of the program {name}")
    return source
