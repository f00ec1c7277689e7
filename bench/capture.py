"""Measure taking captures beside smemcap, tar and cat, and reading them beside cat, in the same run; print ratios.

As root with unshare(1) it works in a PID namespace of its own. Times are CPU seconds, the least of interleaved runs;
sizes are of the same processes. tar stores the files of /proc empty, for their size says 0: it is given a copy.

    python bench/capture.py [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from floors import BARE, SPLITS, split_in_lines
from side_by_side import (
    INF,
    MIB,
    OURS,
    Cost,
    Line,
    at_most,
    costs_of,
    enter_own_pid_namespace,
    run,
    show,
    tried,
    verdict,
)
from subjects import children, mapper, sleepers

LARGE = 50_000  # mappings


def copied(directory: str) -> None:
    """Copy what smemcap takes of each process."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("smaps", "cmdline", "stat"):
            try:
                data = Path("/proc", pid, name).read_bytes()
            except OSError:
                continue
            Path(directory, pid).mkdir(exist_ok=True)
            Path(directory, pid, name).write_bytes(data)


def taking(directory: str, rounds: int) -> list[Line]:
    """Measure captures of a thousand processes."""
    copied(directory)
    everything = "cd /proc && cat [0-9]*/{} > /dev/null 2>&1 || true"
    files = "{smaps,smaps_rollup,maps,status,stat,statm,cmdline,comm,cgroup,oom_score,oom_score_adj}"
    commands = {
        "full": [*OURS, "capture", "-o", "-"],
        "full.gz": [*OURS, "capture", "--force", "-o", f"{directory}/a.tar.gz"],
        "compat": [*OURS, "capture", "--compat", "smemcap", "-o", "-"],
        "start-up": [*OURS, "capture", "--help"],
        "cat": ["bash", "-c", everything.replace("{}", files)],
        "cat smemcap's": ["bash", "-c", everything.replace("{}", "{smaps,cmdline,stat}")],
        "tar of a copy": ["tar", "-cf", "-", "-C", directory, "."],
    }
    if shutil.which("smemcap"):
        commands["smemcap"] = ["smemcap"]
    costs = dict(zip(commands, costs_of(list(commands.values()), rounds)))
    lines = [
        at_most("capture", costs["full"].cpu, costs["cat"].cpu, "cat of the same files", INF),
        at_most("capture -o a.tar.gz", costs["full.gz"].cpu, costs["cat"].cpu, "cat of the same files", INF),
        at_most("capture --compat smemcap", costs["compat"].cpu, costs["cat smemcap's"].cpu, "cat", INF),
        at_most("capture --compat smemcap", costs["compat"].cpu, costs["tar of a copy"].cpu, "tar of a copy", INF),
    ]
    if "smemcap" in costs:
        lines.append(at_most("capture --compat smemcap", costs["compat"].cpu, costs["smemcap"].cpu, "smemcap", INF))
    return [*lines, memory("capture, peak above start-up", costs["full"], costs["start-up"])]


def the_script(directory: str, rounds: int) -> list[Line]:
    """Measure the script, for machines without Python, on a thousand processes."""
    script = Path(directory, "capture.sh")
    script.write_bytes(subprocess.run([*OURS, "capture", "--script"], stdout=subprocess.PIPE, check=True).stdout)
    shells = {"busybox": ["busybox", "sh"], "dash": ["dash"], "mksh": ["mksh"]}
    found = {name: [*shell, str(script)] for name, shell in shells.items() if shutil.which(name)}
    ours, *costs = costs_of([[*OURS, "capture", "-o", "-"], *found.values()], rounds)
    lines = []
    for name, cost in zip(found, costs):
        most = 3.0 if name == "busybox" else INF
        lines.append(at_most(f"the script under {name} (wall)", cost.wall, ours.wall, "capture", most))
        lines.append(at_most(f"the script under {name} (CPU)", cost.cpu, ours.cpu, "capture", most))
    return lines


def memory(what: str, cost: Cost, bare: Cost) -> Line:
    """Say how much more memory a run took than starting up."""
    above = (cost.peak - bare.peak) / MIB
    return Line(what, f"{above:.0f} MiB", f"{bare.peak / MIB:.0f} MiB", "", "<= 32 MiB", verdict(above <= 32))


def one_large(rounds: int) -> list[Line]:
    """Measure the memory that taking one process with very many mappings needs."""
    large, bare = costs_of([[*OURS, "capture", "-o", "-"], [*OURS, "capture", "--help"]], min(rounds, 3))
    return [memory(f"capture of {LARGE} mappings, peak above start-up", large, bare)]


def reading(directory: str, rounds: int) -> list[Line]:
    """Measure smem on what smemcap's layout and ours hold, plain and packed."""
    lines = []
    for name, options in (("b.tar", ["--compat", "smemcap"]), ("c.tar", []), ("d.tar.gz", [])):
        path = f"{directory}/{name}"
        run([*OURS, "capture", *options, "--force", "-o", path])
        is_packed = name.endswith("gz")
        cat = ["zcat" if is_packed else "cat", path]
        commands = [[*OURS, "smem", "-S", path], [*OURS, "smem", "--help"], cat, BARE]
        if not is_packed:
            commands.append(split_in_lines(path))
        ours, start, floor, bare, *split = costs_of(commands, rounds)
        above = ours.cpu - start.cpu
        layout = f"{'smemcap' if options else 'our'} layout{', gz' if is_packed else ''}"
        what = f"smem -S, {layout}, {Path(path).stat().st_size / MIB:.0f} MiB: above start-up"
        lines.append(at_most(what, above, floor.cpu, cat[0], INF))
        lines += [at_most(what, above, each.cpu - bare.cpu, "split in lines", SPLITS) for each in split]
        lines.append(memory(f"smem -S, {layout}: peak above start-up", ours, start))
        if not is_packed:
            lines += opening(path, layout, min(rounds, 3))
    return lines


_OPEN = "import sys\nfrom pymemtools.sources import archive, open_source\nfor _ in range({}): open_source(sys.argv[1])"
_LIST = "import sys, tarfile\nfor _ in range({}): tarfile.open(sys.argv[1]).getmembers()"


def opening(path: str, layout: str, rounds: int) -> list[Line]:
    """Measure finding what a plain archive holds beside Python's tarfile, ten times, without their imports."""
    programs = (_OPEN.format(10), _OPEN.format(0), _LIST.format(10), _LIST.format(0))
    ours, start, theirs, their_start = costs_of([[sys.executable, "-c", each, path] for each in programs], rounds)
    above, floor = ours.cpu - start.cpu, theirs.cpu - their_start.cpu
    return [at_most(f"open archive, {layout}, x 10", above, floor, "tarfile", 0.30)]


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often each command is run [7]")
    rounds = parser.parse_args().rounds
    enter_own_pid_namespace()
    with tempfile.TemporaryDirectory() as directory:
        with children(sleepers):
            lines = tried(taking, directory, rounds) + tried(reading, directory, rounds)
            lines += tried(the_script, directory, rounds)
        with children(mapper(LARGE)):
            lines += tried(one_large, rounds)
    show(lines, rounds)


if __name__ == "__main__":
    main()
