"""What tests share: running the program as its users do."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from pymemtools.capture.script import script

HERE = Path(__file__).parent
CAPTURES = HERE / "captures"
# A script's background job is deaf to Ctrl-C, and so would be the programs that it starts to interrupt them.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup's children would be deaf to it
settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")
Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def pymemtools() -> Run:
    """Run the program in a process of its own."""

    def run(*arguments: str, **options: object) -> "subprocess.CompletedProcess[bytes]":
        options.setdefault("capture_output", True)
        options.setdefault("timeout", 120)
        options.setdefault("env", os.environ | {"PYTHONPATH": str(HERE.parent)})
        return subprocess.run([sys.executable, "-m", "pymemtools", *arguments], check=False, **options)  # type: ignore

    return run


@pytest.fixture(scope="session")
def capture_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the path of the script that takes captures where there is no Python."""
    path = tmp_path_factory.mktemp("script") / "capture.sh"
    path.write_text(script(), encoding="ascii")
    path.parent.chmod(0o755)
    return path
