"""/proc/PID/ksm_stat: what the merging of equal pages (KSM) has to do with one process.

Source: fs/proc/base.c, proc_pid_ksm_stat(), of Linux 6.1, where it has ``ksm_rmap_items`` only; the counts of 6.4 to
6.12 came next, and the two answers of 6.16.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE = re.compile(rb"^(ksm_[a-z_]+):? (-?[0-9]{1,19}|yes|no)$", re.MULTILINE)


class KsmStat(NamedTuple):
    """Counts of pages, and ``profit`` in bytes; None where the kernel does not tell."""

    rmap_items: int | None = None  # pages that are looked at
    zero_pages: int | None = None  # that became the page of zeros
    merging_pages: int | None = None  # that are shared
    profit: int | None = None
    merge_any: bool | None = None  # all its memory may be merged, PR_SET_MEMORY_MERGE
    mergeable: bool | None = None  # some of it may


_NAMES = {
    **{f"ksm_{name}": name for name in ("rmap_items", "zero_pages", "merging_pages", "merge_any", "mergeable")},
    "ksm_process_profit": "profit",
}
_ANSWERS = ("merge_any", "mergeable")


def parse_ksm_stat(text: bytes) -> KsmStat:
    """Read what there is of it; lines that are none of its are left out.

    >>> parse_ksm_stat(b"ksm_rmap_items 4096\\nksm_merge_any: no\\n")
    KsmStat(rmap_items=4096, zero_pages=None, merging_pages=None, profit=None, merge_any=False, mergeable=None)
    """
    found: dict[str, int] = {}
    for key, value in _LINE.findall(text):
        name = _NAMES.get(key.decode("ascii"))
        if name is not None and (name in _ANSWERS) == (value in (b"yes", b"no")):
            found[name] = value == b"yes" if name in _ANSWERS else int(value)
    return KsmStat(**found)  # type: ignore[arg-type]
