"""What completion offers: names, and the processes and groups of the source named so far."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

import click

from pymemtools.errors import MemtoolsError
from pymemtools.sources import open_source
from pymemtools.sources.base import Source

Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def offer(*names: str) -> Completer:
    """Complete one of some fixed names."""
    return lambda ctx, param, incomplete: [name for name in names if name.startswith(incomplete)]


def offer_pids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the PIDs of the source named so far: numbers, never names that another user chose."""
    from pymemtools.readings.processes import pids_in_user_space

    try:
        source = _named_so_far(ctx)
        pids = [] if source is None else pids_in_user_space(source)
    except MemtoolsError:
        return []
    return [str(pid) for pid in pids if str(pid).startswith(incomplete)]


def offer_groups(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the path of a control group of the source named so far, level by level."""
    from pymemtools.readings.cgroup_path import groups_beginning

    try:
        source = _named_so_far(ctx)
        return [] if source is None else groups_beginning(source, incomplete or "/")
    except MemtoolsError:
        return []


def _named_so_far(ctx: click.Context) -> Source | None:
    """Open what a command line that is not complete is about; nothing for stdin, which is the terminal."""
    path = ctx.params.get("source")
    if path == "-":
        return None
    if (ctx.obj is True or ctx.find_root().params.get("demo")) and not path:
        from pymemtools.sources.example import open_example

        return open_example()
    return open_source(path and os.path.expanduser(path))


def offer_in_list(names: Callable[[click.Context], Iterable[str]]) -> Completer:
    """Complete the last of several names with commas between them."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        plus = "+" if last.startswith("+") else ""
        return [
            f"{before}{comma}{plus}{name}" for name in sorted(names(ctx)) if name.startswith(last.removeprefix("+"))
        ]

    return complete
