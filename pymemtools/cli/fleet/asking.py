"""What the questions of a fleet share: the dataset that -S names, its engine, and the options of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pymemtools.cli.file_options import output_options
from pymemtools.cli.options import check_style, format_option
from pymemtools.cli.types import PATH, SECONDS, SIZE
from pymemtools.errors import UsageProblem

if TYPE_CHECKING:
    from pymemtools.fleet.dataset import Dataset
    from pymemtools.fleet.engine import Engine
    from pymemtools.fleet.questions import Question
    from pymemtools.report import Report

_F = TypeVar("_F", bound=Callable[..., Any])
picture_options = output_options("Write the picture to FILE.svg or FILE.html.")
TOP = click.option("--top", type=click.IntRange(min=1), metavar="N", help="Only the first N rows.")


def dataset_options(function: _F) -> _F:
    """Add -S DATASET, what bounds a question, and -f."""
    function = format_option(function)
    for option in (
        click.option(
            "--memory",
            type=SIZE,
            default="512M",
            metavar="SIZE",
            help="Let a question take so much memory, then use disk. [512M]",
        ),
        click.option("--timeout", type=SECONDS, default=60.0, metavar="SECONDS", help="Give up after that. [60]"),
        click.option("-S", "--source", type=PATH, metavar="DATASET", help="The dataset."),
    ):
        function = option(function)
    return function


def engine_of(options: Mapping[str, Any], command: str) -> tuple[Engine, Dataset]:
    """Open the dataset that is named; what questions put on the disk goes with us. Raises UsageProblem for none."""
    check_style(options["style"])
    if not options["source"]:
        raise UsageProblem(f"fleet {command}: which dataset? Write -S DATASET (fleet ingest makes one)")
    from pymemtools.cli.new_file import removed
    from pymemtools.fleet.dataset import Dataset
    from pymemtools.fleet.engine import Engine

    dataset = Dataset(options["source"])
    engine = Engine(dataset, memory=options["memory"], seconds=options["timeout"])
    context = click.get_current_context()
    context.with_resource(removed(engine.spilled))
    context.call_on_close(engine.close)
    return engine, dataset


def facts_of(dataset: Dataset) -> dict[str, Any]:
    """Say what the source of an answer is."""
    return {"kind": "dataset", "path": str(dataset.path), "kernel": None, "page_size": None, "taken_at": None}


def answer(options: Mapping[str, Any], question: Question, values: Mapping[str, Any], top: int | None = None) -> Report:
    """Ask one of the questions that come with the program."""
    from pymemtools.cli.fleet.picture import check_output
    from pymemtools.fleet.questions import answered

    check_output(options, question.name)
    engine, dataset = engine_of(options, question.name)
    return answered(engine, question, values, facts_of(dataset), top)


def show_answer(report: Report, options: Mapping[str, Any], last: str = "") -> None:
    """Print it: a table for people, and what is to be said below it, or a format for programs; or draw it."""
    from pymemtools.cli.fleet.picture import save
    from pymemtools.cli.output import show
    from pymemtools.render.plain_table import plain_lines
    from pymemtools.reports.fleet_columns import SHOWN, for_people

    def text(report: Report) -> list[str]:
        table = for_people(report.table.only(SHOWN.get(report.command, report.table.keys)))
        return [*plain_lines(table), *([last] if last else [])]

    if options.get("output") is not None:
        save(report, options["output"], force=options["force"])
    else:
        show(report, options["style"], text)
