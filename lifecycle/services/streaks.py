"""Whether a condition has held in enough windows running, so that one bad window alone fires nothing.

Windows that could not be scored are no windows here: they neither count nor break a streak.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from lifecycle.models import MonitoringWindow, ReportedEvent, Run, Trigger
from lifecycle.services.observations import observations_of
from lifecycle.services.trigger_conditions import read_condition

_LOOKED_AT = 4
"""For each window that is needed so many runs are read at most: some of them saw nothing of the kind."""


def held_before(trigger: Trigger, event: Mapping[str, Any], run: Run | None) -> bool:
    """Whether the condition held in the `consecutive - 1` windows before this event. At most 2 queries.

    The windows before are those of the same plan, or else of the same model; reported events follow each
    other as they were reported.
    """
    needed = trigger.consecutive - 1
    if needed < 1:
        return True
    earlier = _runs_before(trigger, event, run, needed) if run is not None else _reported(trigger, needed)
    found = list(islice(earlier, needed))
    return len(found) == needed and all(read_condition(trigger, past).holds for past in found)


def _runs_before(
    trigger: Trigger, event: Mapping[str, Any], run: Run, needed: int
) -> Iterator[Mapping[str, Any]]:
    runs = Run.objects.filter(project=trigger.project_id, kind=run.kind, state=Run.State.FINISHED)
    window = MonitoringWindow.objects.filter(run=run).select_related("plan").first()
    if window is not None:
        runs = runs.filter(plan_window__plan__key=window.plan.key, plan_window__start__lt=window.start)
        runs = runs.order_by("-plan_window__start", "-pk")
    else:
        runs = runs.filter(model_version=run.model_version_id, plan_window__isnull=True).exclude(pk=run.pk)
        runs = runs.order_by("-finished_at", "-pk")
    for each in runs[: needed * _LOOKED_AT]:
        yield from (seen.event for seen in observations_of(each) if seen.kind == trigger.kind
                    and seen.event.get("window") == event.get("window"))  # fmt: skip


def _reported(trigger: Trigger, needed: int) -> Iterator[Mapping[str, Any]]:
    events = ReportedEvent.objects.filter(project=trigger.project_id, kind=trigger.kind)
    for each in events.order_by("-reported_at", "-pk")[1 : needed + 1]:
        yield each.event
