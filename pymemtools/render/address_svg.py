"""A column of boxes with an address at every boundary, as SVG: the same bytes for the same areas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape as _quoted
from typing import NamedTuple

from pymemtools.areas import Area, Areas, Inner
from pymemtools.render.address_picture import UNICODE, has_changes, in_order
from pymemtools.render.area_scale import Height, Heights
from pymemtools.render.area_text import TONES, fit, label_of, size_text, tone
from pymemtools.render.escape import escape
from pymemtools.units import brief_size

_ROW = 18  # pixels
_TOP = 44
_LEFT, _BOX = 150, 560  # where boxes start, and how wide they are
_RIGHT = _LEFT + _BOX + 12
_WIDTH = 980  # at least
_CHARACTER = 7  # pixels; of the small letters that stand beside the boxes and below them
_COLUMNS = 68  # characters that a label has, with the permissions behind it

# No rule uses var(), which not every program that draws SVG knows.
STYLE = """\
svg{background:#fff}
text{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#222}
.a,.s{font-size:11px;fill:#555}
.h{font-size:15px;font-weight:bold}
.b{stroke:#667;stroke-width:1;fill:#eee}
.code .b{fill:#cceecc}.readonly .b{fill:#d5e3f7}.data .b{fill:#f7e9bd}.none .b{fill:#e4e4e4}.mixed .b{fill:#eadff2}
.ram .b{fill:#cceecc}.reserved .b{fill:#f7e9bd}.device .b{fill:#d5e3f7}
.danger .b{fill:#f6c1c1;stroke:#c00;stroke-width:3}
.hole>.b,.gone>.b{fill:none;stroke-dasharray:2 3}
.inner .b{fill:#fff;fill-opacity:.55}
.new>.b,.grown>.b,.shrunk>.b{stroke-width:2;stroke:#14507a}
.found>.b{stroke-width:3;stroke:#14507a}
.r{fill:#000;fill-opacity:.17}.w{fill:#c2410c;fill-opacity:.4}
.danger .r{fill:#c00;fill-opacity:.3}
.z{fill:none;stroke:#99a;stroke-width:1}
.danger .t{font-weight:bold}
.off{opacity:.3}
@media(prefers-color-scheme:dark){
svg{background:#16181c}
text{fill:#e6e6e6}
.a,.s{fill:#a9b0b8}
.b{stroke:#8a93a0;fill:#333}
.code .b{fill:#1f4a2a}.readonly .b{fill:#22395c}.data .b{fill:#574a1c}.none .b{fill:#2a2c30}.mixed .b{fill:#43344f}
.ram .b{fill:#1f4a2a}.reserved .b{fill:#574a1c}.device .b{fill:#22395c}
.danger .b{fill:#6b1f1f;stroke:#ff5050}
.hole>.b,.gone>.b{fill:none}
.inner .b{fill:#000;fill-opacity:.3}
.new>.b,.grown>.b,.shrunk>.b,.found>.b{stroke:#8ecbff}
.r{fill:#fff;fill-opacity:.2}.w{fill:#ff9a4d;fill-opacity:.5}
.danger .r{fill:#ff5050;fill-opacity:.35}
}
"""


class Sheet(NamedTuple):
    """What is written around the boxes, and how they are ordered."""

    title: str
    description: str  # of where the figures come from
    footer: Sequence[str]
    digits: int  # of an address
    high_first: bool
    kinds: Mapping[str, str]  # what each kind of area is


class _Place(NamedTuple):
    """Where a box stands."""

    area: Area
    y: int
    height: Height
    bottom: int
    is_joined: bool  # to the box above


def svg_lines(areas: Areas, heights: Heights, sheet: Sheet, found: frozenset[int]) -> Iterator[str]:
    """Draw areas, given in ascending order; ``found`` are the starts of those to point at."""
    y, longest = _TOP, 0
    for place in _places(areas, heights, sheet):
        y, longest = place.bottom, max(longest, len(_figures(place.area)))
    width = max(_WIDTH, _RIGHT + _CHARACTER * longest)
    height = y + 60 + 16 * len(sheet.footer)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        ' role="img">'
    )
    yield f"<title>{_xml(sheet.title)}</title>"
    yield f"<desc>{_xml(sheet.description)}</desc>"
    yield f"<style>{STYLE}</style>"
    yield f'<text class="h" x="16" y="24">{_quoted(fit(sheet.title, 100, "…"))}</text>'
    for place in _places(areas, heights, sheet):
        yield from _drawn(place, sheet, is_found=place.area.start in found)
    yield from _legend(areas, y + 34)
    yield from _footer(sheet, y + 60)
    yield "</svg>"


def _places(areas: Areas, heights: Heights, sheet: Sheet) -> Iterator[_Place]:
    """Put the boxes below each other."""
    y = _TOP
    last: int | None = None  # the address at the lower edge of the box above
    for area in reversed(areas) if sheet.high_first else areas:
        near, far = (area.end, area.start) if sheet.high_first else (area.start, area.end)
        if near != last and last is not None:
            y += _ROW  # for what is not drawn
        height = heights.of(area)
        bottom = y + _pixels(area, height)
        yield _Place(area, y, height, bottom, near == last)
        y, last = bottom, far


def _drawn(place: _Place, sheet: Sheet, *, is_found: bool) -> Iterator[str]:
    """Draw a box and the addresses at its edges."""
    area = place.area
    near, far = (area.end, area.start) if sheet.high_first else (area.start, area.end)
    if not place.is_joined:
        yield _address(near, place.y, sheet)
    yield from _box(area, place.y, place.height, sheet, is_found=is_found)
    yield _address(far, place.bottom, sheet)


@lru_cache(maxsize=1024)  # neighbours have names and permissions alike
def _xml(text: str) -> str:
    """Make untrusted text fit to stand in XML and HTML, within elements and attributes."""
    return _quoted(escape(text), quote=True)


def _pixels(area: Area, height: Height) -> int:
    """Give the height of a box, which has room for a row of each area in it."""
    return _ROW * (max(height.rows, 1 + len(area.inner)) + height.is_cut)


def _address(address: int, y: int, sheet: Sheet) -> str:
    return f'<text class="a" x="{_LEFT - 22}" y="{y + 4}" text-anchor="end">{address:0{sheet.digits}x}</text>'


def _box(area: Area, y: int, height: Height, sheet: Sheet, *, is_found: bool) -> Iterator[str]:
    pixels = _pixels(area, height)
    classes = " ".join(filter(None, (tone(area), area.change, "found" if is_found else "")))
    yield f'<g class="{classes}"><title>{_tooltip(area, sheet)}</title>'
    yield f'<rect class="b" x="{_LEFT}" y="{y}" width="{_BOX}" height="{pixels}"/>'
    yield from _bar(area, y, pixels)
    yield from _mark(area.change or ("found" if is_found else ""), y)
    label = label_of(area, _COLUMNS, "…").rstrip()
    yield f'<text class="t" x="{_LEFT + 8}" y="{y + 13}">{_quoted(label)}</text>'
    if area.perms:
        yield f'<text class="t" x="{_LEFT + _BOX - 8}" y="{y + 13}" text-anchor="end">{_xml(area.perms)}</text>'
    yield f'<text class="s" x="{_RIGHT}" y="{y + 13}">{_figures(area)}</text>'
    for row, inner in enumerate(in_order(area.inner, high_first=sheet.high_first), 1):
        yield from _inner(inner, y + row * _ROW, sheet)
    if height.is_cut:
        yield _break(y + (pixels + _ROW * (1 + len(area.inner))) // 2)
    yield "</g>"


def _mark(change: str, y: int) -> Iterator[str]:
    if change:
        yield f'<text x="{_LEFT - 12}" y="{y + 13}" text-anchor="middle">{UNICODE.marks[change]}</text>'


def _figures(area: Area) -> str:
    """Write what stands beside the box."""
    text = size_text(area)
    if area.resident is not None:
        text += f", {brief_size(area.resident)} resident"
    if area.swapped:
        text += f", {brief_size(area.swapped)} swapped"
    return text


def _bar(area: Area, y: int, pixels: int) -> Iterator[str]:
    """Shade as much of the box as is resident, from the left, and behind that as much as is swapped."""
    held = _share(area.resident, area.size)
    away = min(_share(area.swapped, area.size), _BOX - held)
    for name, left, width in (("r", 0, held), ("w", held, away)):
        if width:
            yield f'<rect class="{name}" x="{_LEFT + left}" y="{y}" width="{width}" height="{pixels}"/>'


def _share(part: int | None, whole: int) -> int:
    """Give the pixels of a part, which shows if it is anything."""
    return min(max(2, part * _BOX // whole), _BOX) if part and whole else 0


def _inner(inner: Inner, y: int, sheet: Sheet) -> Iterator[str]:
    left = _LEFT + 20 * inner.level
    size = size_text(inner)
    extent = f"{inner.start:0{sheet.digits}x} - {inner.end - 1:0{sheet.digits}x}"
    tooltip = "&#10;".join(filter(None, (_xml(inner.label), extent, size, inner.change)))
    classes = f"inner {inner.change}".rstrip()
    yield f'<g class="{classes}"><title>{tooltip}</title>'
    yield from _mark(inner.change, y)
    yield (
        f'<rect class="b" x="{left}" y="{y + 1}" width="{_LEFT + _BOX - left - 4 * inner.level}" height="{_ROW - 3}"/>'
    )
    label = _quoted(fit(inner.label, _COLUMNS - 3 * inner.level, "…"))
    yield f'<text class="t" x="{left + 8}" y="{y + 13}">{label}</text>'
    yield f'<text class="s" x="{_RIGHT}" y="{y + 13}">{size} at {inner.start:0{sheet.digits}x}</text></g>'


def _break(y: int) -> str:
    """Draw a zigzag: the box stands for more than its height."""
    points = " ".join(f"{_LEFT + x},{y + (4 if i % 2 else -4)}" for i, x in enumerate(range(8, _BOX - 7, 16)))
    return f'<polyline class="z" points="{points}"/>'


def _tooltip(area: Area, sheet: Sheet) -> str:
    lines = [_xml(area.label or area.kind)]
    lines.append(f"{area.start:0{sheet.digits}x} - {area.end:0{sheet.digits}x}  {size_text(area)} ({area.size} bytes)")
    if area.perms:
        lines.append(f"{_xml(area.perms)}{'  writable and executable' if area.is_writable_code else ''}")
    if area.kind in sheet.kinds:
        lines.append(_xml(f"{area.kind}: {sheet.kinds[area.kind]}"))
    if area.resident is not None:
        lines.append(f"resident {brief_size(area.resident)}, swapped {brief_size(area.swapped or 0)}")
    if area.change:
        lines.append(area.change)
    return "&#10;".join(lines)


def _legend(areas: Areas, y: int) -> Iterator[str]:
    """Explain the colours that occur, and the marks if any does."""
    used = {tone(area) for area in areas}
    shown = [(f'<g class="{name}"><rect class="b"', "/></g>", text) for name, text in TONES.items() if name in used]
    if any(areas.values("resident")):
        shown.append(('<rect class="r"', "/>", "resident"))
    if any(areas.values("swapped")):
        shown.append(('<rect class="w"', "/>", "swapped"))
    x = 16
    for opening, closing, text in shown:
        yield f'{opening} x="{x}" y="{y - 11}" width="14" height="12"{closing}'
        yield f'<text class="s" x="{x + 20}" y="{y}">{text}</text>'
        x += 34 + _CHARACTER * len(text)
    if has_changes(areas):
        marks = ", ".join(f"{UNICODE.marks[change]} {change}" for change in ("new", "gone", "grown", "shrunk"))
        yield f'<text class="s" x="{x}" y="{y}">{marks}</text>'


def _footer(sheet: Sheet, y: int) -> Iterator[str]:
    for row, line in enumerate(sheet.footer):
        yield f'<text class="s" x="16" y="{y + 16 * row}">{_quoted(fit(line, _WIDTH // _CHARACTER, "…"))}</text>'
