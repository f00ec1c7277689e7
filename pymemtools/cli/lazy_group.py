"""A group of subcommands, each of which is imported when it is run, and what is said of a name that is none."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_MEANT = {  # what other programs call it
    "ps": ("smem", "status"),
    "top": ("smem --watch 2",),
    "htop": ("smem --watch 2",),
    "oom": ("oom-scores", "oom-report"),
    "dmesg": ("oom-report --dmesg",),
    "sysctl": ("tunables",),
    "vmstat": ("faults --every 1", "zones"),
    "sar": ("faults --compat sar",),
    "pidstat": ("faults --top 10",),
    "maps": ("pmap", "vgraph"),
    "page-types": ("pages --flags", "pages"),
    "fincore": ("cache --compat fincore",),
    "vmtouch": ("cache --compat vmtouch",),
    "numastat": ("numa",),
    "slabtop": ("smem -W",),
    "systemd-cgtop": ("groups --watch 2",),
    "cgtop": ("groups --watch 2",),
    "swapon": ("swap",),
    "wss.pl": ("wss",),
    "atop": ("record", "smem --watch 2"),
    "oomctl": ("report", "groups"),
    "procrank": ("smem",),
    "pcstat": ("cache",),
    "meminfo": ("free", "smem -W"),
    "buddyinfo": ("zones",),
    "slab": ("smem -W",),
    "smemcap": ("capture --compat smemcap",),
    "psi": ("faults", "groups -c +full_avg60"),
    "pressure": ("faults", "groups -c +full_avg60"),
    "leak": ("trend",),
    "prometheus": ("metrics",),
}


class LazyGroup(click.Group):
    """A group that imports a subcommand's module, of ``package``, only to run it; ``chapters`` order its help."""

    def __init__(self, *args: Any, package: str, chapters: Mapping[str, Mapping[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._package = package
        self._chapters = chapters

    @property
    def _helps(self) -> dict[str, str]:
        return {name: text for commands in self._chapters.values() for name, text in commands.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._helps)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._helps:
            return None
        module = import_module(f"{self._package}.{cmd_name.replace('-', '_')}")
        command = module.command
        assert isinstance(command, click.Command)  # noqa: S101 (a programming error, not a user's)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] == "help":  # what a stranger types
            args = [*args[1:], "--help"]
            if len(args) == 1:
                click.echo(ctx.get_help())
                ctx.exit()
        if args[0] not in self._helps and not args[0].startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            names = _MEANT.get(args[0]) or get_close_matches(args[0], self._helps)
            near = " or ".join(f"'{name}'" for name in names if name.split()[0] in self._helps)
            raise click.UsageError(f"no such command '{args[0]}'" + (f" (did you mean {near}?)" if near else ""), ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the subcommands, none of which need be imported for that, and the group's options."""
        from click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        offered = [CompletionItem(name, help=self._helps[name]) for name in names]
        return offered + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        widest = max(map(len, self._helps))  # one column for all chapters
        for title, commands in self._chapters.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<{widest}}", text) for name, text in commands.items()])
