"""What a picture says of an area, whatever it is drawn with."""

from __future__ import annotations

from functools import lru_cache

from pymemtools.areas import Area, Inner
from pymemtools.render.escape import cut, escape, pad, width
from pymemtools.units import brief_size

_SPACIOUS = 40  # columns for a label that leave room for explanations


def label_of(area: Area, room: int, more: str) -> str:
    """Fit the name of an area into so many columns; of a path the end counts, of anything else the beginning."""
    head = "W+X " if area.is_writable_code else ""
    tail = f" ({area.mappings}{' mappings' if room >= _SPACIOUS else ''})" if area.kind == "file" else ""
    return pad(head + fit(area.label or area.kind, room - len(head) - len(tail), more) + tail, room)


@lru_cache(maxsize=1024)  # neighbours have names alike
def fit(text: str, room: int, more: str) -> str:
    """Escape and shorten a name; ``more`` stands for what is left out, whole directories of a path if possible.

    >>> fit("/usr/lib/x86_64-linux-gnu/libc.so.6", 24, "…"), fit("/usr/lib/libc.so.6", 6, "…"), fit("[heap]", 4, "…")
    ('…/libc.so.6', '….so.6', '[he…')
    """
    text = escape(text)
    if width(text) <= room:
        return text
    left = max(0, room - len(more))
    if not text.startswith("/"):
        return cut(text, left) + more
    end = cut(text[::-1], left)[::-1]
    slash = end.find("/")
    return more + (end[slash:] if slash >= 0 else end)


def size_text(area: Area | Inner) -> str:
    """Write the size, and by how much it changed."""
    size = brief_size(area.size)
    if area.change in ("grown", "shrunk"):
        size += f" ({'+' if area.delta > 0 else '-'}{brief_size(abs(area.delta))})"
    return size


def tone(area: Area) -> str:
    """Name the colour of an area: by permissions where they are known."""
    if area.is_hole:
        return "hole"
    if area.kind in ("ram", "reserved", "device"):
        return area.kind
    read, write, execute = (letter in area.perms[:3] for letter in "rwx")
    if write and execute:
        return "danger"
    if execute:
        return "code"
    if write:
        return "data"
    return "readonly" if read else "none" if area.perms else "mixed"


TONES = {
    "code": "r-x: code",
    "readonly": "r--: read only",
    "data": "rw-: writable",
    "danger": "rwx: writable and executable",
    "none": "---: no access",
    "mixed": "several, or not known",
    "ram": "RAM",
    "reserved": "reserved",
    "device": "device",
    "hole": "hole",
}


def letter(area: Area) -> str:
    """Give one letter for the permissions, where four have no room: ``!`` is writable and executable."""
    return {"danger": "!", "code": "x", "data": "w", "readonly": "r"}.get(tone(area), "-")
