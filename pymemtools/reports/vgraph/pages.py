"""The question of ``vgraph --pages``: which pages of one mapping are there?"""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from pymemtools.areas import Area
from pymemtools.procfs.pagemap import PRESENT, STATES
from pymemtools.readings.address_space import AddressSpace
from pymemtools.readings.mapping_pages import MappingPages
from pymemtools.report import Column, Report, table_of
from pymemtools.reports.vgraph.areas import areas_of

COLUMNS = (
    Column("start", "Start", "the address of the first page", "address"),
    Column("pages", "Pages", "number of pages in one state", "count"),
    Column("size", "Size", "their length", "bytes"),
    Column("state", "State", "where they are", "text", right=False),
)


class PagesOf(NamedTuple):
    """A mapping and its pages."""

    title: str
    area: Area
    pages: MappingPages
    letters: dict[int, str] = STATES  # what the letters of the pages' states mean

    @property
    def counts(self) -> dict[str, int]:
        """Count the pages in each state."""
        return {name: self.pages.states.count(state) for state, name in self.letters.items()}

    @property
    def is_half_told(self) -> bool:
        """Tell pages whose frames only root is told of."""
        return self.pages.flags is None and PRESENT in self.pages.states


def pages_report(space: AddressSpace, place: int, pages: MappingPages) -> Report:
    """Give runs of pages in one state, of the mapping at ``place``."""
    rows = []
    at = pages.first
    for state, run in groupby(pages.states):
        count = len(list(run))
        rows.append({"start": at, "pages": count, "size": count * pages.page_size, "state": STATES[state]})
        at += count * pages.page_size
    area = areas_of(space.mappings[place : place + 1], space.kinds[place : place + 1])[0]
    answer = PagesOf(space.title, area, pages)
    totals = {f"{_key(name).removesuffix('_page')}_pages": count for name, count in answer.counts.items()}
    flags = pages.flags and {_key(name): count for name, count in pages.flags.items()}
    return Report(
        "vgraph",
        table_of(COLUMNS, rows),
        answer,
        totals={**totals, "mapped_once_pages": pages.mapped_once, "pages_by_flag": flags},
        facts=space.facts._asdict(),
    )


def _key(name: str) -> str:
    return name.replace(" ", "_")
