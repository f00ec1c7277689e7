"""Why a mapping has no transparent huge pages.

Source: mm/huge_memory.c, __thp_vma_allowable_orders(), of Linux 6.8 and later; include/linux/huge_mm.h.
"""

from __future__ import annotations

from typing import NamedTuple

ALWAYS, MADVISE, NEVER, INHERIT = "always", "madvise", "never", "inherit"
ANONYMOUS, SHARED_MEMORY, FILE = "anonymous", "shared memory", "file"


class HugePageRules(NamedTuple):
    """What the machine, and the process, lets be huge; None where the source does not tell."""

    size: int  # bytes of a huge page
    anonymous: str | None  # the setting for pages of this size
    shmem: str | None
    is_disabled: bool = False  # for the process, by PR_SET_THP_DISABLE
    is_without: bool = False  # there are none at all, which status tells as if they were disabled


class Candidate(NamedTuple):
    """A mapping, in bytes."""

    start: int
    end: int
    what: str  # ANONYMOUS, SHARED_MEMORY or FILE
    flags: frozenset[str]  # VmFlags
    huge: int | None  # of it, in huge pages mapped whole
    resident: int | None
    is_eligible: bool | None = None  # THPeligible


def aligned_ranges(start: int, end: int, size: int) -> int:
    """Count the whole huge pages between two addresses.

    >>> aligned_ranges(0x1000, 0x401000, 0x200000), aligned_ranges(0x1000, 0x400000, 0x400000)
    (1, 0)
    """
    return max(end // size - -(-start // size), 0)


def why_not_huge(mapping: Candidate, rules: HugePageRules) -> str | None:
    """Give the first reason that the kernel finds, in words; None where all of it in RAM that can be huge is.

    >>> flags, rules = frozenset(("rd", "wr")), HugePageRules(2 << 20, "madvise", "never")
    >>> why_not_huge(Candidate(2 << 20, 8 << 20, ANONYMOUS, flags, 0, 8192), rules)
    'not asked for (MADV_HUGEPAGE), and enabled is madvise'
    """
    whole = aligned_ranges(mapping.start, mapping.end, rules.size) * rules.size
    if mapping.huge and mapping.huge >= min(whole, (mapping.resident or whole) // rules.size * rules.size):
        return None
    return _by_flags(mapping) or _by_rules(mapping, rules, whole) or _by_chance(mapping)


_FLAGS = (
    ("ht", "its pages are hugetlbfs's"),
    ("nh", "not wanted (MADV_NOHUGEPAGE)"),
    ("pf", "no ordinary memory"),
    ("io", "no ordinary memory"),
    ("mm", "no ordinary memory"),
)


def _by_flags(mapping: Candidate) -> str | None:
    return next((reason for flag, reason in _FLAGS if flag in mapping.flags), None)


def _by_rules(mapping: Candidate, rules: HugePageRules, whole: int) -> str | None:
    if rules.is_without:
        return "there are no transparent huge pages here"
    if rules.is_disabled:
        return "switched off for this process (PR_SET_THP_DISABLE)"
    if not whole:
        short = mapping.end - mapping.start < rules.size
        return "smaller than a huge page" if short else "no aligned range in it is as long as a huge page"
    if mapping.what == FILE:
        return "a file's pages, which are up to its file system"
    setting, name = (rules.anonymous, "enabled") if mapping.what == ANONYMOUS else (rules.shmem, "shmem_enabled")
    if setting in (NEVER, "deny"):
        but = "" if mapping.what == ANONYMOUS else ", unless a mount says huge="
        return f"{name} is {setting}{but}"
    if setting in (MADVISE, "advise") and "hg" not in mapping.flags:
        return f"not asked for (MADV_HUGEPAGE), and {name} is {setting}"
    if mapping.is_eligible is False:
        return "the kernel does not take it (THPeligible: 0)"
    return None


def _by_chance(mapping: Candidate) -> str:
    if not mapping.resident:
        return "it may be huge, but nothing of it is in RAM" if mapping.resident == 0 else "it may be huge"
    return "some is: the rest was in RAM before, or found no free block" if mapping.huge else _LATE


_LATE = "it may be: its pages were in RAM before, or found no free block"
