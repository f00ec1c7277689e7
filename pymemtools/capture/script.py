"""Make the shell script that takes captures without Python: its text, and in it the tables of what to take."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from textwrap import wrap

from pymemtools.capture.contents import CGROUP_FILES, PROCESS_FILES, SYSTEM_FILES, member_name
from pymemtools.catalog import NEVER_READ


def script() -> str:
    """Give the script's text."""
    text = files("pymemtools").joinpath("data/capture.sh").read_text(encoding="ascii")
    for place, names in (
        ("@SYSTEM_FILES@", _whole(SYSTEM_FILES)),
        ("@NEVER_READ@", _whole(NEVER_READ)),
        ("@PROCESS_FILES@", PROCESS_FILES),
        ("@CGROUP_FILES@", CGROUP_FILES),
    ):
        text = text.replace(place, "\n\t".join(wrap(" ".join(names), 110, break_on_hyphens=False)))
    return text


def _whole(paths: Iterable[str]) -> list[str]:
    return [f"/{member_name(path)}" for path in paths]
