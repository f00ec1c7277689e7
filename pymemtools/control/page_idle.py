"""Mark page frames as idle, which lasts until somebody uses them: /sys/kernel/mm/page_idle/bitmap."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable

from pymemtools.control.reasons import why_not
from pymemtools.errors import Denied, Missing

_BITMAP = "/sys/kernel/mm/page_idle/bitmap"
_WORD, _BITS = 8, 64


def mark_idle(frames: Iterable[int], path: str = _BITMAP) -> None:
    """Set the bits of these frames; what is no page of a process or file stays as it is. Raises Missing or Denied.

    Source: mm/page_idle.c, page_idle_bitmap_write(), Linux 4.3.
    """
    words: dict[int, int] = {}
    for frame in frames:
        words[frame // _BITS] = words.get(frame // _BITS, 0) | 1 << frame % _BITS
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            for first, values in _runs(words):
                _write(fd, values, first * _WORD)
        finally:
            os.close(fd)
    except FileNotFoundError:
        raise Missing("this kernel does not track idle pages (CONFIG_IDLE_PAGE_TRACKING)") from None
    except OSError as error:
        raise Denied(f"cannot mark pages as idle: {why_not(error)}") from None


def _write(fd: int, values: bytes, place: int) -> None:
    """Write words, of which the kernel takes a page's at once, and none that begins behind all memory.

    Of the last word of memory it marks the frames that there are, and where these do not fill it, says that it took
    nothing: seen under 6.12.
    """
    done = 0
    while done < len(values):
        try:
            taken = os.pwrite(fd, values[done:], place + done)
        except OSError as error:
            if error.errno != errno.ENXIO:  # a device's, which are mapped, too
                raise
            return
        if not taken:
            return
        done += taken


def _runs(words: dict[int, int]) -> Iterable[tuple[int, bytes]]:
    """Give words that follow each other as one text."""
    first, text = 0, b""
    for place in sorted(words):
        if text and place != first + len(text) // _WORD:
            yield first, text
            text = b""
        first = first if text else place
        text += words[place].to_bytes(_WORD, sys.byteorder)
    if text:
        yield first, text
