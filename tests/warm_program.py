"""The program with its modules loaded, which forks for each call: a start of Python costs more than most calls.

What comes after the fork is what `python -m pymemtools` does. What a start alone can show (lazy imports, variables that
Python reads as it starts, what a signal meets there) is no matter for this: `tests/conftest.py` starts Python for it.
"""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import IO, Any, cast

ROOT = Path(__file__).parent.parent
_MOST_BYTES = 100_000  # of a request: what one message of a socket holds


class WarmProgram:
    """The client's end: starts the server, and has it fork."""

    def __init__(self, *, is_measured: bool = False) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, __file__, str(theirs.fileno()), *(["measured"] if is_measured else [])]
        self._server = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL)
        self._socket = ours
        self._started_with = _for_the_start(environment)
        theirs.close()

    def close(self) -> None:
        """End the server."""
        self._socket.close()
        self._server.wait()

    def can(self, arguments: Sequence[str], env: Mapping[str, str]) -> bool:
        """Tell whether a call is the same in a fork of the server as in a process that starts."""
        size = sum(map(len, (*arguments, *env, *env.values())))
        return size < _MOST_BYTES and _for_the_start(env) == self._started_with

    def run(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        cwd: "str | Path",
        stdin: IO[bytes] | bytes,
        timeout: float,
    ) -> "subprocess.CompletedProcess[bytes]":
        """Call the program and wait for it; raises TimeoutExpired, as subprocess.run() does."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            reader = stdin.fileno() if not isinstance(stdin, bytes) else _pipe_with(stdin)
            request = json.dumps([*arguments, str(cwd), dict(env)]).encode()
            socket.send_fds(self._socket, [request], [reader, out.fileno(), err.fileno()])
            if isinstance(stdin, bytes):
                os.close(reader)
            pid = int(self._socket.recv(20))
            command = ["pymemtools", *arguments]
            self._socket.settimeout(timeout)
            try:
                status = int(self._socket.recv(20))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                self._socket.settimeout(None)
                self._socket.recv(20)
                raise subprocess.TimeoutExpired(command, timeout, _whole(out), _whole(err)) from None
            finally:
                self._socket.settimeout(None)
            return subprocess.CompletedProcess(command, status, _whole(out), _whole(err))


def _for_the_start(env: Mapping[str, str]) -> dict[str, str]:
    """Give the variables that Python, or the C library below it, reads once."""
    return {
        name: value
        for name, value in env.items()
        if name.startswith(("PYTHON", "LC_", "LANG", "LD_", "MALLOC_")) and value != str(ROOT)
    }


def _pipe_with(content: bytes) -> int:
    """Make a pipe that gives the content, and then its end."""
    reader, writer = os.pipe()

    def write() -> None:
        try:
            with open(writer, "wb") as file:
                file.write(content)
        except BrokenPipeError:
            pass

    threading.Thread(target=write, daemon=True).start()
    return reader


def _whole(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _serve(connection: socket.socket) -> None:
    """Answer requests with the pid of a fork, then with how it ended; return in each fork, ready to be the program."""
    for module in walk_packages(cast(Any, import_module("pymemtools")).__path__, "pymemtools."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    if "measured" in sys.argv:
        _measure()
    gc.freeze()
    while True:
        request, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
        if not request:
            sys.exit()
        child = os.fork()
        if not child:
            connection.close()
            _become(json.loads(request), streams)
            return
        for stream in streams:
            os.close(stream)
        connection.send(str(child).encode())
        _, ending = os.waitpid(child, 0)
        connection.send(str(os.waitstatus_to_exitcode(ending)).encode())


def _measure() -> None:
    """Have each fork write which lines it runs, and nothing else.

    With what the imports before it ran, and a look at every file whether it ran at all, as coverage does where it is
    told of a source, that takes four times what most calls do.
    """
    coverage = import_module("coverage").Coverage(
        str(ROOT / ".coverage"),
        config_file=str(ROOT / "pyproject.toml"),
        auto_data=True,
        source=[],
        include=[str(ROOT / "pymemtools" / "*")],
    )
    coverage.start()


def _become(request: list[Any], streams: list[int]) -> None:
    """Take arguments, folder, environment and streams."""
    *arguments, cwd, env = request
    sys.argv = [str(ROOT / "pymemtools" / "__main__.py"), *arguments]
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for stream in streams:
        if stream > 2:
            os.close(stream)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        old = getattr(sys, name)
        mode = "w" if number else "r"
        line = number == 2 or os.isatty(number)
        buffering = 1 if line else -1
        new = open(number, mode, buffering, encoding=old.encoding, errors=old.errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
    from pymemtools.entry import main

    main()
