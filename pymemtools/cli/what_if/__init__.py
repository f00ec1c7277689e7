"""``pymemtools what-if``: the kernel's decisions, predicted without asking it."""

from __future__ import annotations

import click

from pymemtools.cli import LazyGroup

QUESTIONS = {
    "alloc": "Would the kernel grant so much memory, and where would it come from?",
    "cache": "How much of some files would stay in the page cache?",
    "dirty": "When does a writer have to wait, and when is its data safe?",
    "drop-caches": "How much memory would drop_caches free?",
    "fork": "Could a process fork, and what would its children cost?",
    "malloc": "Which requests would glibc take from the heap, and which map?",
    "oom": "Whom would the kernel kill?",
    "overcommit": "How much memory would the kernel promise?",
    "pss": "What is a process's proportional share of memory?",
    "watermarks": "What would the reserves of the zones be?",
}


@click.group(
    "what-if",
    cls=LazyGroup,
    package=__name__,
    helps=QUESTIONS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
def command() -> None:
    """Predict what the kernel would do: on this machine or a captured one, as it is or with other settings."""
