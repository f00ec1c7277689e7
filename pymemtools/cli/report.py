"""``pymemtools report``: what is to be said of a machine first, the worst first, with figures, rules and advice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from pymemtools.cli import say
from pymemtools.cli.command import AbbreviatingCommand
from pymemtools.cli.file_options import check_one_stdin, diff_option, output_options
from pymemtools.cli.options import (
    check_style,
    exit_status,
    format_option,
    open_from,
    source_options,
    span_options,
    until,
    write_lines,
)
from pymemtools.cli.output import note_incomplete, show
from pymemtools.errors import UsageProblem
from pymemtools.render.tones import FINDINGS
from pymemtools.report import Report
from pymemtools.reports.findings.finding import SEVERITIES
from pymemtools.sources.base import Source

if TYPE_CHECKING:
    from pymemtools.readings.recorded import Recorded
    from pymemtools.reports.findings.evidence import Evidence

_FOUND = 6  # exit status: there is a finding as bad as --fail-on says
_MARKDOWN = "md"


@click.command("report", cls=AbbreviatingCommand)
@click.option("--list", "lists", is_flag=True, help="List the rules by which things are found, one a line.")
@diff_option("Say what grew since OTHER, an earlier capture.")
@span_options("Up to this moment, which is described.")
@output_options("Write a page about the machine to FILE.html.")
@click.option(
    "--fail-on", type=click.Choice(SEVERITIES), help="Exit with 6 where something as bad as that, or worse, is found."
)
@source_options
@format_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Say what is to be known of a machine or a capture first, the worst first: figure, rule, and what to do.

    -f md is Markdown, to be pasted into an issue.
    """
    source, style, diff, output = (options[name] for name in ("source", "style", "diff", "output"))
    _check(options)
    if options["lists"]:
        _show_rules(style)
        return 0
    from pymemtools.reports.findings.evidence import Evidence
    from pymemtools.reports.findings.logged import kills_in
    from pymemtools.reports.findings.report import findings_report

    before = None if diff is None else Evidence(open_from(ctx, diff))
    opened = open_from(ctx, until("report", source, options["last"]), with_logs=True)
    damages: list[str] = []
    kills = kills_in(opened, options["max_size"], damages)
    evidence = Evidence(opened, kills, before, recorded=_span(opened, options["first"]))
    for damage in damages:
        say(f"report: {damage}")
    report = _saved(evidence, output, force=options["force"]) if output else findings_report(evidence)
    note_incomplete(ctx, report)
    if output:
        _warn(report)
    elif style == _MARKDOWN:
        _warn(report)
        write_lines(_markdown(report))
    else:
        show(report, style, _text, tones=FINDINGS)
    is_found = options["fail_on"] is not None and report.answer.has(options["fail_on"])
    return _FOUND if is_found else exit_status(ctx)


def _span(source: Source, first: str | None) -> Recorded | None:
    """Give what was recorded up to the moment that is described; None of what is no recording."""
    if hasattr(source, "moment"):
        from pymemtools.readings.recorded import Recorded
        from pymemtools.sources.recording.replay import Replay

        if isinstance(source, Replay):
            return Recorded(source, first)
    if first is not None:
        raise UsageProblem("report: --from is for a recording: -S FILE names one")
    return None


def _saved(evidence: Evidence, path: str, *, force: bool) -> Report:
    """Write the page, whole or not at all."""
    from pymemtools.cli.new_file import new_file
    from pymemtools.render.page.document import page_lines
    from pymemtools.reports.machine_page import page_of

    page = page_of(evidence)
    with new_file(path, force=force) as file:
        file.writelines(f"{line}\n".encode() for line in page_lines(page))
    return page.report


def _check(options: Mapping[str, Any]) -> None:
    """Refuse what does not go together, before anything is read. Raises UsageProblem."""
    style, output = options["style"], options["output"]
    if output is not None and style != "text":
        raise UsageProblem("report: -o writes a page: it has no --format")
    if output is not None and not output.endswith(".html"):
        raise UsageProblem(f"report: {output}: a page is a .html (findings as text, md or json go to stdout)")
    if style != _MARKDOWN:
        check_style(style)
    check_one_stdin("report", options)


def _show_rules(style: str) -> None:
    from pymemtools.reports.findings.report import rules_report

    report = rules_report()
    if style == _MARKDOWN:
        raise UsageProblem("report: --list has no md: it is one line a rule, or a table (-f github)")
    show(report, style, _rules_text)


def _warn(report: Report) -> None:
    for warning in report.warnings:
        say(f"report: {warning}")


def _text(report: Report) -> Iterable[str]:
    from pymemtools.render.findings import finding_lines

    return finding_lines(report.answer)


def _markdown(report: Report) -> Iterable[str]:
    from pymemtools.render.findings import markdown_lines

    return markdown_lines(report.answer)


def _rules_text(report: Report) -> Iterable[str]:
    from pymemtools.render.findings import rule_lines

    return rule_lines(report.answer)
