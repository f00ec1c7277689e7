"""sysstat's sadc and sar, made to read the vmstat and the uptime of a test: in a mount namespace of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SADC = "/usr/lib/sysstat/sadc"
_NAMESPACE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
_TAKE = """\
mount --bind "$1" /proc/vmstat && mount --bind "$2" /proc/uptime && exec "$3" -F 1 1 "$4"
"""


class Snapshot(NamedTuple):
    """What the kernel would say at one moment; none: the machine is started."""

    vmstat: str
    uptime: str


START = Snapshot("", "")


def why_not(place: Path) -> str:
    """Say why sadc cannot be made to read our files; nothing where it can."""
    if not (shutil.which("sar") and shutil.which("unshare") and os.path.exists(SADC)):
        return "sysstat is not installed"
    if not subprocess.run(["sar", "-V"], capture_output=True, text=True, check=False).stdout.startswith(
        "sysstat version 12.6"
    ):
        return "another sysstat than 12.6 counts otherwise"
    _write(place, Snapshot("pgfault 1\n", "1.00 1.00\n"))
    done = _take(place, place / "tried.sa")
    return "" if done.returncode == 0 else f"no mount namespace here: {done.stderr.strip()}"


def recorded(place: Path, snapshots: Sequence[Snapshot]) -> Path:
    """Have sadc write a file of them."""
    file = place / "day.sa"
    for snapshot in snapshots:
        if snapshot is START:
            subprocess.run([SADC, str(file)], check=True)
            continue
        _write(place, snapshot)
        done = _take(place, file)
        assert done.returncode == 0, done.stderr
    return file


def sar(file: Path, **environment: str) -> str:
    """Print what sar has to say of paging."""
    call = ["sar", "-B", "-f", str(file)]
    return subprocess.run(call, env=_plain() | environment, capture_output=True, text=True, check=True).stdout


def sadf(file: Path, *options: str) -> bytes:
    """Print the file as JSON."""
    return subprocess.run(
        ["sadf", "-j", str(file), "--", *options], env=_plain(), capture_output=True, check=True
    ).stdout


def _plain() -> dict[str, str]:
    names = ("LANG", "LANGUAGE", "TZ", "S_TIME_FORMAT", "S_COLORS")
    return {name: text for name, text in os.environ.items() if name not in names and not name.startswith("LC_")}


def _write(place: Path, snapshot: Snapshot) -> None:
    (place / "vmstat").write_text(snapshot.vmstat)
    (place / "uptime").write_text(snapshot.uptime)


def _take(place: Path, file: Path) -> subprocess.CompletedProcess[str]:
    call = [*_NAMESPACE, "sh", "-c", _TAKE, "sh", str(place / "vmstat"), str(place / "uptime"), SADC, str(file)]
    return subprocess.run(call, capture_output=True, text=True, check=False)
