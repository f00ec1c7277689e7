"""What TARGET names: a process of the source, or a file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from pymemtools.cli import say
from pymemtools.errors import Missing, NoSuchProcess, UsageProblem
from pymemtools.readings.address_space import AddressSpace, space_of_process, space_of_text
from pymemtools.sources.base import Source

_PID = re.compile(r"(?:/proc/)?([1-9][0-9]{0,6})/?", re.ASCII)


def process_number(text: str) -> int | None:
    """Read a PID, also as ``/proc/PID``; None for anything else, which then names a file."""
    match = _PID.fullmatch(text)
    return int(match[1]) if match is not None else None


def read_target(text: str, open_source: Callable[[], Source], *, rss: bool, max_size: int) -> AddressSpace:
    """Read a process of the source, or else a file, and say what is to be known of it. Raises MemtoolsError."""
    pid = process_number(text)
    space = _of_file(text, max_size) if pid is None else _of_process(open_source(), pid, rss=rss)
    if space.note is not None:
        say(f"vgraph: {space.note}")
    if not space.mappings:
        raise Missing(f"vgraph: {text}: no mappings (a kernel thread or a zombie has none)")
    return space


def _of_process(source: Source, pid: int, *, rss: bool) -> AddressSpace:
    try:
        return space_of_process(source, pid, rss=rss)
    except NoSuchProcess:
        raise
    except Missing as error:
        raise Missing(f"vgraph: {error}") from None


def _of_file(path: str, max_size: int) -> AddressSpace:
    from pymemtools.sources.text_file import read_text_file

    if path != "-" and os.path.isdir(path):
        raise UsageProblem(f"vgraph: {path} is a directory: name a process in it, with --source {path}")
    return space_of_text(read_text_file(path, max_size), path)
