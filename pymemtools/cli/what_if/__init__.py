"""``pymemtools what-if``: the kernel's decisions, predicted without asking it."""

from __future__ import annotations

import click

from pymemtools.cli.lazy_group import LazyGroup
from pymemtools.cli.options import demo_option

MAP = {
    "Is there room for it": {
        "alloc": "Would the kernel grant so much, and where would it come from?",
        "fork": "Could a process fork, and what would its children cost?",
        "overcommit": "How much memory would the kernel promise?",
    },
    "Who pays for it": {
        "oom": "Whom would the kernel kill?",
        "pss": "What is a process's proportional share of memory?",
    },
    "What of files stays in memory, and waits there": {
        "cache": "How much of some files would stay in the page cache?",
        "dirty": "When does a writer have to wait, when is its data safe?",
        "drop-caches": "How much memory would drop_caches free?",
    },
    "What do kernel and C library set aside": {
        "malloc": "Which requests would glibc take from the heap, which map?",
        "watermarks": "What would the reserves of the zones be?",
    },
}


@click.group(
    "what-if",
    cls=LazyGroup,
    package=__name__,
    chapters=MAP,
)
@demo_option
def command() -> None:
    """Predict what the kernel would do: on this machine or a captured one, as it is or with other settings."""
