"""What the merging of equal pages (KSM) saves, costs, and would save.

Source: mm/ksm.c, cmp_and_merge_page(), try_to_merge_with_zero_page(), unstable_tree_search_insert(),
__is_page_sharing_candidate(), general_profit_show(), ksm_process_profit(), vma_ksm_compatible() of Linux 6.12.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from pymemtools.models.release import Version, since

ITEM_SIZE = 64  # bytes of a struct ksm_rmap_item, of which each page that is looked at has one
_AT_ONCE = 1 << 20  # contents that are counted at once: some 100 MB
# VM_SHARED, VM_MAYSHARE, VM_PFNMAP, VM_IO, VM_DONTEXPAND, VM_HUGETLB, VM_MIXEDMAP, VM_DROPPABLE (Linux 6.11)
_NEVER = frozenset(("sh", "ms", "pf", "io", "de", "ht", "mm", "dp"))
MERGEABLE = "mg"


class KsmRules(NamedTuple):
    """The settings that decide how much is saved."""

    max_page_sharing: int = 256  # users that one page may have
    use_zero_pages: bool = False  # pages of zeros become the kernel's own page of zeros


class Contents(NamedTuple):
    """The anonymous pages of a process, by a hash of what is in each: those that nobody else maps, and the others."""

    own: array[int]
    shared: array[int]
    frames: array[int]  # of the shared ones, each the same number where it is the same page in RAM


class Merged(NamedTuple):
    """What becomes of pages when all that can be is merged, in pages."""

    pages: int = 0  # looked at
    shared: int = 0  # that are kept for several users: pages_shared
    sharing: int = 0  # users beyond the first of each: pages_sharing
    zero: int = 0  # that become the page of zeros: ksm_zero_pages
    limit: int = 0  # kept only since a page may have no more users
    freed: int = 0  # of RAM: those that several processes have since a fork are one already

    @property
    def saved(self) -> int:
        """Give what the kernel calls saved: pages_sharing and ksm_zero_pages."""
        return self.sharing + self.zero

    @property
    def unshared(self) -> int:
        """Give the pages that are like no other."""
        return self.pages - self.shared - self.sharing - self.zero

    def plus(self, other: Merged) -> Merged:
        """Add up."""
        return Merged(*map(sum, zip(self, other)))


class MergedProcess(NamedTuple):
    """What becomes of one process's pages, in pages."""

    pages: int = 0
    zero_filled: int = 0  # that hold zeros
    merging: int = 0  # that others, or it itself, have the like of: ksm_merging_pages
    zero: int = 0  # that become the page of zeros
    alone: int = 0  # saved if it were the only one

    def plus(self, other: MergedProcess) -> MergedProcess:
        """Add up."""
        return MergedProcess(*map(sum, zip(self, other)))


def may_merge(flags: Collection[str]) -> bool:
    """Tell by its VmFlags whether the pages of a mapping can be merged at all.

    >>> may_merge({"rd", "wr", "mr", "mw", "ac"}), may_merge({"rd", "sh", "ms"})
    (True, False)
    """
    return not _NEVER.intersection(flags)


def item_size(version: Version | None, *, has_32_bits: bool) -> int:
    """Give the bytes of a struct ksm_rmap_item; Linux 6.7 added two counts, which on 64 bits took the place of padding.

    >>> item_size((6, 12, 0), has_32_bits=True), item_size((6, 1, 0), has_32_bits=True)
    (36, 32)
    """
    if not has_32_bits:
        return ITEM_SIZE
    return 36 if since(version, (6, 7)) else 32


def profit(saved_pages: int, items: int, page_size: int, item_size: int = ITEM_SIZE) -> int:
    """Give the bytes that merging saves less those that it takes: general_profit; a process's with its own counts.

    >>> profit(3004, 4096, 4096)
    12042240
    """
    return saved_pages * page_size - items * item_size


def merge(
    processes: Sequence[Contents], rules: KsmRules, zeros: int, merged: Collection[int] = ()
) -> tuple[Merged, list[MergedProcess]]:
    """Merge all pages of equal contents; ``zeros`` is the hash of a page of zeros, ``merged`` frames that KSM made.

    A content is kept once for each ``max_page_sharing`` users: of n pages ceil(n / max_page_sharing) stay. Pages that
    are the same one in RAM, since a fork, are not merged with each other, but with others like them.
    """
    passes = 1 << (sum(len(each.own) + len(each.shared) for each in processes) // _AT_ONCE).bit_length()
    total, rows = Merged(), [MergedProcess()] * len(processes)
    for number in range(passes):
        parts = processes if passes == 1 else [_part(each, passes - 1, number) for each in processes]
        found, of_each = _merged(parts, rules, zeros, merged)
        total, rows = total.plus(found), [row.plus(more) for row, more in zip(rows, of_each)]
    return total, rows


def _part(contents: Contents, mask: int, number: int) -> Contents:
    """Take a part of all contents, so that what counts them has room."""
    pairs = [pair for pair in zip(contents.shared, contents.frames) if pair[0] & mask == number]
    own = array("q", (content for content in contents.own if content & mask == number))
    return Contents(own, array("q", (content for content, _ in pairs)), array("Q", (frame for _, frame in pairs)))


def _merged(
    processes: Sequence[Contents], rules: KsmRules, zeros: int, merged: Collection[int]
) -> tuple[Merged, list[MergedProcess]]:
    counts: Counter[int] = Counter()
    content_of: dict[int, int] = {}  # by frame
    for each in processes:
        counts.update(each.own)
        counts.update(each.shared)
        content_of.update(zip(each.frames, each.shared))
    sharers = Counter(content for each in processes for content in each.shared)
    frames = Counter(content_of.values())
    again = {content_of[frame] for frame in content_of.keys() & merged}
    likes: set[int] = set()  # contents that are merged
    total = Merged(counts.total())
    for content, users in [(content, users) for content, users in counts.items() if users > 1 or content == zeros]:
        in_ram = users - sharers[content] + frames[content] if sharers else users
        if content == zeros and rules.use_zero_pages:
            total = total.plus(Merged(zero=users, freed=in_ram))
        elif users > 1 and (in_ram > 1 or content in again):
            likes.add(content)
            total = total.plus(_kept(users, in_ram, rules.max_page_sharing))
    return total, [_of_process(each, rules, zeros, likes) for each in processes]


def _kept(users: int, in_ram: int, most: int) -> Merged:
    """Share one content among its users; the one beyond a multiple of the most is left as it is."""
    kept = -(-users // most)
    alone = users % most == 1
    return Merged(0, kept - alone, users - kept, 0, kept - 1, max(in_ram - kept, 0))


def _of_process(each: Contents, rules: KsmRules, zeros: int, likes: Collection[int]) -> MergedProcess:
    counts = Counter(each.own)
    counts.update(each.shared)
    filled = counts[zeros]
    merging = sum(map(likes.__contains__, each.own)) + sum(map(likes.__contains__, each.shared))
    zero = filled if rules.use_zero_pages else 0
    return MergedProcess(len(each.own) + len(each.shared), filled, merging, zero, _alone(counts, rules, zero))


def _alone(counts: Counter[int], rules: KsmRules, zero: int) -> int:
    """Count what a process would save by itself; ``zero`` pages of zeros are saved anyway."""
    several: Iterable[int] = (users for users in counts.values() if users > 1)
    saved = sum(users - -(-users // rules.max_page_sharing) for users in several)
    return saved if not zero else saved - (zero - -(-zero // rules.max_page_sharing)) + zero
