"""Say what is to be read of processes: what two questions want is read in one pass."""

from __future__ import annotations

import re
from typing import NamedTuple


class Wants(NamedTuple):
    """What to read of each process, and of which processes. What two questions want is united by ``|``.

    Of smaps nothing is read unless there are ``keys``, or ``accounted`` or ``mergeable`` is wanted.
    """

    keys: tuple[str, ...] = ()  # fields of smaps, or of smaps_rollup, to be added up
    by_name: bool = False  # by name of mapping, too
    rollup: bool = False  # smaps_rollup will do, where there is one
    split: bool = False  # Pss_Anon and its like, which only smaps_rollup has
    accounted: bool = False  # what Committed_AS counts
    status: bool = False  # sizes and capabilities
    memory: bool = False  # RSS and swap at the least: of smaps, where status does not tell
    cgroup: bool = False  # the one that it is known by
    cgroups: bool = False  # in each hierarchy
    oom_score: bool = False
    oom_score_adj: bool = False
    ksm: bool = False  # ksm_stat
    mergeable: bool = False  # what KSM may merge, of smaps
    process: re.Pattern[str] | None = None  # filters: name or command, name of mapping, owner
    mapping: re.Pattern[str] | None = None
    user: re.Pattern[str] | None = None

    def __or__(self, other: object) -> Wants:
        """Want what both want, of every process: a filter stays where both have it. One pass reads it."""
        if not isinstance(other, Wants):
            return NotImplemented
        keys = tuple(dict.fromkeys((*self.keys, *other.keys)))
        flags = [bool(one or another) for one, another in zip(self[1:13], other[1:13])]
        filters = [one if one == another else None for one, another in zip(self[13:], other[13:])]
        needs_all = any(each.reads_smaps and not each.rollup for each in (self, other))
        return Wants(keys, *flags, *filters)._replace(rollup=not needs_all and (self.rollup or other.rollup))  # type: ignore[arg-type]

    @property
    def reads_smaps(self) -> bool:
        """Tell whether smaps, or smaps_rollup, is read of every process."""
        return bool(self.keys) or self.accounted or self.mergeable
