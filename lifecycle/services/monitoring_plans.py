"""Monitoring plans: defined before anything is looked at, changed by a new version, paused and resumed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle.actions import LifecycleAction
from lifecycle.definitions import cron_problem
from lifecycle.errors import Invalid, Refused
from lifecycle.executors import PlanSpec, parse_plan, spec_digest
from lifecycle.executors.plan_specs import first_start
from lifecycle.executors.specs import DataRef
from lifecycle.models import PLAN_STATES, ModelVersion, MonitoringPlan, Project, Run
from lifecycle.rules import can_contribute, is_machine
from lifecycle.services.look_ahead import look_at_plan
from lifecycle.services.steps import allow, ensure_active, ensure_same_project, locked, person, record
from lifecycle.services.texts import line


@transaction.atomic
def define_plan(
    *,
    project: Project,
    name: str,
    model_version: ModelVersion,
    environment: str,
    spec: Mapping[str, Any],
    actor: Actor,
    key: str = "",
) -> MonitoringPlan:
    """Define a plan, or another version of the plan `key`, which then takes its place.

    The windows of a new version follow those that the one before has begun, so that none is looked at twice.
    Raises Invalid with the place of what is wrong, Refused when nothing would change.
    """
    project = locked(project)
    allow(
        is_machine(actor) or can_contribute(actor, project),
        _("Only managers and contributors define monitoring plans."),
    )
    ensure_active(project)
    ensure_same_project(project, model_version.project_id, "model_version")
    name, environment = line(name, "name", most=200), line(environment, "environment", most=60)
    checked = _checked(project, model_version, spec)
    key = key or slugify(name)[:60]
    if not key:
        raise Invalid("no_key", _("The name needs a letter or a digit."), "name")

    before = (
        MonitoringPlan.objects.select_for_update(of=("self",))
        .filter(project=project, key=key)
        .order_by("-version")
        .first()
    )
    digest = spec_digest(checked)
    if before is not None:
        _supersede(before, (name, model_version.pk, environment, digest))
    plan = MonitoringPlan.objects.create(
        project=project,
        key=key,
        version=before.version + 1 if before else 1,
        name=name,
        model_version=model_version,
        environment=environment,
        spec=checked.model_dump(mode="json"),
        spec_digest=digest,
        first_start=_first(checked, before),
        created_by=person(actor),
        created_at=now(),
    )
    record(
        LifecycleAction.MONITORING_PLANNED, plan, actor=actor, project=project, key=key,
        version=plan.version, name=name, model=model_version.digest, environment=environment, spec=digest,
    )  # fmt: skip
    return plan


def _checked(project: Project, model_version: ModelVersion, spec: Mapping[str, Any]) -> PlanSpec:
    plan = parse_plan(spec)
    if plan.schedule:
        problem = cron_problem(plan.schedule)
        if problem:
            raise Invalid("bad_schedule", problem, "/schedule")
    look_at_plan(plan, reference_of(plan, model_version), settings.GATEBOOK_DATA_ROOT)
    return plan


def reference_of(plan: PlanSpec, model_version: ModelVersion) -> DataRef:
    """The reference data: the plan's own, else what the model was trained on. 1 query.

    Raises Invalid where no training of ours made the model.
    """
    if plan.reference is not None:
        return plan.reference
    trained = Run.objects.filter(
        model_version=model_version, kind=Run.Kind.TRAINING, state=Run.State.FINISHED, source="builtin"
    )
    run = trained.order_by("pk").first()
    if run is None:
        text = _("No training here made the model: name the reference data.")
        raise Invalid("reference_needed", text, "/reference")
    data = run.spec["data"]
    return DataRef.model_validate({**data, "sha256": (run.record.get("data") or {}).get("sha256")})


def _supersede(before: MonitoringPlan, wanted: tuple[str, int, str, str]) -> None:
    now_in_force = (before.name, before.model_version_id, before.environment, before.spec_digest)
    if now_in_force == wanted:
        raise Refused("unchanged", _("The plan says this already."))
    before.state = PLAN_STATES.next(before.state, "supersede")
    before.save(update_fields=["state"])


def _first(plan: PlanSpec, before: MonitoringPlan | None) -> datetime:
    begin = plan.starts
    if before is not None:
        last = before.windows.order_by("-end").first()
        begin = max(begin, last.end if last else before.first_start)
    return first_start(plan.every, begin)


@transaction.atomic
def pause_plan(*, plan: MonitoringPlan, actor: Actor) -> MonitoringPlan:
    """Look at no more windows for now; those that pass meanwhile are caught up when it is resumed."""
    return _move(plan, "pause", LifecycleAction.MONITORING_PAUSED, actor)


@transaction.atomic
def resume_plan(*, plan: MonitoringPlan, actor: Actor) -> MonitoringPlan:
    """Go on looking at windows."""
    return _move(plan, "resume", LifecycleAction.MONITORING_RESUMED, actor)


def _move(plan: MonitoringPlan, event: str, action: LifecycleAction, actor: Actor) -> MonitoringPlan:
    project = locked(plan.project)
    plan = locked(plan, "project", "model_version")
    allow(can_contribute(actor, project), _("Only managers and contributors pause or resume a plan."))
    ensure_active(project)
    plan.state = PLAN_STATES.next(plan.state, event)
    plan.next_look_at = None
    plan.save(update_fields=["state", "next_look_at"])
    record(action, plan, actor=actor, project=project, key=plan.key, version=plan.version)
    return plan
