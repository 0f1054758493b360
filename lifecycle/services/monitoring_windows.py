"""The windows of monitoring plans that have come due: each is looked at once, missed ones are caught up.

Safe with any number of schedulers: a plan is locked while its windows are handed out, and a window and stage
is a unique row.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from croniter import croniter
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from ledger.actors import Actor, SystemActor
from ledger.errors import GatebookError
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Refused
from lifecycle.executors import parse_plan
from lifecycle.executors.plan_specs import PlanSpec, Stage, windows
from lifecycle.models import Iteration, MonitoringPlan, MonitoringWindow, Project, Run
from lifecycle.rules import can_contribute
from lifecycle.services.monitoring_plans import reference_of
from lifecycle.services.run_requests import request_monitoring
from lifecycle.services.steps import allow, ensure_active, locked, record

log = logging.getLogger(__name__)

AT_ONCE = 40
"""So many windows of a plan are handed out in one go; the next tick goes on."""
_SOON = timedelta(minutes=5)


class Due(NamedTuple):
    """A window that should be looked at."""

    start: datetime
    end: datetime
    stage: Stage


def run_due_plans(now: datetime) -> list[Run]:
    """Ask for the runs of all windows that are due, the earliest first; returns the runs.

    1 query when nothing is due. A plan that cannot be carried out is logged, and the others go on.
    """
    live = Q(state=MonitoringPlan.State.ACTIVE) | Q(
        state=MonitoringPlan.State.SUPERSEDED, next_look_at__isnull=False
    )
    due = Q(next_look_at__isnull=True, state=MonitoringPlan.State.ACTIVE) | Q(next_look_at__lte=now)
    plans = MonitoringPlan.objects.filter(live & due, project__state=Project.State.ACTIVE)
    found: list[Run] = []
    for plan in plans.select_related("project").order_by("pk"):
        try:
            found += look_at_due_windows(plan, now)
        except GatebookError:  # a process edge: one plan that goes wrong must not hold up the others
            log.exception("monitoring plan %s could not be carried out", plan.pk)
    return found


@transaction.atomic
def look_at_due_windows(plan: MonitoringPlan, now: datetime) -> list[Run]:
    """Ask for the runs of one plan's due windows."""
    project = locked(plan.project)
    plan = locked(plan, "model_version")
    if plan.state == MonitoringPlan.State.PAUSED or project.state != Project.State.ACTIVE:
        return []
    return _hand_out(plan, now, SystemActor(f"monitoring {plan.key}"))


def _hand_out(plan: MonitoringPlan, now: datetime, actor: Actor) -> list[Run]:
    spec = parse_plan(plan.spec)
    due = list(_due(plan, spec, now))
    handed, rest = due[:AT_ONCE], due[AT_ONCE:]
    iteration = Iteration.objects.filter(project=plan.project_id, state=Iteration.State.OPEN).first()
    runs = [_keep(plan, each, _ask(plan, spec, each, iteration, actor)) for each in handed]
    plan.next_look_at = now if rest else _next_look(plan, spec, now)
    plan.save(update_fields=["next_look_at"])
    return runs


@transaction.atomic
def look_now(*, plan: MonitoringPlan, actor: Actor, now: datetime) -> list[Run]:
    """Look at every window that has come due and was not looked at, without waiting for the schedule.

    At most 40 at once; the rest follows by itself. Refused when there is none, or the plan is not active.
    """
    project = locked(plan.project)
    plan = locked(plan, "project", "model_version")
    allow(can_contribute(actor, project), _("Only managers and contributors look at windows."))
    ensure_active(project)
    if plan.state != MonitoringPlan.State.ACTIVE:
        raise Refused("plan_not_active", _("This version of the plan is not active."))
    runs = _hand_out(plan, now, actor)
    if not runs:
        raise Refused("nothing_due", _("Every window that has ended has been looked at."))
    return runs


@transaction.atomic
def look_again(*, window: MonitoringWindow, actor: Actor) -> Run:
    """Look once more at a window that could say nothing: empty, too small, late, or its run failed.

    A window that was scored stays as it is, or one could look until one likes the answer. The run before
    is kept.
    """
    project = locked(window.plan.project)
    plan = locked(window.plan, "project", "model_version")
    window = locked(window, "run")
    allow(can_contribute(actor, project), _("Only managers and contributors look at windows."))
    ensure_active(project)
    before = window.run
    said = str(before.record.get("verdict") or "") if before.state == Run.State.FINISHED else before.state
    if said not in (Run.State.FAILED, "empty", "too_few", "late"):
        raise Refused("window_scored", _("This window has been scored, or is being looked at."))
    iteration = Iteration.objects.filter(project=project, state=Iteration.State.OPEN).first()
    due = Due(window.start, window.end, _stage(window))
    run = _ask(plan, parse_plan(plan.spec), due, iteration, actor, again=before.pk)
    window.run = run
    window.save(update_fields=["run"])
    record(
        LifecycleAction.MONITORING_LOOKED_AGAIN, plan, actor=actor, project=project, key=plan.key,
        version=plan.version, start=window.start.isoformat(), stage=window.stage, before=before.pk,
        run=run.pk,
    )  # fmt: skip
    return run


def _stage(window: MonitoringWindow) -> Stage:
    stages: dict[str, Stage] = {"all": "all", "inputs": "inputs", "labels": "labels"}
    return stages[window.stage]


def _due(plan: MonitoringPlan, spec: PlanSpec, now: datetime) -> Iterator[Due]:
    seen = set(plan.windows.values_list("start", "stage"))
    begun = {start for start, stage in seen if stage == MonitoringWindow.Stage.INPUTS}
    first: Stage = "inputs" if spec.label_delay_hours else "all"
    delay, labels = timedelta(hours=spec.delay_hours), timedelta(hours=spec.label_delay_hours)
    for start, end in windows(spec.every, plan.first_start, now):
        if plan.state == MonitoringPlan.State.ACTIVE and end + delay <= now and (start, first) not in seen:
            yield Due(start, end, first)
            begun.add(start)
        late = end + delay + labels <= now
        if first == "inputs" and late and start in begun and (start, "labels") not in seen:
            yield Due(start, end, "labels")


def _next_look(plan: MonitoringPlan, spec: PlanSpec, now: datetime) -> datetime | None:
    """When to look for windows again; None for a superseded version that has nothing left to finish."""
    if plan.state == MonitoringPlan.State.SUPERSEDED:
        begun = plan.windows.filter(stage=MonitoringWindow.Stage.INPUTS).count()
        finished = plan.windows.filter(stage=MonitoringWindow.Stage.LABELS).count()
        return now + _SOON if begun > finished else None
    if spec.schedule:
        moment: datetime = croniter(spec.schedule, now.astimezone(UTC)).get_next(datetime)
        return moment.astimezone(UTC)
    return now + _SOON


def _ask(
    plan: MonitoringPlan, spec: PlanSpec, due: Due, iteration: Iteration | None, actor: Actor, again: int = 0
) -> Run:
    reference = reference_of(spec, plan.model_version)
    once = f"plan:{plan.pk}:{due.start:%Y%m%dT%H}:{due.stage}"
    return request_monitoring(
        project=plan.project,
        iteration=iteration,
        task=None,
        title=_title(plan, spec, due),
        spec=spec.run_spec(due.start, due.end, due.stage, plan.model_version.digest, reference),
        model_version=plan.model_version,
        actor=actor,
        once=f"{once}:after{again}" if again else once,
        look_first=False,
    )


def _keep(plan: MonitoringPlan, due: Due, run: Run) -> Run:
    MonitoringWindow.objects.create(plan=plan, start=due.start, end=due.end, stage=due.stage, run=run)
    return run


def _title(plan: MonitoringPlan, spec: PlanSpec, due: Due) -> str:
    when = {
        "hour": f"{due.start:%Y-%m-%d %H:00}",
        "day": f"{due.start:%Y-%m-%d}",
        "week": _("week of %(day)s") % {"day": f"{due.start:%Y-%m-%d}"},
        "month": f"{due.start:%Y-%m}",
    }[spec.every]
    name = f"{plan.name}: {when}"[:280]
    return _("%(name)s, performance") % {"name": name} if due.stage == "labels" else name
