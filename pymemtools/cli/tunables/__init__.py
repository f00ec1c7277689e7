"""``pymemtools tunables``: list, get, explain and set what tunes memory management."""

from __future__ import annotations

import click

from pymemtools.cli.lazy_group import LazyGroup
from pymemtools.cli.options import demo_option

MAP = {
    "Look at values, and what they mean": {
        "list": "List tunables, and what their values mean on this machine.",
        "get": "Print tunables as sysctl does.",
        "explain": "Say what a tunable does, and what its value means now.",
    },
    "Change them": {
        "set": "Set tunables, all or none.",
    },
}


@click.group(
    "tunables",
    cls=LazyGroup,
    package=__name__,
    chapters=MAP,
)
@demo_option
def command() -> None:
    """List, get, explain and set what tunes memory management."""
