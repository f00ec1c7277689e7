"""What the kernel tells of its merging of equal pages (KSM): settings and counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pymemtools.errors import MemtoolsError, Missing
from pymemtools.models.ksm import ITEM_SIZE, KsmRules, item_size, profit
from pymemtools.models.release import Version, parse_release, since
from pymemtools.procfs.meminfo import has_32_bits
from pymemtools.readings.doubt import read_meminfo
from pymemtools.readings.page_size import page_size_of
from pymemtools.sources.base import Source
from pymemtools.units import signed_number

_FOLDER = "/sys/kernel/mm/ksm"
_DEFAULT = KsmRules()


class Ksm(NamedTuple):
    """All files of /sys/kernel/mm/ksm: numbers as such, of several words the chosen one."""

    values: Mapping[str, int | str]
    page_size: int
    notes: tuple[str, ...]
    version: Version | None = None
    item_size: int = ITEM_SIZE  # bytes

    def number(self, name: str) -> int | None:
        """Give a number; None where this kernel has none of that name."""
        value = self.values.get(name)
        return value if isinstance(value, int) else None

    @property
    def rules(self) -> KsmRules:
        """Give the settings that decide how much is saved; the kernel's own where it does not tell."""
        most = self.number("max_page_sharing")  # Linux 4.13
        return KsmRules(most or _DEFAULT.max_page_sharing, bool(self.number("use_zero_pages")))

    @property
    def items(self) -> int | None:
        """Count the pages that are looked at; each costs ``item_size`` bytes."""
        parts = [self.number(f"pages_{name}") for name in ("shared", "sharing", "unshared", "volatile")]
        return None if None in parts else sum(filter(None, parts))

    @property
    def saved_pages(self) -> int | None:
        """Count what is saved: users beyond the first of each page, and pages of zeros (Linux 6.6)."""
        sharing = self.number("pages_sharing")
        return None if sharing is None else sharing + (self.number("ksm_zero_pages") or 0)

    @property
    def profit(self) -> int | None:
        """Give general_profit in bytes, or before Linux 6.4 what it would be."""
        told, saved, items = self.number("general_profit"), self.saved_pages, self.items
        if told is not None or saved is None or items is None:
            return told
        return profit(saved, items, self.page_size, self.item_size)

    @property
    def is_limited(self) -> bool:
        """Tell whether a page may have but so many users: max_page_sharing, Linux 4.13."""
        return "max_page_sharing" in self.values or since(self.version, (4, 13))

    @property
    def copies(self) -> int | None:
        """Count the pages that are kept only since a page may have no more than ``max_page_sharing`` users."""
        chains, pages = self.number("stable_node_chains"), self.number("stable_node_dups")
        return None if chains is None or pages is None else max(pages - chains, 0)

    @property
    def scan_seconds(self) -> float | None:
        """Tell how long one look at all pages takes at least: what ksmd sleeps in between."""
        items, step, sleep = self.items, self.number("pages_to_scan"), self.number("sleep_millisecs")
        return None if items is None or sleep is None or not step else -(-items // step) * sleep / 1000


def read_ksm(source: Source) -> Ksm:
    """Read them all. Raises Missing where there are none."""
    page_size = page_size_of(source)
    found: dict[str, int | str] = {}
    for name in sorted(source.names(_FOLDER)):
        try:
            text = source.read(f"{_FOLDER}/{name}").decode("utf-8", "surrogateescape").strip()
        except MemtoolsError:
            continue
        if "[" in text:
            text = text.partition("[")[2].partition("]")[0]
        number = signed_number(text)
        found[name] = text if number is None else number
    if not found:
        what = "this kernel merges no pages" if source.is_live else "the source does not tell"
        raise Missing(f"ksm: {what}: no {_FOLDER}")
    version = parse_release(source.facts.kernel)
    return Ksm(found, page_size.size, tuple(page_size.notes), version, _item_size(source, version))


def _item_size(source: Source, version: Version | None) -> int:
    try:
        is_small = has_32_bits(read_meminfo(source).meminfo)
    except MemtoolsError:
        is_small = None
    return item_size(version, has_32_bits=bool(is_small))
