"""How many page frames have which flags: of a live machine from kpageflags, of a capture from the histogram in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pymemtools.errors import MemtoolsError, Missing
from pymemtools.procfs.iomem import is_hidden, parse_iomem
from pymemtools.procfs.kpageflags import FlagTally, histogram_lines, parse_histogram
from pymemtools.readings.page_size import page_size_of
from pymemtools.sources.base import Source
from pymemtools.sources.page_files import page_file

KPAGEFLAGS, HISTOGRAM = "kpageflags", "kpageflags.hist"
_BLOCK = 1 << 17  # words read at once: 1 MiB, of 512 MiB of memory
_RAM, _ALIAS = b"System RAM", b"System RAM (boot alias)"  # of 32-bit ARM: the same memory at another address
_WHOLE = 1 << 52  # frames: more than there can be


class FrameFlags(NamedTuple):
    """Frames by their flags."""

    counts: Mapping[int, int]  # by word
    told_by: str


def read_frame_flags(source: Source) -> FrameFlags:
    """Count all frames. Raises Missing where there is no kpageflags, or histogram of it, Denied or ParseError."""
    if source.is_live:
        return FrameFlags(count_frames(source), KPAGEFLAGS)
    try:
        return FrameFlags(parse_histogram(source.read(HISTOGRAM)), HISTOGRAM)
    except Missing:
        raise Missing(f"no {HISTOGRAM} in this source: 'capture --kpageflags' takes it") from None


def has_frame_flags(source: Source) -> bool:
    """Tell whether frames are told, without counting them."""
    try:
        if not source.is_live:
            return bool(source.read(HISTOGRAM))
        with page_file(KPAGEFLAGS) as file:
            return bool(file.words(0, 1))
    except MemtoolsError:
        return False


def count_frames(source: Source) -> Mapping[int, int]:
    """Count the frames of this machine, block by block; holes between them are not read. Raises Missing or Denied."""
    tally = FlagTally()
    with page_file(KPAGEFLAGS) as file:
        for first, end in ram_frames(source):
            while first < end:
                words = file.words(first, min(_BLOCK, end - first))
                if not words:
                    break
                tally.add(words)
                first += len(words) // 8
    return tally.counts


def histogram_text(source: Source) -> bytes:
    """Count the frames of this machine, as a capture keeps that. Raises Missing or Denied."""
    return "".join(histogram_lines(count_frames(source))).encode("ascii")


def ram_frames(source: Source) -> Iterator[tuple[int, int]]:
    """Give the frames of RAM as iomem tells them, first and end; all that there is where it hides addresses."""
    size = page_size_of(source).size
    try:
        regions = parse_iomem(source.read("iomem"))
    except MemtoolsError:
        regions = []
    ram = [region for region in regions if region.name.startswith(_RAM) and region.name != _ALIAS]
    done = 0
    for region in [] if is_hidden(ram) else ram:  # below a device, too, where it was added to the machine later
        first, end = max(-(-region.start // size), done), (region.last + 1) // size
        if first < end:
            yield first, end
            done = end
    if not done:
        yield 0, _WHOLE
