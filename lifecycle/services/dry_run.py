"""What a condition would have done on past events. Reads only: nothing is fired and nothing recorded.

The same event may have reached the site in several ways: it counts once, under its key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lifecycle.models import Firing, Project, ReportedEvent, Run
from lifecycle.services.observations import observations_of
from lifecycle.services.trigger_conditions import check_condition, read

MOST_EVENTS = 500
MONITORED = ("drift", "anomaly", "metric")
FIRES, MERGED, UNREADABLE, QUIET = "fires", "merged", "unreadable", "quiet"


@dataclass(frozen=True)
class PastEvent:
    """Something that was seen: when, under which key, what, and the run or firing that shows it."""

    at: datetime
    key: str
    event: Mapping[str, Any]
    run_id: int | None = None
    firing_id: int | None = None

    @property
    def summary(self) -> str:
        """What was seen, in a sentence; empty if the event says nothing."""
        return str(self.event.get("summary") or self.event.get("title") or "").strip()[:300]


@dataclass(frozen=True)
class DryResult:
    """What would have come of one event: fires, merged, unreadable (fires and waits) or quiet."""

    past: PastEvent
    outcome: str
    problem: str = ""


def dry_run(
    *,
    project: Project,
    kind: str,
    condition: str,
    params: Mapping[str, Any],
    cooldown_hours: int,
    consecutive: int = 1,
) -> list[DryResult]:
    """What a trigger of this kind would have done on the last 500 events, the newest first. 3 queries.

    A cooldown is counted in the events' own time; what cannot be read fires too, and waits for a person.
    Raises Invalid for a condition that does not parse.
    """
    check_condition(condition)
    results: list[DryResult] = []
    last: datetime | None = None
    running: dict[object, int] = {}
    quiet_for = timedelta(hours=cooldown_hours)
    for past in past_events(project, kind):
        reading = read(condition, params, past.event)
        series = (past.event.get("plan"), past.event.get("model"))
        running[series] = running.get(series, 0) + 1 if reading.holds else 0
        if not reading.holds or (running[series] < consecutive and not reading.problem):
            results.append(DryResult(past, QUIET))
        elif last is not None and past.at - last < quiet_for:
            results.append(DryResult(past, MERGED, reading.problem))
        else:
            last = past.at
            results.append(DryResult(past, UNREADABLE if reading.problem else FIRES, reading.problem))
    return results[::-1]


def past_events(project: Project, kind: str) -> list[PastEvent]:
    """The last 500 events of a kind that the project has seen, the oldest first. 3 queries.

    They are what triggers of the kind fired on, what was reported, and what monitoring runs saw. What
    people fired by hand is not among them: a condition has no say in it.
    """
    found: dict[str, PastEvent] = {}
    for each in [*_monitored(project, kind), *_reported(project, kind), *_fired(project, kind)]:
        earlier = found.get(each.key)
        # A firing is the same event a little later: its time is when it was seen first.
        found[each.key] = each if earlier is None else PastEvent(
            min(each.at, earlier.at), each.key, each.event, earlier.run_id or each.run_id, each.firing_id
        )  # fmt: skip
    return sorted(found.values(), key=lambda each: (each.at, each.key))[-MOST_EVENTS:]


def _monitored(project: Project, kind: str) -> list[PastEvent]:
    if kind not in MONITORED:
        return []
    looks = (Run.Kind.MONITORING, Run.Kind.DATA_VALIDATION)
    runs = Run.objects.filter(project=project, kind__in=looks, state=Run.State.FINISHED)
    return [
        PastEvent(run.finished_at, f"run:{run.pk}", seen.event, run_id=run.pk)
        for run in runs.order_by("-finished_at", "-pk")[:MOST_EVENTS]
        for seen in observations_of(run)
        if seen.kind == kind and run.finished_at is not None
    ]


def _reported(project: Project, kind: str) -> list[PastEvent]:
    found = ReportedEvent.objects.filter(project=project, kind=kind).order_by("-reported_at", "-pk")
    return [PastEvent(each.reported_at, each.event_key, each.event) for each in found[:MOST_EVENTS]]


def _fired(project: Project, kind: str) -> list[PastEvent]:
    found = Firing.objects.filter(trigger__project=project, trigger__kind=kind)
    found = found.exclude(event_key__startswith="manual:").order_by("-fired_at", "-pk")
    return [
        PastEvent(each.fired_at, each.event_key, each.observed, run_id=each.run_id, firing_id=each.pk)
        for each in found[:MOST_EVENTS]
    ]
