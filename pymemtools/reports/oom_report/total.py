"""What the points of a report are measured by: RAM and swap, or what a group, a cpuset or a policy may have of them."""

from __future__ import annotations

from pymemtools.kernel_log.oom_report import OomReport
from pymemtools.models.oom import group_total
from pymemtools.models.release import Version
from pymemtools.units import whole_number

_BOUND = ("CONSTRAINT_CPUSET", "CONSTRAINT_MEMORY_POLICY")
_PRESENT_COUNTS = (5, 4, 0)  # or some version before; what a node spans, which reports do not have, until 4.20
_MUCH_OF_RAM = 0.75
_MAX_NODES = 1 << 10  # MAX_NUMNODES
_NO_LIMIT = 1 << 60  # bytes: a limit above this is none


def total_pages(
    report: OomReport, version: Version | None, page_size: int, missing: list[str]
) -> tuple[int | None, int | None]:
    """Give the least and the most pages that points are measured by; None where the report does not tell."""
    if report.constraint == "CONSTRAINT_MEMCG":
        return _group_total(report, page_size, missing)
    if report.constraint in _BOUND or (report.constraint is None and _may_be_bound(report, page_size)):
        pages = _pages_of_nodes(report, version)
        if pages is None or report.swap_total is None:
            missing.append("pages of the nodes that were allowed")
            return None, None
        total = (pages + report.swap_total) // page_size
        return total, total
    known = {
        "pages RAM": report.ram_pages,
        "pages reserved": report.reserved_pages,
        "Total swap": report.swap_total,
    }
    lacking = [name for name, value in known.items() if value is None]
    if report.ram_pages is None or report.reserved_pages is None or report.swap_total is None:
        missing.extend(lacking)
        return None, None
    if report.ram_pages <= report.reserved_pages:  # the figures of a damaged log
        missing.append("pages RAM")
        return None, None
    pages = report.ram_pages - report.reserved_pages + report.swap_total // page_size
    return pages, pages


def _may_be_bound(report: OomReport, page_size: int) -> bool:
    """Tell whether memory may have been short on some nodes only, where the log does not say: before Linux 5.0.

    Only the nodes that were allowed are shown then.
    """
    managed = [zone.managed for zone in report.zones]
    if report.nodemask is not None or not managed or None in managed:
        return report.nodemask is not None
    ram = (report.ram_pages or 0) - (report.reserved_pages or 0)
    return sum(filter(None, managed)) < _MUCH_OF_RAM * ram * page_size


def _pages_of_nodes(report: OomReport, version: Version | None) -> int | None:
    """Give the bytes of the nodes that were allowed; None where the log does not tell. Source: constrained_alloc()."""
    allowed = report.nodemask if report.constraint == "CONSTRAINT_MEMORY_POLICY" else report.mems_allowed
    if allowed is None or report.constraint is None or version is None or version < _PRESENT_COUNTS:
        return None
    present: dict[int, int] = {}
    for zone in report.zones:
        if zone.present is not None:
            present[zone.node] = present.get(zone.node, 0) + zone.present
    nodes = _nodes(allowed)
    return sum(present[node] for node in nodes) if nodes and nodes <= set(present) else None


def _nodes(ranges: str) -> set[int]:
    """Read a list of nodes; empty for what is none.

    >>> _nodes("0-2,4"), _nodes("all")
    ({0, 1, 2, 4}, set())
    """
    found: set[int] = set()
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        lowest, highest = whole_number(first), whole_number(last or first)
        if lowest is None or highest is None or highest >= _MAX_NODES:
            return set()
        found.update(range(lowest, highest + 1))
    return found


def _group_total(report: OomReport, page_size: int, missing: list[str]) -> tuple[int | None, int | None]:
    get = report.limits.get
    memory = get("memory", (0, 0))[1] // page_size
    if not memory:
        missing.append("limit of the memory group")
        return None, None
    room: int | None = None
    if "memory+swap" in report.limits:
        limit = get("memory+swap", (0, 0))[1]
        room = None if limit >= _NO_LIMIT else max(limit // page_size - memory, 0)
    elif "swap" in report.limits:
        limit = get("swap", (0, 0))[1]
        room = None if limit >= _NO_LIMIT else limit // page_size
    swap = None if report.swap_total is None else report.swap_total // page_size
    least, most = group_total(memory, room, swap)
    if least != most:
        missing.append("Total swap")
    return least, most
