"""What comes due by itself at a gate: waivers and conditions that end, gates that recur, open glass.

Parts of the day's sweep. What an authorization may be used for ends on time whenever this is looked at: its
own end is never after that of the waivers and conditions behind it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from governance.errors import Invalid, Refused
from governance.models import BreakGlass, Condition, Deployment, Finding, Gate, Waiver
from governance.services.break_glass import WAITS, end_break_glass
from governance.services.conditions import miss_condition
from governance.services.evaluations import evaluate_gate
from governance.services.findings import open_finding
from governance.services.gates import open_gate
from governance.services.telling import tell_due
from governance.services.waivers import expire_waiver
from ledger.actors import SystemActor
from lifecycle.models import Iteration, Phase, Project
from lifecycle.services.sweeps import sweep_part

LATE = timedelta(days=14)
"""A gate that came due and is not decided after so long is a finding."""

_AT_WORK = (Phase.State.IN_PROGRESS, Phase.State.IN_REVIEW)


def _over_waivers(now: datetime) -> QuerySet[Waiver]:
    standing = (Waiver.State.ASKED, Waiver.State.GRANTED)
    return Waiver.objects.filter(state__in=standing, expires_on__lt=now.astimezone(UTC).date())


@sweep_part("waivers", _over_waivers, chunk=50)
def end_waivers(found: list[Waiver], now: datetime) -> None:
    """Close the gates again that were passed on a waiver whose day is past."""
    for waiver in found:
        expire_waiver(waiver=waiver)


def _over_conditions(now: datetime) -> QuerySet[Condition]:
    return Condition.objects.filter(state=Condition.State.OPEN, due_on__lt=now.astimezone(UTC).date())


@sweep_part("conditions", _over_conditions, chunk=50)
def end_conditions(found: list[Condition], now: datetime) -> None:
    """Close the gates again whose conditions were not fulfilled in time."""
    for condition in found:
        miss_condition(condition=condition)


def _over_glass(now: datetime) -> QuerySet[BreakGlass]:
    asked = BreakGlass.objects.filter(state=BreakGlass.State.ASKED, asked_at__lt=now - WAITS)
    return asked | BreakGlass.objects.filter(state=BreakGlass.State.OPEN, ends_at__lte=now)


@sweep_part("open_glass", _over_glass, chunk=50)
def end_glass(found: list[BreakGlass], now: datetime) -> None:
    """End what was let in for some hours; what still runs under it becomes a finding."""
    for glass in found:
        with transaction.atomic():
            was_open = glass.state == BreakGlass.State.OPEN
            end_break_glass(glass=glass, actor=SystemActor("lapse"))
            if was_open and _still_runs(glass):
                words = {"model": glass.model_version, "environment": glass.environment}
                title = _("%(model)s still runs in %(environment)s after its hours without an authorization")
                open_finding(
                    project=glass.project, title=title % words, severity=Finding.Severity.CRITICAL,
                    actor=SystemActor("lapse"), detail=glass.reason,
                )  # fmt: skip


def _still_runs(glass: BreakGlass) -> bool:
    return Deployment.objects.filter(
        project=glass.project_id, model_version=glass.model_version_id, environment=glass.environment,
        state=Deployment.State.LIVE, authorization__isnull=True,
    ).exists()  # fmt: skip


def _open_iterations(now: datetime) -> QuerySet[Iteration]:
    found = Iteration.objects.filter(state=Iteration.State.OPEN, project__state=Project.State.ACTIVE)
    return found.select_related("project", "process_version")


@sweep_part("recurring_gates", _open_iterations, chunk=50)
def open_recurring(found: list[Iteration], now: datetime) -> None:
    """Open the gates whose time has come again, and say which wait for a decision for too long."""
    for iteration in found:
        for definition in iteration.process_version.document.get("gates", []):
            if definition.get("every_days"):
                _come_due(iteration, definition, now)


def _come_due(iteration: Iteration, definition: dict[str, Any], now: datetime) -> None:
    classes = definition.get("risk_classes") or [iteration.project.risk_class]
    phase = iteration.phases.filter(key=definition["between"][0], state__in=_AT_WORK).first()
    if phase is None or phase.started_at is None or iteration.project.risk_class not in classes:
        return
    asked = iteration.gates.filter(key=definition["key"]).exclude(state=Gate.State.WITHDRAWN)
    last = asked.order_by("-opened_at", "-pk").first()
    if last is not None and last.state == Gate.State.OPEN:
        if last.requested_by_id is None and now - last.opened_at > LATE:
            _say_late(last)
        return
    since = last.decided_at if last is not None and last.decided_at else phase.started_at
    if now - since >= timedelta(days=int(definition["every_days"])):
        _open(iteration, definition["key"])


@transaction.atomic
def _open(iteration: Iteration, key: str) -> None:
    actor = SystemActor("schedule")
    try:
        gate = open_gate(iteration=iteration, key=key, actor=actor, **_about(iteration, key))
    except (Refused, Invalid):
        return  # somebody was quicker, or it lacks a model: it is looked at again tomorrow
    evaluate_gate(gate=gate, actor=actor, reason=_("It has come due."))
    tell_due(gate)


def _about(iteration: Iteration, key: str) -> dict[str, Any]:
    """What a recurring gate decides about: the version that is live, as it runs."""
    live = Deployment.objects.filter(project=iteration.project_id, state=Deployment.State.LIVE)
    found = live.select_related("model_version").order_by("-deployed_at", "-pk").first()
    if found is None:
        return {}
    return {"model_version": found.model_version, "environment": found.environment, "scope": found.scope}


def _say_late(gate: Gate) -> None:
    title = _("%(gate)s has waited for a decision since %(day)s") % {
        "gate": gate, "day": gate.opened_at.date().isoformat(),
    }  # fmt: skip
    known = Finding.objects.filter(project=gate.iteration.project_id, title=title[:300])
    if not known.exists():
        open_finding(
            project=gate.project, title=title, severity=Finding.Severity.MEDIUM, actor=SystemActor("schedule")
        )
