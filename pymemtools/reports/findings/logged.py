"""The kills in the logs of a source, explained; nothing of what reads logs is loaded where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pymemtools.errors import MemtoolsError
from pymemtools.sources.base import Source
from pymemtools.sources.left_behind import logs_of

if TYPE_CHECKING:
    from pymemtools.reports.oom_report.report import Told


def kills_in(source: Source, max_bytes: int, damages: list[str]) -> Sequence[Told] | None:
    """Read the logs of a copy, or the ring buffer where we may; None: there is no log. Note what is wrong with any."""
    if not source.is_live and not logs_of(source) and "dmesg" not in source.names(""):
        return None
    from pymemtools.readings.kernel_logs import reports_in_ring, reports_of_capture
    from pymemtools.reports.oom_report.report import explained

    try:
        if source.is_live:
            from pymemtools.sources.kernel_log import read_kernel_log, started_at

            return list(explained(reports_in_ring("dmesg", read_kernel_log(), source.facts.kernel, started_at())))
        return list(explained(reports_of_capture(source, max_bytes, damages)[0]))
    except MemtoolsError:
        return None
