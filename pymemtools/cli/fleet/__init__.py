"""``pymemtools fleet``: captures of many machines, and one question asked of all of them."""

from __future__ import annotations

import click

from pymemtools.cli.lazy_group import LazyGroup

MAP = {
    "Fill a dataset": {
        "ingest": "Take captures and recordings into a dataset.",
        "compact": "Make few files of many, a day each.",
    },
    "Ask it": {
        "hosts": "List the machines, and what is known of each.",
        "report": "Say what is found on how many machines, and since when.",
        "risk": "List the machines that are close to running out.",
        "grew": "Say which processes, mappings or groups grew, and where.",
        "top": "Sum the largest programs up over all machines.",
        "tunables": "Count the values that a tunable has.",
        "what-if": "Say on which machines a request for memory would kill.",
        "sql": "Answer a question of your own.",
    },
}


@click.group(
    "fleet",
    cls=LazyGroup,
    package=__name__,
    chapters=MAP,
)
def command() -> None:
    """Take captures of many machines into a dataset of Parquet files, and ask all of them one question."""
