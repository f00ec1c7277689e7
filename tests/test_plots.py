"""Lines over time: what stands beside and below them, in characters and as SVG."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from pymemtools.render.line_plot import Plot, plot_lines, plot_svg
from pymemtools.render.panel_svg import panels_svg
from pymemtools.render.panel_text import panel_lines
from pymemtools.render.panels import Course, Panel, Panels
from pymemtools.render.time_axis import clock

MIB = 1 << 20
CORNERS = [(0.5, 0.0), (2.0, 60.0 * MIB), (4.0, 10.0 * MIB)]


def texts(svg: str) -> list[str]:
    """Give what is written in a picture."""
    return [each.text or "" for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_a_line_without_a_level_has_a_scale() -> None:
    plot = Plot("dirty", CORNERS, [])
    assert texts("".join(plot_svg(plot))) == ["dirty", "60.0 MiB", "0 s", "1 s", "2 s", "3 s", "4 s"]
    lines = list(plot_lines(plot, 60))
    assert [line[:12].strip() for line in lines] == ["60.0 MiB", *[""] * 9, "0", ""]


def test_a_peak_beside_a_level_is_told_by_that() -> None:
    assert texts("".join(plot_svg(Plot("dirty", CORNERS, [("limit", 61 * MIB)]))))[:3] == ["dirty", "limit", "61.0 MiB"]
    far = texts("".join(plot_svg(Plot("dirty", CORNERS, [("limit", 100 * MIB)]))))
    assert far[:4] == ["dirty", "limit", "100.0 MiB", "60.0 MiB"]


def test_the_area_begins_where_the_line_does() -> None:
    svg = "".join(plot_svg(Plot("dirty", CORNERS, [])))
    (area,), (line,) = (re.findall(rf'class="{name}" points="([\d.]+),', svg) for name in ("area", "line"))
    assert area == line


def test_a_long_name_is_not_cut_off() -> None:
    def width(name: str) -> int:
        chart = Panels("pss", [(0.0, 9.0)], [Panel("MiB", [Course(name, [1.0])])], [], clock(9.0, 0))
        return int(ElementTree.fromstring("".join(panels_svg(chart))).attrib["width"])

    assert width("802 sh, growth") == width("") == 860
    assert width("1288 a-longer-worker, growth") == 90 + 640 + 16 + 7 * 28


def test_a_word_above_a_mark_stands_over_the_unit_and_not_in_it() -> None:
    chart = Panels("x", [(0.0, 1000.0)], [Panel("MiB", [Course("", [1.0])])], [10], clock(9.0, 0), words=["kill"])
    places = {each.text: each.attrib for each in ElementTree.fromstring("".join(panels_svg(chart)))}
    assert [places[text]["y"] for text in ("x", "kill", "MiB")] == ["24", "48", "64"]


@pytest.mark.parametrize("span", [60.0, 1e6])
def test_a_picture_is_no_wider_than_the_terminal(span: float) -> None:
    course = Course("501 a-process-of-that-name, growth", [1.0])
    lines = list(panel_lines(Panels("x", [(0.0, span)], [Panel("MiB", [course])], [], clock(span, 0)), 40))
    assert lines[:2] == ["501 a-process-of-that-name, growth: at", "    most 1, in the mean 1 MiB"]
    assert max(map(len, lines)) <= 40
    assert lines[-1].split()[0] == ("00:00:00" if span == 60 else "01-01")


def test_words_above_marks_do_not_overlap() -> None:
    def words(*marks: float) -> list[str]:
        panels = [Panel("MiB", [Course("", [1.0])])]
        chart = Panels("x", [(0.0, 1000.0)], panels, marks, clock(9.0, 0), words=["gap", "kill", "kill"])
        drawn = "".join(panels_svg(chart))
        assert drawn.count('class="start"') == len(marks)  # all are drawn
        return [text for text in texts(drawn) if text[:3] in ("gap", "kil")]

    assert words(100, 500, 900) == ["gap", "kill", "kill"]
    assert words(100, 101, 102) == ["gap, kill"]
    assert words(100, 101, 900) == ["gap, kill", "kill"]
