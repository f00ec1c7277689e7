"""Start twenty processes with hostile names, run some commands beside them, and end them all.

``python crowd.py DIRECTORY`` reads a JSON list of command lines from stdin, in which PIDS stands for all of them, and
writes to stdout, as JSON, the PID of each kind of process and the status, output and complaint of each command. In a
PID namespace of its own (``unshare -pf --mount-proc``) there is nobody else, and nobody is left when it ends.

Every one is a copy of cat(1), which waits for its stdin: its file's name is at once its comm and the name of its
mappings, and cat does not care what its argv[0] says.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import NamedTuple


class Kind(NamedTuple):
    """What the program's file and its argv[0] are called."""

    file: bytes
    argv0: bytes | None = None  # as the file
    is_deleted: bool = False


KINDS = {
    "esc": Kind(b"\x1b[31mesc\x07", b"\x1b]0;owned\x07\x1b[2Jesc"),
    "nl": Kind(b"nl\r\n\x08x", b"nl\n 9999 root     injected      0     0     0     0 \r\x08"),
    "bad8": Kind(b"bad8\xff\xfe", b"bad8\xff\xfe caf\xe9"),
    "c1": Kind(b"c1\xc2\x9b31m\x9b\x7f"),
    "bidi": Kind("bi\u202edi\u200b\u2066".encode()),
    "empty": Kind(b"empty", b""),
    "kbmap": Kind(b"dump kB"),
    "kbmap2": Kind(b"Pss: 99 kB"),
    "nlmap": Kind(b"n\nRss: 9999 kB"),
    "bad8map": Kind(b"map\xff\xfecaf\xe9"),
    "escmap": Kind(b"\x1b[2J\x1b]0;map\x07"),
    "vtmap": Kind("v\x0bt\x0c \x85 a-b\u2028 \u2028b \x1c".encode()),
    "paren": Kind(b"a) S 1 (b c"),
    "csv": Kind(b'=1+1,"x";\t\'|'),
    "num": Kind(b"1e5", b"007"),
    "long": Kind(b"long", b"long" + "日本".encode() * 20_000),
    "sgml": Kind(b"<b>&amp;\\x41%s"),
    "delmap": Kind(b"del (deleted)"),
    "spacemap": Kind(b" sp  ace "),
    "colonmap": Kind(b"c: 1: 2 kB: "),
    "gone": Kind(b"gone", is_deleted=True),
}


def main() -> None:
    """Run the commands beside the crowd."""
    directory = sys.argv[1]
    commands: list[list[str]] = json.load(sys.stdin)
    stdin, kept_open = os.pipe()
    pids = {}
    try:
        for name, kind in KINDS.items():
            pids[name] = start(os.fsencode(directory), kind, stdin)
        zombie = started(lambda: os._exit(0))
        os.waitid(os.P_PID, zombie, os.WEXITED | os.WNOWAIT)
        pids["headless"] = start_headless()
        everybody = [str(pid) for pid in pids.values()]
        done = [
            subprocess.run(
                [word for each in command for word in (everybody if each == "PIDS" else [each])],
                capture_output=True,
                check=False,
            )
            for command in commands
        ]
        results = [(each.returncode, each.stdout.hex(), each.stderr.hex()) for each in done]
        json.dump({"pids": pids, "zombie": zombie, "self": os.getpid(), "results": results}, sys.stdout)
    finally:
        os.close(kept_open)
        for pid in pids.values():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def start(directory: bytes, kind: Kind, stdin: int) -> int:
    """Start one of the crowd and wait until it waits."""
    program = os.path.join(directory, kind.file)
    shutil.copy(b"/bin/cat", program)
    argv0 = kind.file if kind.argv0 is None else kind.argv0

    def become() -> None:
        os.dup2(stdin, 0)
        libc = ctypes.CDLL(None)
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: whatever happens to us, it does not stay
        # os.execv() refuses an empty argv[0]
        libc.execv(program, (ctypes.c_char_p * 2)(argv0, None))

    pid = started(become)
    while not (_read(pid, "cmdline") == argv0 + b"\0" and _read(pid, "stat").rpartition(b")")[2].startswith(b" S")):
        time.sleep(0.001)
    if kind.is_deleted:
        os.unlink(program)
    return pid


def start_headless() -> int:
    """Start a process whose main thread ends, which leaves /proc/PID as empty as a zombie's."""

    def become() -> None:
        threading.Thread(target=time.sleep, args=(1000,)).start()
        libc = ctypes.CDLL(None)
        libc.prctl(1, signal.SIGKILL)
        libc.syscall(93 if os.uname().machine in ("aarch64", "riscv64") else 60, 0)  # exit(), not exit_group()

    pid = started(become)
    while not _read(pid, "stat").rpartition(b")")[2].startswith(b" Z"):
        time.sleep(0.001)
    return pid


def started(child: Callable[[], object]) -> int:
    """Fork, and let the child do something; it never returns."""
    pid = os.fork()
    if pid == 0:
        try:
            child()
        finally:
            os._exit(127)
    return pid


def _read(pid: int, name: str) -> bytes:
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()


if __name__ == "__main__":
    main()
