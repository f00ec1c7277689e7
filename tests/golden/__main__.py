"""``python -m tests.golden``: what differs from the corpus, as a diff; ``--record`` makes it the corpus.

``-k WORD`` looks at the calls that hold WORD only.
"""

from __future__ import annotations

import difflib
import json
import lzma
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
from golden.corpus import HERE, cases, lay_out, recorded, run


def _text(done: dict[str, Any]) -> list[str]:
    text = f"exit {done['exit']}\n--- stderr\n{done['err']}--- stdout\n{done['out']}"
    return (text + "".join(f"--- {name}\n{content}" for name, content in done["files"].items())).splitlines()


def differences(was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    """Give a diff for each call that is not, or not any more, what was recorded."""
    for call in sorted({*was, *now}):
        old, new = was.get(call), now.get(call)
        if old != new:
            lines = difflib.unified_diff(_text(old) if old else [], _text(new) if new else [], n=0, lineterm="")
            yield "\n".join([f"=== {call}", *list(lines)[2:]])


def _main(arguments: list[str]) -> int:
    word = arguments[arguments.index("-k") + 1] if "-k" in arguments else ""
    chosen = [case for case in cases() if word in case.name]
    known, differing = recorded(), 0
    with tempfile.TemporaryDirectory() as place:
        lay_out(Path(place))
        done = run(chosen, Path(place))
    for command in dict.fromkeys(case.command for case in chosen):
        now = {case.name: done[case.name] for case in chosen if case.command == command}
        was = {call: each for call, each in known.get(command, {}).items() if word in call}
        for difference in differences(was, now):
            differing += 1
            print(difference)
        if "--record" in arguments:
            kept = {call: each for call, each in known.get(command, {}).items() if word and word not in call}
            text = json.dumps(dict(sorted({**kept, **now}.items())), indent=0).encode()
            (HERE / f"{command}.json.xz").write_bytes(lzma.compress(text, preset=9))
    print(f"{len(chosen)} calls, {differing} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(_main(sys.argv[1:]))
