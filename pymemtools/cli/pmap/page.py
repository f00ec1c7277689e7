"""pmap's reports for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pymemtools.cli.options import write_lines
from pymemtools.cli.pmap.layouts import LAYOUTS, title_line
from pymemtools.cli.pmap.request import Request
from pymemtools.readings.mappings import ProcessMaps

if TYPE_CHECKING:
    from pymemtools.reports.map_frame import Frame


class Page:
    """What is printed, remembered as far as it must be explained."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._frames: list[Frame] = []
        self._has_classic = False

    def show(self, maps: ProcessMaps) -> None:
        """Print one process."""
        request = self._request
        lines: Iterable[str] = ()
        if maps.problem is None:
            is_wide = request.columns or request.group or request.mode.startswith("X")
            self._has_classic = not is_wide
            lines = self._wide([maps]) if is_wide else LAYOUTS[request.mode](_in_order(maps, request), request.style)
        write_lines([title_line(maps)])
        write_lines(lines)

    def show_changes(self, maps: ProcessMaps, frame: Frame) -> None:
        """Print how one process changed."""
        write_lines([title_line(maps)])
        columns = {field: cells for field, cells in frame.columns.items() if field != "pid"}
        self.show_frame(frame._replace(columns=columns))

    def show_frame(self, frame: Frame) -> None:
        """Print a wide table."""
        write_lines(self._lines(frame))

    def show_together(self, processes: list[ProcessMaps]) -> None:
        """Print processes as one wide table."""
        write_lines(self._wide(processes))

    def _wide(self, processes: list[ProcessMaps]) -> Iterable[str]:
        from pymemtools.cli.pmap.frames import frame_for

        return self._lines(frame_for(processes, self._request))

    def _lines(self, frame: Frame) -> Iterable[str]:
        from pymemtools.cli.pmap.frames import wide_lines

        if self._request.explain and frame.height:
            self._frames.append(frame)
        return wide_lines(frame, self._request.style)

    def explain(self) -> None:
        """Print the legend, if it was asked for and there is anything to explain."""
        if not self._request.explain:
            return
        from pymemtools.cli.pmap.explain import classic_legend, legend

        if self._frames:
            write_lines(legend(self._frames))
        elif self._has_classic:
            write_lines(classic_legend(self._request.mode))


def _in_order(maps: ProcessMaps, request: Request) -> ProcessMaps:
    """Sort and cut the mappings for a classic layout."""
    if request.weight is None:
        return maps.take(range(len(maps.mappings))[::-1]) if request.reverse else maps
    from pymemtools.cli.pmap.columns import check_known
    from pymemtools.reports.map_frame import frame_of, order_of

    frame = frame_of([maps], [request.weight])
    check_known(frame, (request.weight,))
    return maps.take(order_of(frame, request.weight, reverse=request.reverse, top=request.top))
