"""Whether what rights we have are those of the machine, or of a user namespace only."""

from __future__ import annotations

from pymemtools.errors import MemtoolsError
from pymemtools.sources.base import Source

_EVERYBODY = [b"0", b"0", b"4294967295"]  # all users are themselves


def is_in_user_namespace(source: Source) -> bool:
    """Tell whether we are in a user namespace: capabilities then are not those that the kernel's own rules ask for."""
    try:
        return source.read("self/uid_map").split() != _EVERYBODY
    except MemtoolsError:  # a kernel without them
        return False
