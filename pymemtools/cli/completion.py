"""``pymemtools completion``: the shells' completion scripts."""

from __future__ import annotations

import click

from pymemtools.cli.completion_scripts import SCRIPTS


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def command(shell: str) -> None:
    """Print the completion script of SHELL (bash, zsh or fish)."""
    from pymemtools.cli.options import write_lines

    write_lines([SCRIPTS[shell].strip("\n")])
