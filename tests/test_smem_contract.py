"""smem -S is byte for byte what upstream smem 1.5 prints for the same capture."""

import shlex

import pytest
from conftest import CAPTURES, Run


def _cases() -> list[object]:
    cases: list[object] = []
    for index in sorted(CAPTURES.glob("*/expected-smem/INDEX.tsv")):
        machine = index.parent.parent.name
        for line in index.read_text().splitlines():
            file, status, options = line.split("\t")
            cases.append(pytest.param(machine, file, int(status), options, id=f"{machine}: smem {options}"))
    return cases


@pytest.mark.parametrize(("machine", "file", "status", "options"), _cases())
def test_same_bytes_as_smem(pymemtools: Run, machine: str, file: str, status: int, options: str) -> None:
    done = pymemtools("smem", "-S", str(CAPTURES / machine / "smemcap.tar.gz"), *shlex.split(options))
    assert done.stderr == b""
    assert done.stdout == (CAPTURES / machine / "expected-smem" / file).read_bytes()
    assert done.returncode == status
