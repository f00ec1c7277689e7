"""pmap beside twenty processes with names made to hide, to crash or to forge: every mapping is there, on one line."""

import json
import os
import subprocess
import sys
from shlex import quote

import pytest
from conftest import HERE

sys.path.insert(0, str(HERE / "hostile"))
from crowd import KINDS

CALLS = {
    "text": ("", "-x", "-d", "-p", "-X", "-XX", "-XX -p", "--explain -XX", "--group file --merge", "--rollup"),
    "programs": ("-f csv", "-x -f jsonl", "-X -f github", "--group file -f csv", "--rollup -f csv"),
}
NAMES = {  # as the kernel writes it, and then as it is to be seen
    "esc": r"\x1b[31mesc\x07",
    "nl": r"nl\x0d\012\x08x",
    "bad8": r"bad8\xff\xfe",
    "c1": r"c1\u009b31m\x9b\x7f",
    "bidi": r"bi\u202edi\u200b\u2066",
    "kbmap": "dump kB",
    "kbmap2": "Pss: 99 kB",
    "nlmap": r"n\012Rss: 9999 kB",
    "bad8map": r"map\xff\xfecaf\xe9",
    "escmap": r"\x1b[2J\x1b]0;map\x07",
    "paren": "a) S 1 (b c",
    "csv": r"""=1+1,"x";\x09'|""",
    "sgml": r"<b>&amp;\\x41%s",
    "delmap": "del (deleted)",
    "spacemap": " sp  ace ",
    "colonmap": "c: 1: 2 kB: ",
    "gone": "gone (deleted)",
}


class Crowd:
    """What each call said beside the crowd, about all processes there were."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        calls = [call for calls in CALLS.values() for call in calls]
        shell = f"cd /proc; exec {quote(sys.executable)} -m pymemtools pmap"
        done = subprocess.run(
            ["unshare", "-pf", "--mount-proc", sys.executable, HERE / "hostile" / "crowd.py", directory],
            input=json.dumps([["sh", "-c", f"{shell} {call} [0-9]*"] for call in calls]).encode(),
            env=os.environ | {"PYTHONPATH": str(HERE.parent)},
            capture_output=True,
            timeout=120,
            check=True,
        )
        told = json.loads(done.stdout)
        self.pids = told["pids"]
        self.results = dict(zip(calls, told["results"]))

    def output(self, call: str) -> str:
        status, output, complaint = self.results[call]
        assert bytes.fromhex(complaint) in (b"", self.no_rollup())
        assert status == 0
        return bytes.fromhex(output).decode("utf-8")

    def no_rollup(self) -> bytes:
        """Give the note on the one process whose threads have no smaps_rollup of their own."""
        text = f"pymemtools: pmap: {self.pids['headless']}: no smaps_rollup: the figures are sums over smaps\n"
        return text.encode()


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    try:
        subprocess.run(["unshare", "-pf", "--mount-proc", "true"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("PID namespaces are not allowed here")
    return Crowd(str(tmp_path_factory.mktemp("crowd")))


@pytest.mark.parametrize("call", [call for calls in CALLS.values() for call in calls])
def test_no_output_holds_a_control_character(crowd: Crowd, call: str) -> None:
    assert [line for line in crowd.output(call).split("\n") if not line.isprintable()] == []


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("call", ["", "-x", "-d", "-X", "-XX"])
def test_every_mapping_is_one_line_of_its_process(crowd: Crowd, call: str, kind: str) -> None:
    blocks = crowd.output(call).split(f"\n{crowd.pids[kind]}:   ")
    lines = blocks[1].split("\n")
    assert sum(line.endswith(f" {NAMES[kind]}") for line in lines) in (4, 5)  # as cat was linked


@pytest.mark.parametrize("kind", KINDS)
def test_for_programs_a_name_is_what_it_is(crowd: Crowd, kind: str) -> None:
    file = KINDS[kind].file.replace(b"\n", b"\\012") + (b" (deleted)" if KINDS[kind].is_deleted else b"")
    rows = [json.loads(line) for line in crowd.output("-x -f jsonl").splitlines()]
    own = [
        row for row in rows if row["pid"] == crowd.pids[kind] and os.fsencode(row["path"]).rpartition(b"/")[2] == file
    ]
    assert [row["kind"] for row in own][-4:] == ["text", "rodata", "relro", "data"]
    assert sum(row["rss"] for row in own) > 0


def test_a_process_whose_main_thread_has_ended_is_shown_all_the_same(crowd: Crowd) -> None:
    block = crowd.output("").split(f"\n{crowd.pids['headless']}:   ")[1].split("\n total ")[0]
    assert block.count("\n") > 20
    assert "[ anon ]" in block
