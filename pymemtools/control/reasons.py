"""Why the kernel did not take what we wrote, and what would help."""

from __future__ import annotations

import errno
import os


def why_not(error: OSError) -> str:
    """Say it in a few words."""
    reason = os.strerror(error.errno or 0)
    if error.errno == errno.EROFS:
        return f"{reason} (in a container?)"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{reason} (are you root?)"
    return reason
