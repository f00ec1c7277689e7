"""``pymemtools lab``: see the kernel do what it is said to do, safely."""

from __future__ import annotations

from typing import Any

import click

from pymemtools.cli.lazy_group import LazyGroup

MAP = {
    "What memory is good for": {
        "page-cache": "Read files twice: from the disk, and from memory.",
        "drop-caches": "Drop caches, and see what goes and what stays.",
        "writeback": "Write a file: what is dirty, until it is on the disk.",
        "mmap-vs-read": "Map a file, or read it: one copy, or one for each.",
        "watch": "Run a command, and watch free meanwhile.",
    },
    "When memory becomes real": {
        "demand-paging": "Map, read and write: pages come with faults, one by one.",
        "cow": "Fork and write: what is shared is copied, page by page.",
        "ksm": "Equal pages become one, and part when one writes.",
        "stack": "Touch the stack far down: it grows, up to its limit.",
        "malloc": "Allocate, and see break, pointers and mappings move.",
        "aslr": "Start a program again and again: it is elsewhere each time.",
    },
    "When memory is not there": {
        "segv": "Access what one must not, and read what the kernel says.",
        "watermarks": "Fill memory with page cache until kswapd wakes.",
        "swap": "Pages go to swap, and come back when they are touched.",
        "overcommit": "Ask for ever more, and see where the kernel refuses.",
        "oom": "Grow until the kernel kills, and read why.",
    },
}


@click.group(
    "lab",
    cls=LazyGroup,
    package=__name__,
    chapters=MAP,
    invoke_without_command=True,
)
@click.option("-f", "--format", "style", default="text", metavar="FORMAT", help="Of the list: text, json, csv ...")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """See the kernel at work: experiments that are watched, bounded, and leave nothing behind.

    Without a name: list the experiments, and whether they can run here.
    """
    from pymemtools.cli.lab.listing import show_list
    from pymemtools.errors import UsageProblem

    if ctx.invoked_subcommand is None:
        return show_list(ctx, options["style"])
    if options["style"] != "text":
        raise UsageProblem(f"lab: --format belongs behind the experiment: lab {ctx.invoked_subcommand} -f ...")
    return 0
