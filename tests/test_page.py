"""The page of ``report -o``: its figures are the commands', nothing is loaded, and no name in it does anything."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from conftest import CAPTURES, HERE, Run
from trees import Map, Proc, write_tree

EXAMPLE = str(HERE.parent / "pymemtools/data/example.tar.gz")
GROUPS = str(CAPTURES / "groups-6.1/together.tar.gz")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
COMMANDS = {  # that each table is of
    "system": ("smem", "-W"),
    "processes": ("smem", "-c", "all"),
    "next": ("oom-scores",),
    "headroom": ("what-if", "alloc", "4096"),
    "overcommit": ("what-if", "overcommit"),
    "zones": ("zones",),
    "groups": ("groups", "--all"),
    "tunables": ("tunables", "list"),
}
HOSTILE = (
    "<script>document.title='owned'</script>",
    "\"'><img src=x onerror=\"document.title='owned'\">",
    "</title></style></script><b id=owned>",
    "--><b id=owned> ]]>",
    "javascript:alert(1) &lt; &#x3c;b id=owned&#x3e;",
    "\x1b[2J\x07 \u202e\udcff {}@import",
)


class Read(HTMLParser):
    """Reads a page: its tables by id, its tags and attributes, and what stands in its script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[str, list[dict[str, str | None]]] = {}
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.values: list[str] = []
        self.contents: dict[str, str] = {}
        self._open: list[str] = []
        self._keys: list[str] = []
        self._row: list[str | None] = []
        self._rows: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        self.attributes.update((tag, name) for name in found)
        self.values += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href", "style")]
        self._open.append(tag)
        if tag == "table":
            self._keys, self._rows = [], self.tables.setdefault(str(found["id"]), [])
        elif tag == "th":
            self._keys.append(str(found["data-k"]))
        elif tag == "tr":
            self._row = []
        elif tag == "td":
            self._row.append(found.get("data-v"))

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("script", "style"):
            self.contents[self._open[-1]] = data

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass
        if tag == "tr" and self._row:
            self._rows.append(dict(zip(self._keys, self._row)))


def page(run: Run, path: Path, *arguments: str) -> str:
    """Let the page be written, and read it."""
    done = run("report", "-o", str(path), *arguments)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("source", [EXAMPLE, GROUPS, str(CAPTURES / "x86_64-5.10/selftest.tar.gz")])
def test_every_figure_is_its_commands(pymemtools: Run, tmp_path: Path, source: str) -> None:
    tables = Read(page(pymemtools, tmp_path / "a.html", "-S", source)).tables
    assert {"headroom", "system", "next"} <= tables.keys() <= COMMANDS.keys()
    for name, shown in tables.items():
        rows = json.loads(pymemtools(*COMMANDS[name], "-S", source, "-f", "json").stdout)["rows"]
        told = [{key: exact(row[key]) for key in shown[0]} for row in rows]
        assert shown
        for row in shown:
            assert row in told, name
        if name not in ("next", "tunables", "zones"):  # of which only some are shown
            assert len(shown) == len(told)


def exact(value: Any) -> str | None:
    """Write a figure as the page has it beside the one for people; text has none."""
    if value is None or isinstance(value, (str, list)):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_a_finding_leads_to_what_shows_it(pymemtools: Run, tmp_path: Path) -> None:
    """Each link is to a part that is there, and what is too wide for a screen can be scrolled with keys."""
    text = page(pymemtools, tmp_path / "a.html", "-S", str(hostile_machine(tmp_path / "machine")))
    parts = set(re.findall('<section id="([^"]*)"', text))
    links = re.findall('shown in <a href="#([^"]*)"', text)
    assert links and set(links) <= parts
    assert len(re.findall('class="(?:[a-z]+ )?wide"', text)) == text.count(
        'wide" tabindex="0" role="region" aria-label="'
    )
    assert 'class="picture wide" tabindex="0" role="region" aria-label="Picture of ' in text


def hostile_machine(root: Path) -> Path:
    """Make a machine whose processes, groups, users and mappings are called so."""
    processes = [
        Proc(100 + i, "x", (Map(name.replace("\n", " "), 5000 + i),), 1000 + i, comm=name[:15], cgroup=f"/{i}")
        for i, name in enumerate(HOSTILE[:-1])
    ]
    users = "".join(f"{name.replace(':', '')}:x:{1000 + i}:0:::\n" for i, name in enumerate(HOSTILE[:-1]))
    tree = write_tree(root, *processes, passwd=users)
    for i, name in enumerate(HOSTILE):
        directory = tree / f"proc/{100 + i}"
        directory.mkdir(exist_ok=True)
        (directory / "cmdline").write_bytes(name.encode("utf-8", "surrogateescape") + b"\0")
        group = tree / f"sys/fs/cgroup/{name.replace('/', '|')}"
        group.mkdir(parents=True)
        (group / "memory.current").write_text("1000000\n")
        (group / "cgroup.procs").write_text("")
    (tree / "sys/fs/cgroup/cgroup.controllers").write_text("memory\n")
    (tree / "proc/sys/kernel").mkdir(parents=True)
    (tree / "proc/sys/kernel/hostname").write_text(HOSTILE[0] + "\n")
    return tree


TAGS = frozenset(
    (
        *("html", "head", "meta", "title", "style", "body", "a", "header", "h1", "h2"),
        *("h3", "p", "b", "nav", "ul", "li", "main", "section", "article", "span"),
        *("details", "summary", "svg", "g", "rect", "text", "desc", "div", "table", "caption"),
        *("thead", "tbody", "tr", "th", "td", "code", "footer", "script", "path", "line"),
    )
)


def test_names_are_inert(pymemtools: Run, tmp_path: Path) -> None:
    """No name makes an element or an attribute: there are those of the page alone."""
    plain = Read(page(pymemtools, tmp_path / "plain.html", "-S", EXAMPLE))
    found = Read(page(pymemtools, tmp_path / "a.html", "-S", str(hostile_machine(tmp_path / "machine"))))
    assert found.tags <= TAGS
    assert {name for _, name in found.attributes} <= {name for _, name in plain.attributes}
    assert not any(name.startswith("on") for _, name in found.attributes)
    assert found.contents == plain.contents
    assert all(value.startswith("#") for value in found.values)


def test_nothing_is_loaded(pymemtools: Run, tmp_path: Path) -> None:
    """The policy forbids all but the one script, whose digest it names."""
    text = page(pymemtools, tmp_path / "a.html", "-S", GROUPS)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    digest = b64encode(sha256(Read(text).contents["script"].encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
    assert (
        re.findall(
            r"(?i)(?:src|href|url\()\s*=?\s*[\"']?\s*(?:https?:)?//", text.replace("http://www.w3.org/2000/svg", "")
        )
        == []
    )


def test_a_thousand_processes(pymemtools: Run, tmp_path: Path) -> None:
    processes = [
        Proc(i, f"/usr/bin/program-{i} --with a --rather long --command line{'.' * 300}", (Map("[heap]", 100 + i),))
        for i in range(1, 1001)
    ]
    text = page(pymemtools, tmp_path / "a.html", "-S", str(write_tree(tmp_path / "machine", *processes)))
    assert len(Read(text).tables["processes"]) == 1000
    assert len(text.encode()) < 2_000_000


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("-o", "a.pdf"), 2, "report: a.pdf: a page is a .html (findings as text, md or json go to stdout)"),
        (("-o", "a.html", "-f", "json"), 2, "report: -o writes a page: it has no --format"),
        (("-o", "there.html"), 1, "there.html: exists already (--force replaces it)"),
        (("-o", "no/a.html"), 1, "no/a.html: No such file or directory"),
        (("--diff", "-", "-S", "-"), 2, "report: stdin holds one archive: --diff and --source cannot both be -"),
        (("--fail-on", "bad"), 2, None),
        (("--list", "-f", "md"), 2, "report: --list has no md: it is one line a rule, or a table (-f github)"),
    ],
)
def test_what_is_refused(
    pymemtools: Run, tmp_path: Path, arguments: tuple[str, ...], status: int, says: str | None
) -> None:
    (tmp_path / "there.html").write_text("mine")
    done = pymemtools("--demo", "report", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.count(b"\n") == 1
    if says is not None:
        assert done.stderr.decode().startswith(f"pymemtools: {says}")
    assert [path.name for path in tmp_path.iterdir()] == ["there.html"]
    assert (tmp_path / "there.html").read_text() == "mine"


def test_markdown_is_inert(pymemtools: Run, tmp_path: Path) -> None:
    tree = write_tree(tmp_path, Proc(1, "x", (Map("[heap]", 900000),), comm="<b>*[a](b)"))
    done = pymemtools("report", "-S", str(tree), "-f", "md")
    assert r"Process 1 \(\<b\>\*\[a\]\(b\)\) holds half of RAM" in done.stdout.decode()


FRAME = """<body><iframe style="width:%dpx;height:900px" src="b.html"></iframe><script>
const frame = document.querySelector("iframe");
frame.onload = () => {
  const found = [frame.contentDocument.documentElement, ...frame.contentDocument.querySelectorAll(".wide")];
  const wide = found.filter(each => each.clientWidth && each.scrollWidth > each.clientWidth);
  document.body.innerHTML = `<pre>${wide.map(each => `${each.tagName}.${each.className}`).join(" ")}</pre>`;
};
</script>"""


class TestBrowser:
    """What Chromium makes of it: the gate installs it, and without it these fail."""

    def browse(self, tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
        assert CHROMIUM is not None, "no chromium to open pages in"
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--log-level=0"]
        command += [f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=2000", *options]
        return subprocess.run(
            [*command, f"file://{tmp_path}/a.html"],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
            cwd=tmp_path,
        )

    def console(self, done: subprocess.CompletedProcess[str]) -> Iterator[str]:
        return (line for line in done.stderr.splitlines() if "CONSOLE" in line)

    def test_the_script_runs_and_the_console_is_silent(self, pymemtools: Run, tmp_path: Path) -> None:
        page(pymemtools, tmp_path / "a.html", "-S", str(CAPTURES / "x86_64-7.2/selftest.tar.gz"))
        done = self.browse(tmp_path, "--dump-dom")
        assert list(self.console(done)) == []
        assert re.findall(r'<input type="search"[^>]*aria-label="([^"]*)"', done.stdout) == [
            "Filter Processes (smem)",
            "Filter Memory groups (groups --all)",
        ]
        assert "<button>PSS</button>" in done.stdout
        assert done.stdout.count('<p role="status"></p>') == 2

    def test_no_name_does_anything(self, pymemtools: Run, tmp_path: Path) -> None:
        tree = hostile_machine(tmp_path / "machine")
        page(pymemtools, tmp_path / "a.html", "-S", str(tree))
        done = self.browse(tmp_path, "--dump-dom")
        assert list(self.console(done)) == []
        assert 'id="owned"' not in done.stdout and "<img" not in done.stdout
        (title,) = re.findall("<title>Memory of [^<]*</title>", done.stdout)
        assert title == "<title>Memory of &lt;script&gt;document.title='owned'&lt;/script&gt;</title>"

    def widths(self, tmp_path: Path, width: int, text: str) -> list[str]:
        """Open a page in a frame, and name what is wider than it may be: the page itself, and what can be scrolled."""
        (tmp_path / "b.html").write_text(text)
        (tmp_path / "a.html").write_text(FRAME % width)
        options = ("--allow-file-access-from-files", "--disable-web-security", "--dump-dom")
        (told,) = re.findall(r"<pre>(.*)</pre>", self.browse(tmp_path, *options).stdout)
        return str(told).split()

    def test_nothing_is_wider_than_a_telephone_or_a_sheet(self, pymemtools: Run, tmp_path: Path) -> None:
        """Not the long names of groups in a log either. Tables are scrolled on a screen, and whole on paper."""
        machine = hostile_machine(tmp_path / "machine")
        log = (HERE / "oom_reports/own-x86_64-6.18.44-memcg-v1.txt").read_text()
        (machine / "dmesg").write_text(log.replace("/pymt_oom", "/" + "0123456789abcdef" * 5))
        (machine / "proc/1/cmdline").parent.mkdir(exist_ok=True)
        (machine / "proc/100/cmdline").write_bytes(b"/usr/bin/program\0" + b"--with\0a\0rather\0long\0line\0" * 9)
        text = page(pymemtools, tmp_path / "a.html", "-S", str(machine))
        assert set(self.widths(tmp_path, 360, text)) == {"DIV.wide"}
        paper = text.replace("@media print{", "@media all{")
        assert self.widths(tmp_path, 700, paper) == []

    @pytest.mark.parametrize("options", [(), ("--force-dark-mode",)], ids=["light", "dark"])
    @pytest.mark.parametrize("width", [400, 800, 1400])
    def test_it_is_drawn(self, pymemtools: Run, tmp_path: Path, width: int, options: tuple[str, ...]) -> None:
        page(pymemtools, tmp_path / "a.html", "-S", EXAMPLE)
        shot = tmp_path / "a.png"
        done = self.browse(tmp_path, f"--screenshot={shot}", f"--window-size={width},1200", *options)
        assert list(self.console(done)) == []
        assert shot.read_bytes().startswith(b"\x89PNG")
        assert len(shot.read_bytes()) > 20000
