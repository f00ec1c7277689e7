"""A column of boxes with an address at every boundary, in characters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import sub
from typing import Any, NamedTuple

from pymemtools.areas import Area, Areas, Inner
from pymemtools.cells import Memo
from pymemtools.render.area_scale import Height, Heights
from pymemtools.render.area_text import fit, label_of, letter, size_text, tone
from pymemtools.render.escape import pad
from pymemtools.units import brief_size

_BAR = 8  # cells
_ALIKE = 1024  # boxes that are remembered, for those like them
_PERMS_FROM, _BAR_FROM = 34, 48  # columns within the box that are needed to show them
_CODES = {
    "code": "32",
    "readonly": "94",
    "data": "33",
    "danger": "1;37;41",
    "none": "2",
    "mixed": "0",
    "hole": "2",
    "ram": "32",
    "reserved": "33",
    "device": "94",
}


class Lines(NamedTuple):
    """The sides of a box, and its top and bottom."""

    side: str
    line: str
    dashed_side: str
    dashed_line: str


class Glyphs(NamedTuple):
    """What the lines are drawn with."""

    lines: Lines
    top: tuple[str, str]
    middle: tuple[str, str]
    bottom: tuple[str, str]
    ellipsis: tuple[str, str]  # the sides and the middle of a line that stands for many
    cells: tuple[str, str, str]  # of a bar: resident, swapped, neither
    more: str  # where a label was cut
    child: str
    marks: dict[str, str]


_MARKS = {"new": "+", "gone": "-", "grown": "^", "shrunk": "v", "found": ">"}
UNICODE = Glyphs(
    Lines("│", "─", "╎", "╌"),
    ("┌", "┐"),
    ("├", "┤"),
    ("└", "┘"),
    ("≈", "·"),
    ("█", "▒", "░"),
    "…",
    "└ ",
    {**_MARKS, "gone": "−", "grown": "↑", "shrunk": "↓", "found": "▶"},
)
_PLUS = ("+", "+")
ASCII = Glyphs(Lines("|", "-", ":", "-"), _PLUS, _PLUS, _PLUS, ("~", "."), ("#", "s", "."), "...", "- ", _MARKS)


class Page(NamedTuple):
    """The paper that a picture is drawn on."""

    columns: int
    glyphs: Glyphs
    is_coloured: bool
    digits: int  # of an address
    high_first: bool  # the highest address on top


def picture_lines(areas: Areas, heights: Heights, page: Page, found: frozenset[int]) -> Iterator[str]:
    """Draw areas, given in ascending order, a box in a piece; ``found`` are the starts of those to point at."""
    marked = bool(found) or has_changes(areas)
    has_bars = any(resident is not None for resident in _given(areas, "resident"))
    pen = _Pen(page, heights, gutter=2 if marked else 0, bars=has_bars, perms=any(areas.values("perms")))
    boxes = pen.boxes(areas, found)
    turned = reversed if page.high_first else iter
    starts, ends = turned(areas.column("start")), turned(areas.column("end"))
    nears, fars = (ends, starts) if page.high_first else (starts, ends)
    last: int | None = None  # the address at the lower edge of the box above
    below = ""
    address = f"%0{page.digits}x"
    for near, far, (top, middle, bottom, inside) in zip(nears, fars, boxes):
        if near == last:
            yield f"{middle}{address % near}{inside}"
        else:
            if last is not None:
                yield f"{below}{address % last}"
            yield f"{top}{address % near}{inside}"
        last, below = far, bottom
    if last is not None:
        yield f"{below}{address % last}"


def has_changes(areas: Areas) -> bool:
    """Tell whether anything changed, in areas or in what is in them."""
    return any(_given(areas, "change")) or any(each.change for inner in _given(areas, "inner") for each in inner)


def _given(areas: Areas, field: str) -> Iterable[Any]:
    return areas.values(field) if field in areas.given() else ()


class _Edges(NamedTuple):
    """The lines at the top and bottom of a box, but for the address at their end, and the lines between them.

    The top one differs at an end of the picture from that between two boxes.
    """

    top: str
    middle: str
    bottom: str
    inside: str = ""  # each line after a newline


class _Pen:
    """Draws the lines of one picture; what many lines share is made once."""

    def __init__(self, page: Page, heights: Heights, *, gutter: int, bars: bool, perms: bool) -> None:
        self._page = page
        self._heights = heights
        self._glyphs = page.glyphs
        self._blank = " " * gutter
        self._room = page.columns - gutter - 2 - 1 - page.digits
        self._perms = 0 if not perms else 4 if self._room >= _PERMS_FROM else 1
        self._has_bars = bars and self._room >= _BAR_FROM
        glyphs = page.glyphs
        self._edges = {False: self._ruled(glyphs.lines.line), True: self._ruled(glyphs.lines.dashed_line)}
        self._empty = {
            side: f"{self._blank}{side}{' ' * self._room}{side}"
            for side in (glyphs.lines.side, glyphs.lines.dashed_side)
        }
        side, dot = glyphs.ellipsis
        self._broken = f"{self._blank}{side}{f'  {dot}' * (self._room // 3):<{self._room}}{side}"

    def _ruled(self, line: str) -> _Edges:
        corners = (self._glyphs.top, self._glyphs.middle, self._glyphs.bottom)
        return _Edges(*(f"{self._blank}{left}{line * self._room}{right} " for left, right in corners))

    def boxes(self, areas: Areas, found: frozenset[int]) -> Iterator[_Edges]:
        """Draw the box of each area, once for those that look the same: in a long picture most do."""
        fields = areas.given()

        def drawn(key: tuple[Any, ...]) -> _Edges:
            size, is_found, *cells = key
            return self._box(Area(0, size, **{"kind": "", **dict(zip(fields, cells))}), is_found=is_found)

        def column(field: str) -> Iterator[Any]:
            return (reversed if self._page.high_first else iter)(areas.column(field))

        sizes, are_found = map(sub, column("end"), column("start")), map(found.__contains__, column("start"))
        known: Memo[tuple[Any, ...], _Edges] = Memo(drawn, _ALIKE)
        return map(known.__getitem__, zip(sizes, are_found, *map(column, fields)))

    def _box(self, area: Area, *, is_found: bool) -> _Edges:
        lines = self._lines(area, self._heights.of(area), is_found=is_found)
        return self._edges[_is_dashed(area)]._replace(inside="".join(f"\n{line}" for line in lines))

    def _lines(self, area: Area, height: Height, *, is_found: bool) -> Iterator[str]:
        """Draw the lines within a box: the label, what is in it, and blank ones."""
        side = self._glyphs.lines.dashed_side if _is_dashed(area) else self._glyphs.lines.side
        mark = self._glyphs.marks[area.change] if area.change else self._glyphs.marks["found"] if is_found else ""
        text = self._content(area)
        yield f"{mark:<{len(self._blank)}}{side}{self._coloured(text, area)}{side}"
        drawn = 1
        for each in in_order(area.inner, high_first=self._page.high_first):
            mark = self._glyphs.marks.get(each.change, "")
            yield f"{mark:<{len(self._blank)}}{side}{self._inner(each)}{side} {each.start:0{self._page.digits}x}"
            drawn += 1
        blanks = [self._empty[side]] * (height.rows - drawn)
        if height.is_cut:
            blanks.insert(len(blanks) // 2, self._broken)
        yield from blanks

    def _coloured(self, text: str, area: Area) -> str:
        if not self._page.is_coloured:
            return text
        return f"\x1b[{_CODES[tone(area)]}m{text}\x1b[0m"

    def _content(self, area: Area) -> str:
        size = size_text(area)
        if area.is_hole:
            label = fit(area.label or area.kind, self._room - 3 - len(size), self._glyphs.more)
            return pad(f" {label} {size}", self._room)
        tail = f"{size:>9} "
        if self._has_bars:
            tail = f"{size:>9}  {self._bar(area)} "
        if self._perms:
            tail = f"{area.perms if self._perms > 1 else letter(area):<{self._perms}} {tail}"
        return f" {label_of(area, self._room - 2 - len(tail), self._glyphs.more)} {tail}"

    def _bar(self, area: Area) -> str:
        if area.resident is None:
            return " " * (_BAR + 10)
        full, swapped, empty = self._glyphs.cells
        held = _share(area.resident, area.size)
        away = min(_share(area.swapped or 0, area.size), _BAR - held)
        return f"{full * held}{swapped * away}{empty * (_BAR - held - away)} {brief_size(area.resident):>9}"

    def _inner(self, inner: Inner) -> str:
        tail = f"{size_text(inner):>9} "
        head = " " * (2 * inner.level + 1) + self._glyphs.child
        room = self._room - len(tail) - len(head) - 1
        if room < 8:
            head, room = " ", self._room - len(tail) - 2
        return f"{head}{pad(fit(inner.label, room, self._glyphs.more), room)} {tail}"


def _is_dashed(area: Area) -> bool:
    return area.is_hole or area.change == "gone"


def _share(part: int, whole: int) -> int:
    """Give the cells of a bar: at least one for anything, and all only for everything."""
    if not part or not whole:
        return 0
    return _BAR if part >= whole else min(max(1, part * _BAR // whole), _BAR - 1)


def in_order(inner: Sequence[Inner], *, high_first: bool) -> Iterable[Inner]:
    """Turn siblings round where high addresses come first; what is in one stays below it."""
    if not high_first:
        return inner
    groups: list[list[Inner]] = []
    for each in inner:
        if not groups or each.level <= groups[-1][0].level:
            groups.append([])
        groups[-1].append(each)
    turned = []
    for group in reversed(groups):
        turned.append(group[0])
        turned += in_order(group[1:], high_first=True)
    return turned
