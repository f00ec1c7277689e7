"""Processes of many mappings: what is shown of them must not stand in memory all at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peak import peak

from pymemtools.areas import Area, Areas, with_holes
from pymemtools.cells import Derived, Memo, extended
from pymemtools.procfs.maps import Mappings, MapsReader, parse_maps
from pymemtools.render.detail_table import Numbers, detail_lines
from pymemtools.render.formats import machine_lines

MAPPINGS = 60_000
MIB = 1 << 20


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a /proc of two processes: of 100 the pages are mapped one by one, 200 has a mapping or two."""
    root = tmp_path_factory.mktemp("proc")
    for pid, count in ((100, MAPPINGS), (200, 2)):
        (root / f"{pid}").mkdir()
        with open(root / f"{pid}" / "maps", "w") as maps, open(root / f"{pid}" / "smaps", "w") as smaps:
            for i in range(count):
                start = 0x7F0000000000 + i * 4096
                line = f"{start:x}-{start + 4096:x} r{'-w'[i % 2]}-p 00000000 00:00 0 \n"
                maps.write(line)
                smaps.write(f"{line}Size:           {4:8} kB\nRss:            {i % 5:8} kB\nSwap:           {0:8} kB\n")
    return root


@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        (("vgraph",), 20),  # it took 80 MiB
        (("vgraph", "--rss"), 22),  # 81
        (("vgraph", "--legacy"), 22),  # 129
        (("vgraph", "-f", "json"), 18),  # 204
        (("pmap", "-f", "json"), 16),  # 177
    ],
)
def test_memory_above_that_of_a_small_process(tree: Path, arguments: Sequence[str], most: int) -> None:
    command, *options = arguments
    above = peak(command, *options, "-S", str(tree), "100") - peak(command, *options, "-S", str(tree), "200")
    assert 1 * MIB < above < most * MIB


_VALUES = st.none() | st.booleans() | st.text() | st.integers() | st.lists(st.none())


@given(
    st.lists(st.dictionaries(st.text(max_size=3), _VALUES)),
    st.none() | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
def test_json_is_written_as_json_dumps_writes_it(rows: list[dict[str, Any]], totals: dict[str, Any] | None) -> None:
    source = {"kind": "live", "path": None}
    notes = ["one", 'two "2"']
    whole = {"schema": 2, "command": "pmap", "source": source, "rows": rows, "totals": totals, "unreadable": 0}
    lines = machine_lines("json", "pmap", iter(rows), fields=(), source=source, totals=totals, notes=notes)
    assert "\n".join(lines) == json.dumps({**whole, "notes": notes}, indent=1)


def test_csv_has_each_row_in_a_line_of_its_own() -> None:
    rows: list[dict[str, object]] = [{"a": 1, "b": 'x,"y"\n'}, {"a": None, "b": ""}, {"a": True, "b": ("rd", "wr")}]
    lines = machine_lines("csv", "pmap", iter(rows), fields=("a", "b"), source={})
    assert list(lines) == ["a,b", '1,"x,""y""\\x0a"', ",", "true,rd wr"]


_AREAS = st.builds(
    Area,
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64),  # the end of physical memory may be no number of 64 bits
    st.sampled_from(["anon", "hole"]),
    st.text(max_size=2),
    mappings=st.integers(0, 2),
    resident=st.none() | st.integers(0, 5),
    change=st.sampled_from(["", "new"]),
)


@given(st.lists(_AREAS, max_size=6), st.integers(0, 6), st.integers(0, 6))
def test_areas_are_a_sequence(areas: list[Area], start: int, stop: int) -> None:
    columns = Areas(areas)
    assert (list(columns), list(reversed(columns)), len(columns)) == (areas, areas[::-1], len(areas))
    assert [columns[i] for i in range(len(columns))] == areas
    assert list(columns[start:stop]) == areas[start:stop]
    assert list(columns.values("resident")) == [area.resident for area in areas]
    assert list(columns.ordered()) == sorted(areas, key=lambda area: (area.start, area.end))


def test_holes_are_found_between_areas_in_any_order() -> None:
    areas = [Area(30, 40, "b"), Area(10, 20, "a")]
    assert [(area.start, area.end, area.kind) for area in with_holes(areas, 0)] == [
        (0, 10, "hole"),
        (10, 20, "a"),
        (20, 30, "hole"),
        (30, 40, "b"),
    ]


def test_a_memo_makes_each_value_once_and_does_not_grow_for_ever() -> None:
    made: list[int] = []

    def double(key: int) -> int:
        made.append(key)
        return 2 * key

    memo = Memo(double, most=2)
    assert ([memo[1], memo[1], memo[2], memo[2], memo[3]], made) == ([2, 2, 4, 4, 6], [1, 2, 3])
    assert len(memo) == 1


def test_a_derived_column_is_like_a_list() -> None:
    column = Derived("{:x}".format, [9, 10, 11])
    assert [column[1], list(reversed(column)), len(column)] == ["a", ["b", "a", "9"], 3]
    assert column[1:] == ["a", "b"]
    assert column != ["9", "a"]


def test_a_column_of_integers_takes_what_fits_into_no_array() -> None:
    column = extended(extended(extended([], []), [1]), [None])
    assert column == [1, None]
    assert extended(extended(Areas()._starts, [1, 2]), [1 << 64]) == [1, 2, 1 << 64]


@given(st.lists(st.none() | st.integers(-(1 << 20), 1 << 20), min_size=1), st.booleans())
def test_a_column_is_as_wide_as_its_widest_number(cells: list[int | None], is_signed: bool) -> None:
    lines = list(detail_lines([Numbers("", cells, is_size=False, is_signed=is_signed)], quiet=True))
    shown = ["-" if value is None else f"{value:+d}" if is_signed and value else str(value) for value in cells]
    assert lines == [text.rjust(max(map(len, shown))) for text in shown]


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_maps_may_come_in_pieces_of_any_size(size: int) -> None:
    text = b"1000-2000 r-xp 00000000 fe:00 18   /bin/x\n2000-3000 rw-p 00000000 00:00 0 \n3000-4000 rw-p 000"
    reader = MapsReader()
    for at in range(0, len(text), size):
        reader.feed(text[at : at + size])
    assert list(reader.mappings) == list(parse_maps(text)) == list(Mappings.of(parse_maps(text)))
    assert ([mapping.name for mapping in reader.mappings], reader.cut_short) == ([b"/bin/x", b""], True)
