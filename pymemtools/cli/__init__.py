"""The command line: one module per subcommand, loaded when it is called for."""

from __future__ import annotations

import errno
import os
import sys
from typing import NoReturn

import click

from pymemtools import __version__
from pymemtools.cli.lazy_group import LazyGroup
from pymemtools.errors import MemtoolsError
from pymemtools.render.escape import escape

# By what one wants to know: --help, pymemtools(1) and the README show this map.
MAP = {
    "Look where the memory is": {
        "free": "Show used, cached, free and available memory.",
        "smem": "Sum memory up by process, mapping, user, group or system.",
        "pmap": "Show the memory map of processes.",
        "status": "Show processes' memory figures and number of mappings.",
        "vgraph": "Draw the address space of a process.",
        "groups": "Show memory groups: held, limits, and what is mapped.",
        "zones": "Show the memory zones, their watermarks and their state.",
        "swap": "Show who is swapped out, and what swapoff would take.",
        "pages": "Show what page frames are used for, and what is unexplained.",
        "cache": "Show which files are in the page cache, and who maps them.",
        "thp": "Show transparent huge pages, and why memory is not huge.",
        "numa": "Show the memory of NUMA nodes, and where a process is.",
        "wss": "Show how much of its memory a process uses in some seconds.",
        "ksm": "Show what merging equal pages saves, or would save.",
        "iomem-graph": "Show the physical address space: a table and a picture.",
    },
    "Follow it over time": {
        "faults": "Show page faults, paging and reclaim a second, as sar does.",
        "metrics": "Print metrics of memory as Prometheus reads them.",
        "trend": "Show what grows in a recording, and how long that can last.",
    },
    "Explain who is killed, and why": {
        "report": "Say what is to be known of a machine first, in words.",
        "oom-report": "Explain the kills for lack of memory in a kernel log.",
        "oom-scores": "Show whom the kernel would kill next, out of memory.",
    },
    "Predict what would happen": {
        "what-if": "Predict the kernel, with other settings or more to bear.",
    },
    "See it happen": {
        "lab": "Run experiments: see the kernel do what is said of it.",
    },
    "Change how memory is managed": {
        "tunables": "List, get, explain and set what tunes memory management.",
        "drop-caches": "Drop caches, and show what that freed.",
    },
    "Capture a machine, to study it elsewhere": {
        "capture": "Take a capture of this machine, to be read elsewhere.",
        "record": "Record this machine again and again, in one file.",
        "info": "Tell what a capture is, and which commands it can answer.",
    },
    "Ask a thousand captures one question": {
        "fleet": "Take captures of many machines in, and ask all of them.",
    },
    "Check what this program goes by": {
        "selftest": "Check this kernel against the rules the program goes by.",
    },
    "Set the shell up": {
        "completion": "Print the completion script of a shell.",
    },
}
COMMANDS = {name: text for commands in MAP.values() for name, text in commands.items()}
_SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)  # of whatever was to be opened, even a module of ours


@click.group(cls=LazyGroup, package=__name__, chapters=MAP, context_settings={"help_option_names": ["-h", "--help"]})
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
        _prepare_streams()
        status = _call()
        sys.stdout.flush()
    except OSError as error:
        _keep_traceback()
        status = 1
        say(f"write error: {os.strerror(error.errno or errno.EIO)}")
    except MemoryError:
        _keep_traceback()
        say("out of memory")
    leave(status)


def _prepare_streams() -> None:
    """Let no text be unprintable, and a closed stdout be the write error it is."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    sys.stdout.reconfigure(errors="backslashreplace", newline="\n")  # type: ignore[union-attr]
    if sys.stderr is not None:
        sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _call() -> int:
    """Run the command and give its exit status; lets pass only what is wrong with stdout or with our own memory."""
    try:
        result = cli.main(prog_name="pymemtools", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except SystemExit as end:  # how click ends when a shell asked for completions
        return end.code if isinstance(end.code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        _complain(f"{error.format_message()}\n")
        return 2
    except click.UsageError as error:
        where = error.ctx.command_path.removeprefix("pymemtools").strip() if error.ctx else ""
        hint = f"; try 'pymemtools {where} --help'" if where else "; try 'pymemtools --help'"
        message = error.format_message().rstrip(".").replace("\n\t", " ")  # click lists choices in lines
        say((f"{where}: " if where else "") + message + hint)
        return 2
    except click.ClickException as error:
        say(error.format_message())
        return error.exit_code
    except MemtoolsError as error:
        _keep_traceback()
        say(str(error))
        return error.exit_status
    except MemoryError:
        raise
    except ModuleNotFoundError as error:  # psutil, of which pymemtools.pyz is free
        _keep_traceback()
        say(f"this needs the Python package {error.name}, which is not installed")
        return 1
    except Exception as error:
        number = error.errno if isinstance(error, OSError) else None
        if isinstance(error, OSError) and error.filename is None and number not in _SHORT:
            raise  # of stdout: a file that is opened has a name
        _keep_traceback()
        if number in _SHORT:
            say(os.strerror(number or 0))
        else:
            say(f"internal error (please report this): {type(error).__name__}: {error}")
        return 1


def _keep_traceback() -> None:
    """Show where an error came from to those who ask for it with PYMEMTOOLS_DEBUG."""
    if os.environ.get("PYMEMTOOLS_DEBUG"):
        sys.__excepthook__(*sys.exc_info())


def say(message: str) -> None:
    """Print one line for the user, escaped, to stderr."""
    _complain(f"pymemtools: {escape(message)}\n")


def _complain(text: str) -> None:
    """Write to stderr; that it is closed or full changes nothing."""
    try:
        if sys.stderr is not None:
            sys.stderr.write(text)
            sys.stderr.flush()
    except OSError:
        pass


def leave(status: int) -> NoReturn:
    """Exit without the interpreter's own flush, which would complain a second time about a full disk."""
    os._exit(status)
