"""A memory control group with a limit, where one can be made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_PARENTS = (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max"))


@contextmanager
def small_group(limit: int) -> Iterator[Path]:
    """Make a group whose memory is limited to so many bytes; skip the test where that is not allowed."""
    for parent, name in _PARENTS:
        path = Path(parent) / f"pymemtools-test-{os.getpid()}"
        try:
            path.mkdir()
        except OSError:
            continue
        try:
            (path / name).write_text(str(limit))
        except OSError:
            path.rmdir()
            continue
        try:
            yield path
        finally:
            path.rmdir()
        return
    pytest.skip("no memory cgroup can be made here")
