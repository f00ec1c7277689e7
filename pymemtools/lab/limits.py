"""Limits of our own process that what it starts inherits, and by which the kernel refuses memory (getrlimit(2))."""

from __future__ import annotations

import resource

_LIMITS = ((resource.RLIMIT_AS, "ulimit -v"), (resource.RLIMIT_DATA, "ulimit -d"))


def limits_below(size: float) -> list[str]:
    """Name the limits of addresses and of data that are lower than so many bytes, as shells call them."""
    found = ((name, resource.getrlimit(limit)[0]) for limit, name in _LIMITS)
    return [name for name, bytes_ in found if bytes_ != resource.RLIM_INFINITY and bytes_ < size]
