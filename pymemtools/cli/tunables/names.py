"""The names of tunables on the command line."""

import click

from pymemtools.readings.settings import names_beginning


def offer_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a tunable as it was begun, with its folder or without: zsh takes no other."""
    return names_beginning(incomplete)


def offer_settings(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name in NAME=VALUE."""
    return [f"{name}=" for name in names_beginning(incomplete)]
