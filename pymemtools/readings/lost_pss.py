"""PSS without huge pages, as 32-bit kernels tell it."""

from __future__ import annotations

from collections.abc import Iterable

from pymemtools.readings.process import Process

PRIVATE = ("Private_Clean", "Private_Dirty")  # to be read with Pss, so that it can be told


def lost_pss(processes: Iterable[Process]) -> list[str]:
    """Say of how many the PSS is less than what only they have; nothing where it is of none.

    Source: fs/proc/task_mmu.c, smaps_account(), Linux 6.12, shifts the size of a page out of the 32 bits of a long.
    """
    lost = sum(map(_has_lost, processes))
    if not lost:
        return []
    of = "1 process is below its" if lost == 1 else f"{lost} processes is below their"
    return [f"the PSS of {of} USS: 32-bit kernels leave huge pages out of it"]


def _has_lost(process: Process) -> bool:
    pss, private = process.sums.get("Pss"), [process.sums.get(name) for name in PRIVATE]
    return pss is not None and pss < sum(size or 0 for size in private)
