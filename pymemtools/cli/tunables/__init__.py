"""``pymemtools tunables``: list, get, explain and set what tunes memory management."""

from __future__ import annotations

import click

from pymemtools.cli import LazyGroup

COMMANDS = {
    "explain": "Say what a tunable does, and what its value means now.",
    "get": "Print tunables as sysctl does.",
    "list": "List tunables, and what their values mean on this machine.",
    "set": "Set tunables, all or none.",
}


@click.group(
    "tunables",
    cls=LazyGroup,
    package=__name__,
    helps=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
def command() -> None:
    """List, get, explain and set what tunes memory management."""
