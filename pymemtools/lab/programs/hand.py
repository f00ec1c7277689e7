"""A program that does to its memory what it is told, line by line, and tells what that cost in page faults."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import resource
import sys
from collections.abc import Callable
from typing import Any

from pymemtools.lab.programs.base import PAGE, RW, die_with, libc, map_anonymous, read, settle_in, tell, why, write

ADVICE = {
    "dontneed": 4,
    "free": 8,
    "hugepage": 14,
    "nohugepage": 15,
    "populate_read": 22,
    "populate_write": 23,
    "mergeable": 12,
    "unmergeable": 13,
    "pageout": 21,
}
SALT = int.from_bytes(os.urandom(8), "little")


def faults() -> tuple[int, int]:
    """Count our minor and major faults so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_minflt, used.ru_majflt


def map_memory(size: int) -> dict[str, Any]:
    """Map anonymous memory between two pages without access, so that no neighbour is counted with it.

    Transparent huge pages, of any size, are kept away.
    """
    room = map_anonymous(size + 2 * PAGE, 0)
    if room is None:
        return {"error": f"mmap of {size} bytes: {why()}"}
    start = room + PAGE
    if libc.mprotect(start, size, RW):
        return {"error": f"mprotect of {size} bytes: {why()}"}
    libc.madvise(start, size, ADVICE["nohugepage"])
    return {"start": start}


def advise(start: int, size: int, advice: str) -> dict[str, Any]:
    """Call madvise(); what the kernel does not know is told."""
    if libc.madvise(start, size, ADVICE[advice]):
        return {"refused": why()}
    return {}


def fork() -> dict[str, Any]:
    """Make a copy of us, which is told what to do as we are; its lines begin where ours do."""
    asked, asks = os.pipe()
    answers, answered = os.pipe()
    me = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.dup2(asked, 0)
        os.dup2(answered, 1)
        settle_in(me)
        serve()
        os._exit(0)
    os.close(asked)
    os.close(answered)
    children[pid] = (asks, os.fdopen(answers, "rb"))
    return {"pid": pid}


children: dict[int, tuple[int, Any]] = {}


def child(pid: int, *words: Any) -> Any:
    """Have our copy do something."""
    asks, answers = children[pid]
    os.write(asks, json.dumps(words).encode() + b"\n")
    line = answers.readline()
    return json.loads(line) if line else {"error": "its copy has ended"}


def limit_stack(size: int) -> dict[str, Any]:
    """Let the stack grow to so many bytes, and no farther."""
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    if 0 <= hard < size:
        return {"refused": f"the stack may not grow beyond {hard} bytes here"}
    resource.setrlimit(resource.RLIMIT_STACK, (size, hard))
    return {}


def probe(address: int) -> dict[str, Any]:
    """Have a copy of us write a byte, and tell the signal that it dies of: none when it lives."""
    me = os.getpid()
    pid = os.fork()
    if pid == 0:
        die_with(me)
        ctypes.memset(address, 1, 1)
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    return {"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None}


def content(number: int, salt: str) -> bytes:
    """Give the beginning of a page of one of several contents, which nobody else has."""
    return b"%d %s %d" % (SALT, salt.encode(), number)


def fill(start: int, count: int, contents: int, salt: str) -> None:
    """Give pages, in turn, so many contents; or zeros."""
    for i in range(count):
        text = content(i % contents, salt) if contents else bytes(PAGE)
        ctypes.memmove(start + i * PAGE, text, len(text))


def differing(start: int, count: int, contents: int, salt: str) -> dict[str, Any]:
    """Count the pages that are no longer as they were filled."""
    texts = (content(i % contents, salt) for i in range(count))
    return {"pages": sum(ctypes.string_at(start + i * PAGE, len(text)) != text for i, text in enumerate(texts))}


def map_file(path: str, size: int) -> dict[str, Any]:
    """Map a file for reading, shared with whoever maps it, too."""
    fd = os.open(path, os.O_RDONLY)
    start = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
    os.close(fd)
    return {"error": f"mmap of a file: {why()}"} if start == ctypes.c_void_p(-1).value else {"start": start}


def load_file(path: str, size: int, start: int) -> None:
    """Read a file into memory."""
    fd, at = os.open(path, os.O_RDONLY), 0
    while at < size and (count := libc.read(fd, ctypes.c_void_p(start + at), ctypes.c_size_t(size - at))) > 0:
        at += count
    os.close(fd)


def write_file(path: str, size: int) -> None:
    """Write a file from its beginning."""
    fd, piece, at = os.open(path, os.O_WRONLY), bytes(1 << 20), 0
    while at < size:
        at += os.pwrite(fd, piece[: size - at], at)
    os.close(fd)


def sync_file(path: str) -> None:
    """Wait until a file is on the disk."""
    fd = os.open(path, os.O_WRONLY)
    os.fsync(fd)
    os.close(fd)


def largest() -> dict[str, Any]:
    """Find the largest mapping that is granted, in bytes, by bisection; and say why one page more is refused."""
    low, high, refused = 0, 1 << 52, ""
    while high - low > 1:
        middle = (low + high) // 2
        start = map_anonymous(middle * PAGE)
        if start is None:
            high, refused = middle, why()
        else:
            libc.munmap(start, middle * PAGE)
            low = middle
    return {"largest": low * PAGE, "refused": refused}


DEEDS: dict[str, Callable[..., Any]] = {
    "map": map_memory,
    "write": write,
    "read": read,
    "advise": advise,
    "fork": fork,
    "child": child,
    "limit_stack": limit_stack,
    "probe": probe,
    "fill": fill,
    "differing": differing,
    "map_file": map_file,
    "load_file": load_file,
    "write_file": write_file,
    "sync_file": sync_file,
    "largest": largest,
}


def serve() -> None:
    """Do what each line says; answer with what came of it, and the faults that it took."""
    while line := os.read(0, 65536):
        name, *words = json.loads(line)
        deed = DEEDS[name]
        before = faults()
        try:
            found = deed(*words) or {}
        except OSError as error:  # no room, too large a file, no more processes: whoever asked says so
            found = {"error": f"{name.replace('_', ' ')}: {error.strerror}"}
        after = faults()
        if name != "child":
            found = {"minor": after[0] - before[0], "major": after[1] - before[1], **found}
        tell(found)


def main() -> None:
    """Warm up, so that what is counted later is not the interpreter's own, and serve."""
    settle_in(int(sys.argv[1]))
    start = map_memory(64 * PAGE)["start"]
    for _ in range(3):
        write(start, 64)
        read(start, 64)
        faults()
    tell("ready")
    serve()


if __name__ == "__main__":
    main()
