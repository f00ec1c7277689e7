"""The questions that come with it: each is one SQL query over the views, and its answer a Report like any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymemtools.errors import Missing
from pymemtools.fleet.engine import Engine
from pymemtools.report import Column, Report, table_of
from pymemtools.reports import fleet_columns as columns


class Question(NamedTuple):
    """A query, its columns by name, and what it is about."""

    name: str
    sql: str
    columns: tuple[Column, ...]
    label: str = ""  # that captures must have
    is_of_pss: bool = False


HOSTS = Question(
    "hosts",
    """
SELECT host, count(*) AS captures, min(taken_at) AS first_at, max(taken_at) AS last_at,
arg_max(kernel, taken_at) AS kernel,
array_to_string(list_transform(map_entries(arg_max(labels, taken_at)), lambda each: each.key || '=' || each.value), ' ')
AS labels, count(DISTINCT boot) AS boots, arg_max(mem_total, taken_at) AS mem_total,
arg_max(mem_available, taken_at) AS mem_available, min(mem_available) AS least_available,
arg_max(headroom_least, taken_at) AS headroom_least, count(*) FILTER (clock <> 'ok') AS clocks_off,
coalesce(any_value(kills), CASE WHEN max(coalesce(vmstat['oom_kill'], 1)) = 0 THEN 0 END) AS oom_events
FROM capture JOIN boot USING (capture_id, host, taken_at)
LEFT JOIN (SELECT host, count(DISTINCT (killed_pid, logged_at)) AS kills FROM oom_event GROUP BY host) USING (host)
GROUP BY host ORDER BY host
""",
    columns.HOSTS,
)
_GROWTH = """
WITH held AS ({held}),
lines AS (SELECT host, thing, label, regr_slope(size, epoch(taken_at)) * 3600 AS slope,
  arg_max(size, taken_at) - arg_min(size, taken_at) AS grown
  FROM held GROUP BY host, thing, life, label
  HAVING count(*) >= 3 AND epoch(max(taken_at)) - epoch(min(taken_at)) >= 600)
SELECT thing, label, count(DISTINCT host) AS hosts, count(DISTINCT host) FILTER (slope > 0 AND grown > 0) AS growing,
  quantile_cont(slope, 0.5) AS median_per_hour, max(slope) AS most_per_hour, arg_max(host, slope) AS most_host,
  sum(grown)::BIGINT AS grown FROM lines GROUP BY thing, label
ORDER BY (median_per_hour > 0) DESC, growing DESC, median_per_hour DESC, thing, label
"""
# labels[$label]: the label that is asked for.
# What is followed: a process is the same by its boot, its number and its start.
HELD = {
    "process": """
SELECT p.host, p.taken_at, p.name AS thing, p.pss::DOUBLE AS size, labels[$label] AS label,
boot || '/' || p.pid || '/' || p.starttime_ticks AS life
FROM process p JOIN capture c USING (capture_id) JOIN boot USING (capture_id) WHERE p.pss IS NOT NULL""",
    "mapping": """
SELECT m.host, m.taken_at, m.path AS thing, sum(m.pss)::DOUBLE AS size, any_value(labels[$label]) AS label,
any_value(boot) AS life
FROM mapping m JOIN capture c USING (capture_id) JOIN boot USING (capture_id)
GROUP BY m.host, m.taken_at, m.capture_id, m.path""",
    "group": """
SELECT g.host, g.taken_at, g.cgroup AS thing, g.current::DOUBLE AS size, labels[$label] AS label, boot AS life
FROM cgroup g JOIN capture c USING (capture_id) JOIN boot USING (capture_id) WHERE g.current IS NOT NULL""",
}
RISK = Question(
    "risk",
    """
WITH risks AS (
  SELECT capture_id, host, taken_at, 'headroom' AS risk, headroom_least AS "left", mem_total AS whole, victim_name
  FROM latest
  UNION ALL SELECT capture_id, host, taken_at, 'commit limit', commit_limit - committed_as, commit_limit, victim_name
  FROM latest WHERE overcommit_memory = 2
  UNION ALL SELECT capture_id, host, taken_at, 'group ' || cgroup, headroom, current + headroom, NULL FROM cgroup
  SEMI JOIN latest USING (capture_id) WHERE state = 'near its limit'
    OR (state IS NULL AND 100.0 * ("limit" - current + page_cache) / "limit" <= $within))
SELECT host, taken_at, risk, "left", whole, 100.0 * "left" / whole AS percent, victim_name FROM risks
WHERE whole > 0 AND 100.0 * "left" / whole <= $within ORDER BY percent, host, risk
""",
    columns.RISK,
)
TOP = Question(
    "top",
    """
SELECT name, count(DISTINCT host) AS hosts, count(*) AS processes, sum(pss)::BIGINT AS pss,
quantile_cont(pss, 0.5)::BIGINT AS median, max(pss) AS most, arg_max(host, pss) AS most_host
FROM process SEMI JOIN latest USING (capture_id) GROUP BY name ORDER BY pss DESC NULLS LAST, name
""",
    columns.TOP,
    is_of_pss=True,
)
TUNABLES = Question(
    "tunables",
    """
SELECT tunable, value, count(DISTINCT host) AS hosts, bool_and(is_default) AS is_default, min(host) AS example
FROM tunable SEMI JOIN latest USING (capture_id) WHERE contains(tunable, $name)
GROUP BY tunable, value ORDER BY tunable, hosts DESC, value
""",
    columns.TUNABLES,
)
WHAT_IF = Question(
    "what-if alloc",
    """
SELECT host, taken_at, step.outcome AS outcome, step.victim_pid AS victim_pid, step.victim_name AS victim_name,
headroom_least, headroom_most FROM (SELECT *, what_if_alloc(alloc, $size) AS step FROM latest)
ORDER BY headroom_least NULLS FIRST, host
""",
    columns.WHAT_IF,
)
FINDINGS = Question(
    "report",
    """
WITH turns AS (
  SELECT *, row_number() OVER (PARTITION BY host ORDER BY taken_at, capture_id DESC) AS turn FROM capture),
seen AS (
  SELECT host, id, taken_at, turn, turn - row_number() OVER (PARTITION BY host, id ORDER BY turn) AS run
  FROM turns JOIN (SELECT DISTINCT capture_id, id FROM finding) USING (capture_id)),
since AS (
  SELECT host, id, min(taken_at) AS first_at FROM seen GROUP BY host, id, run
  QUALIFY row_number() OVER (PARTITION BY host, id ORDER BY max(turn) DESC) = 1)
SELECT id, severity, count(DISTINCT host) AS hosts, min(first_at) AS first_at, max(taken_at) AS last_at,
min(host) AS example, list(DISTINCT host ORDER BY host) AS machines,
arg_min(title, host) AS title, arg_min(figure, host) AS figure
FROM finding SEMI JOIN latest USING (capture_id) JOIN since USING (host, id)
GROUP BY id, severity
ORDER BY CASE severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, hosts DESC, id
""",
    columns.FINDINGS,
)


def answered(
    engine: Engine, question: Question, values: Mapping[str, Any], facts: Mapping[str, Any], top: int | None = None
) -> Report:
    """Ask, and make the answer a Report. Raises Missing for a dataset without captures."""
    found = engine.ask(question.sql, values)
    nested = {column.key for column in question.columns if column.kind == "nested"}
    rows = [
        {name: value if name in nested else plain(value) for name, value in zip(found.names, row)} for row in found.rows
    ]
    ((captures, hosts, rejected),) = engine.ask(_COUNTS).rows
    if not captures:
        raise Missing(f"fleet: {facts['path']}: no capture in it" + (f", {rejected} rejected" if rejected else ""))
    if question.label:
        _expect_label(engine, question)
    totals = {"captures": captures, "hosts": hosts, "rejected": rejected, "rows": len(rows)}
    table = table_of(question.columns, rows[:top])
    notes = (*_shared_names(engine), *(_lost_pss(engine) if question.is_of_pss else ()))
    return Report(f"fleet {question.name}", table, rows[:top], totals, facts, notes, notes)


_SHARED = """
WITH spans AS (
  SELECT host, boot_id, min(taken_at) AS first_at, max(taken_at) AS last_at FROM capture
  WHERE boot_id IS NOT NULL AND clock = 'ok' GROUP BY host, boot_id)
SELECT DISTINCT a.host FROM spans a JOIN spans b
ON a.host = b.host AND a.boot_id < b.boot_id AND a.first_at < b.last_at AND b.first_at < a.last_at ORDER BY a.host
"""


def _shared_names(engine: Engine) -> Iterator[str]:
    """Say which names several machines must have: a machine does not start while it is running."""
    names = [name for (name,) in engine.ask(_SHARED).rows]
    if names:
        others = "" if len(names) == 1 else f" (and {len(names) - 1} more)"
        yield f"several machines are called '{names[0]}'{others}: their starts overlap in time, and they count as one"


def _lost_pss(engine: Engine) -> Iterator[str]:
    """Say of how many machines some PSS is less than what only that process has."""
    ((lost,),) = engine.ask("SELECT count(DISTINCT host) FROM process WHERE pss < uss").rows
    if lost:
        machines = "1 machine" if lost == 1 else f"{lost} machines"
        yield f"of {machines} the PSS of some processes is below their USS: 32-bit kernels leave huge pages out of it"


_COUNTS = "SELECT count(*), count(DISTINCT host), (SELECT count(*) FROM rejected) FROM capture"


_LABELS = "SELECT DISTINCT unnest(map_keys(labels)) AS label FROM capture ORDER BY label"


def _expect_label(engine: Engine, question: Question) -> None:
    known = [label for (label,) in engine.ask(_LABELS).rows]
    if question.label not in known:
        others = f"there are: {', '.join(known)}" if known else "none has any (fleet ingest --label NAME=VALUE)"
        raise Missing(f"fleet {question.name}: no capture has a label '{question.label}'; {others}")


def grew(by: str, label: str = "") -> Question:
    """Ask what grew: processes, mappings or groups, by name, and apart by the values of a label."""
    return Question("grew", _GROWTH.format(held=HELD[by]), columns.GREW, label, is_of_pss=by != "group")


def free_question(engine: Engine, sql: str, facts: Mapping[str, Any], most: int) -> Report:
    """Ask what somebody wrote; columns are called as they are in it."""
    found = engine.ask(sql, most=most + 1)
    named = tuple(_column(name, kind) for name, kind in _distinct(found.names, found.types))
    rows = [dict(zip([column.key for column in named], map(plain, row))) for row in found.rows]
    notes = () if len(rows) <= most else (f"more than {most} rows: --rows gives more",)
    return Report(
        "fleet sql", table_of(named, rows[:most]), rows[:most], {"rows": len(rows[:most])}, facts, notes, notes
    )


def _distinct(names: Sequence[str], types: Sequence[str]) -> list[tuple[str, str]]:
    """Number names that are there twice: a JSON object has each key once."""
    seen: dict[str, int] = {}
    found = []
    for name, kind in zip(names, types):
        seen[name] = seen.get(name, 0) + 1
        found.append((name if seen[name] == 1 else f"{name}_{seen[name]}", kind))
    return found


def _column(name: str, kind: str) -> Column:
    kind = kind.upper()
    if kind in ("BIGINT", "HUGEINT", "INTEGER", "UBIGINT", "SMALLINT", "TINYINT"):
        return Column(name, name, "", "count", 1)
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        return Column(name, name, "", "ratio", 1)
    if kind == "BOOLEAN":
        return Column(name, name, "", "bool", 1)
    return Column(name, name, "", "text", 1, right=False)


def plain(value: Any) -> Any:
    """Make a value of DuckDB's one that every format has."""
    from datetime import datetime
    from decimal import Decimal

    if isinstance(value, datetime):
        text = value.isoformat(timespec="seconds" if not value.microsecond else "milliseconds")
        return text.replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return float(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, dict, tuple)):
        import json

        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)
