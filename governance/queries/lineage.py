"""What came of what: data, runs, models, gates, authorizations, deployments, monitoring, firings, iterations.

All records of a project around a moment are read, a bounded number of each kind, joined in memory, and walked
in both directions from the record that is asked about. At most 12 queries, whatever the project holds.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils import timezone

from governance.queries.lineage_records import Edge, Found, Link, read_records
from lifecycle.models import Project

MOST_EACH_WAY = 40
"""Records that are shown upstream, and as many downstream; the nearest ones."""


@dataclass(frozen=True)
class Lineage:
    """The lineage of one record. `distance` is below zero upstream, above it downstream."""

    focus: Link
    links: list[Link]
    edges: list[Edge]
    distance: dict[str, int] = field(default_factory=dict)
    more_up: bool = False
    more_down: bool = False

    @property
    def upstream(self) -> list[Link]:
        """What it came of, the nearest first."""
        found = [each for each in self.links if self.distance[each.key] < 0]
        return sorted(found, key=lambda each: (-self.distance[each.key], each.kind, each.key))

    @property
    def downstream(self) -> list[Link]:
        """What came of it, the nearest first."""
        found = [each for each in self.links if self.distance[each.key] > 0]
        return sorted(found, key=lambda each: (self.distance[each.key], each.kind, each.key))


def lineage_of(project: Project, key: str = "") -> Lineage | None:
    """The lineage of a record of the project, named as `model:7`; of what is live, else of the newest.

    None if the project has no such record.
    """
    found = read_records(project, key, timezone.now())
    focus = found.links.get(key) if key else _usual(found)
    if focus is None:
        return None
    up, more_up = _walk(focus.key, _back(found.edges))
    down, more_down = _walk(focus.key, _forth(found.edges))
    distance = {each: -steps for each, steps in up.items()} | down | {focus.key: 0}
    kept = [found.links[each] for each in distance]
    edges = [each for each in found.edges if each.source in distance and each.target in distance]
    return Lineage(
        focus, sorted(kept, key=lambda each: (each.at, each.key)), _without_circles(edges, found),
        distance, more_up, more_down,
    )  # fmt: skip


def starts_of(project: Project, *, limit: int = 12) -> list[Link]:
    """Records that a reader may begin with: the newest models, deployments and data. 11 queries."""
    found = read_records(project, "", timezone.now())
    wanted = [each for each in found.links.values() if each.kind in ("deployment", "model", "data")]
    return sorted(wanted, key=lambda each: each.at, reverse=True)[:limit]


def _usual(found: Found) -> Link | None:
    """What is live, else the newest model, else the newest record."""
    by_age = sorted(found.links.values(), key=lambda each: (each.at, each.key), reverse=True)
    live = [each for each in by_age if each.kind == "deployment" and each.state == "live"]
    models = [each for each in by_age if each.kind == "model"]
    return next(iter([*live, *models, *by_age]), None)


def _back(edges: Iterable[Edge]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for each in edges:
        found[each.target].append(each.source)
    return found


def _forth(edges: Iterable[Edge]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for each in edges:
        found[each.source].append(each.target)
    return found


def _walk(start: str, ways: dict[str, list[str]]) -> tuple[dict[str, int], bool]:
    """The nearest records this way with their distance, and whether there are more."""
    found: dict[str, int] = {}
    waiting, seen = deque([(start, 0)]), {start}
    while waiting:
        key, steps = waiting.popleft()
        for each in ways.get(key, []):
            if each in seen:
                continue
            if len(found) == MOST_EACH_WAY:
                return found, True
            seen.add(each)
            found[each] = steps + 1
            waiting.append((each, steps + 1))
    return found, False


def _without_circles(edges: list[Edge], found: Found) -> list[Edge]:
    """The edges without those that would close a circle, so that the drawing has a left and a right.

    Walked from the oldest record on: what leads back to a record on the way here is left out.
    """
    ways: dict[str, list[Edge]] = defaultdict(list)
    for each in edges:
        ways[each.source].append(each)
    kept: list[Edge] = []
    on_the_way, done = set[str](), set[str]()
    for start in sorted(ways, key=lambda key: (found.links[key].at, found.links[key].rank, key)):
        path = [(start, iter(ways[start]))] if start not in done else []
        on_the_way.add(start)
        while path:
            key, rest = path[-1]
            edge = next(rest, None)
            if edge is None:
                path.pop()
                on_the_way.discard(key)
                done.add(key)
            elif edge.target not in on_the_way:
                kept.append(edge)
                if edge.target not in done:
                    on_the_way.add(edge.target)
                    path.append((edge.target, iter(ways[edge.target])))
        on_the_way.discard(start)
    return kept


def without_shortcuts(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The pairs without those that a longer way says already: what a drawing needs. Without circles only."""
    listed = list(dict.fromkeys(pairs))
    after: dict[str, set[str]] = defaultdict(set)
    for source, target in listed:
        after[source].add(target)

    def reached(starts: set[str]) -> set[str]:
        found, waiting = set[str](), list(starts)
        while waiting:
            fresh = after[waiting.pop()] - found
            found |= fresh
            waiting += fresh
        return found

    longer = {source: reached(after[source]) for source in list(after)}
    return tuple((source, target) for source, target in listed if target not in longer[source])
