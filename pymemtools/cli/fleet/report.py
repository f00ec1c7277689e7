"""``pymemtools fleet report``: what is found, on how many machines, and since when?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.file_options import output_options
from pymemtools.cli.fleet.asking import answer, dataset_options, engine_of, facts_of, show_answer
from pymemtools.errors import UsageProblem


@click.command("report", cls=AbbreviatingCommand)
@output_options("Write a page about the fleet to FILE.html.")
@dataset_options
def command(**options: Any) -> int:
    """Say what report finds in the latest capture of each machine: on how many, which, and since when."""
    from pymemtools.fleet.questions import FINDINGS

    if options["output"]:
        _write_page(options)
        return 0
    report = answer(options, FINDINGS, {})
    hosts = (report.totals or {})["hosts"]
    show_answer(report, options, "" if report.table.height else f"nothing found on {hosts} machines")
    return 0


def _write_page(options: Mapping[str, Any]) -> None:
    from pymemtools.cli.new_file import new_file
    from pymemtools.fleet.questions import FINDINGS, HOSTS, RISK, TOP, Question, answered
    from pymemtools.render.page.fleet import fleet_lines

    path = options["output"]
    if options["style"] != "text":
        raise UsageProblem("fleet report: -o writes a page: it has no --format")
    if not path.endswith(".html"):
        raise UsageProblem(f"fleet report: {path}: a page is a .html")
    engine, dataset = engine_of(options, "report")
    asked: list[tuple[Question, dict[str, Any]]] = [(FINDINGS, {}), (RISK, {"within": 10.0}), (HOSTS, {}), (TOP, {})]
    reports = [answered(engine, question, values, facts_of(dataset)) for question, values in asked]
    with new_file(path, force=options["force"]) as file:
        file.writelines(f"{line}\n".encode() for line in fleet_lines(reports))
