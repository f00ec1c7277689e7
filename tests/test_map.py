"""The commands are mapped by what one wants to know, and --help, pymemtools(1) and the README show the same map."""

from __future__ import annotations

import re

import pytest
from conftest import HERE, Run

from pymemtools.cli import COMMANDS, MAP

CHAPTERS = {title: list(commands) for title, commands in MAP.items()}


def of_help(text: str) -> dict[str, list[str]]:
    """Read the chapters behind the options: a title with a colon, and commands below it."""
    chapters = text.partition("\nOptions:\n")[2].split("\n\n")[1:]
    return {each.strip().partition(":\n")[0]: re.findall(r"^  ([a-z]\S*)", each, re.MULTILINE) for each in chapters}


def of_manual(text: str) -> dict[str, list[str]]:
    part = text.partition(".Sh DESCRIPTION")[2].partition(".Ss Options")[0]
    chapters = (each.partition("\n") for each in part.split(".Ss ")[1:])
    return {title: re.findall(r"^\.It Cm (\S+)", body, re.MULTILINE) for title, _, body in chapters}


def of_readme(text: str) -> dict[str, list[str]]:
    table = text.partition("| to | use |\n|---|---|\n")[2].partition("\n\n")[0]
    rows = (line.strip("| ").split(" | ") for line in table.splitlines())
    return {title: re.findall(r"`([^`]+)`", names) for title, names in rows}


def test_help_shows_the_map(pymemtools: Run) -> None:
    assert of_help(pymemtools("--help").stdout.decode()) == CHAPTERS


def test_the_manual_shows_the_map() -> None:
    assert of_manual((HERE.parent / "man" / "man1" / "pymemtools.1").read_text()) == CHAPTERS


def test_the_readme_shows_the_map() -> None:
    assert of_readme((HERE.parent / "README.md").read_text()) == CHAPTERS


def test_each_command_stands_in_one_chapter() -> None:
    assert sum(map(len, MAP.values())) == len(COMMANDS)


@pytest.mark.parametrize("group", ["", "tunables", "what-if"])
def test_each_command_takes_one_line_of_80_columns(pymemtools: Run, group: str) -> None:
    text = pymemtools(*group.split(), "--help").stdout.decode()
    items = text.partition("\nOptions:\n")[2].partition("\n\n")[2].split("\n")
    starts = [line[:3] for line in items if line.startswith("  ")]
    assert [start for start in starts if start == "   "] == []
