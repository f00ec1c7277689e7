"""What ``free --cgroup`` measures."""

from __future__ import annotations

from collections.abc import Callable

from pymemtools.readings.cgroup_path import find_hierarchy, named_group
from pymemtools.readings.groups import read_levels
from pymemtools.reports.free import Memory
from pymemtools.reports.memory_groups.free import cgroup_memory
from pymemtools.sources.base import Source


def group_measure(source: Source, name: str, machine: Callable[[Source], Memory]) -> Callable[[Source], Memory]:
    """Find the group once; what is given back reads it, those above it and the machine afresh."""
    hierarchy = find_hierarchy(source)
    path = named_group(source, hierarchy, name)
    return lambda studied: cgroup_memory(read_levels(studied, hierarchy, path), machine(studied))
