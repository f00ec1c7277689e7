"""The classic layouts of procps's pmap: default, -x and -d."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from pymemtools.cells import Memo
from pymemtools.readings.mappings import ProcessMaps
from pymemtools.render.escape import escape
from pymemtools.reports.pmap.names import classic_names
from pymemtools.reports.pmap.table import sum_of, values_of


class Style(NamedTuple):
    """What the options -q, -p and -k say."""

    quiet: bool
    full: bool
    kernel: bool


Layout = Callable[[ProcessMaps, Style], Iterator[str]]


def default_lines(maps: ProcessMaps, style: Style) -> Iterator[str]:
    """Lay out as plain ``pmap`` does."""
    sizes = maps.mappings.sizes()
    yield from _rows(_addresses(maps), _formatted("{:6d}K", sizes), _modes(maps), _names(maps, style))
    if not style.quiet:
        yield f" total {sum(sizes) >> 10:16d}K"


def extended_lines(maps: ProcessMaps, style: Style) -> Iterator[str]:
    """Lay out as ``pmap -x`` does."""
    if not style.quiet:
        yield "Address           Kbytes     RSS   Dirty Mode  Mapping"
    figures = [maps.mappings.sizes(), values_of(maps, "rss"), values_of(maps, "dirty")]
    numbers = [_formatted("{:7d}", figure) for figure in figures]
    yield from _rows(_addresses(maps), *numbers, _modes(maps), _names(maps, style))
    if not style.quiet:
        totals = [sum_of(figure) if maps.mappings else 0 for figure in figures]
        yield "---------------- ------- ------- ------- "
        yield f"total kB         {' '.join(_formatted('{:7d}', totals))}"


def device_lines(maps: ProcessMaps, style: Style) -> Iterator[str]:
    """Lay out as ``pmap -d`` does."""
    if not style.quiet:
        yield "Address           Kbytes Mode  Offset           Device    Mapping"
    mappings = maps.mappings
    sizes = mappings.sizes()
    numbers = _formatted("{:7d}", sizes)
    offsets = map("{:016x}".format, mappings.offsets)
    yield from _rows(_addresses(maps), numbers, _modes(maps), offsets, _devices(maps), _names(maps, style))
    if not style.quiet:
        shared = sum(size for size, perms in zip(sizes, mappings.perms) if perms[3:] == b"s")
        private = sum(size for size, perms in zip(sizes, mappings.perms) if perms[1:2] == b"w" and perms[3:] == b"p")
        yield f"mapped: {sum(sizes) >> 10}K    writeable/private: {private >> 10}K    shared: {shared >> 10}K"


LAYOUTS: dict[str, Layout] = {"": default_lines, "x": extended_lines, "d": device_lines}


def title_line(maps: ProcessMaps) -> str:
    """Name the process."""
    return f"{maps.pid}:   {escape(maps.title.decode('utf-8', 'surrogateescape'))}"


def _rows(*columns: Iterable[str]) -> Iterator[str]:
    return map(" ".join, zip(*columns))


def _addresses(maps: ProcessMaps) -> Iterator[str]:
    return map("{:016x}".format, maps.mappings.starts)


def _formatted(format: str, sizes: Sequence[int | str | None]) -> Iterator[str]:
    """Format sizes in KiB, each distinct one once; unknown is ``-``."""
    blank = format.format(0).replace("0", "-")
    texts: Memo[int | str | None, str] = Memo(
        lambda size: format.format(size >> 10) if isinstance(size, int) else blank
    )
    return map(texts.__getitem__, sizes)


def _modes(maps: ProcessMaps) -> Iterator[str]:
    perms = maps.mappings.perms
    modes = {each: f"{each[:3].decode('ascii')}{'s' if each[3:] == b's' else '-'}-" for each in set(perms)}
    return map(modes.__getitem__, perms)


def _devices(maps: ProcessMaps) -> Iterator[str]:
    texts = {}
    for device in set(maps.mappings.devices):
        major, _, minor = device.partition(b":")
        texts[device] = f"{int(major, 16):03x}:{int(minor, 16):05x}"
    return map(texts.__getitem__, maps.mappings.devices)


def _names(maps: ProcessMaps, style: Style) -> Iterator[str]:
    names = classic_names(maps.mappings, maps.stack, full=style.full, kernel=style.kernel)
    texts: Memo[bytes, str] = Memo(lambda name: escape(name.decode("utf-8", "surrogateescape")))
    return map(texts.__getitem__, names)
