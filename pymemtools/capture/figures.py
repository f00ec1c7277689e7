"""The figures of a process, and of a group, that a recording keeps beside the texts."""

from __future__ import annotations

from collections.abc import Mapping

from pymemtools.errors import ParseError
from pymemtools.procfs.cgroup_memory import parse_amount, parse_limit, parse_stat
from pymemtools.procfs.smaps.rollup import parse_smaps_rollup
from pymemtools.procfs.status import parse_status_sizes
from pymemtools.sources.recording.figures import UNKNOWN
from pymemtools.units import plus, whole_number

_MINFLT, _MAJFLT, _VSIZE = 7, 9, 20  # of the words of stat behind the name
_KERNEL = ("slab", "kernel_stack", "pagetables", "percpu", "vmalloc")  # before there was a sum (5.18)


def process_figures(files: Mapping[str, bytes]) -> tuple[int, ...]:
    """Take PROCESS_FIGURES out of a process's files."""
    words = files.get("stat", b"").rpartition(b")")[2].split()
    sizes = parse_status_sizes(files.get("status", b""))
    try:
        rollup = parse_smaps_rollup(files["smaps_rollup"]) if files.get("smaps_rollup") else {}
    except ParseError:
        rollup = {}
    uss = plus(rollup.get("Private_Clean"), rollup.get("Private_Dirty"))
    figures = (
        *(rollup.get("Pss"), uss),
        *(rollup.get("Rss", sizes.get("VmRSS")), rollup.get("Swap", sizes.get("VmSwap"))),
        rollup.get("Anonymous", sizes.get("RssAnon")),
        *(_word(words, place) for place in (_VSIZE, _MINFLT, _MAJFLT)),
    )
    return tuple(UNKNOWN if figure is None or not 0 <= figure < 1 << 62 else figure for figure in figures)


def group_figures(files: Mapping[str, bytes]) -> tuple[int, ...]:
    """Take GROUP_FIGURES out of a group's files, of version 2 or 1."""
    try:
        stat = parse_stat(files.get("memory.stat", b""))
    except ParseError:
        stat = {}
    figures = (
        _amount(files, "memory.current", "memory.usage_in_bytes"),
        stat.get("anon", stat.get("total_rss")),
        stat.get("file", stat.get("total_cache")),
        _kernel(files, stat),
        _swap(files, stat),
        _limit(files),
        stat.get("pgfault", stat.get("total_pgfault")),
        stat.get("pgmajfault", stat.get("total_pgmajfault")),
    )
    return tuple(UNKNOWN if figure is None or not 0 <= figure < 1 << 62 else figure for figure in figures)


def _kernel(files: Mapping[str, bytes], stat: Mapping[str, int]) -> int | None:
    if "kernel" in stat:
        return stat["kernel"]
    parts = [stat[name] for name in _KERNEL if name in stat]
    return sum(parts) if parts else _amount(files, "memory.kmem.usage_in_bytes")


def _swap(files: Mapping[str, bytes], stat: Mapping[str, int]) -> int | None:
    swap = _amount(files, "memory.swap.current")
    return stat.get("total_swap") if swap is None else swap


def _limit(files: Mapping[str, bytes]) -> int | None:
    for name in ("memory.max", "memory.limit_in_bytes"):
        if name in files:
            try:
                return parse_limit(files[name], name)
            except ParseError:
                return None
    return None


def _amount(files: Mapping[str, bytes], *names: str) -> int | None:
    for name in names:
        if name in files:
            try:
                return parse_amount(files[name], name)
            except ParseError:
                return None
    return None


def _word(words: list[bytes], place: int) -> int | None:
    return whole_number(words[place]) if len(words) > place else None
