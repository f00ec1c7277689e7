"""Metrics as text that both Prometheus (0.0.4) and OpenMetrics (1.0) read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from pymemtools.render.escape import escape
from pymemtools.reports.metrics.families import GAUGE
from pymemtools.reports.metrics.report import MetricRow


def exposition(rows: Iterable[MetricRow]) -> Iterator[str]:
    """Write all samples, those of a metric below what it is; without times, which the textfile collector refuses.

    Of a counter no type is said: Prometheus calls it by the name with _total, OpenMetrics by that without, and each
    refuses the other. Its name tells.
    """
    for name, samples in groupby(rows, key=lambda row: row.metric):
        first, *rest = samples
        yield f"# HELP {name} {first.metric_help}"
        if first.metric_type == GAUGE:
            yield f"# TYPE {name} gauge"
            if first.metric_unit:
                yield f"# UNIT {name} {first.metric_unit}"
        yield from map(_sample, (first, *rest))
    yield "# EOF"


def _sample(row: MetricRow) -> str:
    label = "" if row.label is None else f'{{{row.label}="{_label_text(row.label_value or "")}"}}'
    return f"{row.metric}{label} {row.metric_value}"


def _label_text(text: str) -> str:
    r"""Quote a name: what is no text that can be printed as on a terminal, so it is UTF-8 in one line.

    >>> _label_text('say "hi"\n'), _label_text("caf\udce9")
    ('say \\"hi\\"\\\\x0a', 'caf\\\\xe9')
    """
    return escape(text).replace("\\", "\\\\").replace('"', '\\"')
