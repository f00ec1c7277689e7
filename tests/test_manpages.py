"""The man pages are sound, and name every command, option and column there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest
from conftest import HERE, Run

from pymemtools.cli import COMMANDS, cli
from pymemtools.reports.oom_report.report import COLUMNS as OF_KILLS
from pymemtools.reports.smem.columns import VIEWS
from pymemtools.reports.smem.diff import AFTER, BEFORE, CHANGE, DELTA

PAGES = HERE.parent / "man" / "man1"
WITHOUT_PAGE = {"completion"}  # one argument: pymemtools(1) says all there is


def page(command: str) -> str:
    return (PAGES / f"pymemtools-{command}.1").read_text()


def options() -> list[object]:
    found: list[object] = []
    context = click.Context(cli)
    for name in sorted(set(COMMANDS) - WITHOUT_PAGE):
        command = cli.get_command(context, name)
        assert command is not None
        parts = [command]
        if isinstance(command, click.Group):
            found_parts = (command.get_command(context, part) for part in command.list_commands(context))
            parts = [part for part in found_parts if part is not None]
        parameters = [each for part in parts for each in part.get_params(click.Context(part))]
        shown = [each for each in parameters if isinstance(each, click.Option) and not each.hidden]
        names = dict.fromkeys(each for option in shown for each in option.opts)
        found += [pytest.param(name, each, id=f"{name} {each}") for each in names]
    return found


def described(text: str, option: str) -> bool:
    """Tell whether an item of a list (``.It Fl m , -mappings``) is about the option."""
    return re.search(rf"^\.It Fl (.* )?{re.escape(option[1:])}( |$)", text, re.MULTILINE) is not None


@pytest.mark.parametrize("path", sorted(PAGES.iterdir()), ids=lambda path: path.name)
def test_mandoc_finds_nothing(path: Path) -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed")
    done = subprocess.run(["mandoc", "-T", "lint", str(path)], capture_output=True, text=True, check=False)
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_every_command_has_its_page_and_its_line() -> None:
    overview = (PAGES / "pymemtools.1").read_text()
    for name in COMMANDS:
        assert re.search(rf"^\.It Cm {name}\b", overview, re.MULTILINE), name
        assert (PAGES / f"pymemtools-{name}.1").exists() or name in WITHOUT_PAGE


@pytest.mark.parametrize(("command", "option"), options())
def test_every_option_is_described(command: str, option: str) -> None:
    assert described(page(command), option)


def test_an_option_that_is_not_there_would_be_missed() -> None:
    assert not described(page("smem"), "--mapping")
    assert not described(page("smem"), "-x")


def test_every_column_of_smem_is_described() -> None:
    section = page("smem").partition(".Sh COLUMNS")[2].partition(".Sh EXIT")[0]
    words = set(re.findall(r"[a-z_]+", "\n".join(re.findall(r"^\.(?:It )?Cm (.*)$", section, re.MULTILINE))))
    fields = {column.key for view in VIEWS.values() for column in view.columns}
    fields |= {column.key for column in (CHANGE, BEFORE, AFTER, DELTA)}
    assert fields - words == set()


def test_every_key_of_a_report_is_described() -> None:
    section = page("oom-report").partition(".Sh OUTPUT")[2].partition(".Sh EXIT")[0]
    words = set(re.findall(r"[a-z_]+", "\n".join(re.findall(r"^\.(?:It )?Cm (.*)$", section, re.MULTILINE))))
    assert {column.key for column in OF_KILLS} - words == set()


QUESTIONS = {
    "overcommit": "overcommit",
    "overcommit --processes": "overcommit --processes",
    "alloc": "alloc 1G",
    "fork": "fork 1",
    "watermarks": "watermarks",
    "dirty": "dirty --write 1M --disk 1M",
    "cache": "cache 1G",
    "drop-caches": "drop-caches",
    "malloc": "malloc 8",
    "pss": "pss",
}


@pytest.mark.parametrize("call", QUESTIONS.values(), ids=QUESTIONS)
def test_every_key_of_an_answer_is_described(pymemtools: Run, call: str) -> None:
    section = page("what-if").partition(".Sh OUTPUT")[2].partition(".Sh EXIT")[0]
    words = set(re.findall(r"[a-z_0-9]+", "\n".join(re.findall(r"^\.(?:It )?Cm (.*)$", section, re.MULTILINE))))
    rows = json.loads(pymemtools("--demo", "what-if", *call.split(), "-f", "json").stdout)["rows"]
    assert {key for row in rows for key in row} - words == set()


def test_exit_statuses_are_listed() -> None:
    section = (PAGES / "pymemtools.1").read_text().partition(".Sh EXIT STATUS")[2].partition(".Sh ")[0]
    assert re.findall(r"^\.It (\d+)", section, re.MULTILINE) == ["0", "1", "2", "3", "4", "5", "6", "42"]


def rendered(path: Path, width: int = 80) -> str:
    """Give a page as a terminal shows it, without bold and underlined letters."""
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed")
    command = ["mandoc", "-T", "utf8", "-O", f"width={width}", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return re.sub(".\b", "", done.stdout)


def section_of(text: str, name: str) -> str:
    found = re.search(rf"^{name}\n(.*?)(?=^\S)", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def names_of_options(command: str) -> set[str]:
    context = click.Context(cli)
    found = cli.get_command(context, command) if command else cli
    assert found is not None
    more: list[click.Command | None] = []
    if command and isinstance(found, click.Group):
        more = [found.get_command(context, each) for each in found.list_commands(context)]
    parameters = [each for part in (found, *more) if part for each in part.get_params(click.Context(part))]
    return {"--help", "-h"} | {name for each in parameters for name in (*each.opts, *each.secondary_opts)}


@pytest.mark.parametrize("path", sorted(PAGES.iterdir()), ids=lambda path: path.stem)
def test_synopses_show_options_that_there_are(path: Path) -> None:
    """`.Fl -classic | -wide` shows -wide: each alternative has its own Fl."""
    options = names_of_options(path.stem.removeprefix("pymemtools").removeprefix("-"))
    for word in re.findall(r"(?<![\w-])-[\w-]+", section_of(rendered(path), "SYNOPSIS")):
        letters = {f"-{letter}" for letter in word[1:]}
        assert word in options or (not word.startswith("--") and letters <= options), word


@pytest.mark.parametrize("path", sorted(PAGES.iterdir()), ids=lambda path: path.stem)
def test_brackets_are_closed(path: Path) -> None:
    text = rendered(path)
    for section in re.findall(r"^[A-Z].*\n(?:(?!\S).*\n)*", text, re.MULTILINE):
        for opening, closing in ("[]", "()"):
            assert section.count(opening) == section.count(closing), section


@pytest.mark.parametrize("path", sorted(PAGES.iterdir()), ids=lambda path: path.stem)
def test_calls_are_shown_in_one_line(path: Path) -> None:
    """What is broken at 80 columns cannot be copied, unless a backslash ends the line."""
    wide, narrow = ([line.strip() for line in rendered(path, width).splitlines()] for width in (1000, 80))
    assert {line for line in wide if re.match(r"[$#] |ssh |journalctl ", line)} - set(narrow) == set()
