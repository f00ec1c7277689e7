"""How full file systems of this machine are, by statvfs(2)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.probes.worker import HungError, within

_PATIENCE = 2.0  # seconds: the path to a mount may lead through one whose server is gone


class Fill(NamedTuple):
    """Bytes of a file system: all, and those that are used."""

    size: int
    used: int


def fills(paths: Sequence[str], ask: Callable[[str], Fill | None] | None = None) -> Iterator[Fill | None]:
    """Tell of each path how full its file system is; None where it may not be asked, has no size, or does not answer.

    ``ask`` is for tests, which have no server that is gone.
    """
    rest = list(paths)
    while rest:
        told = 0
        try:
            for answer in within(_PATIENCE, (tuple((ask or fill)(path) or ()) for path in rest)):
                told += 1
                yield Fill(*answer) if answer else None
        except HungError:
            told += 1
            yield None
        except MemtoolsError:  # the process that asked was ended
            return
        rest = rest[told:]


def fill(path: str) -> Fill | None:
    """Ask. A file system without a limit of its own (tmpfs with size=0) tells of neither.

    Source: mm/shmem.c, shmem_statfs(), Linux 6.12.
    """
    try:
        found = os.statvfs(path)
    except OSError:
        return None
    size = found.f_blocks * found.f_frsize
    return Fill(size, size - found.f_bfree * found.f_frsize) if size else None
