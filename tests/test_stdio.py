"""The program among other programs: closed, full and broken streams, odd locales, limits, errors of its own.

Nothing of this can be seen from within one process: each test starts the program the way a shell does.
"""

import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from shlex import quote

import pytest
from conftest import HERE, Run
from trees import Map, Proc, write_tree

from pymemtools.cli import COMMANDS

NO_SPACE = b"pymemtools: write error: No space left on device\n"
BAD_DESCRIPTOR = b"pymemtools: write error: Bad file descriptor\n"
PYMEMTOOLS = f"{quote(sys.executable)} -m pymemtools"
REPORTS = f"{quote(str(HERE))}/oom_reports/*.txt"
CALLS = (
    *("free", "free -h -s 0.01 -c 3", "free -f json", "free -f csv", "free -V", "free --help", "free --bar"),
    *("--demo smem", "--demo smem -t", "--demo smem -m", "--demo smem -w", "--demo smem -f json"),
    *("--demo smem -f csv", "--demo smem -f github", "smem -h", "--help", "--version", "completion bash"),
    *("pmap $$", "pmap -X $$", "pmap -f json $$", "status $$"),
    *("--demo what-if overcommit", "--demo what-if alloc 1G -f json", f"oom-report {REPORTS}"),
    *(
        "--demo zones",
        "--demo swap",
        "--demo thp",
        "--demo ksm",
        "--demo thp 297",
        "--demo oom-scores",
        "--demo vgraph 1",
        "--demo iomem-graph",
        "--demo info",
        "--demo tunables list",
    ),
    *("--demo tunables explain vm.swappiness", "--demo drop-caches --dry-run", "capture --script"),
)


def in_shell(line: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a line of bash, in which ``pymemtools`` is the program."""
    program = f'pymemtools() {{ {PYMEMTOOLS} "$@"; }}'
    unwanted = ("COLUMNS", "PYMEMTOOLS_DEBUG", "PYTHONUNBUFFERED")
    given = {key: value for key, value in os.environ.items() if key not in unwanted}
    return subprocess.run(
        ["bash", "-c", f"{program}\n{line}"],
        env=given | {"PYTHONPATH": str(HERE.parent)} | environment,
        capture_output=True,
        timeout=300,
        check=False,
    )


def result(done: "subprocess.CompletedProcess[bytes]") -> tuple[int, bytes, bytes]:
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a /proc whose reports are larger than any pipe's buffer."""
    processes = [Proc(pid, f"/usr/bin/worker {'x' * 80}", (Map("[heap]", 100),)) for pid in range(1, 1001)]
    return write_tree(tmp_path_factory.mktemp("crowd"), *processes)


@pytest.mark.parametrize("call", CALLS)
def test_full_disk(call: str) -> None:
    assert result(in_shell(f"pymemtools {call} >/dev/full")) == (1, b"", NO_SPACE)


@pytest.mark.parametrize("style", ["text", "json", "jsonl", "csv", "github"])
def test_full_disk_in_the_middle_of_a_large_report(crowd: Path, style: str) -> None:
    assert result(in_shell(f"pymemtools smem -S {crowd} -f {style} >/dev/full")) == (1, b"", NO_SPACE)


@pytest.mark.parametrize("call", CALLS)
def test_closed_stdout(call: str) -> None:
    assert result(in_shell(f"pymemtools {call} >&-")) == (1, b"", BAD_DESCRIPTOR)


def test_stdout_that_cannot_be_written_to() -> None:
    assert result(in_shell("pymemtools --demo free 1</dev/null")) == (1, b"", BAD_DESCRIPTOR)


def test_completion_of_a_shell_on_a_full_disk() -> None:
    done = in_shell("pymemtools >/dev/full", _PYMEMTOOLS_COMPLETE="bash_source")
    assert result(done) == (1, b"", NO_SPACE)


@pytest.mark.parametrize("redirection", ["<&-", "2>&-", "<&- 2>&-", "2>/dev/full", "</dev/null"])
def test_the_other_streams_do_not_matter(redirection: str) -> None:
    expected = in_shell("pymemtools --demo smem -t")
    assert (expected.returncode, expected.stderr) == (0, b"")
    assert result(in_shell(f"pymemtools --demo smem -t {redirection}")) == result(expected)


@pytest.mark.parametrize(
    "redirection", ["<&- >&- 2>&-", ">/dev/full 2>&-", ">/dev/full 2>/dev/full", ">&- 2>/dev/full"]
)
def test_nowhere_to_complain_to(redirection: str) -> None:
    assert result(in_shell(f"pymemtools --demo smem {redirection}")) == (1, b"", b"")


@pytest.mark.parametrize("call", ["free -c", "free --total=1", "free --nope", "free x", "completion", "what-if alloc"])
def test_usage_errors_name_the_command_in_one_line(call: str) -> None:
    done = in_shell(f"pymemtools {call}")
    command = call.partition(" -")[0].removesuffix(" x")
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert done.stderr.startswith(f"pymemtools: {command}: ".encode())
    assert done.stderr.endswith(f"; try 'pymemtools {command} --help'\n".encode())
    assert b"\\x" not in done.stderr


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("--demo smem --t -H", "--demo smem --totals -H"),
        ("--demo pmap --e 1", "--demo pmap --extended 1"),
        ("--demo pmap --d 1", "--demo pmap --device 1"),
    ],
)
def test_what_was_short_enough_for_the_classic_program_still_is(short: str, long: str) -> None:
    assert result(in_shell(f"pymemtools {short}")) == result(in_shell(f"pymemtools {long}"))


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_usage_errors_without_stderr(redirection: str) -> None:
    for call in ("", "nonsense", "free --nonsense"):
        assert result(in_shell(f"pymemtools {call} {redirection}")) == (2, b"", b"")


def test_closed_stdin_is_no_archive() -> None:
    done = in_shell("pymemtools free -S - <&-")
    assert result(done) == (1, b"", b"pymemtools: -: standard input is closed\n")


@pytest.mark.parametrize("options", ["", "-f json", "-f jsonl", "-f csv", "-f html"])
def test_reader_that_leaves_early(crowd: Path, options: str) -> None:
    """Die of SIGPIPE like any Unix program; the shell calls that 141."""
    done = in_shell(f"pymemtools smem -S {crowd} {options} | true; echo ${{PIPESTATUS[0]}}")
    assert result(done) == (0, b"141\n", b"")


def test_reader_that_leaves_between_two_samples() -> None:
    done = in_shell("pymemtools free -s 0.01 | head -n 1 >/dev/null; echo ${PIPESTATUS[0]}")
    assert result(done) == (0, b"141\n", b"")


def test_reader_of_the_first_line(crowd: Path) -> None:
    done = in_shell(f"pymemtools smem -S {crowd} -f json | head -n 1; echo ${{PIPESTATUS[0]}}")
    assert result(done) == (0, b"{\n141\n", b"")
    done = in_shell("pymemtools --demo smem | head -n 1 | cut -c 1-8; echo ${PIPESTATUS[0]}")
    assert done.stdout.startswith(b"  PID Us")
    assert done.stderr == b""


@pytest.mark.parametrize("columns", ["0", "1", "abc", "-5", "٤٠", "99999999999999999999", "1e3", ""])
def test_width_of_the_terminal_is_nonsense(columns: str) -> None:
    for call in ("--demo smem -a", "--demo free", "--demo free --bar", "--help", "smem --help", "nonsense"):
        done = in_shell(f"pymemtools {call} </dev/null", COLUMNS=columns)
        assert done.returncode == (2 if call == "nonsense" else 0)
        assert b"Traceback" not in done.stderr
        assert max(len(line) for line in (done.stdout + done.stderr).decode().splitlines()) <= 120


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii:strict"},
        {"PYTHONIOENCODING": "latin-1:strict"},
        {"PYTHONIOENCODING": "utf-8:strict"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "C.UTF-8"},
    ],
    ids=str,
)
def test_every_name_can_be_printed_in_every_locale(tmp_path: Path, environment: dict[str, str]) -> None:
    """What the encoding lacks is shown as an escape; a byte that was never text too."""
    write_tree(tmp_path, Proc(7, "日本é", (Map("/tmp/日本", 100),)), passwd="müller:x:0:0::/:/bin/sh\n")
    (tmp_path / "proc/7/cmdline").write_bytes("日本é ".encode() + b"\xff\0")
    for options in ("-c 'pid user command'", "-m -c map", "-f csv -c command", "-f github -c command", "-u -c user"):
        done = in_shell(f"pymemtools smem -S {tmp_path} {options}", **environment)
        assert (done.returncode, done.stderr) == (0, b"")
        if "UTF-8" in str(environment) or "utf-8" in str(environment):
            assert any(word in done.stdout.decode() for word in ("日本", "müller"))
        else:
            assert any(word in done.stdout for word in (rb"\u65e5\u672c", rb"m\xfcller", b"m\xfcller"))


def test_messages_can_be_printed_in_every_locale() -> None:
    done = in_shell("pymemtools free -S $'/日本\\xff\\e[2J'", PYTHONIOENCODING="ascii:strict")
    assert result(done) == (1, b"", b"pymemtools: /\\u65e5\\u672c\\xff\\x1b[2J: No such file or directory\n")


def test_a_source_without_a_name(pymemtools: Run) -> None:
    """As of a script whose variable is not set: this machine is not what it meant."""
    done = pymemtools("smem", "-S", "")
    assert result(done) == (2, b"", b"pymemtools: --source: the name is empty\n")


@pytest.mark.parametrize("call", ["smem", "smem -m", "free", "--demo smem"])
def test_few_descriptors(pymemtools: Run, call: str) -> None:
    done = pymemtools(*call.split(), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16)))
    assert done.returncode == 0
    assert b"Too many open files" not in done.stderr


@pytest.mark.parametrize("most", [5, 6, 7, 8])
@pytest.mark.parametrize("call", ["smem", "cache /etc", "record -o a.rec --count 1", "--demo report"])
def test_too_few_descriptors_are_said(call: str, most: int, pymemtools: Run, tmp_path: Path) -> None:
    """A pipe, a folder, a database or a module of ours cannot be opened: that is no write error, and none of ours."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    done = pymemtools(*call.split(), cwd=tmp_path, preexec_fn=limit)
    assert b"internal error" not in done.stderr
    assert b"write error" not in done.stderr
    assert done.returncode == 0 or re.search(rb"Too many open files|unable to open database", done.stderr)


@pytest.mark.parametrize("call", ["smem", "smem -m", "smem -f json", "free", "--demo smem"])
@pytest.mark.parametrize("mebibytes", [64, 100])
def test_little_memory_is_enough(pymemtools: Run, call: str, mebibytes: int) -> None:
    limit = mebibytes << 20
    done = pymemtools(*call.split(), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    assert done.returncode == 0
    assert done.stdout.count(b"\n") > 2


def test_out_of_memory(tmp_path: Path) -> None:
    """A /proc/PID/cmdline of 60 MiB does not fit."""
    write_tree(tmp_path, Proc(7, "x"))
    with (tmp_path / "proc/7/cmdline").open("wb") as file:
        file.truncate(60 << 20)
    done = in_shell(f"ulimit -v 100000; pymemtools smem -S {tmp_path}")
    assert result(done) == (1, b"", b"pymemtools: out of memory\n")


def test_modules_in_the_working_directory_are_not_imported(tmp_path: Path) -> None:
    """CVE-2018-1122 was a configuration read from the working directory."""
    for name in ("re", "json", "pwd", "click", "pymemtools", "signal", "tabulate", "csv", "zlib", "tarfile"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the working directory')\n")
    script = Path(sys.executable).with_name("pymemtools")
    if not script.exists():
        pytest.skip("the program is not installed beside this Python")
    for call in ("--demo smem -f json", "--demo smem -f github", "--demo free -f csv", "free", "smem"):
        environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
        done = subprocess.run(
            [script, *call.split()], cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0
        assert b"working directory" not in done.stdout + done.stderr


BROKEN = """
import sys, types, click
from pymemtools import cli
module = types.ModuleType("pymemtools.cli.broken")
@click.command()
def command():
    print("a report,")
    raise {error}
module.command = command
sys.modules["pymemtools.cli.broken"] = module
cli.MAP["Set the shell up"]["broken"] = "Break."
sys.argv[1:] = ["broken"]
from pymemtools.entry import main
main()
"""


def broken(error: str, redirection: str = "", **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return in_shell(
        f'"$PYTHON" -c "$SCRIPT" {redirection}', PYTHON=sys.executable, SCRIPT=BROKEN.format(error=error), **environment
    )


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        ("KeyError('a\\x1b[2Jb')", 1, r"internal error (please report this): KeyError: 'a\\x1b[2Jb'"),
        ("ValueError('a\\nb')", 1, "internal error (please report this): ValueError: a\\x0ab"),
        ("RecursionError()", 1, "internal error (please report this): RecursionError: "),
        ("OSError(2, 'No such file', '/x')", 1, "internal error (please report this): FileNotFoundError: "),
        ("MemoryError()", 1, "out of memory"),
        ("OSError(5, 'whatever')", 1, "write error: Input/output error"),
        ("__import__('pymemtools.errors').errors.Missing('7: gone\\n')", 1, "7: gone\\x0a"),
        ("__import__('pymemtools.errors').errors.UsageProblem('nonsense')", 2, "nonsense"),
        ("click.UsageError('nonsense.')", 2, "broken: nonsense; try 'pymemtools broken --help'"),
        ("click.ClickException('nonsense')", 1, "nonsense"),
        ("click.exceptions.Exit(42)", 42, None),
        ("click.exceptions.Exit(3)", 3, None),
        ("SystemExit(5)", 5, None),
    ],
)
def test_every_error_is_one_line(error: str, status: int, message: str | None) -> None:
    done = broken(error)
    assert (done.returncode, done.stdout) == (
        status,
        b"" if error == "MemoryError()" or "(5, " in error else b"a report,\n",
    )
    if message is None:
        assert done.stderr == b""
    else:
        assert done.stderr.startswith(f"pymemtools: {message}".encode())
        assert done.stderr.count(b"\n") == 1


def test_traceback_for_those_who_ask() -> None:
    for error in (
        "KeyError(1)",
        "MemoryError()",
        "OSError(5, 'x')",
        "__import__('pymemtools.errors').errors.Missing('')",
    ):
        done = broken(error, PYMEMTOOLS_DEBUG="1")
        assert done.returncode == 1
        assert done.stderr.startswith(b"Traceback (most recent call last):\n")
        assert done.stderr.splitlines()[-1].startswith(b"pymemtools: ")


def test_error_and_full_disk_at_once() -> None:
    done = broken("KeyError(1)", ">/dev/full")
    assert done.returncode == 1
    assert done.stderr == b"pymemtools: internal error (please report this): KeyError: 1\n" + NO_SPACE


def test_mistyped_names() -> None:
    done = in_shell("pymemtools fre")
    assert done.stderr == b"pymemtools: no such command 'fre' (did you mean 'free'?); try 'pymemtools --help'\n"
    done = in_shell("pymemtools $'\\e[2J'")
    assert done.stderr == b"pymemtools: no such command '\\x1b[2J'; try 'pymemtools --help'\n"
    done = in_shell("pymemtools smem --percnt")
    assert done.stderr.startswith(b"pymemtools: smem: No such option")
    assert b"--percent" in done.stderr
    assert done.stderr.endswith(b"; try 'pymemtools smem --help'\n")


def test_help_fits_80_columns_and_cuts_no_sentence() -> None:
    loop = 'for name in "$@"; do pymemtools $name --help; done'
    done = in_shell(f"set -- '' {' '.join(sorted(COMMANDS))}; {loop}", COLUMNS="80")
    usages: list[str] = []
    others: list[str] = []
    for line in done.stdout.decode().splitlines():
        (usages if line.startswith("Usage: ") else others).append(line)
    assert (done.returncode, done.stderr, len(usages)) == (0, b"", 1 + len(COMMANDS))
    assert [line for line in (*usages, *others) if len(line) > 80] == []
    assert [line for line in others if re.search(r"\w\.\.\.$", line)] == []  # "what it is..." is cut


def test_bare_call_shows_the_help() -> None:
    done = in_shell("pymemtools")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == in_shell("pymemtools --help").stdout


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("pymemtools --demo smem", 0),
        ("pymemtools smem -S /nowhere", 1),
        ("pymemtools smem -s nonsense", 2),
        ("pymemtools smem extra", 2),
        ("pymemtools free -s x", 2),
        ("pymemtools --nonsense", 2),
        ("pymemtools pmap 4194304", 42),
        ("pymemtools pmap $$ 4194304", 42),
        ("pymemtools pmap", 2),
        ('head -c 30000 "$EXAMPLE" | pymemtools smem -S -', 1),
        ('head -c 40000 "$EXAMPLE" | pymemtools smem -S - --partial', 3),
    ],
)
def test_exit_status(line: str, status: int) -> None:
    done = in_shell(line, EXAMPLE=str(HERE.parent / "pymemtools" / "data" / "example.tar.gz"))
    assert done.returncode == status
    assert done.stderr.count(b"\n") == {0: 0, 3: 2}.get(status, 1)  # 3: cut, and so a process without smaps


def test_a_process_that_cannot_be_read_is_a_warning_or_with_strict_a_status(tmp_path: Path) -> None:
    write_tree(tmp_path, Proc(7, "/bin/good"), Proc(8, "/bin/bad"))
    (tmp_path / "proc/8/smaps").write_text("nonsense\n")
    warning = b"pymemtools: 1 of 2 processes could not be read (smaps: line 1: expected a field, got 'nonsense')\n"
    plain = in_shell(f"pymemtools smem -H -c pid -S {tmp_path}")
    assert (plain.returncode, plain.stdout) == (0, b"    7 \n")
    assert plain.stderr == warning
    strict = in_shell(f"pymemtools smem -H -c pid -S {tmp_path} --strict")
    assert result(strict) == (3, plain.stdout, plain.stderr)
    document = in_shell(f"pymemtools smem -f json -S {tmp_path} --strict")
    assert (document.returncode, document.stderr) == (3, plain.stderr)
    assert b'"unreadable": 1,' in document.stdout
