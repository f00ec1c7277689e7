"""The command line: one module per subcommand, loaded when it is called for."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any, NoReturn

import click

from pymemtools import __version__
from pymemtools.errors import MemtoolsError
from pymemtools.render.escape import escape

COMMANDS = {
    "completion": "Print the completion script of a shell.",
    "free": "Show used, cached, free and available memory.",
    "pmap": "Show the memory map of processes.",
    "smem": "Report memory by process, mapping, user or for the whole system.",
}


class LazyGroup(click.Group):
    """A group that imports a subcommand's module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"pymemtools.cli.{cmd_name.replace('-', '_')}")
        command = module.command
        assert isinstance(command, click.Command)  # noqa: S101 (a programming error, not a user's)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="pymemtools", message="%(prog)s %(version)s")
@click.option("--demo", is_flag=True, help="Study the example capture that comes with the program.")
@click.pass_context
def cli(ctx: click.Context, demo: bool) -> None:
    """Where did the memory go? On this machine, in a copy of /proc, or in a capture of another machine."""
    ctx.obj = demo


def run() -> NoReturn:
    """Run the program and exit; every error a user can cause is one line on stderr."""
    status = 1
    try:
        if sys.stdout is None:
            raise OSError(9, os.strerror(9))
        sys.stdout.reconfigure(errors="backslashreplace", newline="\n")  # type: ignore[union-attr]
        if sys.stderr is not None:
            sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        result = _run()
        sys.stdout.flush()
        status = result if isinstance(result, int) else 0
    except OSError as error:
        say(f"write error: {os.strerror(error.errno or 0)}")
    except MemoryError:
        say("out of memory")
    leave(status)


def _run() -> Any:
    try:
        return cli.main(prog_name="pymemtools", standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        if sys.stderr is not None:
            sys.stderr.write(f"{error.format_message()}\n")
        return 2
    except click.UsageError as error:
        where = error.ctx.command_path.removeprefix("pymemtools").strip() if error.ctx else ""
        hint = f"; try 'pymemtools {where} --help'" if where else "; try 'pymemtools --help'"
        say((f"{where}: " if where else "") + error.format_message().rstrip(".") + hint)
        return 2
    except click.ClickException as error:
        say(error.format_message())
        return error.exit_code
    except MemtoolsError as error:
        if os.environ.get("PYMEMTOOLS_DEBUG"):
            raise
        say(str(error))
        return error.exit_status
    except (OSError, MemoryError):
        raise
    except Exception as error:
        if os.environ.get("PYMEMTOOLS_DEBUG"):
            raise
        say(f"internal error (please report this): {type(error).__name__}: {error}")
        return 1


def say(message: str) -> None:
    """Print one line for the user, escaped, to stderr; a closed or full stderr changes nothing."""
    try:
        if sys.stderr is not None:
            sys.stderr.write(f"pymemtools: {escape(message)}\n")
            sys.stderr.flush()
    except OSError:
        pass


def leave(status: int) -> NoReturn:
    """Exit without the interpreter's own flush, which would complain a second time about a full disk."""
    os._exit(status)
