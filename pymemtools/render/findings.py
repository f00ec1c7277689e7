"""The text of ``report``: each finding in a paragraph, the worst first, and how many of which severity there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from pymemtools.render.escape import escape
from pymemtools.render.fit import with_whole_figures, wrapped
from pymemtools.reports.findings.finding import SEVERITIES, Rule
from pymemtools.reports.findings.report import Findings

_WIDTH = 79
_LABELS = (("rule", "rule"), ("source", "source"), ("advice", "do"), ("command", "see"))


def finding_lines(found: Findings) -> Iterator[str]:
    """Lay all out within 79 columns."""
    for finding in found.findings:
        yield from _wrapped(f"{finding.severity.upper()}  ", f"{finding.title}: {finding.figure}")
        for field, label in _LABELS:
            write = _unbroken if field == "command" else _wrapped
            yield from write(f"  {label + ':':<8} ", getattr(finding, field))
        yield ""
    yield summary(found)
    if found.untold:
        yield from _wrapped("not told: ", "; ".join(found.untold))


def summary(found: Findings) -> str:
    """Count what was found.

    >>> summary(Findings([], None, 46))
    'nothing found: none of 46 rules applies'
    """
    nothing = f"nothing found: none of {found.rules} rules applies"
    counts = [(found.count(severity), severity) for severity in SEVERITIES]
    return ", ".join(f"{count} {_plural(word, count)}" for count, word in counts if count) or nothing


def _plural(severity: str, count: int) -> str:
    return severity if count == 1 or severity == "critical" else f"{severity}s"


def rule_lines(rules: Sequence[Rule]) -> Iterator[str]:
    """List the rules, one a line."""
    width = max(len(rule.id) for rule in rules)
    for rule in rules:
        yield f"{rule.id:<{width}}  {rule.severity:<8}  {rule.condition}"


def markdown_lines(found: Findings) -> Iterator[str]:
    """Write the findings as Markdown, in which names are inert: no markup of theirs counts."""
    yield f"**{summary(found)}**"
    if found.untold:
        yield ""
        yield f"not told: {_inert('; '.join(found.untold))}"
    for finding in found.findings:
        yield ""
        yield f"### {finding.severity}: {_inert(finding.title)}"
        yield ""
        yield f"- **figure**: {_inert(finding.figure)}"
        yield from (f"- **{label}**: {_inert(getattr(finding, field))}" for field, label in _LABELS)


def _inert(text: str) -> str:
    """Put a backslash before whatever Markdown, or HTML in it, could take for markup.

    >>> print(_inert("<b> *x* [y](z)"))
    \\<b\\> \\*x\\* \\[y\\]\\(z\\)
    """
    return "".join(f"\\{each}" if each in _MARKUP else each for each in escape(text))


_MARKUP = frozenset("\\`*_{}[]()<>#!|~&")


def _unbroken(head: str, text: str) -> Iterator[str]:
    """Lay commands out to be pasted: where they do not fit on a line, each on one of its own, however long that is."""
    text = escape(text)
    parts = [text] if len(head) + len(text) <= _WIDTH else text.replace("; pymemtools ", "\npymemtools ").split("\n")
    yield head + parts[0]
    yield from (" " * len(head) + part for part in parts[1:])


def _wrapped(head: str, text: str) -> Iterable[str]:
    lines = partial(
        wrapped, width=_WIDTH, subsequent_indent=" " * len(head), break_on_hyphens=False, break_long_words=False
    )
    return with_whole_figures(head + escape(text), lines)
