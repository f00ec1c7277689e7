"""The files of one folder as one text, since they mostly change together: their names and sizes, then one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pymemtools.sources.recording.damage import Damaged

_NAME = re.compile(r"[A-Za-z0-9_.]{1,64}")
_MOST_NAMES = 4096  # bytes
REFUSED = "!"  # behind the name of a file that could not be read; its text is why


def bundled(files: Mapping[str, bytes]) -> bytes:
    """Join the texts of files.

    >>> bundled({"oom_score": b"7\\n", "statm": b"1 1\\n"})
    b'oom_score 2 statm 4\\n7\\n1 1\\n'
    """
    head = " ".join(f"{name} {len(text)}" for name, text in files.items())
    return b"".join((head.encode("ascii"), b"\n", *files.values()))


def unbundled(text: bytes) -> dict[str, bytes]:
    """Take the texts of files apart. Raises Damaged."""
    head, _, rest = text.partition(b"\n")
    if len(head) > _MOST_NAMES:
        raise Damaged("a folder with too many files")
    words = head.decode("utf-8", "replace").split(" ") if head else []
    files, at = {}, 0
    for name, digits in zip(words[::2], words[1::2]):
        if not _NAME.fullmatch(name.removesuffix(REFUSED)) or not (digits.isascii() and digits.isdigit()):
            raise Damaged("a folder's files have no names")
        size = int(digits[:12])
        files[name] = rest[at : at + size]
        at += size
    if at != len(rest) or len(words) % 2:
        raise Damaged("a folder's files are not as long as they say")
    return files
