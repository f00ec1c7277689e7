"""``pymemtools completion``: the shells' completion scripts."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL (bash, zsh or fish)."""
    from click.shell_completion import get_completion_class

    from pymemtools.cli import cli
    from pymemtools.cli.options import write_lines

    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 (click knows the three)
    script = made(cli, {}, "pymemtools", "_PYMEMTOOLS_COMPLETE").source()
    write_lines([script.strip("\n")])
