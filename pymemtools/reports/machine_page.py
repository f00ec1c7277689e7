"""All that a page about a machine shows: the findings, and the answers that they rest on, of one reading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.readings.address_space import space_of_process
from pymemtools.report import Report
from pymemtools.reports.findings.evidence import Evidence
from pymemtools.reports.findings.report import findings_report
from pymemtools.reports.physical import physical_report, regions_of
from pymemtools.reports.smem.report import smem_report
from pymemtools.reports.smem.request import Request
from pymemtools.reports.vgraph.scene import Scene, scene_within
from pymemtools.reports.what_if import alloc
from pymemtools.reports.what_if.asked import ask
from pymemtools.sources.left_behind import host_of

SPACES = 3  # address spaces that are drawn: those of the largest processes
_MOST_BOXES = 120  # of each; smaller neighbours are drawn as one until so few are left
_DEPTH = 2  # levels of regions of the physical address space


class Page(NamedTuple):
    """One machine; what it does not tell is None or empty."""

    host: str | None
    report: Report  # the findings
    evidence: Evidence
    users: Report | None
    headroom: Report | None  # ``what-if alloc`` of one page: where memory would come from
    physical: Report | None
    spaces: list[Scene]


def page_of(evidence: Evidence) -> Page:
    """Ask the questions that no finding asks, too."""
    source = evidence.source
    page_size = evidence.machine.page_size
    requests = alloc.AllocRequest(page_size)
    return Page(
        host_of(source),
        findings_report(evidence),
        evidence,
        evidence.answer("smem -u", lambda: smem_report(source, Request("users"))),
        evidence.answer("what-if alloc", lambda: alloc.alloc_report(ask(source, needs=alloc.NEEDS), requests)),
        evidence.answer("iomem-graph", lambda: _physical(evidence)),
        list(_spaces(evidence)),
    )


def _physical(evidence: Evidence) -> Report:
    regions = regions_of(evidence.source.read("iomem"), "iomem")
    return physical_report(regions, None, _DEPTH, evidence.source.facts._asdict())


def _spaces(evidence: Evidence) -> Iterator[Scene]:
    """Read the address spaces of the largest processes, which only now are known."""
    rows = sorted(evidence.rows("processes"), key=lambda row: -(row["pss"] or row["rss"] or 0))
    for row in rows[:SPACES]:
        try:
            space = space_of_process(evidence.source, row["pid"], rss=True)
        except MemtoolsError:
            continue
        if not space.mappings:
            continue
        yield scene_within(space, _MOST_BOXES, least_hole=1 << 20)
