"""What each reading command says of a moment of a recording, beside what it says of a capture of the same moment.

Text for text, but for what differs by design: ``faults`` tells the rates of the interval before a moment, where a
capture has but the means since the start; ``info`` tells of the recording.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import CAPTURES, Run
from test_catalog import CALLS

from pymemtools.capture.recording import Tick, Writer
from pymemtools.sources import open_source
from pymemtools.sources.base import since_1970

CAPTURE = str(CAPTURES / "x86_64-7.2" / "selftest.tar.gz")
PID = "177"
OTHERWISE = {"faults", "info"}
# With maps of nobody: what is then not there, answered from the rollup or refused, and said, is in test_record.py.
BY_MAPS = ("smem", "pmap", "status", "cache", "thp", "ksm", "selftest", "vgraph", "what-if fork", "what-if overcommit")


def record(path: Path, *, has_maps: bool) -> str:
    """Sample the capture once, as if it were a machine that runs."""
    source = open_source(CAPTURE)
    assert source.facts.taken_at is not None
    about = {"page_size": source.facts.page_size, "every_s": 10}
    with Writer(str(path), about, maps_of=source.pids() if has_maps else ()) as writer:
        writer.sample(source, Tick(since_1970(source.facts.taken_at), 1000))
    return str(path)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, str]:
    folder = tmp_path_factory.mktemp("replay")
    return {has_maps: record(folder / f"{has_maps}.rec", has_maps=has_maps) for has_maps in (True, False)}


def said(run: Run, call: str, source: str) -> tuple[int, str, list[str]]:
    """Ask a source, and give status, text and what else was said; the moment of a recording is."""
    done = run(*call.replace("PID", PID).split(), "-S", source)
    others = done.stderr.decode().replace(source, "SOURCE").splitlines()
    told = [line for line in others if not line.startswith("pymemtools: SOURCE: sample 1, taken ")]
    return done.returncode, done.stdout.decode().replace(source, "SOURCE"), told


@pytest.mark.parametrize("question", [question for question in CALLS if question not in OTHERWISE])
def test_a_moment_is_answered_as_a_capture_of_it(question: str, recordings: dict[bool, str], pymemtools: Run) -> None:
    for way in CALLS[question]:
        call = f"{question} {way}"
        expected = said(pymemtools, call, CAPTURE)
        assert said(pymemtools, call, recordings[True]) == expected
        if not question.startswith(BY_MAPS):
            assert said(pymemtools, call, recordings[False]) == expected
