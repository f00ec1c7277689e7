"""``pymemtools fleet sql``: a question of one's own."""

from __future__ import annotations

import sys
from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.fleet.asking import dataset_options, engine_of, facts_of, show_answer
from pymemtools.errors import UsageProblem


@click.command("sql", cls=AbbreviatingCommand)
@click.argument("query")
@click.option("--rows", type=click.IntRange(min=1), default=100_000, metavar="N", help="At most so many. [100000]")
@dataset_options
def command(**options: Any) -> int:
    """Answer QUERY (- is stdin): one SELECT in DuckDB's SQL, over capture, process, mapping, zone, tunable ..."""
    from pymemtools.fleet.questions import free_question

    query = sys.stdin.read() if options["query"] == "-" else options["query"]
    if not query.strip():
        raise UsageProblem("fleet sql: the query is empty")
    engine, dataset = engine_of(options, "sql")
    show_answer(free_question(engine, query, facts_of(dataset), options["rows"]), options)
    return 0
