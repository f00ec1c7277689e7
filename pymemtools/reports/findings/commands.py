"""The command that shows more of a finding, made so that it can be pasted: with the source, the process, the moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from shlex import quote

from pymemtools.sources.base import Facts
from pymemtools.sources.example import demo_path

_NAME = "pymemtools "
_OF_THIS_MACHINE = ("lab ", "ksm --estimate", "oom-report --dmesg")  # read no copy
_OF_THE_SPAN = ("trend", "faults", "info")  # of a recording: of all of it


def pasteable(command: str, facts: Facts, moment: str | None, about: Mapping[str, str]) -> str:
    """Fill in what a rule's command leaves open: SOURCE, and the words of ``about``: PID, PATH, OTHER ...

    ``moment`` is that of a recording. Of a copy what could be asked of the machine alone is left out, unless it is all.

    >>> board = Facts("archive", "my board.tar", None, None, None)
    >>> pasteable("pymemtools groups PATH; df -t tmpfs", board, None, {"PATH": "/user.slice"})
    "pymemtools groups /user.slice -S 'my board.tar'"
    >>> pasteable("pymemtools oom-report -S SOURCE", Facts("live", None, None, None, None), None, {})
    'pymemtools oom-report --dmesg'
    """
    parts = command.split("; ")
    if facts.kind == "live":
        parts = [part.replace("oom-report -S SOURCE", "oom-report --dmesg") for part in parts]
    else:
        parts = [part for part in parts if _reads_copies(part)] or parts
    return "; ".join(" ".join(_words(part, facts, moment, about)) for part in parts)


def _reads_copies(part: str) -> bool:
    return part.startswith(_NAME) and not part.removeprefix(_NAME).startswith(_OF_THIS_MACHINE)


def _words(part: str, facts: Facts, moment: str | None, about: Mapping[str, str]) -> Iterator[str]:
    asks = part.replace(" -S SOURCE", "")
    words = [quote(about[word]) if word in about else word for word in asks.split(" ")]
    if not _reads_copies(part) or facts.kind == "live":
        yield from words
    elif facts.path == demo_path():
        yield from (*words, "--demo")
    else:
        yield from words
        yield from ("-S", quote(facts.path) if facts.path and facts.path != "-" else "SOURCE")
        if moment is not None and "--at" not in words and words[1] not in _OF_THE_SPAN:
            yield from ("--at", moment)
