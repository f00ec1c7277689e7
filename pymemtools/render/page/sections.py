"""The sections of a page below its findings, in the order of reading; one that has nothing to show is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from pymemtools.areas import Areas, with_holes, without_holes
from pymemtools.render.address_svg import Sheet, svg_lines
from pymemtools.render.area_scale import Heights
from pymemtools.render.page.shares import Part, bar_lines, legend_lines, treemap_lines
from pymemtools.render.page.tables import table_lines
from pymemtools.render.page.words import region, safe, short
from pymemtools.report import Table
from pymemtools.reports.findings.evidence import rows_of
from pymemtools.reports.machine_page import Page
from pymemtools.reports.physical import KINDS
from pymemtools.reports.physical_areas import physical_areas
from pymemtools.reports.vgraph.scene import Scene, footer
from pymemtools.units import human_size

_NEXT = 10  # processes that would be killed first
_KILLS = 10  # that are explained
_SEEN = 60  # parts of a treemap; the rest is one


class Section(NamedTuple):
    """One of them."""

    name: str
    title: str
    lines: Callable[[Page], Iterator[str]]


def _course(page: Page) -> Iterator[str]:
    if page.evidence.recorded is not None:
        from pymemtools.render.page.curves import course_lines  # with all that judges trends: most are no recording

        yield from course_lines(page)


def _where(page: Page) -> Iterator[str]:
    system = page.evidence.system
    if system is not None:
        parts = [Part(row["area"], row["used"]) for row in rows_of(system) if row["used"]]
        yield from bar_lines("The whole machine's memory, in parts that add up", parts)
        yield from legend_lines(parts)
        yield "<details><summary>as a table</summary>"
        yield from table_lines(
            "system", "The parts of memory (smem -W)", system.table, ["area", "used", "cache", "noncache"]
        )
        yield "</details>"
    yield from _treemaps(page)
    processes = page.evidence.processes
    if processes is not None:
        keys = ["pid", "user", "name", "pss", "uss", "rss", "swap", "command"]
        yield from table_lines("processes", "Processes (smem)", _largest_first(processes.table), keys, sorts=True)


def _largest_first(table: Table) -> Table:
    sizes = [pss if pss is not None else rss for pss, rss in zip(table.cells["pss"], table.cells["rss"])]
    return table.take(sorted(range(table.height), key=lambda i: -(sizes[i] or 0)))


def _treemaps(page: Page) -> Iterator[str]:
    by_process = [
        Part(row["name"], row["pss"] or row["rss"] or 0, f"PID {row['pid']}, {row['user']}")
        for row in page.evidence.rows("processes")
    ]
    by_user = [Part(row["user"], row["pss"] or row["rss"] or 0) for row in rows_of(page.users)]
    groups = page.evidence.rows("groups")
    leaves = [
        Part(row["cgroup"], row["current"])
        for row in groups
        if row["current"] and not any(each["cgroup"].startswith(row["cgroup"].rstrip("/") + "/") for each in groups)
    ]
    for name, title, parts in (
        ("by process", "Memory by process: the PSS of each", by_process),
        ("by user", "Memory by user", by_user),
        ("by group", "Memory by group: what is charged to each", leaves),
    ):
        if len(parts) > 1:
            yield f"<details{' open' if name == 'by process' else ''}><summary>{name}</summary>"
            yield from treemap_lines(title, _folded(parts))
            yield "</details>"


def _folded(parts: list[Part]) -> list[Part]:
    """Make one part of those too small to be seen."""
    parts = sorted(parts, key=lambda part: -part.size)
    rest = parts[_SEEN:]
    return [*parts[:_SEEN], *([Part(f"{len(rest)} others", sum(part.size for part in rest))] if rest else [])]


def _next(page: Page) -> Iterator[str]:
    scores = page.evidence.scores
    if scores is None:
        return
    first = next((row for row in rows_of(scores) if row["killable"]), None)
    if first is not None:
        held = human_size((first["rss"] or 0) + (first["swap"] or 0))
        adj = first["oom_score_adj"]
        why = f", of which oom_score_adj {adj} is a part" if adj else ""
        yield f"<p>Out of memory, the kernel would kill <b>{short(first['name'])}</b> (PID {first['pid']}), "
        yield f"score {first['oom_score']}{why}: it holds {held}.</p>"
    keys = ["pid", "user", "name", "oom_score", "oom_score_adj", "rss", "swap", "page_tables"]
    table = scores.table.take(range(min(_NEXT, scores.table.height)))
    yield from table_lines("next", "Who is killed first (oom-scores)", table, keys)


def _fits(page: Page) -> Iterator[str]:
    if page.headroom is not None:
        rows = rows_of(page.headroom)
        least, most = sum(row["least"] for row in rows), sum(row["most"] for row in rows)
        yield f"<p>A program could take <b>{human_size(least)}</b> for sure, and {human_size(most)} at the most, "
        yield "before a process is killed.</p>"
        keys = ["source", "least", "most"]
        yield from table_lines("headroom", "Where it would come from (what-if alloc)", page.headroom.table, keys)
    evidence = page.evidence
    if evidence.overcommit is not None:
        keys = ["mode", "is_current", "commit_limit", "committed_as", "headroom", "largest_mmap_user"]
        yield from table_lines(
            "overcommit", "What may be promised (what-if overcommit)", evidence.overcommit.table, keys
        )
    if evidence.zones is not None:
        table = evidence.zones.table
        there = [place for place, managed in enumerate(table.cells["managed"]) if managed != 0]
        keys = ["node", "zone", "state", "free", "min", "low", "high", "managed"]
        yield from table_lines("zones", "Zones against their watermarks (zones)", table.take(there), keys)
    if evidence.groups is not None and evidence.groups.table.height > 1:
        keys = ["cgroup", "state", "current", "limit", "headroom", "anonymous", "page_cache", "swap", "processes"]
        yield from table_lines(
            "groups", "Memory groups (groups --all)", evidence.groups.table, [*keys, "oom_kills"], sorts=True
        )


def _spaces(page: Page) -> Iterator[str]:
    for scene in page.spaces:
        title = scene.space.title
        yield f'<details><summary>{short(title)}</summary><div class="picture wide" {region(f"Picture of {title}")}>'
        yield from _drawn(scene)
        yield "</div></details>"


def _drawn(scene: Scene) -> Iterator[str]:
    title = scene.space.title
    sheet = Sheet(
        title if len(title) < 100 else title[:99] + "…", "", footer(scene), scene.digits, True, scene.meanings
    )
    return _without_style(svg_lines(scene.areas, Heights(scene.areas, "log"), sheet, frozenset()))


def _without_style(lines: Iterator[str]) -> Iterator[str]:
    """Leave out the style of a picture, which the page has once for all."""
    return (line for line in lines if not line.startswith("<style>"))


def _physical(page: Page) -> Iterator[str]:
    if page.physical is None:
        return
    found = page.physical.answer
    areas = without_holes(Areas(with_holes(physical_areas(found.rows), 0)), 1 << 20)
    digits = max([8, *(len(f"{area.end:x}") for area in areas[-1:])])
    line = f"RAM {human_size(found.sums.ram)}, devices {human_size(found.sums.devices)}"
    sheet = Sheet("Physical address space", "", [line], digits, False, KINDS)
    yield '<details><summary>the map</summary><div class="picture wide" ' + f"{region('Picture of the map')}>"
    yield from _without_style(svg_lines(areas, Heights(areas, "log"), sheet, frozenset()))
    yield "</div></details>"


def _tunables(page: Page) -> Iterator[str]:
    report = page.evidence.tunables
    if report is None:
        return
    changed = [place for place, is_default in enumerate(report.table.cells["is_default"]) if is_default is False]
    if changed:
        keys = ["tunable", "value", "default", "unit", "meaning"]
        yield from table_lines("tunables", "Off their defaults (tunables list)", report.table.take(changed), keys)
    else:
        yield f"<p>All {report.table.height} tunables whose default is a number have it.</p>"


def _kills(page: Page) -> Iterator[str]:
    kills = page.evidence.kills
    if not kills:
        return
    from pymemtools.reports.oom_report.verdict import verdict  # takes a while, and most have no kill

    if len(kills) > _KILLS:
        yield f"<p>Of {len(kills)} the last {_KILLS}; oom-report shows all.</p>"
    for kill in kills[-_KILLS:]:
        killed, when = kill.analysis.killed, kill.told_when
        name = "nobody" if killed is None else f"{killed.pid} ({killed.name})"
        yield f"<h3>{safe(name)}{'' if when is None else f' at {safe(when)}'}</h3><ul>"
        yield from (f"<li>{safe(line)}</li>" for line in verdict(kill.analysis))
        yield "</ul>"


SECTIONS = (
    Section("course", "How it came to this", _course),
    Section("where", "Where the memory is", _where),
    Section("killed-next", "Who is next when it runs out", _next),
    Section("fits", "What still fits", _fits),
    Section("kills", "Kills", _kills),
    Section("spaces", "Address spaces of the largest", _spaces),
    Section("physical", "Physical addresses", _physical),
    Section("settings", "Settings off their defaults", _tunables),
)
