"""What procps calls a mapping: the base name of its file, ``[ stack ]``, ``[ anon ]`` or ``[ shmid=0x2a ]``."""

from __future__ import annotations

import re

from pymemtools.cells import Memo
from pymemtools.procfs.maps import Mappings

_ANONYMOUS = b"  [ anon ]"
_STACK = b"  [ stack ]"
_SYSV = re.compile(rb"/SYSV[0-9a-f]{8}( \(deleted\))?", re.DOTALL)


def classic_names(mappings: Mappings, stack: int | None, *, full: bool = False, kernel: bool = False) -> list[bytes]:
    """Name mappings as ``pmap``, ``-x`` and ``-d`` do; ``full`` is -p, ``kernel`` is -k.

    ``stack`` is an address within the main stack; where it is not known the kernel's own ``[stack]`` serves.
    """
    known: Memo[bytes, bytes] = Memo(
        lambda name: _classic_name(name, is_stack=stack is None and name == b"[stack]", full=full, kernel=kernel)
    )
    names = [known[name] for name in mappings.names]
    for i, name in enumerate(mappings.names):
        if name.startswith(b"/SYSV") and _SYSV.fullmatch(name) and mappings.devices[i].startswith(b"00:"):
            names[i] = b"  [ shmid=0x%x ]" % mappings.inodes[i]
    if stack is not None:
        for i, (start, end) in enumerate(zip(mappings.starts, mappings.ends)):
            if start <= stack <= end and names[i] == _ANONYMOUS:
                names[i] = _STACK
    return names


def _classic_name(name: bytes, *, is_stack: bool, full: bool, kernel: bool) -> bytes:
    slash = name.find(b"/")
    if slash >= 0:
        return name[slash:] if full else base_name(name) or b"/"
    if kernel and name.endswith(b"]"):
        return name[name.find(b"[") :]
    return _STACK if is_stack else _ANONYMOUS


def base_name(name: bytes) -> bytes:
    """Give what follows the last slash, as ``pmap -X`` does."""
    return name.rpartition(b"/")[2]
