"""The classic layouts of procps's pmap: default, -x and -d."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from pymemtools.procfs.maps import Mapping
from pymemtools.render.escape import escape
from pymemtools.reports.map_frame import values_of
from pymemtools.reports.map_names import classic_name
from pymemtools.reports.maps import ProcessMaps


class Style(NamedTuple):
    """What the options -q, -p and -k say."""

    quiet: bool
    full: bool
    kernel: bool


Layout = Callable[[ProcessMaps, Style], Iterator[str]]


def default_lines(maps: ProcessMaps, style: Style) -> Iterator[str]:
    """Lay out as plain ``pmap`` does."""
    total = 0
    for mapping in maps.mappings:
        total += mapping.size
        yield f"{mapping.start:016x} {mapping.size >> 10:6d}K {_mode(mapping)} {_name(mapping, maps, style)}"
    if not style.quiet:
        yield f" total {total >> 10:16d}K"


def extended_lines(maps: ProcessMaps, style: Style) -> Iterator[str]:
    """Lay out as ``pmap -x`` does."""
    if not style.quiet:
        yield "Address           Kbytes     RSS   Dirty Mode  Mapping"
    size = resident = dirtied = 0
    for mapping, rss, dirty in zip(maps.mappings, values_of(maps, "Rss"), values_of(maps, "Dirty")):
        size += mapping.size
        resident += rss if isinstance(rss, int) else 0
        dirtied += dirty if isinstance(dirty, int) else 0
        yield (
            f"{mapping.start:016x} {mapping.size >> 10:7d} {_kib(rss):>7} {_kib(dirty):>7} {_mode(mapping)} "
            f"{_name(mapping, maps, style)}"
        )
    if not style.quiet:
        yield "---------------- ------- ------- ------- "
        yield f"total kB         {size >> 10:7d} {resident >> 10:7d} {dirtied >> 10:7d}"


def device_lines(maps: ProcessMaps, style: Style) -> Iterator[str]:
    """Lay out as ``pmap -d`` does."""
    if not style.quiet:
        yield "Address           Kbytes Mode  Offset           Device    Mapping"
    size = private = shared = 0
    for mapping in maps.mappings:
        size += mapping.size
        if mapping.is_shared:
            shared += mapping.size
        elif mapping.perms[1:2] == b"w":
            private += mapping.size
        major, _, minor = mapping.device.partition(b":")
        yield (
            f"{mapping.start:016x} {mapping.size >> 10:7d} {_mode(mapping)} {mapping.offset:016x} "
            f"{int(major, 16):03x}:{int(minor, 16):05x} {_name(mapping, maps, style)}"
        )
    if not style.quiet:
        yield f"mapped: {size >> 10}K    writeable/private: {private >> 10}K    shared: {shared >> 10}K"


LAYOUTS: dict[str, Layout] = {"": default_lines, "x": extended_lines, "d": device_lines}


def title_line(maps: ProcessMaps) -> str:
    """Name the process."""
    return f"{maps.pid}:   {escape(maps.title.decode('utf-8', 'surrogateescape'))}"


def _mode(mapping: Mapping) -> str:
    return f"{mapping.perms[:3].decode('ascii')}{'s' if mapping.is_shared else '-'}-"


def _kib(size: int | str | None) -> str:
    return str(size >> 10) if isinstance(size, int) else "-"


def _name(mapping: Mapping, maps: ProcessMaps, style: Style) -> str:
    name = classic_name(mapping, maps.stack, full=style.full, kernel=style.kernel)
    return escape(name.decode("utf-8", "surrogateescape"))
