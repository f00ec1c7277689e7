"""What procps calls a mapping: the base name of its file, ``[ stack ]``, ``[ anon ]`` or ``[ shmid=0x2a ]``."""

from __future__ import annotations

import re

from pymemtools.procfs.maps import Mapping

_SYSV = re.compile(rb"/SYSV[0-9a-f]{8}( \(deleted\))?", re.DOTALL)


def classic_name(mapping: Mapping, stack: int | None, *, full: bool = False, kernel: bool = False) -> bytes:
    """Name a mapping as ``pmap``, ``-x`` and ``-d`` do; ``full`` is -p, ``kernel`` is -k.

    ``stack`` is an address within the main stack; where it is not known the kernel's own ``[stack]`` serves.

    >>> classic_name(Mapping(0, 4096, b"r-xp", 0, b"fe:00", 7, b"/usr/bin/sleep"), None)
    b'sleep'
    """
    name = mapping.name
    if _SYSV.fullmatch(name) and mapping.device.startswith(b"00:"):
        return b"  [ shmid=0x%x ]" % mapping.inode
    slash = name.find(b"/")
    if slash >= 0:
        return name[slash:] if full else base_name(name) or b"/"
    if kernel and name.endswith(b"]"):
        return name[name.find(b"[") :]
    if name == b"[stack]" if stack is None else mapping.start <= stack <= mapping.end:
        return b"  [ stack ]"
    return b"  [ anon ]"


def base_name(name: bytes) -> bytes:
    """Give what follows the last slash, as ``pmap -X`` does."""
    return name.rpartition(b"/")[2]
