"""``pymemtools lab overcommit``: how much is promised."""

from __future__ import annotations

import click

from pymemtools.cli.lab.experiment import experiment
from pymemtools.lab.overcommit import EXPERIMENT
from pymemtools.reports.lab.overcommit import PromiseRequest


@experiment(EXPERIMENT)
@click.option("--modes", is_flag=True, help="Set each mode of vm.overcommit_memory, and put it back. (root)")
def command(*, modes: bool) -> PromiseRequest:
    """Ask for ever larger mappings, and see where the kernel refuses."""
    return PromiseRequest(modes)
