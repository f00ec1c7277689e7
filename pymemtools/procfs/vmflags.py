"""VmFlags, the two-letter codes at the end of each record of smaps, and what they mean.

Source: fs/proc/task_mmu.c, show_smap_vma_flags(), of Linux 3.8 (the first) to 7.2, and Documentation/filesystems/
proc.rst. ``??`` stands for a bit that the kernel has no code for.
"""

from __future__ import annotations

from collections.abc import Iterable

VMFLAGS = {
    "rd": "readable",
    "wr": "writable",
    "ex": "executable",
    "sh": "shared",
    "mr": "may be made readable",
    "mw": "may be made writable",
    "me": "may be made executable",
    "ms": "may be shared",
    "gd": "grows down, as a stack",
    "gu": "may contain guard regions (MADV_GUARD_INSTALL)",
    "pf": "page frame numbers only, no struct page (device memory)",
    "dw": "the mapped file may not be written to (before Linux 5.16)",
    "lo": "locked in memory",
    "io": "memory-mapped input and output",
    "sr": "will be read in sequence (MADV_SEQUENTIAL)",
    "rr": "will be read at random (MADV_RANDOM)",
    "dc": "not copied on fork",
    "de": "cannot grow by mremap",
    "lf": "locked in memory as pages are touched (MLOCK_ONFAULT)",
    "ac": "accounted: counts towards the commit limit",
    "nr": "no swap space is reserved for it",
    "ht": "huge pages of hugetlbfs",
    "sf": "page faults are synchronous (MAP_SYNC)",
    "nl": "non-linear (before Linux 4.0)",
    "ar": "a flag of the architecture",
    "wf": "emptied in the child on fork",
    "dd": "left out of core dumps",
    "mp": "a bounds table of Intel MPX (before Linux 5.6)",
    "bt": "branch targets are checked (arm64 BTI)",
    "mt": "memory tags are in use (arm64 MTE)",
    "sd": "soft-dirty: written to since the bits were cleared",
    "mm": "may hold both struct pages and bare page frames",
    "hg": "huge pages wanted (MADV_HUGEPAGE)",
    "nh": "huge pages not wanted (MADV_NOHUGEPAGE)",
    "mg": "equal pages may be merged by KSM",
    "um": "missing pages go to userfaultfd",
    "uw": "writes to protected pages go to userfaultfd",
    "ui": "minor faults go to userfaultfd",
    "ur": "reads and writes of protected pages go to userfaultfd",
    "ss": "shadow stack",
    "dp": "droppable: the kernel may free it at any time",
    "sl": "sealed: can neither be unmapped nor changed (mseal)",
    "??": "a flag the kernel has no code for",
}


def flags_legend(vmflags: Iterable[bytes]) -> list[tuple[str, str | None]]:
    """Explain every code that occurs in some VmFlags texts, in the kernel's order; an unknown one has no meaning.

    >>> flags_legend([b"rd zz", b"wr rd"])
    [('rd', 'readable'), ('wr', 'writable'), ('zz', None)]
    """
    seen = {code for text in vmflags for code in text.decode("utf-8", "surrogateescape").split()}
    known = [(code, meaning) for code, meaning in VMFLAGS.items() if code in seen]
    return [*known, *((code, None) for code in sorted(seen - VMFLAGS.keys()))]
