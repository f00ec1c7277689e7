"""The SVG and HTML files of vgraph and iomem-graph: well-formed, the same each time, inert, and fine in a browser."""

from __future__ import annotations

import re
import shutil
import subprocess
import zlib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import HERE, Run

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SVG = "{http://www.w3.org/2000/svg}"
PICTURES = [
    pytest.param("vgraph", HERE / "vgraph" / "threads", (), id="vgraph"),
    pytest.param("vgraph", HERE / "vgraph" / "smaps", ("--rss", "--order", "low"), id="vgraph --rss"),
    pytest.param("vgraph", HERE / "vgraph" / "threads", ("--fold", "--scale", "linear"), id="vgraph --fold"),
    pytest.param("iomem-graph", HERE / "iomem" / "x86_64-7.2", (), id="iomem-graph"),
    pytest.param("iomem-graph", HERE / "iomem" / "deep", ("--order", "high"), id="iomem-graph, nested"),
]


@pytest.mark.parametrize(("command", "file", "options"), PICTURES)
def test_svg_is_well_formed_and_complete(
    pymemtools: Run, tmp_path: Path, command: str, file: Path, options: tuple[str, ...]
) -> None:
    out = tmp_path / "a.svg"
    done = pymemtools(command, *options, "-o", str(out), str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    root = ElementTree.fromstring(out.read_bytes())
    assert root.tag == f"{SVG}svg"
    addresses = [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "a"]
    terminal = pymemtools(command, *options, "--ascii", str(file)).stdout.decode()
    borders = re.findall(r"^ *\+[-:]+\+ ([0-9a-f]+)$", terminal, re.MULTILINE)
    assert addresses == borders
    assert len(borders) > 5


@pytest.mark.parametrize(("command", "file", "options"), PICTURES)
@pytest.mark.parametrize("suffix", ["svg", "html"])
def test_the_same_input_gives_the_same_bytes_and_they_load_nothing(
    pymemtools: Run, tmp_path: Path, command: str, file: Path, options: tuple[str, ...], suffix: str
) -> None:
    texts = []
    for name in ("a", "b"):
        pymemtools(command, *options, "-o", str(tmp_path / f"{name}.{suffix}"), str(file))
        texts.append((tmp_path / f"{name}.{suffix}").read_text())
    assert texts[0] == texts[1]
    text = texts[0].replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?:|//[a-z]|href|src=|url\(|@import|<link|<iframe|<object|<image|<use", text)


def test_what_is_resident_and_swapped_fills_its_box(pymemtools: Run, tmp_path: Path) -> None:
    smaps = "00400000-00500000 rw-p 00000000 00:00 0\nSize:   1024 kB\nRss:     256 kB\nSwap:    512 kB\n"
    smaps += "00500000-00600000 rw-p 00000000 00:00 0\nSize:   1024 kB\nRss:       0 kB\nSwap:   1024 kB\n"
    (tmp_path / "smaps").write_text(smaps)
    assert (
        pymemtools("vgraph", "--holes", "none", "-o", str(tmp_path / "a.svg"), str(tmp_path / "smaps")).returncode == 0
    )
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    bars = [
        [(each.attrib["class"], int(each.attrib["x"]), int(each.attrib["width"])) for each in box.iter(f"{SVG}rect")]
        for box in root.iterfind(f"{SVG}g")
        if box.find(f"{SVG}title") is not None
    ]
    assert bars == [
        [("b", 150, 560), ("w", 150, 560)],
        [("b", 150, 560), ("r", 150, 140), ("w", 290, 280)],
    ]
    beside = [text for text in root.iter(f"{SVG}text") if "resident, " in (text.text or "")]
    assert [text.text for text in beside[:2]] == [
        "1 MiB, 0 B resident, 1 MiB swapped",
        "1 MiB, 256 KiB resident, 512 KiB swapped",
    ]
    assert all(int(each.attrib["x"]) + 7 * len(each.text or "") <= int(root.attrib["width"]) for each in beside)


def test_names_stay_text(pymemtools: Run, tmp_path: Path) -> None:
    rows = ["</title><script>alert(1)</script>", "]]>&amp;<!--", "\x1b[2J", "' onload='alert(2)", '" onload="alert(3)']
    map_file = tmp_path / "map"
    map_file.write_text("".join(f"{0x1000 * i:x},{0x1000 * (i + 1):x},{row}\n" for i, row in enumerate(rows, 1)))
    for suffix in ("svg", "html"):
        out = tmp_path / f"a.{suffix}"
        assert pymemtools("vgraph", "--holes", "none", "-o", str(out), str(map_file)).returncode == 0
        text = out.read_text()
        assert "<script>alert" not in text
        assert "\x1b" not in text
        picture = ElementTree.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
        labels = [each.text for each in picture.iter(f"{SVG}text") if each.get("class") == "t"]
        assert labels == [row.replace("\x1b", "\\x1b") for row in reversed(rows)]
        assert all(set(each.attrib) <= ATTRIBUTES for each in picture.iter())


ATTRIBUTES = {
    *("class", "x", "y", "width", "height", "viewBox", "role", "text-anchor", "points"),
}


def test_a_file_is_not_replaced_unless_told_to(pymemtools: Run, tmp_path: Path) -> None:
    out = tmp_path / "a.svg"
    out.write_text("mine")
    source = str(HERE / "vgraph" / "armv7")
    done = pymemtools("vgraph", "-o", str(out), source)
    assert (done.returncode, done.stderr.decode()) == (
        1,
        f"pymemtools: {out}: exists already (--force replaces it)\n",
    )
    assert out.read_text() == "mine"
    assert pymemtools("vgraph", "--force", "-o", str(out), source).returncode == 0
    assert out.read_text().startswith("<svg ")
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("call", ["vgraph --rss 297", "iomem-graph"], ids=lambda call: call.split()[0])
def test_the_pictures_of_the_readme_are_todays(pymemtools: Run, tmp_path: Path, call: str) -> None:
    out = tmp_path / f"{call.split()[0]}.svg"
    assert pymemtools("--demo", *call.split(), "-o", str(out)).returncode == 0
    assert out.read_text() == (HERE.parent / "docs" / out.name).read_text()


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium to open them in")
class TestBrowser:
    """What Chromium makes of the files."""

    def browse(self, tmp_path: Path, url: str, *options: str) -> subprocess.CompletedProcess[str]:
        assert CHROMIUM is not None
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--log-level=0"]
        command += [f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=2000", *options, url]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, cwd=tmp_path)

    @pytest.mark.parametrize("suffix", ["svg", "html"])
    @pytest.mark.parametrize(
        ("picture", "options", "expected"),
        [
            ("vgraph threads", (), "cceecc f7e9bd d5e3f7 f6c1c1"),
            ("vgraph threads", ("--force-dark-mode",), "1f4a2a 574a1c 22395c 6b1f1f 16181c"),
            ("iomem-graph deep", (), "cceecc f7e9bd d5e3f7"),
        ],
        ids=["vgraph", "vgraph, dark", "iomem-graph"],
    )
    def test_it_is_drawn_and_the_console_is_silent(
        self, pymemtools: Run, tmp_path: Path, picture: str, options: tuple[str, ...], expected: str, suffix: str
    ) -> None:
        command, name = picture.split()
        out = tmp_path / f"a.{suffix}"
        pymemtools(command, "-o", str(out), str(HERE / command.removesuffix("-graph") / name))
        shot = (f"--screenshot={tmp_path}/a.png", "--window-size=1000,900")
        done = self.browse(tmp_path, out.as_uri(), *shot, *options)
        assert "CONSOLE" not in done.stderr
        assert {tuple(bytes.fromhex(colour)) for colour in expected.split()} <= _colours(tmp_path / "a.png")

    def test_an_error_of_a_page_would_be_seen(self, tmp_path: Path) -> None:
        (tmp_path / "a.html").write_text("<script>undefinedName()</script>")
        done = self.browse(tmp_path, (tmp_path / "a.html").as_uri(), "--dump-dom")
        assert "CONSOLE" in done.stderr

    def test_the_search_dims_what_does_not_match(self, pymemtools: Run, tmp_path: Path) -> None:
        out = tmp_path / "a.html"
        pymemtools("vgraph", "-o", str(out), str(HERE / "vgraph" / "pie"))
        for text, count in (("libc.so", 5), ("0x7fca9fe89123", 1), ("nothing like it", 0)):
            dom = self.browse(tmp_path, f"{out.as_uri()}#{text}", "--dump-dom").stdout
            assert f'<output id="n">{count} found</output>' in dom
            boxes = re.findall(r'<g class="([^"]*)"><title>', dom)
            assert len([box for box in boxes if "off" not in box.split()]) == count

    def test_scripts_in_names_do_not_run(self, pymemtools: Run, tmp_path: Path) -> None:
        (tmp_path / "map").write_text("1000,2000,</text></svg><script>document.title='ran'</script>\n")
        for suffix in ("svg", "html"):
            out = tmp_path / f"a.{suffix}"
            pymemtools("vgraph", "-o", str(out), str(tmp_path / "map"))
            assert "<title>ran</title>" not in self.browse(tmp_path, out.as_uri(), "--dump-dom").stdout


def _colours(path: Path) -> set[tuple[int, ...]]:
    """Give the colours of a PNG of 8 bits a channel, as browsers write them."""
    data = path.read_bytes()
    width, height, depth, kind = *(int.from_bytes(data[at : at + 4], "big") for at in (16, 20)), data[24], data[25]
    assert (depth, kind in (2, 6)) == (8, True)
    channels = 3 if kind == 2 else 4
    packed, at = b"", 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + size]
        at += size + 12
    rows = zlib.decompress(packed)
    line = width * channels
    above = bytearray(line)
    found = set()
    for row in range(height):
        start = row * (line + 1)
        current = _unfiltered(rows[start], bytearray(rows[start + 1 : start + 1 + line]), above, channels)
        found |= {tuple(current[i : i + 3]) for i in range(0, line, channels)}
        above = current
    return found


def _unfiltered(kind: int, line: bytearray, above: bytearray, step: int) -> bytearray:
    """Undo a filter of PNG's."""
    for i in range(len(line)):
        left, up, corner = line[i - step] if i >= step else 0, above[i], above[i - step] if i >= step else 0
        if kind == 4:
            guess = left + up - corner
            predicted = min((left, up, corner), key=lambda value: abs(guess - value))
        else:
            predicted = (0, left, up, (left + up) // 2)[kind]
        line[i] = (line[i] + predicted) & 255
    return line
