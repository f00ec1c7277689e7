"""The columns and rows that a request chooses of the mappings of some processes."""

from __future__ import annotations

from collections.abc import Sequence

from pymemtools.errors import UsageProblem
from pymemtools.procfs.smaps.fields import key_of
from pymemtools.readings.mappings import ProcessMaps
from pymemtools.report import Table
from pymemtools.reports.pmap.columns import OWN, check_known, is_number
from pymemtools.reports.pmap.request import DROPPED, FIGURES, ROLLUP_FIGURES, PmapRequest
from pymemtools.reports.pmap.table import fields_of, grouped, kernel_names, mapping_table, order_of, with_sizes_summed

_HEAD = ("start", "perms", "offset", "device", "inode")


def chosen_table(processes: Sequence[ProcessMaps], request: PmapRequest) -> Table:
    """Make the columns that a request shows of some processes, in its order."""
    request = request.among(fields_of(processes))
    if request.rollup:
        return _rollup(processes, request)
    keys = list(request.columns or _keys(processes, request))
    if request.merge and "pid" not in keys and not request.group:
        keys.insert(0, "pid")
    if request.group:
        keys = [key for key in keys if is_number(key)]
    helpers = [key for key in (request.weight, request.group) if key and key not in keys and key != "mappings"]
    table = mapping_table(processes, [*keys, *helpers])
    if request.group:
        table = grouped(table, request.group, [key for key in (*keys, *helpers) if is_number(key)])
        keys = list(dict.fromkeys(["mappings", *keys, request.group]))
    elif "mapping" in keys and request.is_classic:
        table = table._replace(cells={**table.cells, "mapping": kernel_names(processes, full=request.full)})
    elif "mapping" in keys and request.full:
        table = table._replace(cells={**table.cells, "mapping": mapping_table(processes, ["path"]).cells["path"]})
    check_known(table, request.columns)
    table = in_order(table, request).only(keys)
    return with_sizes_summed(table) if request.group else table


def in_order(table: Table, request: PmapRequest) -> Table:
    """Sort and cut as asked. Raises UsageProblem when there is no such column to sort by."""
    weight = request.weight
    if weight is not None:
        if weight not in table.cells:
            raise UsageProblem(f"pmap: these sums have no column '{weight}' to sort by")
        check_known(table, (weight,))
        return table.take(order_of(table, weight, reverse=request.reverse, top=request.top))
    return table.take(range(table.height)[::-1]) if request.reverse else table


def maps_in_order(maps: ProcessMaps, request: PmapRequest) -> ProcessMaps:
    """Sort and cut the mappings of one process themselves."""
    request = request.among(maps.columns)
    if request.weight is None:
        return maps.take(range(len(maps.mappings))[::-1]) if request.reverse else maps
    table = mapping_table([maps], [request.weight])
    check_known(table, (request.weight,))
    return maps.take(order_of(table, request.weight, reverse=request.reverse, top=request.top))


def _keys(processes: Sequence[ProcessMaps], request: PmapRequest) -> list[str]:
    """Name the columns of a mode."""
    if request.everything and not request.group:
        numbers = [key for key in map(key_of, fields_of(processes)) if key != "size"]
        return ["pid", "start", "end", *_HEAD[1:], "size", *numbers, "vm_flags", "kind", "path"]
    if request.mode.startswith("X"):
        return _usual_keys(processes, everything=request.mode == "XX")
    figures = ("size", "rss", "dirty") if request.mode == "x" else ("size",)
    if request.group:
        return list(figures if request.mode else FIGURES)
    middle = ("offset", "device") if request.mode == "d" else ()
    return ["start", *figures, "perms", *middle, "mapping"]


def _usual_keys(processes: Sequence[ProcessMaps], *, everything: bool) -> list[str]:
    """Name the columns of -X, or of -XX: whatever the kernel printed."""
    numbers = map(key_of, fields_of(processes))
    keys = [*_HEAD, *(key for key in numbers if everything or key not in DROPPED)]
    if everything and any(any(maps.mappings.vmflags) for maps in processes):
        keys.append("vm_flags")
    return [*keys, "mapping"]


def _rollup(processes: Sequence[ProcessMaps], request: PmapRequest) -> Table:
    """Sum processes as the kernel does, a row each."""
    every = request.mode.startswith("X")
    usual = (key for key in map(key_of, fields_of(processes)) if every or key in ROLLUP_FIGURES)
    keys = tuple(dict.fromkeys(("pid", *(request.columns or usual), "command")))
    for key in (*keys, request.figure):
        if not is_number(key) and key not in ("pid", "command"):
            raise UsageProblem(f"pmap: --rollup knows no single mappings, and so no column '{key}'")
    read = [maps for maps in processes if maps.mappings]
    table = mapping_table(read, [key for key in dict.fromkeys((*keys, request.figure)) if key != "command"])
    commands = [maps.title.decode("utf-8", "surrogateescape") for maps in read]
    table = Table((*table.columns, OWN["command"]), {**table.cells, "command": commands})
    check_known(table, request.columns)
    return with_sizes_summed(in_order(table, request).only(keys))
