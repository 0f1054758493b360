"""What was put where: only under an authorization, or as break-glass that opens a finding."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.models import DEPLOYMENT_STATES, Deployment, GateAsk
from governance.queries.gate_checks import Decision
from governance.rules.gates import may_ask, may_manage
from governance.services.break_glass import open_glass_for
from governance.services.gate_checks import ask_gate
from ledger.services import append
from lifecycle.models import Iteration, ModelVersion, Project, Task, User
from lifecycle.services.runs import record_run


@transaction.atomic
def record_deployment(
    *,
    iteration: Iteration,
    model_version: ModelVersion,
    environment: str,
    actor: User,
    scope: dict[str, list[str]] | None = None,
    task: Task | None = None,
) -> Deployment:
    """Put a model version into an environment in place of what is live there.

    The gate check is asked first; a "deny" is `Refused` with its reasons, unless two people have broken the
    glass for this version and environment and their time is not over. Also records a deployment run, so that
    tasks can be proven by it.
    """
    project = Project.objects.select_for_update(no_key=True).get(pk=iteration.project_id)
    if not may_ask(actor, project):
        raise PermissionDenied(_("Only people who work on this project can deploy."))
    if project.state != Project.State.ACTIVE:
        raise Refused("project_closed", _("This project is closed."))
    if model_version.project_id != project.pk:
        raise Invalid("model_of_other_project", _("This model belongs to another project."), "model_version")
    environment = environment.strip()
    decision = ask_gate(
        point=GateAsk.Point.DEPLOYMENT, actor=actor, model_digest=model_version.digest,
        environment=environment, scope=scope, project=project,
    )  # fmt: skip
    glass = None if decision.allow else open_glass_for(project, model_version, environment)
    if not decision.allow and glass is None:
        raise Refused("not_authorized", " ".join(decision.reasons))
    covered = decision.authorization if decision.allow else None
    # What the call leaves open reaches as far as the authorization does, never further.
    reach = {**(covered.scope if covered else {}), **(scope or {})}

    _replace_what_is_live(project, environment, actor)
    deployment = Deployment.objects.create(
        project=project,
        iteration=iteration,
        model_version=model_version,
        authorization=covered,
        break_glass=glass,
        environment=environment,
        scope=reach,
        deployed_by=actor,
        deployed_at=now(),
    )
    detail = {
        "iteration": iteration.number,
        "model": model_version.digest,
        "environment": environment,
        "scope": reach,
        "authorization": covered.pk if covered else None,
        "break_glass": glass.reason if glass else "",
    }
    append(
        actor=actor,
        action=Action.DEPLOYMENT_RECORDED,
        subject=deployment,
        project=project.slug,
        detail=detail,
    )
    _record_run(deployment, decision, task)
    return deployment


@transaction.atomic
def withdraw_deployment(*, deployment: Deployment, actor: User, reason: str) -> Deployment:
    """Take what is live out of its environment. A manager's to do, with a reason."""
    deployment = (
        Deployment.objects.select_for_update(of=("self",)).select_related("project").get(pk=deployment.pk)
    )
    if not may_manage(actor, deployment.project):
        raise PermissionDenied(_("Only a manager of the project can withdraw a deployment."))
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why."), "reason")
    _end(deployment, "withdraw", actor, reason)
    return deployment


def _replace_what_is_live(project: Project, environment: str, actor: User) -> None:
    live = project.deployments.select_for_update().filter(
        environment=environment, state=Deployment.State.LIVE
    )
    for deployment in live:
        _end(deployment, "replace", actor, _("Replaced by another version."))


def _end(deployment: Deployment, event: str, actor: User, reason: str) -> None:
    deployment.state, deployment.ended_at = DEPLOYMENT_STATES.next(deployment.state, event), now()
    deployment.save(update_fields=["state", "ended_at"])
    detail = {"to": deployment.state, "reason": reason, "environment": deployment.environment}
    append(
        actor=actor,
        action=Action.DEPLOYMENT_ENDED,
        subject=deployment,
        project=deployment.project.slug,
        detail=detail,
    )


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
            "model_digest": deployment.model_version.digest,
            "gate_check": decision.as_dict(),
        },
        actor=deployment.deployed_by,
    )
