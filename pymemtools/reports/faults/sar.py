"""The figures of ``sar -B``, reckoned as sysstat 12.6 does: what it counts twice, and what wraps, included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pymemtools.readings.paging import PagingMoment
from pymemtools.sources.base import Source
from pymemtools.sources.left_behind import host_of, machine_of

TITLES = ["pgpgin/s", "pgpgout/s", "fault/s", "majflt/s", "pgfree/s", "pgscank/s", "pgscand/s", "pgsteal/s", "%vmeff"]
_PLAIN = ("pgpgin", "pgpgout", "pgfault", "pgmajfault", "pgfree")
_ADDED_UP = ("pgscan_kswapd", "pgscan_direct", "pgsteal_")  # whatever begins so: zones, kinds and who did it


class SarMachine(NamedTuple):
    """What the first line of sar says; None where the source does not tell."""

    kernel: str | None
    host: str | None
    machine: str | None
    processors: int | None

    @property
    def bits(self) -> int:
        """Give the size of a counter."""
        is_wide = self.machine is None or "64" in self.machine or self.machine in ("s390x", "alpha")
        return 64 if is_wide else 32


def sar_machine(source: Source, processors: int | None, machine: str | None) -> SarMachine:
    """Tell what the source does, where whoever asks does not know better: how many processors, of which kind."""
    return SarMachine(
        source.facts.kernel,
        host_of(source),
        machine or machine_of(source),
        processors,
    )


def sar_figures(before: PagingMoment, after: PagingMoment, bits: int = 64) -> list[float]:
    """Give a row: eight rates a second, and pages stolen in percent of those scanned.

    Differences are those of unsigned numbers, so a counter that went backwards gives a huge one.
    """
    whole = 1 << bits
    pairs = zip(_counters(before.counters), _counters(after.counters))
    counters = [(later - earlier) % whole for earlier, later in pairs]
    hundredths = ((after.uptime_centiseconds or 0) - (before.uptime_centiseconds or 0)) % (1 << 64) or 1
    scanned = (counters[5] + counters[6]) % whole
    # Rounded where C does: two whole numbers are no doubles until they are made some.
    efficiency = float(counters[7]) / float(scanned) * 100 if scanned else 0.0
    return [*(float(count) / hundredths * 100 for count in counters), efficiency]


def _counters(vmstat: Mapping[str, int]) -> list[int]:
    sums = (sum(count for name, count in vmstat.items() if name.startswith(start)) for start in _ADDED_UP)
    return [*(vmstat.get(name, 0) for name in _PLAIN), *sums]
