"""swap: who is swapped out, to where, and what swapoff would take. The machine is ``captures/odd/swapped``."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
from conftest import CAPTURES, Run

SWAPPED = CAPTURES / "odd" / "swapped"
ZRAM = CAPTURES / "odd" / "zram"
KIB = 1024
TEXT = """\
    PID User       SwapPSS      Swap Command
     20 0            30000     40000 /usr/bin/parent
     21 0            30000     40000 /usr/bin/child
     30 0                -      5000 /usr/bin/other

Swap in use     100000  of 1048568
processes        65000  their SwapPSS, or Swap where that is not known
remainder        35000  shared memory in swap (tmpfs, memfd, SysV), what is in
                        RAM again with its slot kept, processes not read
swap cache        2000  in RAM again with its slot kept, some of it above

Area                     Kind            Size       Used  Prio
/dev/sda2                partition     524284     100000    -2
/swap file\\x09x          file          524284          0    -3

zswap keeps 29.3 MiB of that in 9.8 MiB of RAM, 0.33 a byte.

swapoff would read 95.7 MiB back, in less than 0.1 s to 2.3 min
  if disks give 512.0 KiB to 2.0 GiB a second
  if compressed swap gives 100.0 MiB to 4.0 GiB a second
  RAM that takes: 85.9 MiB to 95.7 MiB
  available:      293.0 MiB
  it fits
  the kernel refuses it (vm.overcommit_memory is 2): too much is promised
"""
WARNINGS = b"""\
pymemtools: swap: 1 of 4 processes could not be read (no smaps)
pymemtools: swap: of processes that could not be read VmSwap counts: memory shared after a fork whole for each
"""


def ask(pymemtools: Run, *args: str) -> dict[str, Any]:
    done = pymemtools("swap", *args, "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def nameless(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who owns it here."""
    member.uid, member.uname = 0, ""
    return member


def changed(tmp_path: Path, name: str, before: str, after: str) -> str:
    place = tmp_path / "changed"
    shutil.copytree(SWAPPED, place)
    file = place / "proc" / name
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))
    return str(place)


def test_all_of_it(pymemtools: Run) -> None:
    done = pymemtools("swap", "-S", str(SWAPPED))
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, TEXT, WARNINGS)
    assert max(map(len, TEXT.splitlines())) <= 80  # lines that are wrapped by hand are not wrapped again


def test_an_archive_tells_the_same(pymemtools: Run, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "swapped.tar", "w") as archive:
        archive.add(SWAPPED, ".", filter=nameless)
    assert pymemtools("swap", "-S", str(tmp_path / "swapped.tar")).stdout.decode() == TEXT


def test_the_first_of_them(pymemtools: Run) -> None:
    found = ask(pymemtools, "-S", str(SWAPPED), "--top", "1")
    assert [row["pid"] for row in found["rows"]] == [20]
    assert found["totals"]["swap_processes"] == 65000 * KIB
    assert b"\nand 2 more\n" in pymemtools("swap", "-S", str(SWAPPED), "--top", "1").stdout


def test_what_could_not_be_read_is_a_matter_of_strictness(pymemtools: Run) -> None:
    assert pymemtools("swap", "-S", str(SWAPPED), "--strict").returncode == 3


def test_how_fast_disks_are_may_be_said(pymemtools: Run) -> None:
    """70,000 KiB are on disks, of which 2000 need not be read, or these are zswap's; 30,000 KiB are zswap's."""
    totals = ask(pymemtools, "-S", str(SWAPPED), "--rate", "1000K")["totals"]
    least, most = 70 + 30000 / (4 << 20) - 2, 70 + 30000 / (100 << 10)
    assert totals["swapoff_seconds"] == [round(least, 3), round(most, 3)]
    assert totals["assumed_disk_rates"] == [1000 * KIB] * 2


def test_what_does_not_fit(pymemtools: Run, tmp_path: Path) -> None:
    place = changed(tmp_path, "meminfo", "MemAvailable:     300000", "MemAvailable:      87999")
    assert ask(pymemtools, "-S", place)["totals"]["swapoff_fits"] is False


def test_what_may_fit(pymemtools: Run, tmp_path: Path) -> None:
    """zswap's pool goes, but when?"""
    place = changed(tmp_path, "meminfo", "MemAvailable:     300000", "MemAvailable:      88000")
    assert ask(pymemtools, "-S", place)["totals"]["swapoff_fits"] is None


def test_the_kernel_refuses_by_what_is_promised_only_in_mode_2(pymemtools: Run, tmp_path: Path) -> None:
    place = changed(tmp_path, "sys/vm/overcommit_memory", "2", "0")
    assert ask(pymemtools, "-S", place)["totals"]["swapoff_refused"] is False


def test_zram_gives_its_ram_back(pymemtools: Run) -> None:
    totals = ask(pymemtools, "-S", str(ZRAM))["totals"]
    size, (least, most) = 4999000 * KIB, totals["swapoff_ram"]
    assert (totals["swapoff_size"], most) == (size, size)
    assert size - least == int((ZRAM / "sys/block/zram0/mm_stat").read_text().split()[2])
    assert totals["areas"][0]["ratio"] == pytest.approx(0.43, abs=0.005)
    assert totals["assumed_disk_rates"] is None


def test_a_kernel_without_swap_pss(pymemtools: Run, tmp_path: Path) -> None:
    place = tmp_path / "old"
    shutil.copytree(SWAPPED, place)
    for file in place.glob("proc/*/smaps_rollup"):
        file.write_text("".join(line for line in file.read_text().splitlines(True) if "SwapPss" not in line))
    (place / "proc" / "30" / "status").unlink()
    found = ask(pymemtools, "-S", str(place))
    assert [(row["pid"], row["swap_pss"]) for row in found["rows"]] == [(20, None), (21, None)]
    assert found["totals"]["swap_processes"] == 80000 * KIB
    said = "the kernel tells no SwapPss (Linux 4.3): memory shared after a fork counts whole for each"
    assert found["notes"] == [said]


def test_more_than_there_is(pymemtools: Run, tmp_path: Path) -> None:
    place = changed(tmp_path, "meminfo", "SwapFree:         948568", "SwapFree:        1000000")
    found = ask(pymemtools, "-S", place)
    assert found["totals"]["swap_remainder"] == (48568 - 65000) * KIB
    assert found["notes"][-1].startswith("processes have more in swap than there is: ")


def test_what_processes_have_in_swap_is_unknown_where_there_are_none(pymemtools: Run) -> None:
    totals = ask(pymemtools, "-S", str(ZRAM))["totals"]
    assert (totals["swap_processes"], totals["swap_remainder"]) == (None, None)
    text = pymemtools("swap", "-S", str(ZRAM)).stdout.decode()
    assert "\nprocesses            -  " in f"\n{text}"


def test_a_machine_without(pymemtools: Run) -> None:
    assert pymemtools("--demo", "swap").stdout == b"No swap.\n"


def test_no_rate_is_none(pymemtools: Run) -> None:
    done = pymemtools("swap", "--rate", "0")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"'--rate': a rate of nothing; try" in done.stderr


def test_a_rate_without_a_unit_is_asked_after(pymemtools: Run) -> None:
    done = pymemtools("swap", "--rate", "50")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"'--rate': 50 bytes a second? Write 50M, or 50B; try" in done.stderr
