"""File pages that memory.min of groups keeps from reclaim, however short of memory others are."""

from __future__ import annotations

from pymemtools.errors import MemtoolsError
from pymemtools.procfs.cgroup_memory import parse_limit
from pymemtools.readings.cgroup_path import Hierarchy, groups_in
from pymemtools.readings.group_files import GroupFiles
from pymemtools.sources.base import Source


def kept_files(source: Source, hierarchy: Hierarchy, path: str) -> int:
    """Give the bytes that groups right below one keep at the most, when it is reclaimed from; version 1 has no such.

    Of these groups the setting counts as it is, and is shared out among what is in them, or where nothing in them has a
    setting and the mount no memory_recursiveprot, lost. Source: mm/memcontrol.c, mem_cgroup_calculate_protection(),
    Linux 6.1; memory.min came with 4.18.
    """
    if hierarchy.version == 1:
        return 0
    folder = f"{hierarchy.point}{path}".rstrip("/")
    return sum(_kept(GroupFiles(source, f"{folder}/{name}")) for name in groups_in(source, folder))


def _kept(files: GroupFiles) -> int:
    try:
        text = files.text("memory.min")
        least = 0 if text is None else parse_limit(text, "memory.min")
        if least == 0:
            return 0
        stat = files.figures("memory.stat")
    except MemtoolsError:
        return 0
    lists = stat.get("active_file", 0) + stat.get("inactive_file", 0)
    return lists if least is None else min(least, lists)
