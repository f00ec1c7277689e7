"""Golden transcripts: calls of pmap on the processes of a machine, each with its whole output."""

import pytest
from conftest import HERE

MACHINES = HERE / "pmap"


def transcripts(name: str) -> list[object]:
    """Give machine, arguments and output of every call, as parameters of a test."""
    cases: list[object] = []
    for path in sorted(MACHINES.glob(f"*/{name}.transcript")):
        for call in path.read_text().split("$ pmap ")[1:]:
            arguments, _, output = call.partition("\n")
            cases.append(pytest.param(path.parent.name, arguments, output, id=f"{path.parent.name}: {arguments}"))
    return cases
