"""Tell the kernel to drop its caches."""

from __future__ import annotations

import os

from pymemtools.control.reasons import why_not
from pymemtools.errors import Denied


def write_drop_caches(level: int, path: str = "/proc/sys/vm/drop_caches") -> None:
    """Tell the kernel to drop caches: 1 file pages, 2 slab, 3 both. Raises Denied."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.write(fd, b"%d\n" % level)
        finally:
            os.close(fd)
    except OSError as error:
        raise Denied(f"cannot drop caches: {why_not(error)}") from None
