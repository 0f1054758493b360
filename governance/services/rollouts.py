"""A version on its way to the whole of the traffic: on, paused, aborted, taken back."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.models import DEPLOYMENT_STATES, Deployment
from governance.models.deployments import WHOLE
from governance.queries.deployments import Return, where_to_return
from governance.rules.gates import may_ask
from governance.services.deployments import (
    Moved,
    Wanted,
    end_deployment,
    keeping_denials,
    permitted,
    put_in_place,
    replace_what_is_live,
    tell_moved,
)
from governance.services.strategies import breaks, in_words, read_plan
from ledger.actors import Actor, SystemActor
from ledger.models import Entry
from ledger.services import append
from lifecycle.models import Project, Run, User

METRICS = SystemActor("abort metric")
_S = Deployment.State


def advance_deployment(*, deployment: Deployment, actor: User) -> Deployment:
    """Give it the traffic of its next step. The gate check is asked again, for that share.

    At the last step it is live and replaces what was. `Refused` with the reasons of a "deny".
    """
    return keeping_denials(actor, lambda: _advance(deployment, actor))


@transaction.atomic
def _advance(deployment: Deployment, actor: User) -> Deployment:
    found = _locked(deployment, actor)
    share = found.next_share
    if not found.under_way or share is None:
        raise Refused("no_next_step", _("There is no next step."))
    event = "complete" if share == WHOLE else "advance"
    after = DEPLOYMENT_STATES.next(found.state, event)
    decision, glass = permitted(
        found.project, found.model_version, found.environment, found.scope, share, actor
    )
    ended = replace_what_is_live(found.project, found.environment, actor) if share == WHOLE else []
    found.authorization = decision.authorization if decision.allow else None
    found.break_glass = glass
    before, found.state, found.step, found.share = found.share, after, found.step + 1, share
    found.save(update_fields=["authorization", "break_glass", "state", "step", "share"])
    entry = _record(
        found, actor, Action.DEPLOYMENT_ADVANCED, before=before, authorization=found.authorization_id
    )
    tell_moved(*ended, (found, entry))
    return found


@transaction.atomic
def pause_deployment(*, deployment: Deployment, actor: User, reason: str) -> Deployment:
    """Let it stand where it is until somebody resumes it."""
    return _move(deployment, actor, "pause", Action.DEPLOYMENT_PAUSED, reason)


@transaction.atomic
def resume_deployment(*, deployment: Deployment, actor: User, reason: str) -> Deployment:
    """Let it go on; the next step asks the gate check as any other."""
    return _move(deployment, actor, "resume", Action.DEPLOYMENT_RESUMED, reason)


@transaction.atomic
def abort_deployment(*, deployment: Deployment, actor: User, reason: str) -> Deployment:
    """Take its traffic away; what is live stays so."""
    found = _locked(deployment, actor)
    _refuse_silence(reason)
    tell_moved((found, end_deployment(found, "abort", actor, reason.strip(), Action.DEPLOYMENT_ABORTED)))
    return found


def note_metric(*, deployment: Deployment, actor: User, metric: str, value: float) -> Deployment:
    """Hear of a metric while it rolls out; beyond the limit of its abort metric the roll-out is aborted.

    Raises `Invalid` for another metric than the one that was agreed.
    """
    if not may_ask(actor, deployment.project):
        raise PermissionDenied(_("Only people who work on this project can deploy."))
    rule = deployment.abort_metric
    if not rule or metric != rule["metric"]:
        raise Invalid("other_metric", _("This is not the metric that ends this roll-out."), "metric")
    return judge_metrics(deployment, {metric: value})


@transaction.atomic
def judge_metrics(deployment: Deployment, metrics: dict[str, Any]) -> Deployment:
    """Abort it if its metric is among these and beyond the limit; nothing if it has ended or is live."""
    found = _row(deployment)
    rule = found.abort_metric
    value = metrics.get(rule.get("metric", ""))
    if not found.under_way or isinstance(value, bool) or not isinstance(value, int | float):
        return found
    if breaks(rule, float(value)):
        words = {"rule": in_words(rule), "value": f"{value:g}"}
        reason = _("It was agreed to end it at %(rule)s, and it was %(value)s.") % words
        tell_moved((found, end_deployment(found, "abort", METRICS, reason, Action.DEPLOYMENT_ABORTED)))
    return found


def judge_run(run_id: int) -> None:
    """What a monitoring or evaluation run measured may end the roll-out of the version that it looked at."""
    run = Run.objects.filter(pk=run_id, model_version__isnull=False).only("record", "model_version").first()
    metrics = run.record.get("metrics") if run is not None and isinstance(run.record, dict) else None
    if run is None or not isinstance(metrics, dict):
        return
    rolling = Deployment.objects.filter(model_version=run.model_version_id, state__in=Deployment.UNDER_WAY)
    for deployment in rolling.exclude(abort_metric={}).order_by("pk"):
        judge_metrics(deployment, metrics)


def roll_back(*, project: Project, environment: str, actor: User, reason: str) -> Deployment:
    """Go back to the last version that is authorized there now, in one action; returns what is live then.

    A roll-out under way is aborted. What is live stays if it is authorized and something was aborted; else
    the last one before it that the gate check allows takes its place. `Refused("nowhere_to_return")`.
    """
    return keeping_denials(actor, lambda: _roll_back(project, environment, actor, reason))


@transaction.atomic
def _roll_back(project: Project, environment: str, actor: User, reason: str) -> Deployment:
    project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if not may_ask(actor, project):
        raise PermissionDenied(_("Only people who work on this project can deploy."))
    if project.state != Project.State.ACTIVE:
        raise Refused("project_closed", _("This project is closed."))
    _refuse_silence(reason)
    found = where_to_return(project, environment.strip())
    if found.to is None:
        text = _("There is no earlier version that is authorized for %(environment)s now.")
        raise Refused("nowhere_to_return", text % {"environment": environment})
    ended = [
        (each, end_deployment(each, "abort", actor, reason.strip(), Action.DEPLOYMENT_ABORTED))
        for each in found.under_way
    ]
    if found.live is None or found.to.pk != found.live.pk:
        return _return(found, found.to, actor, reason.strip(), ended)
    tell_moved(*ended)
    return found.live


def _return(found: Return, to: Deployment, actor: User, reason: str, ended: list[Moved]) -> Deployment:
    if found.live is not None:
        entry = end_deployment(found.live, "roll_back", actor, reason, Action.DEPLOYMENT_ROLLED_BACK)
        ended = [*ended, (found.live, entry)]
    left = found.live or (found.under_way[0] if found.under_way else None)
    wanted = Wanted(
        to.iteration, to.model_version, to.environment, actor, to.scope, read_plan(Deployment.Strategy.FULL),
        more={"returns_from": left, "state_reason": reason},
    )  # fmt: skip
    made = put_in_place(wanted)
    tell_moved(*ended)
    return made


def _move(deployment: Deployment, actor: User, event: str, action: Action, reason: str) -> Deployment:
    found = _locked(deployment, actor)
    _refuse_silence(reason)
    found.state, found.state_reason = DEPLOYMENT_STATES.next(found.state, event), reason.strip()
    found.save(update_fields=["state", "state_reason"])
    tell_moved((found, _record(found, actor, action, reason=reason.strip())))
    return found


def _locked(deployment: Deployment, actor: User) -> Deployment:
    found = _row(deployment)
    if not may_ask(actor, found.project):
        raise PermissionDenied(_("Only people who work on this project can deploy."))
    return found


def _row(deployment: Deployment) -> Deployment:
    """The project first, as everything that deploys does."""
    Project.objects.select_for_update(no_key=True).get(pk=deployment.project_id)
    rows = Deployment.objects.select_for_update(of=("self",)).select_related(
        "project", "model_version", "iteration"
    )
    return rows.get(pk=deployment.pk)


def _refuse_silence(reason: str) -> None:
    if not reason.strip():
        raise Invalid("reason_missing", _("Say why."), "reason")


def _record(found: Deployment, actor: Actor, action: Action, **detail: object) -> Entry:
    told = {
        "model": found.model_version.digest, "environment": found.environment, "state": found.state,
        "share": found.share, **detail,
    }  # fmt: skip
    return append(actor=actor, action=action, subject=found, project=found.project.slug, detail=told)
