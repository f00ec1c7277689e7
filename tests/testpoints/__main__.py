"""Run a file of test points through the models: ``python -m tests.testpoints FILE``."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

from .adapters import ADAPTERS
from .cache_adapters import completed
from .judge import EXACT, FAILED, NOT_APPLICABLE, WITHIN, Case, Verdict, case_of, judge


def main(path: str) -> int:
    """Print a line for each model, each case that failed or does not apply, and the sum; 1 when one failed."""
    try:
        points = json.loads(Path(path).read_text())["testpoints"]
        folder = Path(path).resolve().parent
        cases = [case_of({**point, "inputs": completed(point, points)}, folder) for point in points]
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{path}: no test points: {error}", file=sys.stderr)
        return 2
    verdicts = [(case, judge(case, ADAPTERS)) for case in cases]
    _print_models(verdicts)
    for case, verdict in verdicts:
        if verdict.status in (FAILED, NOT_APPLICABLE):
            print(f"{verdict.status}: {case.id}: {'; '.join(verdict.remarks)}")
    count = {status: sum(verdict.status == status for _, verdict in verdicts) for status in _ORDER}
    print(
        f"{len(cases)} cases, {count[EXACT]} exact, {count[WITHIN]} within tolerance, {count[FAILED]} failed, "
        f"{count[NOT_APPLICABLE]} not applicable"
    )
    return 1 if count[FAILED] else 0


_ORDER = (EXACT, WITHIN, FAILED, NOT_APPLICABLE)


def _print_models(verdicts: list[tuple[Case, Verdict]]) -> None:
    models: dict[str, list[Verdict]] = defaultdict(list)
    for case, verdict in verdicts:
        models[case.model].append(verdict)
    print(f"{'model':<26} {'cases':>5} {'exact':>5} {'within':>6} {'failed':>6} {'n/a':>4}  worst error")
    for model, found in models.items():
        counts = [sum(verdict.status == status for verdict in found) for status in _ORDER]
        worst = max((verdict.error for verdict in found), default=0)
        print(f"{model:<26} {len(found):>5} {counts[0]:>5} {counts[1]:>6} {counts[2]:>6} {counts[3]:>4}  {worst:.6g}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.testpoints FILE")
    sys.exit(main(sys.argv[1]))
