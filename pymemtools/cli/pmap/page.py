"""pmap's reports for people."""

from __future__ import annotations

from collections.abc import Iterator

from pymemtools.render.pmap.classic import LAYOUTS, Style, title_line
from pymemtools.report import Report, Table
from pymemtools.reports.pmap.request import PmapRequest


class Page:
    """What is printed, remembered as far as it must be explained."""

    def __init__(self, request: PmapRequest, style: Style, *, explains: bool) -> None:
        self._mode = request.mode
        self._is_wide = request.is_wide
        self._unit = "KB" if request.is_classic else "KiB"  # the one is procps's
        self._style = style
        self._explains = explains
        self._tables: list[Table] = []
        self._has_classic = False

    def process(self, report: Report) -> Iterator[str]:
        """Lay one process out, as long as there is one."""
        if report.answer is None:
            return
        yield title_line(report.answer)
        if report.unreadable:
            return
        if self._is_wide:
            yield from self.table(report)
        else:
            self._has_classic = True
            yield from LAYOUTS[self._mode](report.answer, self._style)

    def changes(self, report: Report) -> Iterator[str]:
        """Lay out how one process changed."""
        yield title_line(report.answer)
        keys = [key for key in report.table.keys if key != "pid"]
        yield from self.table(report._replace(table=report.table.only(keys)))

    def table(self, report: Report) -> Iterator[str]:
        """Lay a report out as one wide table."""
        from pymemtools.render.pmap.wide import wide_lines

        if self._explains and report.table.height:
            self._tables.append(report.table)
        return wide_lines(report.table, quiet=self._style.quiet, unit=self._unit)

    def legend(self) -> Iterator[str]:
        """Explain what there is on the page, if that was asked for."""
        if not self._explains:
            return iter(())
        from pymemtools.render.pmap.legend import classic_legend, legend

        if self._tables:
            return legend(self._tables)
        return classic_legend(self._mode) if self._has_classic else iter(())
