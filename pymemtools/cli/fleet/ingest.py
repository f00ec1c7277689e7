"""``pymemtools fleet ingest``: captures and recordings into a dataset."""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli import say
from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.progress import counted
from pymemtools.cli.types import PATH, SIZE
from pymemtools.errors import UsageProblem
from pymemtools.render.escape import escape


@click.command("ingest", cls=AbbreviatingCommand)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=PATH)
@click.option(
    "--into",
    required=True,
    type=PATH,
    metavar="DATASET",
    help="The folder of the dataset; it is made.",
)
@click.option("--workers", type=click.IntRange(1, 256), default=1, metavar="N", help="Read with N processes. [1]")
@click.option("--cluster", metavar="ADDRESS", help="Read on a dask.distributed cluster: tcp://HOST:8786.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="Say of all of them: firmware=1.2.")
@click.option("--inventory", type=PATH, metavar="CSV", help="Labels by machine: a table with a column called host.")
@click.option(
    "--host-from",
    type=click.Choice(["file", "path", "label"]),
    default="file",
    help="What names a machine that its capture does not: its file, its folder, or --label host=NAME. [file]",
)
@click.option("--max-size", type=SIZE, default="1G", metavar="SIZE", help="Reject archives that unpack to more. [1G]")
def command(**options: Any) -> int:
    """Take captures, recordings, and folders of them, into a dataset. What is in it already is left alone.

    What is no capture is written down as rejected, with its reason, and stops nothing.
    """
    from pymemtools.fleet.dataset import Dataset
    from pymemtools.fleet.found import check_paths
    from pymemtools.fleet.ingest import Map, Wishes, in_cluster, in_processes, in_this_process, ingest
    from pymemtools.fleet.inventory import read_inventory

    if options["cluster"] and options["workers"] > 1:
        raise UsageProblem("fleet ingest: --cluster has its own workers: no --workers")
    labels = dict(map(_label, options["labels"]))
    if options["host_from"] == "label" and "host" not in labels:
        raise UsageProblem("fleet ingest: --host-from label: which? Write --label host=NAME")
    inventory = {} if options["inventory"] is None else read_inventory(options["inventory"])
    wishes = Wishes(labels, inventory, options["host_from"], options["max_size"])
    share: Map = in_this_process
    if options["cluster"]:
        share = in_cluster(options["cluster"])
    elif options["workers"] > 1:
        share = in_processes(options["workers"])
    check_paths(options["paths"])
    dataset = Dataset(options["into"], create=True)
    with counted() as told:
        for step in ingest(dataset, options["paths"], wishes, share):
            outcome, already = step
            told(f"{outcome.captures} captures, {outcome.rejected} rejected")
    click.echo(f"{outcome.captures} new, {already} known, {outcome.rejected} rejected, {outcome.rows} rows")
    if not any((*outcome, already)):
        say("fleet ingest: nothing found: in folders archives, recordings (.tar, .rec) and /proc trees are looked for")
    if outcome.rejected:
        import shlex

        tells = ["pymemtools", "fleet", "sql", "SELECT file, reason FROM rejected", "-S", options["into"]]
        say(f"fleet ingest: why a file was rejected: {escape(shlex.join(tells))}")
    return 0


def _label(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise UsageProblem(f"fleet ingest: --label: '{text}' is not NAME=VALUE")
    return name, value
