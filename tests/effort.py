"""What work costs beside other work, in the same run: no figure of it is a second."""

import time
from collections.abc import Callable


def times_the_effort(work: Callable[[], object], beside: Callable[[], object]) -> float:
    """Divide the processor time of one by that of the other, each the least of three."""
    return _least(work) / _least(beside)


def _least(work: Callable[[], object]) -> float:
    costs = []
    for _ in range(3):
        start = time.process_time()
        work()
        costs.append(time.process_time() - start)
    return max(min(costs), 1e-4)
