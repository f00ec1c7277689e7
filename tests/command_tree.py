"""The commands that there are, by the words that call them, and those with an option."""

from __future__ import annotations

from collections.abc import Iterator

import click

from pymemtools.cli import cli


def commands(command: click.Command = cli, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Give every command by the words that call it."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            assert found is not None
            yield from commands(found, f"{name} {each}".strip())
    else:
        yield name, command


def with_option(parameter: str) -> list[str]:
    """Name the commands that take what click calls so: ``source`` is -S, ``style`` -f."""
    return [name for name, command in commands() if any(each.name == parameter for each in command.params)]
