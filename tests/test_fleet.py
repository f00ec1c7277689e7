"""A fleet's dataset: the laws it keeps, whoever fills it and however often, and answers that are the commands' own."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import resource
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet
import pytest
from conftest import CAPTURES, HERE, Run
from fleet_captures import EXAMPLE, GROWS, HOUR, START, board, example, make_captures, packed
from fleet_rows import rows
from group_trees import MIB, V2_ROOT, group

from pymemtools.capture.recording import Tick, Writer
from pymemtools.errors import Denied, MemtoolsError, UsageProblem
from pymemtools.fleet import ingest as ingesting
from pymemtools.fleet.compact import compact
from pymemtools.fleet.dataset import Dataset
from pymemtools.fleet.engine import Engine
from pymemtools.fleet.found import find_captures, identified
from pymemtools.fleet.ingest import Map, Wishes, in_processes, in_this_process, ingest
from pymemtools.fleet.rows import rows_of_capture
from pymemtools.fleet.schema import TABLES
from pymemtools.render.page.fleet import fleet_lines
from pymemtools.report import Report, table_of
from pymemtools.reports.fleet_columns import FINDINGS
from pymemtools.sources import open_source

BOARDS, MOMENTS = 6, 4
WISHES = Wishes({"firmware": "1.2"})
ODD = sorted(CAPTURES.rglob("*.tar.gz"))


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the captures of some boards."""
    folder = tmp_path_factory.mktemp("captures")
    make_captures(folder, BOARDS, MOMENTS)
    return folder


@pytest.fixture(scope="module")
def dataset(captures: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Take them in, in batches of 10."""
    return filled(tmp_path_factory.mktemp("filled") / "set", [captures])


def filled(path: Path, paths: list[Path], share: Map = in_this_process, wishes: Wishes = WISHES) -> Dataset:
    """Take captures in."""
    found = Dataset(str(path), create=True)
    list(ingest(found, map(str, paths), wishes, share))
    return found


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingesting, "BATCH", 10)


def ask(run: Run, dataset: Dataset, *arguments: str) -> dict[str, Any]:
    done = run("fleet", *arguments, "-S", str(dataset.path), "-f", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


# Laws.


def test_twice_is_once(captures: Path, dataset: Dataset, tmp_path: Path) -> None:
    again = filled(tmp_path / "set", [captures])
    files = sorted(again.path.rglob("*.parquet"))
    steps = list(ingest(again, [str(captures), str(captures)], Wishes(), in_this_process))
    assert [(outcome.captures, already) for outcome, already in steps] == [(0, 2 * BOARDS * MOMENTS)]
    assert sorted(again.path.rglob("*.parquet")) == files
    assert rows(again) == rows(dataset)


@pytest.mark.parametrize("share", [in_this_process, in_processes(2)], ids=["alone", "two processes"])
def test_any_order_and_any_workers(captures: Path, dataset: Dataset, tmp_path: Path, share: Map) -> None:
    paths = sorted(captures.iterdir())
    random.Random(3).shuffle(paths)
    assert rows(filled(tmp_path / "set", paths, share)) == rows(dataset)


def test_a_worker_that_is_killed(
    captures: Path, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its batch is done again by another."""
    flag = tmp_path / "killed"
    real = rows_of_capture

    def deadly(*arguments: Any) -> Any:
        if not flag.exists():
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments)

    monkeypatch.setattr(ingesting, "rows_of_capture", deadly)
    assert rows(filled(tmp_path / "set", [captures], in_processes(2))) == rows(dataset)
    assert flag.exists()


def test_a_cluster_whose_worker_is_killed(captures: Path, dataset: Dataset, tmp_path: Path) -> None:
    from distributed import LocalCluster

    from pymemtools.fleet.ingest import in_cluster

    with LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=2, threads_per_worker=1, dashboard_address=None, worker_dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        found = Dataset(str(tmp_path / "set"), create=True)
        steps = ingest(found, [str(captures)], Wishes({"firmware": "1.2"}), in_cluster(address))
        next(steps)
        next(steps)  # the first batch is there
        os.kill(next(iter(cluster.workers.values())).process.pid, signal.SIGKILL)
        list(steps)
    assert rows(found) == rows(dataset)


def test_compacted_it_has_the_same_rows(captures: Path, dataset: Dataset, tmp_path: Path) -> None:
    found = filled(tmp_path / "set", [captures])
    assert len(found.batches()) == 3
    assert compact(found) == (3, 1)
    assert rows(found) == rows(dataset)
    assert len(list(found.path.glob("date=*/batch=*"))) == 1
    assert list(ingest(found, [str(captures)], Wishes(), in_this_process))[-1] == (
        ingesting.Outcome(),
        BOARDS * MOMENTS,
    )


def test_what_a_compacted_batch_replaces_does_not_count(captures: Path, tmp_path: Path) -> None:
    """Killed between its rename and the removal of the old ones, nothing is there twice."""
    found = filled(tmp_path / "set", [captures])
    before = rows(found)
    copies = {
        path: {file.name: file.read_bytes() for file in path.iterdir()} for path in found.path.glob("date=*/batch=*")
    }
    compact(found)
    for path, files in copies.items():
        path.mkdir()
        for name, data in files.items():
            (path / name).write_bytes(data)
    assert rows(found) == before
    filled(found.path, [captures])
    assert len(list(found.path.glob("date=*/batch=*"))) == 1


def test_one_writer_at_a_time(captures: Path, tmp_path: Path) -> None:
    found = Dataset(str(tmp_path / "set"), create=True)
    with found.writing(), pytest.raises(MemtoolsError, match="another pymemtools fleet writes to it"):
        filled(found.path, [captures])


# What is no capture.


def test_hostile_files_are_rejected_with_a_line_each(captures: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    whole = sorted(captures.iterdir())[0].read_bytes()
    (bad / "empty.tar").write_bytes(b"")
    (bad / "cut.tar.gz").write_bytes(whole[:5000])
    (bad / "noise.tar").write_bytes(random.Random(1).randbytes(20000))
    (bad / "no-memory.tar.gz").write_bytes(packed({"proc/version": b"Linux version 6.1.0 x\n"}, START))
    (bad / "wrong.tar.gz").write_bytes(packed(example() | {"proc/meminfo": b"MemTotal: many\n"}, START))
    (bad / "no.rec").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    (bad / "flipped.tar.gz").write_bytes(bytes([*whole[:3000], whole[3000] ^ 255, *whole[3001:]]))
    found = filled(tmp_path / "set", [bad, captures])
    there = Engine(found).ask("SELECT file, reason FROM rejected ORDER BY file").rows
    assert [file for file, _ in there] == sorted(path.name for path in bad.iterdir())
    assert all(reason and "\n" not in reason and str(tmp_path) not in reason for _, reason in there)
    assert Engine(found).ask("SELECT count(*) FROM capture").rows == [(BOARDS * MOMENTS,)]
    steps = list(ingest(found, [str(bad)], Wishes(), in_this_process))
    assert [already for _, already in steps] == [len(there)]


@pytest.fixture
def powerless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Give up root's power to read everything, for the rest of a test, which is within its folder."""
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    yield lambda: os.seteuid(65534) if os.geteuid() == 0 else None
    os.seteuid(os.getuid())


def test_a_folder_that_may_not_be_read_is_rejected(captures: Path, powerless: Callable[[], None]) -> None:
    """What is in it nobody knows: captures, perhaps."""
    locked = Path("captures/locked")
    shutil.copytree(captures, locked)
    locked.parent.chmod(0o755)
    locked.chmod(0)
    powerless()
    (found,) = identified(find_captures(["captures"]))
    assert (found.path, found.refused) == ("captures/locked", "Permission denied")


@pytest.mark.parametrize("depth", [1, 2], ids=["a day", "a batch"])
def test_a_part_of_a_dataset_that_may_not_be_read_is_said(
    dataset: Dataset, powerless: Callable[[], None], depth: int
) -> None:
    """An answer without it would be one of fewer captures."""
    shutil.copytree(dataset.path, "set")
    folders = [Path("set"), sorted(Path("set").glob("date=*"))[0], sorted(Path("set").glob("date=*/batch=*"))[0]]
    for number, folder in enumerate(folders):
        folder.chmod(0 if number == depth else 0o755)
    powerless()
    with pytest.raises(Denied, match=f"^{folders[depth]}.*: Permission denied$"):
        Dataset("set").files("capture")


def test_trees_in_folders_are_captures(captures: Path, tmp_path: Path) -> None:
    """Unpacked captures are found below a folder as archives are; each is known by its content."""
    for number in range(2):
        tree = tmp_path / f"all/day/tree-{number}"
        tree.mkdir(parents=True)
        subprocess.run(["tar", "xzf", captures / f"board-00{number}-0.tar.gz", "-C", tree], check=True)
        os.mkfifo(tree / "proc/pipe")
        (tree / "proc/zero").symlink_to("/dev/zero")
    (tmp_path / "all/elsewhere").symlink_to(captures)
    found = filled(tmp_path / "set", [tmp_path / "all"])
    asked = "SELECT host, file FROM capture ORDER BY file"
    assert Engine(found).ask(asked).rows == [("board-000", "tree-0"), ("board-001", "tree-1")]
    os.rename(tmp_path / "all/day", tmp_path / "all/night")
    assert list(ingest(found, [str(tmp_path / "all")], Wishes(), in_this_process))[-1][1] == 2


def test_what_is_never_a_capture_is_not_waited_for(captures: Path, tmp_path: Path) -> None:
    """Pipes and devices would never end, a running machine is another each time; each is listed, and known again."""
    folder = tmp_path / "bad"
    folder.mkdir()
    os.mkfifo(folder / "pipe.tar")
    os.mkfifo(folder / "pipe-2.tar")
    (folder / "zero.tar.gz").symlink_to("/dev/zero")
    (folder / "gone.tar").symlink_to("nowhere")
    with open(folder / "large.tar", "wb") as file:
        file.truncate(2 << 30)
    paths = [folder, Path("/proc"), Path("/"), sorted(captures.iterdir())[0]]
    found = filled(tmp_path / "set", paths)
    assert Engine(found).ask("SELECT file, reason FROM rejected ORDER BY ALL").rows == [
        ("", "is a running machine, no capture (pymemtools capture takes one)"),
        ("gone.tar", "No such file or directory"),
        ("large.tar", "is larger than 1 GiB (see --max-size)"),
        ("pipe-2.tar", "neither a regular file nor a directory"),
        ("pipe.tar", "neither a regular file nor a directory"),
        ("proc", "is a running machine, no capture (pymemtools capture takes one)"),
        ("zero.tar.gz", "neither a regular file nor a directory"),
    ]
    assert list(ingest(found, map(str, paths), Wishes(), in_this_process))[-1][1] == 8


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def foreign(path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"capture_id": ["x"], "other": [1]}), path)


def ids_are_numbers(path: Path) -> None:
    table = pyarrow.parquet.read_table(path, partitioning=None)
    pyarrow.parquet.write_table(table.set_column(0, "host", pyarrow.array([7] * table.num_rows)), path)


def test_a_fault_of_ours_costs_one_capture(captures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine lacks is not the capture's fault: that ends the run, and the next one takes all in."""
    first, second, *_ = sorted(captures.iterdir())
    problem: Exception = TypeError("not seen before")

    def strange(source: Any, origin: Any) -> Any:
        if origin.file == first.name:
            raise problem
        return rows_of_capture(source, origin)

    monkeypatch.setattr(ingesting, "rows_of_capture", strange)
    found = filled(tmp_path / "set", [first, second])
    assert Engine(found).ask("SELECT file, reason FROM rejected").rows == [
        (first.name, "internal error (please report this): TypeError: not seen before")
    ]
    assert Engine(found).ask("SELECT file FROM capture").rows == [(second.name,)]
    problem = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match="No space left"):
        filled(tmp_path / "other", [first, second])


def test_a_recording_without_times_is_rejected(captures: Path, tmp_path: Path) -> None:
    """Its moments were asked for where nobody expected them to be damaged, and no other capture was taken in."""
    path = tmp_path / "x.rec"
    with Writer(str(path), {"page_size": 4096, "every_s": 10.0}) as writer:
        writer.sample(open_source(str(EXAMPLE)), Tick(START, 100.0, utc_offset_s=0))
    connection = sqlite3.connect(path)
    connection.execute("UPDATE sample SET taken_ms = 'noon'")
    connection.commit()
    connection.close()
    found = filled(tmp_path / "set", [path, sorted(captures.iterdir())[0]])
    assert Engine(found).ask("SELECT file, reason FROM rejected").rows == [
        ("x.rec", "damaged recording: a sample without its times")
    ]
    assert Engine(found).ask("SELECT count(*) FROM capture").rows == [(1,)]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (ids_are_numbers, "damaged, or no file of pymemtools fleet"),
        (lambda path: path.write_bytes(path.read_bytes()[:2000]), "damaged, or no file of pymemtools fleet"),
        (lambda path: path.write_bytes(b"hello"), "damaged, or no file of pymemtools fleet"),
        (foreign, "damaged, or no file of pymemtools fleet"),
        (lambda path: (path.unlink(), path.symlink_to("/etc/passwd")), "no regular file, as all in a dataset are"),
        (pipe, "no regular file, as all in a dataset are"),
        (lambda path: (path.unlink(), path.mkdir()), "no regular file, as all in a dataset are"),
    ],
    ids=["another type", "cut", "text", "another table", "link", "pipe", "folder"],
)
def test_what_is_no_file_of_a_dataset_is_named(
    pymemtools: Run, dataset: Dataset, tmp_path: Path, spoil: Callable[[Path], object], says: str
) -> None:
    path = tmp_path / "set"
    shutil.copytree(dataset.path, path)
    file = Dataset(str(path)).files("capture")[0]
    spoil(file)
    done = pymemtools("fleet", "hosts", "-S", str(path))
    assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", f"pymemtools: {file}: {says}\n")
    if spoil not in (foreign, ids_are_numbers):  # whose ids are as good as any
        with pytest.raises(MemtoolsError, match=says):
            filled(path, [tmp_path])


def test_a_dataset_leads_nowhere_else(pymemtools: Run, dataset: Dataset, tmp_path: Path) -> None:
    """A day that is a link is refused, by who would write there, too; folders of other names do not count."""
    path = tmp_path / "set"
    shutil.copytree(dataset.path, path)
    (day,) = path.glob("date=*")
    shutil.copytree(day, path / "date=2026-11-18/batch=x*y[z]'")
    assert len(Dataset(str(path)).batches()) == len(dataset.batches())
    os.rename(day, tmp_path / "elsewhere")
    day.symlink_to(tmp_path / "elsewhere")
    for call in ("hosts -S {}", "compact -S {}", "ingest {} --into {}"):
        done = pymemtools("fleet", *call.format(path, path).split())
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.endswith(b": a link, of which there is none in a dataset\n")


@pytest.mark.parametrize("name", ["date=2026-11-29", "_tmp", "pymemtools-fleet.json.lock"])
def test_nothing_is_written_where_a_link_leads(pymemtools: Run, dataset: Dataset, tmp_path: Path, name: str) -> None:
    """Neither a new day, nor what is not yet in it, nor the lock."""
    path, elsewhere = tmp_path / "set", tmp_path / "elsewhere"
    shutil.copytree(dataset.path, path, ignore=shutil.ignore_patterns("*.lock", "_tmp"))
    elsewhere.mkdir()
    (path / name).symlink_to(elsewhere / "new" if name.endswith(".lock") else elsewhere)
    for call in ("compact -S {}", "ingest {} --into {}"):
        done = pymemtools("fleet", *call.format(path, path).split())
        said = f"pymemtools: {path / name}: a link, of which there is none in a dataset\n"
        assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", said)
    assert not any(elsewhere.iterdir())


@pytest.mark.parametrize("name", ["pymemtools-fleet.json", "_replaces.json"])
def test_small_files_of_a_dataset_are_no_pipes(pymemtools: Run, dataset: Dataset, tmp_path: Path, name: str) -> None:
    path = tmp_path / "set"
    shutil.copytree(dataset.path, path)
    batch = Dataset(str(path)).batches()[0].path
    for make in (os.mkfifo, lambda file: os.symlink("/dev/zero", file), lambda file: file.write_text("[" * 100_000)):
        file = (batch if name.startswith("_") else path) / name
        file.unlink(missing_ok=True)
        make(file)
        done = pymemtools("fleet", "hosts", "-S", str(path))
        assert done.returncode == (0 if name.startswith("_") else 1)
        assert done.stderr.count(b"\n") == done.returncode


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, and control characters, are in the rows as text."""
    files = example() | {"proc/278/cmdline": b"caf\xe9\0\x1b[2J\0", "proc/sys/kernel/hostname": b"b\xffd\n"}
    path = tmp_path / os.fsdecode(b"n\xe9.tar.gz")
    path.write_bytes(packed(files, START))
    found = filled(tmp_path / "set", [path])
    assert Engine(found).ask("SELECT host, command FROM process WHERE pid = 278").rows == [
        ("b\\xffd", "caf\\xe9 \x1b[2J")
    ]


def test_half_a_character_in_a_manifest(tmp_path: Path) -> None:
    r"""JSON can have it, as ``\ud800``, and nothing else can."""
    manifest = rb'{"format": 1, "host": "b\ud800", "users": {"0": "\ud800root"}}'
    path = tmp_path / "a.tar.gz"
    path.write_bytes(packed(example() | {"manifest.json": manifest}, START))
    found = filled(tmp_path / "set", [path])
    assert Engine(found).ask('SELECT DISTINCT host, "user" FROM process WHERE pid = 1').rows == [
        ("b\N{REPLACEMENT CHARACTER}", "\N{REPLACEMENT CHARACTER}root")
    ]


def test_each_moment_of_a_recording_is_a_capture(pymemtools: Run, tmp_path: Path) -> None:
    """It has no smaps, and sums that smaps_rollup tells; taken in again when it has grown, the old ones are known."""
    path = tmp_path / "x.rec"
    figures = []
    with Writer(str(path), {"page_size": 4096, "every_s": 10.0}, full_every=1) as writer:
        for number in range(3):
            writer.sample(open_source(str(EXAMPLE)), Tick(START + 10.0 * number, 100.0 + 10 * number, utc_offset_s=0))
            found = Dataset(str(tmp_path / "set"), create=True)
            *_, (outcome, already) = ingest(found, [str(path)], Wishes(), in_this_process)
            figures.append((outcome.captures, outcome.rejected, already))
    assert figures == [(1, 0, 0), (1, 0, 1), (1, 0, 2)]
    rows = Engine(found).ask("SELECT taken_at::VARCHAR, name, pss FROM process WHERE pid = 278 ORDER BY ALL").rows
    theirs = json.loads(pymemtools("smem", "--rollup", "-S", str(EXAMPLE), "-f", "json").stdout)["rows"]
    (pss,) = [row["pss"] for row in theirs if row["pid"] == 278]
    assert rows == [(f"2026-11-18 11:06:{40 + 10 * number}+00", "lab", pss) for number in range(2)] + [
        ("2026-11-18 11:07:00+00", "lab", pss)
    ]


# What new kernels bring.


def test_new_keys_need_no_new_schema(tmp_path: Path, captures: Path) -> None:
    files = board(9, 0)
    files["proc/meminfo"] += b"FooBar:  12 kB\n"
    files["proc/vmstat"] += b"nr_foo 7\n"
    (tmp_path / "new.tar.gz").write_bytes(packed(files, START))
    found = filled(tmp_path / "set", [captures, tmp_path / "new.tar.gz"])
    answer = Engine(found).ask(
        "SELECT host, meminfo['FooBar'], vmstat['nr_foo'] FROM capture WHERE meminfo['FooBar'] > 0"
    )
    assert answer.rows == [("board-009", 12288, 7)]


# Answers.


@pytest.mark.parametrize("path", ODD, ids=lambda path: str(path.relative_to(CAPTURES)))
def test_what_if_is_what_if_of_each_capture(pymemtools: Run, tmp_path: Path, path: Path) -> None:
    """Whatever the size: the steps that are stored hold all answers."""
    found = filled(tmp_path / "set", [path])
    engine = Engine(found)
    if not engine.ask("SELECT count(*) FROM capture").rows[0][0]:
        assert pymemtools("what-if", "alloc", "1M", "-S", str(path)).returncode != 0 or "meminfo" in str(
            engine.ask("SELECT reason FROM rejected").rows
        )
        return
    steps = engine.ask("SELECT alloc FROM capture").rows[0][0]
    sizes = {100 << 20, *(step["size"] + more for step in steps for more in (-1, 0))}
    for size in sorted(size for size in sizes if 0 < size < 1 << 47):
        mine = ask(pymemtools, found, "what-if", "alloc", str(size))["rows"][0]
        theirs = json.loads(pymemtools("what-if", "alloc", str(size), "-S", str(path), "-f", "json").stdout)["totals"]
        assert [mine[key] for key in ("outcome", "victim_pid", "victim_name")] == [
            theirs[key] for key in ("outcome", "victim_pid", "victim_name")
        ], size


def test_rows_are_those_of_the_commands(pymemtools: Run, captures: Path, tmp_path: Path) -> None:
    path = sorted(captures.iterdir())[0]
    engine = Engine(filled(tmp_path / "set", [path]))

    def rows_of(*command: str) -> list[dict[str, Any]]:
        found = json.loads(pymemtools(*command, "-S", str(path), "-f", "json").stdout)["rows"]
        assert isinstance(found, list)
        return found

    def told(table: str, *names: str) -> list[tuple[Any, ...]]:
        quoted = ", ".join(f'"{name}"' for name in names)
        return engine.ask(f"SELECT {quoted} FROM {table} ORDER BY ALL").rows

    def same(table: str, command: tuple[str, ...], *names: str) -> None:
        expected = [tuple(row[name] for name in names) for row in rows_of(*command)]
        assert sorted(told(table, *names), key=repr) == sorted(expected, key=repr)

    same("process", ("smem", "-c", "all"), "pid", "name", "command", "pss", "uss", "rss", "swap", "vss", "mappings")
    same("process", ("oom-scores",), "pid", "oom_score", "oom_score_adj", "badness_pages")
    same("zone", ("zones",), "node", "zone", "state", "free", "min", "low", "high", "managed")
    same("tunable", ("tunables", "list"), "tunable", "value", "is_default")
    mapped = engine.ask("SELECT path, sum(pss)::BIGINT, sum(rss)::BIGINT FROM mapping GROUP BY path").rows
    assert sorted(mapped) == sorted(
        (row["path"], row["pss"], row["rss"]) for row in rows_of("smem", "-m", "-c", "map,pss,rss")
    )


def test_what_grew(pymemtools: Run, dataset: Dataset) -> None:
    """Every other board has a process that grows by 500 KiB an hour."""
    document = ask(pymemtools, dataset, "grew", "--per", "firmware")
    first = document["rows"][0]
    assert {key: first[key] for key in ("thing", "label", "hosts", "growing", "most_host")} == {
        "thing": "lab", "label": "1.2", "hosts": BOARDS, "growing": BOARDS // 2, "most_host": first["most_host"],
    }  # fmt: skip
    assert first["most_per_hour"] == pytest.approx(500 << 10)
    assert int(first["most_host"][-3:]) % 2
    assert [row["thing"] for row in document["rows"] if row["growing"]] == ["lab"]
    mapping = ask(pymemtools, dataset, "grew", "--by", "mapping")["rows"][0]
    assert (mapping["thing"], mapping["growing"], mapping["label"]) == ("/bin/lab", BOARDS // 2, None)


def test_growth_is_of_the_label_under_which_it_was(pymemtools: Run, tmp_path: Path) -> None:
    """A new release of a program needs no start of the machine, nor of the process: it came with a library."""
    for label, grows in (("1", 0), ("2", 300)):
        for moment in range(4):
            folder = tmp_path / label
            folder.mkdir(exist_ok=True)
            at = moment + 4 * (label == "2")
            data = packed(board(1, at, grows), START + at * HOUR)
            (folder / f"{at}.tar.gz").write_bytes(data)
        found = filled(tmp_path / "set", [tmp_path / label], wishes=Wishes({"release": label}))
    rows = ask(pymemtools, found, "grew", "--per", "release")["rows"]
    assert [(row["label"], row["median_per_hour"]) for row in rows if row["thing"] == "lab"] == [
        ("2", pytest.approx(300 << 10)),
        ("1", 0.0),
    ]


def test_grew_per_a_label_that_nothing_has(pymemtools: Run, dataset: Dataset) -> None:
    done = pymemtools("fleet", "grew", "--per", "rack", "-S", str(dataset.path))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"pymemtools: fleet grew: no capture has a label 'rack'; there are: firmware\n"


def test_answers_are_drawn(pymemtools: Run, dataset: Dataset, tmp_path: Path) -> None:
    """A bar for each row, as long as its figure; a paler one behind it where there are two."""
    file = tmp_path / "top.svg"
    done = pymemtools("fleet", "top", "-S", str(dataset.path), "-o", str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    rows = ask(pymemtools, dataset, "top")["rows"]
    lengths = [float(length) for length in re.findall(r'class="bar" [^>]*width="([0-9.]+)"', file.read_text())]
    assert lengths == [round(max(450 * row["pss"] / rows[0]["pss"], 1), 1) for row in rows]
    assert len(rows) > 2
    page = tmp_path / "risk.html"
    for question in ("risk --within 70", "hosts", "what-if alloc 600M", "grew", "tunables dirty"):
        call = ["fleet", *question.split(), "-S", str(dataset.path), "-o", str(page), "--force"]
        assert pymemtools(*call).returncode == 0
        assert ("<!DOCTYPE html>" in page.read_text(), page.read_text().count("</svg>")) == (True, 1)
    for more, says in (
        ("-o x.png", "x.png: pictures are .svg or .html"),
        ("-o x.svg -f json", "a picture has no --format"),
    ):
        done = pymemtools("fleet", "top", "-S", str(dataset.path), *more.split(), cwd=tmp_path)
        assert (done.returncode, done.stderr.decode()) == (2, f"pymemtools: fleet top: {says}\n")
    done = pymemtools("fleet", "risk", "-S", str(dataset.path), "-o", "x.svg", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, b"pymemtools: fleet risk: there is nothing to draw\n")


def test_the_new_process_has_no_pid_in_the_table(pymemtools: Run, dataset: Dataset) -> None:
    lines = pymemtools("fleet", "what-if", "alloc", "600M", "-S", str(dataset.path)).stdout.decode().splitlines()
    assert lines[2].split()[:5] == ["board-000", "OOM", "-", "the", "new"]
    assert ask(pymemtools, dataset, "what-if", "alloc", "600M")["rows"][0]["victim_pid"] == 0  # as what-if alloc


def test_hosts_and_time(pymemtools: Run, tmp_path: Path) -> None:
    """A clock that cannot be right is not believed; without a boot id, uptime that falls tells of a reboot."""
    folder = tmp_path / "captures"
    folder.mkdir()
    files = {key: value for key, value in board(1, 0).items() if not key.endswith("boot_id")}
    arrival = START + 9 * HOUR
    for number, (taken, uptime) in enumerate([(START, 5000), (START + HOUR, 100), (1000, 3700)]):
        path = folder / f"{number}.tar.gz"
        path.write_bytes(packed(files | {"proc/uptime": b"%d.0 1.0\n" % uptime}, taken))
        os.utime(path, (arrival, arrival))
    found = filled(tmp_path / "set", [folder])
    (row,) = ask(pymemtools, found, "hosts")["rows"]
    assert (row["host"], row["captures"], row["boots"], row["clocks_off"]) == ("board-001", 3, 2, 1)
    assert (row["first_at"], row["last_at"]) == ("2026-11-18T11:06:40Z", "2026-11-18T20:06:40Z")


def test_who_is_who_without_a_name(pymemtools: Run, tmp_path: Path) -> None:
    """smemcap's captures do not say whose they are."""
    smemcap = CAPTURES / "x86_64-7.2/smemcap.tar.gz"
    folder = tmp_path / "web-7"
    folder.mkdir()
    (folder / "night.tar.gz").write_bytes(smemcap.read_bytes())
    inventory = tmp_path / "inventory.csv"
    inventory.write_text("host,rack\nweb-7,R2\n")
    for host_from, more, host, labels in (
        ("file", (), "night", ""),
        ("path", ("--inventory", str(inventory)), "web-7", "rack=R2"),
        ("label", ("--label", "host=x1"), "x1", "host=x1"),
    ):
        into = tmp_path / host_from
        done = pymemtools("fleet", "ingest", str(folder), "--into", str(into), "--host-from", host_from, *more)
        assert done.stdout.startswith(b"1 new, 0 known, 0 rejected, "), done.stderr
        (row,) = ask(pymemtools, Dataset(str(into)), "hosts")["rows"]
        assert (row["host"], row["labels"]) == (host, labels)


def test_the_inventory_knows_machines_by_the_names_that_they_have(pymemtools: Run, tmp_path: Path) -> None:
    """Whatever their captures' files are called, moments of a recording among them; localhost is nobody's name."""
    folder = tmp_path / "of@today"
    folder.mkdir()
    nameless = {**board(2, 0), "proc/sys/kernel/hostname": b"localhost\n"}
    for name, files in (("x.tar.gz", board(1, 0)), ("board-7.tar.gz", nameless)):
        (folder / name).write_bytes(packed(files, START))
    with Writer(str(folder / "y.rec"), {"host": "board-003", "page_size": 4096}, full_every=1) as writer:
        writer.sample(open_source(str(EXAMPLE)), Tick(float(START), 100.0))
    inventory = tmp_path / "inventory.csv"
    inventory.write_text("host,rack\nboard-001,R1\nboard-003,R3\nboard-7,R7\nx,R8\ny,R9\n")
    into = tmp_path / "set"
    pymemtools("fleet", "ingest", str(folder), "--into", str(into), "--inventory", str(inventory))
    rows = ask(pymemtools, Dataset(str(into)), "hosts")["rows"]
    assert [(row["host"], row["labels"], row["clocks_off"]) for row in rows] == [
        ("board-001", "rack=R1", 0),
        ("board-003", "rack=R3", 0),
        ("board-7", "rack=R7", 0),
    ]


def test_an_inventory_that_a_spreadsheet_wrote_or_that_never_ends(pymemtools: Run, tmp_path: Path) -> None:
    path, inventory = tmp_path / "web.tar.gz", tmp_path / "inventory.csv"
    path.write_bytes(packed(board(1, 0), START))
    inventory.write_bytes(b"\xef\xbb\xbfhost,rack\r\nboard-001,R1\r\n")
    call = ("fleet", "ingest", str(path), "--into", str(tmp_path / "set"), "--inventory")
    assert pymemtools(*call, str(inventory)).returncode == 0
    assert ask(pymemtools, Dataset(str(tmp_path / "set")), "hosts")["rows"][0]["labels"] == "rack=R1"
    done = pymemtools(*call, "/dev/zero")
    assert (done.returncode, done.stderr) == (1, b"pymemtools: /dev/zero: more than 32 MiB, and no list of machines\n")


def test_findings_of_a_fleet(pymemtools: Run, tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    for number in range(3):
        for moment in range(2):
            files = board(number, moment)
            if number < 2 and moment:
                files["proc/sys/vm/panic_on_oom"] = b"1\n"
            (folder / f"{number}-{moment}.tar.gz").write_bytes(packed(files, START + moment * HOUR))
    found = filled(tmp_path / "set", [folder])
    (row,) = ask(pymemtools, found, "report")["rows"]
    assert (row["id"], row["severity"], row["hosts"]) == ("panic-on-oom", "warning", 2)
    assert (row["example"], row["first_at"]) == ("board-000", "2026-11-18T12:06:40Z")
    assert row["machines"] == ["board-000", "board-001"]
    done = pymemtools("fleet", "report", "-S", str(found.path), "-o", str(tmp_path / "fleet.html"))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    text = (tmp_path / "fleet.html").read_text()
    assert "panic-on-oom on 2 machines" in text
    assert "since 2026-11-18T12:06:40Z on board-000, board-001</p>" in text
    assert "captures: 6, of machines: 3; files rejected: 0" in text


def test_a_finding_that_went_and_came_back_is_there_since_it_came_back(pymemtools: Run, tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    for moment, is_set in enumerate((True, False, True, True)):
        files = board(1, moment) | {"proc/sys/vm/panic_on_oom": b"%d\n" % is_set}
        (tmp_path / "captures" / f"{moment}.tar.gz").write_bytes(packed(files, START + moment * HOUR))
    found = filled(tmp_path / "set", [tmp_path / "captures"])
    (row,) = ask(pymemtools, found, "report")["rows"]
    assert (row["id"], row["first_at"], row["last_at"]) == (
        *("panic-on-oom", "2026-11-18T13:06:40Z", "2026-11-18T14:06:40Z"),
    )


def test_a_page_names_all_machines_of_a_finding() -> None:
    found = [f"pi-{number}" for number in range(1200)]
    row = {"id": "x", "severity": "notice", "first_at": "then", "title": "What", "figure": "1", "machines": found}
    told = {column.key: row.get(column.key) for column in FINDINGS} | {"hosts": 1200}
    totals = {"captures": 1, "hosts": 1200, "rejected": 0}
    report = Report("fleet report", table_of(FINDINGS, [told]), [told], totals, {"path": "set"}, ("a note",))
    page = "\n".join(fleet_lines([report]))
    assert "since then on pi-0, pi-1, pi-2, pi-3, pi-4</p>" in page
    assert "<summary>and 1195 more</summary>\n<p>pi-5, " in page
    assert ", pi-999 and 200 more</p></details>" in page
    assert "<p>a note</p>" in page


def test_machines_that_share_a_name_are_told_of(pymemtools: Run, tmp_path: Path) -> None:
    """Each of them runs while the other does; one that is started anew does not."""
    (tmp_path / "captures").mkdir()
    for boot, moments in ((1, (0, 2)), (2, (1, 3)), (3, (4, 5))):
        for moment in moments:
            files = board(boot, moment) | {"proc/sys/kernel/hostname": b"pi\n" if boot < 3 else b"other\n"}
            files["proc/sys/kernel/random/boot_id"] = b"%d\n" % (boot + moment * (boot == 3))
            (tmp_path / "captures" / f"{moment}.tar.gz").write_bytes(packed(files, START + moment * HOUR))
    found = filled(tmp_path / "set", [tmp_path / "captures"])
    says = "several machines are called 'pi': their starts overlap in time, and they count as one"
    document = ask(pymemtools, found, "hosts")
    assert (document["notes"], [row["boots"] for row in document["rows"]]) == ([says], [2, 2])


def test_kills_of_a_start_before_are_not_none(pymemtools: Run, tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    for moment, kills in enumerate((3, 0)):
        files = board(1, moment) | {"proc/sys/kernel/random/boot_id": b"%d\n" % moment}
        files["proc/vmstat"] = re.sub(rb"(?m)^oom_kill [0-9]+\n", b"oom_kill %d\n" % kills, files["proc/vmstat"])
        (tmp_path / "captures" / f"{moment}.tar.gz").write_bytes(packed(files, START + moment * HOUR))
    found = filled(tmp_path / "set", [tmp_path / "captures"])
    assert [row["oom_events"] for row in ask(pymemtools, found, "hosts")["rows"]] == [None]


def test_kills_that_no_log_tells_of_are_not_none(pymemtools: Run, tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    for number, line in enumerate((b"oom_kill 0\n", b"oom_kill 3\n", b"")):  # none is counted before Linux 4.13
        files = board(number, 0)
        files["proc/vmstat"] = re.sub(rb"(?m)^oom_kill [0-9]+\n", b"", files["proc/vmstat"]) + line
        (tmp_path / "captures" / f"{number}.tar.gz").write_bytes(packed(files, START))
    found = filled(tmp_path / "set", [tmp_path / "captures"])
    assert [row["oom_events"] for row in ask(pymemtools, found, "hosts")["rows"]] == [0, None, None]


def test_pss_of_32_bit_kernels_lacks_huge_pages(pymemtools: Run, tmp_path: Path) -> None:
    files = board(1, 0)
    smaps = re.sub(rb"(?m)^(Private_Dirty: +)0 kB", rb"\g<1>90000 kB", files[f"proc/{GROWS}/smaps"], count=1)
    (tmp_path / "captures").mkdir()
    (tmp_path / "captures" / "1.tar.gz").write_bytes(packed(files | {f"proc/{GROWS}/smaps": smaps}, START))
    found = filled(tmp_path / "set", [tmp_path / "captures"])
    says = "of 1 machine the PSS of some processes is below their USS: 32-bit kernels leave huge pages out of it"
    assert ask(pymemtools, found, "top")["notes"] == [says]
    assert ask(pymemtools, found, "hosts")["notes"] == []


def test_a_group_near_what_slows_it_down_is_at_risk(pymemtools: Run, tmp_path: Path) -> None:
    """memory.high may be its only limit; of a group in a full one what is left is what those above leave."""
    own = {"stat": "anon 1\nfile 0"}
    groups = V2_ROOT | group("/a", current=99 * MIB, high=100 * MIB, **own) | group("/free", current=MIB, **own)
    groups |= group("/b", current=490 * MIB, max=495 * MIB, **own)
    groups |= group("/b/in", current=300 * MIB, max=310 * MIB, **own)
    files = board(1, 0) | {name: text.encode() for name, text in groups.items()}
    (tmp_path / "captures").mkdir()
    (tmp_path / "captures" / "1.tar.gz").write_bytes(packed(files, START))
    found = filled(tmp_path / "set", [tmp_path / "captures"])
    told = [(row["risk"], row["left"] // MIB, row["whole"] // MIB) for row in ask(pymemtools, found, "risk")["rows"]]
    assert told == [("group /a", 1, 100), ("group /b", 5, 495), ("group /b/in", 5, 305)]


def test_a_group_is_at_risk_within_what_is_asked_for(pymemtools: Run, tmp_path: Path) -> None:
    """Of its page cache it gives back what it must: only what is left beside that counts."""
    groups = V2_ROOT | group("/a", current=75 * MIB, max=100 * MIB, stat=f"anon {75 * MIB}\nfile 0")
    groups |= group("/cached", current=75 * MIB, max=100 * MIB, stat=f"anon {MIB}\nfile {74 * MIB}")
    files = board(1, 0) | {name: text.encode() for name, text in groups.items()}
    (tmp_path / "captures").mkdir()
    (tmp_path / "captures" / "1.tar.gz").write_bytes(packed(files, START))
    found = filled(tmp_path / "set", [tmp_path / "captures"])
    told = {within: ask(pymemtools, found, "risk", "--within", f"{within}%")["rows"] for within in (24, 25)}
    assert told[24] == []
    assert [(row["risk"], row["percent"]) for row in told[25]] == [("group /a", 25.0)]


def test_risk_and_tunables_and_top(pymemtools: Run, dataset: Dataset) -> None:
    assert ask(pymemtools, dataset, "risk")["rows"] == []
    rows = ask(pymemtools, dataset, "risk", "--within", "70%")["rows"]
    assert len(rows) == BOARDS
    assert {(row["risk"], row["victim_name"]) for row in rows} == {("headroom", "labd")}
    (row,) = ask(pymemtools, dataset, "tunables", "vm.swappiness")["rows"]
    assert (row["value"], row["hosts"], row["is_default"]) == ("60", BOARDS, True)
    top = ask(pymemtools, dataset, "top", "--top", "2")["rows"]
    assert [row["name"] for row in top] == ["labd", "lab"]
    assert top[0]["processes"] == 12 * BOARDS


# SQL.


def test_a_question_of_ones_own(pymemtools: Run, dataset: Dataset) -> None:
    query = (
        "SELECT host, count(*) AS n, count(*) AS n, max(taken_at) AS last FROM capture GROUP BY host ORDER BY 1 LIMIT 1"
    )
    document = ask(pymemtools, dataset, "sql", query)
    assert document["rows"] == [{"host": "board-000", "n": MOMENTS, "n_2": MOMENTS, "last": "2026-11-18T14:06:40Z"}]
    done = pymemtools("fleet", "sql", "SELECT 1 FROM captures", "-S", str(dataset.path))
    assert done.returncode == 1
    assert done.stderr.startswith(
        b"pymemtools: fleet: Catalog Error: Table with name captures does not exist; there are "
    )
    assert b" capture, process, " in done.stderr
    done = pymemtools("fleet", "sql", "-", "-S", str(dataset.path), "-f", "csv", input=b"SELECT 1 AS one")
    assert done.stdout.split() == [b"one", b"1"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM '/etc/passwd'",
        "COPY (SELECT 1) TO '{path}/out.csv'",
        "CREATE TABLE t AS SELECT 1",
        "ATTACH '{path}/other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "SELECT 1; SELECT 2",
        "DROP VIEW capture",
        "EXPORT DATABASE '{path}/x'",
        "SELECT getenv('HOME')",
        "SELEC 1",
        "",
    ],
)
def test_nothing_but_the_dataset_is_read_and_nothing_is_written(pymemtools: Run, dataset: Dataset, query: str) -> None:
    before = sorted(dataset.path.rglob("*"))
    done = pymemtools("fleet", "sql", query.replace("{path}", str(dataset.path)), "-S", str(dataset.path))
    assert (done.returncode in (1, 2), done.stdout) == (True, b"")
    assert done.stderr.count(b"\n") == 1
    assert sorted(dataset.path.rglob("*")) == before


def test_a_question_that_takes_all_memory(dataset: Dataset) -> None:
    """DuckDB's own limit counts no long texts."""
    engine = Engine(dataset, memory=64 << 20)
    with pytest.raises(MemtoolsError, match=r"[Mm]emory"):
        engine.ask("SELECT length(repeat('x', 1000000000))", most=1)
    assert engine.ask("SELECT length(repeat('x', 1000))", most=1).rows == [(1000,)]


def test_a_question_that_never_ends(dataset: Dataset) -> None:
    engine = Engine(dataset, seconds=0.3)
    with pytest.raises(MemtoolsError, match="no answer within"):
        engine.ask("SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range + b.range = 3")


def test_a_question_that_needs_the_disk_writes_nothing_to_the_dataset(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It spills to the folder for such things, and leaves nothing there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = sorted(dataset.path.rglob("*"))
    engine = Engine(dataset, memory=64 << 20)
    many = "SELECT a.path, random() AS r FROM mapping a, range(600) ORDER BY r LIMIT 1900000"
    assert engine.ask(f"SELECT count(*) FROM ({many})").rows == [(1_900_000,)]
    engine.close()
    assert sorted(dataset.path.rglob("*")) == before
    assert list(tmp_path.iterdir()) == []


SORTED = "SELECT range, random() AS r FROM range(12000000) ORDER BY r"  # of 180 MB
ENDLESS = f"""WITH held AS MATERIALIZED ({SORTED.replace("12", "4")})
SELECT max(hash(r, b.range)) FROM held, range(1000000000000) b"""


def test_what_a_question_put_on_the_disk_goes_when_it_fails(pymemtools: Run, dataset: Dataset, tmp_path: Path) -> None:
    """It needs more than four times its memory."""
    call = ("sql", SORTED, "--memory", "30M", "--timeout", "600", "-S", str(dataset.path))
    done = pymemtools("fleet", *call, env=os.environ | {"TMPDIR": str(tmp_path)})
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert not any(tmp_path.iterdir())


def test_what_a_question_put_on_the_disk_goes_with_a_signal(dataset: Dataset, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pymemtools", "fleet", "sql", ENDLESS, "--memory", "40M", "-S", str(dataset.path)]
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(HERE.parent)}
    running = subprocess.Popen([*command, "--timeout", "600"], env=environment, stderr=subprocess.PIPE)
    while not any(tmp_path.glob("*/*storage*")):
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    assert (running.communicate()[1], running.returncode) == (b"", -signal.SIGINT)
    assert not any(tmp_path.iterdir())


def test_a_disk_without_room(pymemtools: Run, captures: Path, dataset: Dataset, tmp_path: Path) -> None:
    """Questions need none; what cannot be taken in is told of the dataset, and is taken in when there is room."""
    path = sorted(captures.iterdir())[0]

    def limited(size: int, *call: object) -> tuple[int, str]:
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        done = pymemtools("fleet", *map(str, call), preexec_fn=limit)
        return done.returncode, done.stderr.decode()

    assert limited(0, "hosts", "-S", dataset.path) == (0, "")
    for size in (0, 5, 1000):  # the marker, a part of it, or a table does not fit
        into = tmp_path / f"set-{size}"
        assert limited(size, "ingest", path, "--into", into) == (1, f"pymemtools: {into}: File too large\n")
        assert pymemtools("fleet", "ingest", str(path), "--into", str(into)).stdout.startswith(b"1 new, 0 known, 0 rej")
        assert not (into / "_tmp").exists() or not any((into / "_tmp").iterdir())


def test_the_configuration_is_locked(dataset: Dataset) -> None:
    engine = Engine(dataset)
    with pytest.raises(UsageProblem):
        engine.ask("SET lock_configuration = false")
    with pytest.raises(duckdb.Error, match="locked"):
        engine._run("SET enable_external_access = true")


def test_duckdb_alone_reads_the_same_files(dataset: Dataset) -> None:
    """As docs/fleet.md says: any engine that knows Parquet does."""
    rows = duckdb.sql(
        f"SELECT count(*), min(date) FROM read_parquet('{dataset.path}/*/*/capture.parquet', hive_partitioning = true)"
    )
    assert rows is not None
    ((count, date),) = rows.fetchall()
    assert (count, str(date)) == (BOARDS * MOMENTS, "2026-11-18")


# Calls.


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("hosts",), 2, "fleet hosts: which dataset? Write -S DATASET (fleet ingest makes one)"),
        (("hosts", "-S", "nowhere"), 1, "nowhere: no dataset of pymemtools fleet: it has no pymemtools-fleet.json"),
        (("ingest", "nowhere", "--into", "set"), 1, "nowhere: No such file or directory"),
        (("ingest", "full", "--into", "full"), 1, "full: not empty, and no dataset of pymemtools fleet"),
        (("ingest", "full", "--into", "set", "--label", "x"), 2, "fleet ingest: --label: 'x' is not NAME=VALUE"),
        (
            ("ingest", "full", "--into", "set", "--host-from", "label"),
            2,
            "fleet ingest: --host-from label: which? Write --label host=NAME",
        ),
        (("ingest", "full", "--into", "set", "--inventory", "full/x"), 1, "full/x: no column called host"),
        (
            ("ingest", "full", "--into", "set", "--cluster", "tcp://127.0.0.1:1", "--workers", "2"),
            2,
            "fleet ingest: --cluster has its own workers: no --workers",
        ),
        (("risk", "-S", "set", "--within", "much"), 2, "fleet risk: --within: much is no percentage"),
        (("risk", "-S", "set", "--within", "²"), 2, "fleet risk: --within: ² is no percentage"),
        (("what-if", "fork", "1M", "-S", "set"), 2, None),
        (("sql", " ", "-S", "set"), 2, "fleet sql: the query is empty"),
    ],
)
def test_what_is_refused(
    pymemtools: Run, tmp_path: Path, arguments: tuple[str, ...], status: int, says: str | None
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").write_text("a,b\n1,2\n")
    done = pymemtools("fleet", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.count(b"\n") == 1
    if says is not None:
        assert done.stderr.decode().startswith(f"pymemtools: {says}")
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_an_answer_of_no_row_is_a_line(pymemtools: Run, dataset: Dataset) -> None:
    for question, says in (
        ("risk", "no machine has less than 10 % left"),
        ("tunables nosuch", "no capture has a tunable with 'nosuch' in its name"),
        ("grew --by group", "no group is in three captures of a machine that span ten minutes"),
    ):
        done = pymemtools("fleet", *question.split(), "-S", str(dataset.path))
        assert (done.returncode, done.stdout.decode(), done.stderr) == (0, f"{says}\n", b"")


def test_a_folder_without_captures_is_said(pymemtools: Run, tmp_path: Path) -> None:
    (tmp_path / "folder/board/proc").mkdir(parents=True)
    done = pymemtools("fleet", "ingest", "folder", "--into", "set", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, b"0 new, 0 known, 0 rejected, 0 rows\n")
    assert done.stderr.startswith(b"pymemtools: fleet ingest: nothing found: ")


def test_how_to_ask_for_what_was_rejected_is_said(pymemtools: Run, tmp_path: Path) -> None:
    (tmp_path / "noise.tar").write_bytes(b"noise")
    done = pymemtools("fleet", "ingest", "noise.tar", "--into", "a set", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, b"0 new, 0 known, 1 rejected, 1 rows\n")
    call = done.stderr.decode().partition("rejected: pymemtools ")[2]
    assert shlex.split(call) == ["fleet", "sql", "SELECT file, reason FROM rejected", "-S", "a set"]
    assert b"not a tar archive" in pymemtools(*shlex.split(call), cwd=tmp_path).stdout


@pytest.mark.parametrize("question", ["hosts", "risk --within 70%", "what-if alloc 600M", "top", "grew"])
def test_tables_fit_a_narrow_terminal(pymemtools: Run, dataset: Dataset, question: str) -> None:
    lines = pymemtools("fleet", *question.split(), "-S", str(dataset.path)).stdout.decode().splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 80


def test_an_empty_dataset(pymemtools: Run, tmp_path: Path) -> None:
    Dataset(str(tmp_path / "set"), create=True)
    done = pymemtools("fleet", "hosts", "-S", str(tmp_path / "set"))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"pymemtools: fleet: {tmp_path}/set: no capture in it\n"


@pytest.mark.parametrize(
    ("missing", "call", "extra"),
    [
        ("duckdb", "hosts -S {set}", "fleet"),
        ("pyarrow", "ingest {captures} --into {set}", "fleet"),
        ("distributed", "ingest {captures} --into {set} --cluster tcp://127.0.0.1:1", "cluster"),
    ],
)
def test_without_the_extras_a_line_says_what_to_install(
    dataset: Dataset, captures: Path, missing: str, call: str, extra: str
) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\nfrom pymemtools.cli import run; run()"
    words = call.format(set=dataset.path, captures=captures).split()
    done = subprocess.run(
        [sys.executable, "-c", code, "fleet", *words], capture_output=True, text=True, check=False, cwd=HERE.parent
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"pymemtools: fleet: {missing} is not installed: pip install 'pymemtools[{extra}]'\n"


def test_other_commands_load_none_of_it() -> None:
    code = (
        "import sys; from pymemtools.cli import cli\n"
        "cli.main(['--demo', 'free'], standalone_mode=False)\n"
        "print([name for name in ('duckdb', 'pyarrow', 'distributed', 'pymemtools.fleet') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HERE.parent)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_schema_is_documented() -> None:
    page = (HERE.parent / "docs/fleet.md").read_text(encoding="utf-8").partition("\n## Tables\n")[2]
    lines = []
    for table, fields in TABLES.items():
        lines += [f"### `{table}`", *(f"| `{field.name}` | {field.kind} | {field.help} |" for field in fields)]
    assert [line for line in page.splitlines() if line.startswith(("### ", "| `"))] == lines
