"""What every command prints of frozen sources, in every mode and format: as recorded, to the byte.

``python -m tests.golden`` shows what differs; ``--record`` makes that the corpus, to be reviewed like a change of code.
"""

from pathlib import Path

import pytest
from golden.__main__ import differences
from golden.corpus import cases, lay_out, recorded, run

COMMANDS = sorted({case.command for case in cases()})


@pytest.mark.parametrize("command", COMMANDS)
def test_prints_what_was_recorded(command: str, tmp_path: Path) -> None:
    lay_out(tmp_path)
    now = run([case for case in cases() if case.command == command], tmp_path)
    found = list(differences(recorded()[command], now))
    assert not found, f"{len(found)} calls differ:\n" + "\n".join(found[:5])
