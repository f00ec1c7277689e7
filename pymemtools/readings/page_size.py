"""The page size that figures in pages are multiplied with; the one place that assumes it where no source tells it."""

from __future__ import annotations

from typing import NamedTuple

from pymemtools.sources.base import Source

IS_ASSUMED = "the source does not tell its page size: 4096 is assumed"
_MOST_COMMON = 4096


class PageSize(NamedTuple):
    """Bytes of a page, and whether that is a guess."""

    size: int
    is_assumed: bool

    @property
    def notes(self) -> list[str]:
        """Say so where it is one."""
        return [IS_ASSUMED] if self.is_assumed else []


def page_size_of(source: Source) -> PageSize:
    """Give the studied machine's page size, never that of the machine we run on."""
    size = source.facts.page_size
    return PageSize(size or _MOST_COMMON, is_assumed=not size)
