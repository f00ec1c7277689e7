"""Read a live process whole or not at all: one that dies or calls exec meanwhile leaves short files and no error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pymemtools.errors import Missing
from pymemtools.procfs.stat import Stat, parse_stat
from pymemtools.sources.base import ProcessFiles, Source

_T = TypeVar("_T")


def read_steadily(source: Source, pid: int, read: Callable[[ProcessFiles, Stat | None], _T]) -> _T:
    """Call ``read`` between two looks at the process's stat, and give its result only when both show one process.

    After an exec, which mixes two address spaces, it is called once more. A capture does not change, and may lack
    stat. Raises Missing when the process is gone or will not keep still, Denied when it may not be opened.
    """
    for _ in range(2):
        with source.process(pid) as files:
            text = _stat_text(files)
            before = _parsed(text, pid)
            result = read(files, before)
            if not source.is_live or (before is not None and (before.is_kernel_thread or before.is_dead)):
                return result
            text_after = _stat_text(files)
        after = before if text_after == text else _parsed(text_after, pid)
        if before is None or after is None or after.is_dead:
            break
        if after.same_image(before):
            return result
    raise Missing(f"{pid}: no such process")


def _stat_text(files: ProcessFiles) -> bytes:
    """Read stat; a capture may lack it."""
    try:
        return files.read("stat")
    except Missing:
        return b""


def _parsed(text: bytes, pid: int) -> Stat | None:
    return parse_stat(text, f"{pid}/stat") if text else None
