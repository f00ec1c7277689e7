"""What a report has lists of, for programs: by the names that all commands have for them, sizes in bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pymemtools.kernel_log.oom_report import Kill, Reaped, ReportedZone
from pymemtools.reports.oom_report.analysis import Identity

_NAMES = {
    "total-vm": "vss",
    "vsz": "vss",
    "anon-rss": "rss_anon",
    "file-rss": "rss_file",
    "shmem-rss": "rss_shmem",
    "pgtables": "page_tables",
    "hugetlb pool": "hugetlb",
}


def by_key(sizes: Mapping[str, Any]) -> dict[str, Any]:
    """Name what the kernel, or we in words, call otherwise.

    >>> by_key({"anon-rss": 4096, "memory+swap": 8192})
    {'rss_anon': 4096, 'memory_swap': 8192}
    """
    return {_key(name): size for name, size in sizes.items()}


def _key(name: str) -> str:
    return _NAMES.get(name) or "".join(letter if letter.isalnum() else "_" for letter in name)


def zones(records: Iterable[ReportedZone]) -> list[dict[str, Any]]:
    """Give the zones as the zones command calls their figures; lowmem_reserve is in pages, as it is printed."""
    rows = []
    for zone in records:
        row = zone._asdict()
        node, name, reserve = row.pop("node"), row.pop("name"), row.pop("lowmem_reserve")
        rows.append({"node": node, "zone": name, **row, "lowmem_reserve_pages": reserve})
    return rows


def limits(found: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """Give usage and limit of each of a group's counters."""
    return by_key({name: {"usage": usage, "limit": limit} for name, (usage, limit) in found.items()})


def kills(records: Iterable[Kill]) -> list[dict[str, Any]]:
    """Give the lines of the kills."""
    return [{**kill._asdict(), "sizes": by_key(kill.sizes)} for kill in records]


def reaped(records: Iterable[Reaped]) -> list[dict[str, Any]]:
    """Give the lines of the reaper."""
    return [{**each._asdict(), "left": None if each.left is None else by_key(each.left)} for each in records]


def identities(found: Iterable[Identity]) -> list[dict[str, Any]]:
    """Give what the line of the kill and the table both say."""
    return [
        {
            "what": _key(each.what),
            "line": each.line_kib << 10,
            "table": each.table_kib << 10,
            "holds": each.holds,
        }
        for each in found
    ]
