"""The names of tunables on the command line."""

import click

from pymemtools.readings.settings import KNOWN


def offer_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a tunable, with its folder or without."""
    return [name for name in KNOWN if name.startswith(incomplete) or name.partition(".")[2].startswith(incomplete)]
