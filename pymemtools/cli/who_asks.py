"""The options that say which process, or which memory group, asks for memory."""

from __future__ import annotations

import click

from pymemtools.cli.offers import offer_groups, offer_pids

pid_option = click.option(
    "--pid", type=click.IntRange(min=1), metavar="PID", shell_complete=offer_pids, help="This process asks."
)
group_option = click.option(
    "--group",
    metavar="PATH",
    shell_complete=offer_groups,
    help="A process of this memory group asks: a path or a unit.",
)
