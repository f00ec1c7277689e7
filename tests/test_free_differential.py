"""free is byte for byte what /usr/bin/free prints of the same /proc/meminfo.

The real program cannot be pointed at a file, so each meminfo is bind-mounted over /proc/meminfo in a mount namespace
of its own. Where procps invents (0 for what the kernel does not say) test_free.py has the answers instead.
"""

import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from pymemtools.cli import cli

pytestmark = pytest.mark.alone

UNITS = ("", "-b", "-k", "-m", "-g", "--tebi", "--pebi", "--kilo", "--mega", "--giga", "--tera", "--peta", "-h")
ROWS = ("", "-w", "-t", "-l", "-v", "-lw", "-tv", "-lwtv", "--si", "--si -lwtv")
OPTIONS = [f"{unit} {rows}" for unit in UNITS for rows in ROWS] + [
    "-h -m",
    "-g -h",
    "-hwltv",
    "--tot --hum --wi",
    "--b",
    "--mebi",
]

FIXTURE_A = {
    "MemTotal": 16303456,
    "MemFree": 1234568,
    "MemAvailable": 9876544,
    "Buffers": 345676,
    "Cached": 7654320,
    "SwapTotal": 2097148,
    "SwapFree": 1572860,
    "Shmem": 456780,
    "Slab": 987652,
    "SReclaimable": 654320,
    "CommitLimit": 10248876,
    "Committed_AS": 12345680,
}
CASES = {
    "A": FIXTURE_A,
    "container with the host's figures": FIXTURE_A
    | {"MemTotal": 1000, "MemFree": 400, "MemAvailable": 5000, "Cached": 900, "SwapTotal": 10, "SwapFree": 50},
    "no swap": FIXTURE_A | {"SwapTotal": 0, "SwapFree": 0},
    "32-bit": FIXTURE_A | {"LowTotal": 800000, "LowFree": 300000, "HighTotal": 15503456, "HighFree": 934568},
    "more high memory free than there is": FIXTURE_A | {"HighTotal": 10, "HighFree": 20, "LowTotal": 5, "LowFree": 9},
    "all zero": dict.fromkeys(FIXTURE_A, 0) | {"MemTotal": 0},
    "tebibytes": {key: value << 20 for key, value in FIXTURE_A.items()},
    "pebibytes": {key: value << 18 for key, value in FIXTURE_A.items()},
    "borders": dict(
        zip(FIXTURE_A, (1099511627775, 10433332, 10189, 1024000, 10138, 10240, 999, 1000, 9, 1023, 99, 1535))
    ),
}

BAD_SECONDS = (
    *("0", "-1", "0.0000001", ",", "-", "-.", "+,"),
    *("abc", "x", "-x", "1e1", "0x1", "inf", "1 "),
    *("1.5x", "1.a", "..", "1,5,6", "-0.5x", "1.5 ", "", " ", "\t\v0"),
)
BAD_COUNTS = (
    *("0", "-2", "+0", "0" * 30, "99999999999999999999", "-99999999999999999999"),
    *("abc", "1.5", "0x1", "1e0", "-", "+", " ", "2 ", " 2x"),
)


def _random_case(seed: int) -> dict[str, int]:
    """Draw figures of every length; no more free or available than there is, and no more than 4 PiB: beyond that
    procps divides by 1000 with a rounding error, where pymemtools is exact."""
    draw = random.Random(seed)
    amounts = {key: int(2 ** draw.uniform(0, 42)) for key in FIXTURE_A}
    amounts["MemTotal"] = max(amounts["MemTotal"], 2)
    for key in ("MemFree", "MemAvailable"):
        amounts[key] = draw.randint(1, amounts["MemTotal"])
    amounts["HighTotal"] = draw.choice((0, amounts["MemTotal"] // 2))
    amounts["HighFree"] = draw.randint(0, amounts["HighTotal"])
    return amounts


CASES |= {f"random {seed}": _random_case(seed) for seed in range(12)}


NAMESPACE = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]


@pytest.fixture(scope="module")
def free() -> str:
    """Find the oracle: procps 4.0.1 to 4.0.5."""
    found = shutil.which("free")
    if found is None:
        pytest.skip("free is not installed")
    version = subprocess.run([found, "-V"], capture_output=True, text=True, check=False).stdout.strip()
    if not re.search(r" 4\.0\.[1-5]$", version):
        pytest.skip(f"{version!r} is not the free of procps 4.0.1 to 4.0.5 (4.0.6 wraps a negative commit)")
    return found


@pytest.fixture(scope="module")
def frozen_free(free: str) -> str:
    """Find the oracle on a machine that lets us mount over /proc/meminfo."""
    done = subprocess.run(
        [*NAMESPACE, "mount", "--bind", "/dev/null", "/proc/meminfo"], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("this machine does not let us mount a file over /proc/meminfo")
    return free


def _outputs(free: str, meminfo: Path, options: list[str]) -> Iterator[tuple[str, int, bytes]]:
    """Run the real free with each set of options, all in one namespace where /proc/meminfo is that file."""
    script = """
        mount --bind "$1" /proc/meminfo || exit 99
        free=$2
        shift 2
        for options; do $free $options; printf '\\036%s\\035' $?; done
    """
    done = subprocess.run(
        [*NAMESPACE, "sh", "-c", script, "sh", str(meminfo), free, *options],
        capture_output=True,
        check=True,
        env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
    )
    assert done.stderr == b""
    for option, output in zip(options, done.stdout.split(b"\x1d")):
        text, _, status = output.partition(b"\x1e")
        yield option, int(status), text


def _write(directory: Path, amounts: dict[str, int]) -> Path:
    meminfo = directory / "meminfo"
    meminfo.write_text("".join(f"{key + ':':<15} {value:>8} kB\n" for key, value in amounts.items()))
    return meminfo


@pytest.mark.parametrize("amounts", CASES.values(), ids=CASES)
def test_same_table(frozen_free: str, tmp_path: Path, amounts: dict[str, int]) -> None:
    runner = CliRunner()
    for options, status, expected in _outputs(frozen_free, _write(tmp_path, amounts), OPTIONS):
        done = runner.invoke(cli, ["free", "-S", str(tmp_path), *options.split()], standalone_mode=False)
        assert (options, done.return_value, done.stdout_bytes) == (options, status, expected)


@pytest.mark.parametrize("options", ["-c 2 -s 0.01", "-s.01 -c2 -m", "--seconds=0,01 --count 1 -lt", "-hc 1"])
def test_same_samples(frozen_free: str, tmp_path: Path, options: str) -> None:
    (_, status, expected) = next(_outputs(frozen_free, _write(tmp_path, FIXTURE_A), [options]))
    done = CliRunner().invoke(cli, ["free", "-S", str(tmp_path), *options.split()], standalone_mode=False)
    assert (done.return_value, done.stdout_bytes) == (status, expected)


@pytest.mark.parametrize(
    "arguments",
    [("-s", text) for text in BAD_SECONDS] + [("-c", text) for text in BAD_COUNTS] + [("-k", "-k"), ("-m", "--giga")],
)
def test_same_complaint(free: str, arguments: tuple[str, ...]) -> None:
    """The words are procps's; the status is 2, as for every wrong call of this program."""
    real = subprocess.run([free, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert real.returncode == 1
    done = CliRunner().invoke(cli, ["free", *arguments], standalone_mode=False)
    assert (done.exit_code, str(done.exception)) == (1, real.stderr.removesuffix("\n"))
    assert getattr(done.exception, "exit_status", None) == 2


@pytest.mark.parametrize("text", ["1", ".01", "5.", "0,01", "+0.01", " 1", "\t1", "010", "99999999"])
def test_same_numbers_are_accepted(free: str, text: str) -> None:
    for arguments in (["-s", text, "-c", "1"], ["-c", "1", "-c", " +1", "-s", text]):
        assert subprocess.run([free, *arguments], capture_output=True, timeout=120, check=False).returncode == 0
        assert CliRunner().invoke(cli, ["free", *arguments], standalone_mode=False).return_value == 0
