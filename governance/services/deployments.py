"""What was put where: only under an authorization, or as break-glass that opens a finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.events import DeploymentMoved, deployment_moved
from governance.models import DEPLOYMENT_STATES, BreakGlass, Deployment, GateAsk
from governance.models.deployments import WHOLE
from governance.queries.gate_checks import TRAFFIC_SHARE, Decision
from governance.rules.gates import may_ask, may_manage
from governance.services.break_glass import open_glass_for
from governance.services.gate_checks import ask_gate, keep_answer
from governance.services.strategies import Plan, read_plan
from ledger.actors import Actor
from ledger.models import Entry
from ledger.services import append
from lifecycle.models import Iteration, ModelVersion, Project, Task, User
from lifecycle.services.runs import record_run

_S = Deployment.State
Moved = tuple[Deployment, Entry]
"""A deployment with the entry of the step that it has gone."""


class NotAuthorized(Refused):
    """The gate check's "deny", with the decision that it is."""

    def __init__(self, decision: Decision) -> None:
        super().__init__("not_authorized", decision.reason)
        self.decision = decision


@dataclass(frozen=True)
class Wanted:
    """What shall be put where."""

    iteration: Iteration
    model_version: ModelVersion
    environment: str
    actor: User
    scope: Mapping[str, Sequence[str]]
    plan: Plan
    task: Task | None = None
    more: dict[str, Any] = field(default_factory=dict)


def record_deployment(
    *,
    iteration: Iteration,
    model_version: ModelVersion,
    environment: str,
    actor: User,
    scope: dict[str, list[str]] | None = None,
    task: Task | None = None,
    strategy: str = Deployment.Strategy.FULL,
    steps: Sequence[int] | None = None,
    abort_metric: Mapping[str, Any] | None = None,
) -> Deployment:
    """Put a model version into an environment: in place of what is live there, or beside it, step by step.

    The gate check is asked first, for the scope and the share of the traffic; a "deny" is `Refused` with its
    reasons, unless two people have broken the glass for this version and environment and their time is not
    over. Also records a deployment run, so that tasks can be proven by it. Raises `Invalid` for steps or an
    abort metric that cannot be.
    """
    plan = read_plan(strategy, steps, abort_metric)
    wanted = Wanted(iteration, model_version, environment.strip(), actor, scope or {}, plan, task)
    return keeping_denials(actor, lambda: put_in_place(wanted))


def keeping_denials(actor: Actor, act: Callable[[], Deployment]) -> Deployment:
    """Carry something out; a "deny" undoes it, and is then kept by itself."""
    try:
        return act()
    except NotAuthorized as no:
        with suppress(DatabaseError):  # it is a "deny" all the same
            keep_answer(point=GateAsk.Point.DEPLOYMENT, decision=no.decision, actor=actor)
        raise


@transaction.atomic
def put_in_place(wanted: Wanted) -> Deployment:
    """The deployment as it stands after its first step."""
    project = Project.objects.select_for_update(no_key=True).get(pk=wanted.iteration.project_id)
    if not may_ask(wanted.actor, project):
        raise PermissionDenied(_("Only people who work on this project can deploy."))
    if project.state != Project.State.ACTIVE:
        raise Refused("project_closed", _("This project is closed."))
    if wanted.model_version.project_id != project.pk:
        raise Invalid("model_of_other_project", _("This model belongs to another project."), "model_version")
    decision, glass = permitted(
        project, wanted.model_version, wanted.environment, wanted.scope, wanted.plan.first, wanted.actor
    )
    covered = decision.authorization if decision.allow else None
    # What the call leaves open reaches as far as the authorization does, never further.
    reach = {
        key: list(values)
        for key, values in {**(covered.scope if covered else {}), **wanted.scope}.items()
        if key != TRAFFIC_SHARE
    }
    whole = wanted.plan.first == WHOLE
    ended: list[Moved] = []
    if whole:
        ended = replace_what_is_live(project, wanted.environment, wanted.actor)
    else:
        _refuse_second_rollout(project, wanted.environment)
    deployment = Deployment.objects.create(
        project=project, iteration=wanted.iteration, model_version=wanted.model_version,
        authorization=covered, break_glass=glass, environment=wanted.environment, scope=reach,
        deployed_by=wanted.actor, deployed_at=now(), strategy=wanted.plan.strategy,
        steps=list(wanted.plan.steps), share=wanted.plan.first, abort_metric=dict(wanted.plan.abort_metric),
        state=_S.LIVE if whole else _S.ROLLING, **wanted.more,
    )  # fmt: skip
    entry = _record(deployment, wanted.actor, glass)
    _record_run(deployment, decision, wanted.task)
    tell_moved(*ended, (deployment, entry))
    return deployment


def permitted(
    project: Project, version: ModelVersion, environment: str, scope: Mapping[str, Sequence[str]], share: int,
    actor: Actor,
) -> tuple[Decision, BreakGlass | None]:  # fmt: skip
    """The gate check's answer for this share of the traffic, and the glass that was broken where it says no.

    Raises `NotAuthorized` where neither lets it through.
    """
    asked = {**{key: list(values) for key, values in scope.items()}, TRAFFIC_SHARE: [str(share)]}
    decision = ask_gate(
        point=GateAsk.Point.DEPLOYMENT, actor=actor, model_digest=version.digest, environment=environment,
        scope=asked, project=project,
    )  # fmt: skip
    glass = None if decision.allow else open_glass_for(project, version, environment)
    if not decision.allow and glass is None:
        raise NotAuthorized(decision)
    return decision, glass


@transaction.atomic
def withdraw_deployment(*, deployment: Deployment, actor: User, reason: str) -> Deployment:
    """Take what is live or on its way out of its environment. A manager's to do, with a reason."""
    Project.objects.select_for_update(no_key=True).get(
        pk=deployment.project_id
    )  # first, as all who deploy do
    deployment = (
        Deployment.objects.select_for_update(of=("self",)).select_related("project").get(pk=deployment.pk)
    )
    if not may_manage(actor, deployment.project):
        raise PermissionDenied(_("Only a manager of the project can withdraw a deployment."))
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why."), "reason")
    tell_moved((deployment, end_deployment(deployment, "withdraw", actor, reason)))
    return deployment


def replace_what_is_live(project: Project, environment: str, actor: Actor) -> list[Moved]:
    """End what is live there, because something else takes its place; returns what has ended."""
    live = project.deployments.select_for_update(of=("self",)).filter(environment=environment, state=_S.LIVE)
    return [
        (each, end_deployment(each, "replace", actor, _("Replaced by another version."))) for each in live
    ]


def end_deployment(
    deployment: Deployment, event: str, actor: Actor, reason: str, action: Action = Action.DEPLOYMENT_ENDED
) -> Entry:
    """End one in the caller's transaction, who tells it when all is done; returns the entry.

    `Refused` if it has ended before.
    """
    deployment.state, deployment.ended_at = DEPLOYMENT_STATES.next(deployment.state, event), now()
    deployment.state_reason = reason
    deployment.save(update_fields=["state", "ended_at", "state_reason"])
    detail = {
        "to": deployment.state, "reason": reason, "environment": deployment.environment,
        "model": deployment.model_version.digest, "share": deployment.share,
    }  # fmt: skip
    return append(
        actor=actor, action=action, subject=deployment, project=deployment.project.slug, detail=detail
    )


def tell_moved(*moved: Moved) -> None:
    """Say which deployments have gone a step, once the whole change is done: what hears it may end them."""
    for deployment, entry in moved:
        event = DeploymentMoved(deployment.pk, deployment.project_id, entry.index)
        deployment_moved.send(sender=Deployment, event=event)


def _refuse_second_rollout(project: Project, environment: str) -> None:
    if project.deployments.filter(environment=environment, state__in=Deployment.UNDER_WAY).exists():
        text = _("Another version is on its way into %(environment)s: complete or abort it first.")
        raise Refused("rollout_under_way", text % {"environment": environment})


def _record(deployment: Deployment, actor: User, glass: BreakGlass | None) -> Entry:
    detail: dict[str, Any] = {
        "iteration": deployment.iteration.number,
        "model": deployment.model_version.digest,
        "environment": deployment.environment,
        "scope": deployment.scope,
        "authorization": deployment.authorization_id,
        "break_glass": glass.reason if glass else "",
        "strategy": deployment.strategy,
        "share": deployment.share,
    }
    if deployment.steps:
        detail["steps"] = deployment.steps
    if deployment.abort_metric:
        detail["abort_metric"] = deployment.abort_metric
    return append(
        actor=actor, action=Action.DEPLOYMENT_RECORDED, subject=deployment, project=deployment.project.slug,
        detail=detail,
    )  # fmt: skip


def _record_run(deployment: Deployment, decision: Decision, task: Task | None) -> None:
    record_run(
        project=deployment.project,
        iteration=deployment.iteration,
        task=task,
        kind="DPR",
        title=_("Deployment to %(environment)s") % {"environment": deployment.environment},
        source="gatebook",
        external_id=f"deployment:{deployment.pk}",
        model_version=deployment.model_version,
        record={
            "deployment": deployment.pk,
            "environment": deployment.environment,
            "scope": deployment.scope,
            "strategy": deployment.strategy,
            "share": deployment.share,
            "model_digest": deployment.model_version.digest,
            "gate_check": decision.as_dict(),
        },
        actor=deployment.deployed_by,
    )
