"""Take captures into a dataset: found, known by their content, read in batches by as many processes as one likes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from pymemtools.errors import MemtoolsError
from pymemtools.fleet.dataset import Dataset, empty_rows, write_batch
from pymemtools.fleet.found import NAMES, Found, find_captures, identified
from pymemtools.fleet.rows import Origin, Rows, as_utf8, rows_of_capture
from pymemtools.fleet.schema import needed
from pymemtools.sources.base import Source

BATCH = 100  # captures: some 20,000 rows
_RETRIES = 3  # of a batch whose worker died


class Wishes(NamedTuple):
    """What is said of captures from outside."""

    labels: Mapping[str, str] = {}
    inventory: Mapping[str, Mapping[str, str]] = {}  # labels by host
    host_from: str = "file"  # or "path", or "label"
    max_bytes: int = 1 << 30


class Outcome(NamedTuple):
    """What came of a batch, or of a whole run."""

    captures: int = 0
    rejected: int = 0
    rows: int = 0

    def plus(self, other: Outcome) -> Outcome:
        """Add up."""
        return Outcome(*map(sum, zip(self, other)))


class Work(NamedTuple):
    """A batch: the unit of work, of commit and of retry."""

    root: str
    captures: Sequence[Found]
    wishes: Wishes

    @property
    def name(self) -> str:
        """Name it by what is in it: the same captures are the same batch."""
        return sha256("".join(found.capture_id for found in self.captures).encode()).hexdigest()[:24]


def batches_of(root: str, found: Iterable[Found], known: set[str], wishes: Wishes) -> Iterator[Work]:
    """Make batches of what is not known, each capture once."""
    waiting: list[Found] = []
    for each in found:
        if each.capture_id not in known:
            known.add(each.capture_id)
            waiting.append(each)
        if len(waiting) == BATCH:
            yield Work(root, waiting, wishes)
            waiting = []
    if waiting:
        yield Work(root, waiting, wishes)


def ingest_batch(work: Work) -> Outcome:
    """Read the captures of a batch, and put their rows in: a folder for each day. Done by any process, anywhere."""
    by_day: dict[str, Rows] = {}
    outcome = Outcome()
    for found in work.captures:
        origin = _origin(found, work.wishes)
        try:
            if found.refused is not None:
                raise MemtoolsError(found.refused)
            rows = rows_of_capture(_open(found, work.wishes), origin)
            day = rows["capture"][0][2]
            outcome = outcome.plus(Outcome(1, 0, sum(map(len, rows.values()))))
        except Exception as error:  # noqa: BLE001 (a fault of ours in one capture must not cost the others theirs)
            rows = {"rejected": [_rejected(found, origin, _reason(error))]}
            day = origin.arrived_at
            outcome = outcome.plus(Outcome(0, 1, 1))
        kept = by_day.setdefault(day.strftime("%Y-%m-%d"), empty_rows())
        for table, some in rows.items():
            kept[table] += some
    for date, kept in sorted(by_day.items()):
        write_batch(Path(work.root), date, work.name, kept)
    return outcome


def _open(found: Found, wishes: Wishes) -> Source:
    from pymemtools.sources import open_source

    at = None if found.moment is None else str(found.moment)
    return open_source(found.path, max_bytes=wishes.max_bytes, with_logs=True, at=at)


def _reason(error: Exception) -> str:
    """Say why a capture is not taken. What this machine lacks, room or memory, says nothing of it: that is raised."""
    if isinstance(error, MemtoolsError):
        return str(error)
    if isinstance(error, (OSError, MemoryError)):
        raise error
    return f"internal error (please report this): {type(error).__name__}: {error}"


def _rejected(found: Found, origin: Origin, reason: str) -> tuple[Any, ...]:
    text = as_utf8(reason.removeprefix(f"{found.path}: "))
    return origin.capture_id, origin.arrived_at, origin.file, text[:1000]


def _origin(found: Found, wishes: Wishes) -> Origin:
    """Say what is known of a capture from outside: its name may be its host's."""
    path = Path(found.path)
    try:
        arrived = datetime.fromtimestamp(int(os.stat(path).st_mtime), timezone.utc)
    except (OSError, ValueError, OverflowError):
        arrived = datetime.fromtimestamp(0, timezone.utc)
    stem = _stem(as_utf8(path.name))
    host = {"file": stem, "path": path.parent.name, "label": wishes.labels.get("host")}[wishes.host_from]
    file = as_utf8(path.name if found.moment is None else f"{path.name}@{found.moment}")
    return Origin(found.capture_id, file, arrived, host or stem, wishes.labels, wishes.inventory)


def _stem(name: str) -> str:
    lower = name.lower()
    ending = next((each for each in sorted(NAMES, key=len, reverse=True) if lower.endswith(each)), "")
    return name[: len(name) - len(ending)] if ending else name


Map = Callable[[Iterable[Work]], Iterator[Outcome]]


def in_this_process(works: Iterable[Work]) -> Iterator[Outcome]:
    """Work through batches one after the other."""
    return map(ingest_batch, works)


def in_processes(count: int) -> Map:
    """Share batches out to so many processes; one that dies is replaced, and its batches are done again."""

    def share(works: Iterable[Work]) -> Iterator[Outcome]:
        from concurrent.futures import ProcessPoolExecutor, as_completed
        from concurrent.futures.process import BrokenProcessPool

        left = list(works)
        for _ in range(_RETRIES):
            again: list[Work] = []
            with ProcessPoolExecutor(count) as pool:
                futures = {pool.submit(ingest_batch, work): work for work in left}
                for future in as_completed(futures):
                    try:
                        yield future.result()
                    except BrokenProcessPool:
                        again.append(futures[future])
            left = again
            if not left:
                return
        raise MemtoolsError(
            f"fleet: {len(left)} batches could not be read: their processes were killed {_RETRIES} times"
        )

    return share


def in_cluster(address: str) -> Map:
    """Share batches out to the workers of a dask.distributed cluster, which see the same files."""

    def share(works: Iterable[Work]) -> Iterator[Outcome]:
        distributed = needed("distributed")
        try:
            client = distributed.Client(address, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:
            raise MemtoolsError(f"fleet: {address}: no cluster: {str(error).splitlines()[0]}") from None
        with client:
            futures = client.map(ingest_batch, list(works), retries=_RETRIES, pure=False)
            for future in distributed.as_completed(futures, loop=client.loop):
                yield future.result()

    return share


def ingest(dataset: Dataset, paths: Iterable[str], wishes: Wishes, share: Map) -> Iterator[tuple[Outcome, int]]:
    """Take captures in; give, after each batch, what came of all so far, and how many were known at first."""
    found = list(identified(find_captures(paths), wishes.max_bytes))
    with dataset.writing():
        known = dataset.known_ids()
        works = list(batches_of(str(dataset.path), found, known, wishes))
        already = len(found) - sum(len(work.captures) for work in works)
        so_far = Outcome()
        yield so_far, already
        for outcome in share(works):
            so_far = so_far.plus(outcome)
            yield so_far, already
