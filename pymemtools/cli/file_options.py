"""The options that name files: one that is written, and one that is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from pymemtools.cli.types import PATH
from pymemtools.errors import UsageProblem

_F = TypeVar("_F", bound=Callable[..., Any])


def output_option(help: str) -> Callable[[_F], _F]:
    """Add -o/--output FILE."""
    return click.option("-o", "--output", type=PATH, metavar="FILE", help=help)


def output_options(help: str) -> Callable[[_F], _F]:
    """Add -o/--output FILE, and the --force without which no file is replaced."""
    force = click.option("--force", is_flag=True, help="Replace the file of -o when there is one.")
    return lambda function: output_option(help)(force(function))


def diff_option(help: str) -> Callable[[_F], _F]:
    """Add --diff OTHER."""
    return click.option("--diff", type=PATH, metavar="OTHER", help=help)


def check_one_stdin(command: str, options: Mapping[str, Any]) -> None:
    """Refuse to read two archives from one standard input. Raises UsageProblem."""
    if options["diff"] == "-" and options["source"] == "-":
        raise UsageProblem(f"{command}: stdin holds one archive: --diff and --source cannot both be -")
