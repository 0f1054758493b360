"""Who is told of what happens in a project, and in which words. Called by receivers, inside the change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle.models import (
    Evidence,
    Firing,
    Handoff,
    Membership,
    Notice,
    Project,
    ReportedEvent,
    Risk,
    Run,
    Task,
    Trigger,
)
from lifecycle.services.notices import Occasion, tell_all
from lifecycle.services.proof import LIVE, performers

_K = Notice.Kind
_ROLES = Membership.Role
_LATE = dt.timedelta(days=2)


def members(project_id: int, *roles: str) -> list[int]:
    """Ids of the people who belong to a project now, in the given roles if any are given. 1 query."""
    found = Membership.objects.filter(project=project_id, left_at__isnull=True, user__is_active=True)
    if roles:
        found = found.filter(role__in=roles)
    return list(found.order_by("user_id").values_list("user_id", flat=True))


def managers(project_id: int) -> list[int]:
    """Ids of the people who manage a project now. 1 query."""
    return members(project_id, _ROLES.MANAGER)


def tell_handoff(handoff_id: int, actor_id: int | None) -> None:
    """The other party of a handoff that was offered, returned or accepted."""
    handoff = Handoff.objects.select_related("iteration__project", "giver", "taker").get(pk=handoff_id)
    words = {"handoff": handoff, "giver": handoff.giver, "taker": handoff.taker}
    if handoff.state == Handoff.State.OFFERED:
        kind, person, subject = _K.HANDOFF_OFFERED, handoff.taker_id, _("%(giver)s offers you %(handoff)s")
    elif handoff.state == Handoff.State.RETURNED:
        kind, person, subject = _K.HANDOFF_RETURNED, handoff.giver_id, _("%(taker)s returned %(handoff)s")
    elif handoff.state == Handoff.State.ACCEPTED:
        kind, person, subject = _K.HANDOFF_ACCEPTED, handoff.giver_id, _("%(taker)s accepted %(handoff)s")
    else:
        return
    _tell(
        [person], kind, subject % words, reverse("lifecycle:handoff", args=[handoff.pk]),
        f"handoff:{handoff.pk}:{handoff.state}:{handoff.rounds}", handoff.iteration.project_id,
        text=handoff.reason, but=actor_id,
    )  # fmt: skip


def tell_assigned(task_id: int, owner_id: int, actor_id: int | None) -> None:
    """The new owner of a task."""
    task = Task.objects.select_related("phase__iteration").get(pk=task_id)
    until = _("Due %(day)s.") % {"day": task.due_on} if task.due_on else ""
    _tell(
        [owner_id], _K.TASK_ASSIGNED, _("You own task %(task)s now") % {"task": task}, _task_url(task),
        f"task:{task.pk}:owner:{owner_id}:{timezone.localdate()}", task.phase.iteration.project_id,
        text=until, but=actor_id,
    )  # fmt: skip


def tell_to_verify(task_id: int, actor_id: int | None = None) -> None:
    """Reviewers who may verify a task whose evidence is all there; managers where there is no reviewer."""
    task = Task.objects.select_related("phase__iteration", "owner").get(pk=task_id)
    if task.state != Task.State.EVIDENCE_ATTACHED:
        return
    evidence = list(task.evidence.filter(state__in=LIVE).select_related("snapshot__run").order_by("pk"))
    if not any(each.state == Evidence.State.ATTACHED for each in evidence):
        return
    barred, project = performers(task, evidence), task.phase.iteration.project_id
    judges = [pk for pk in members(project, _ROLES.REVIEWER) if pk not in barred]
    judges = judges or [pk for pk in managers(project) if pk not in barred]
    _tell(
        judges, _K.EVIDENCE_TO_VERIFY, _("Verify the evidence of task %(task)s") % {"task": task},
        _task_url(task), f"task:{task.pk}:verify:{evidence[-1].pk}", project,
        text=_("%(owner)s has attached all that it needs.") % {"owner": task.owner}, but=actor_id,
    )  # fmt: skip


def tell_firing(firing_id: int) -> None:
    """Managers of a firing that waits; everybody of one that is there to tell; managers of one that acted."""
    firing = Firing.objects.select_related("trigger").get(pk=firing_id)
    trigger, project = firing.trigger, firing.trigger.project_id
    waits = firing.state == Firing.State.WAITING
    if firing.decided_by_id and trigger.action != Trigger.Action.NOTIFY:
        return  # a person started it, and the page of the project shows it
    if waits:
        kind, people, subject = _K.FIRING_TO_DECIDE, managers(project), _("Decide: %(summary)s")
    elif trigger.action == Trigger.Action.NOTIFY:
        kind, people, subject = _K.TRIGGER_TOLD, members(project), "%(summary)s"
    else:
        kind, people, subject = _K.TRIGGER_TOLD, managers(project), _("Started by itself: %(summary)s")
    _tell(
        people, kind, subject % {"summary": firing.summary}, reverse("lifecycle:firing", args=[firing.pk]),
        f"firing:{firing.pk}:{firing.state}", project, text=firing.outcome, but=firing.decided_by_id,
    )  # fmt: skip


def tell_run_failed(run_id: int) -> None:
    """Whoever started a run that failed, managers if nobody did; nobody if it failed long ago outside."""
    run = Run.objects.get(pk=run_id)
    if run.batch_id and run.finished_at and run.finished_at < timezone.now() - _LATE:
        return  # a connector that fetches what happened long ago
    people = [run.started_by_id] if run.started_by_id else managers(run.project_id)
    _tell(
        people, _K.RUN_FAILED, _("%(run)s failed: %(title)s") % {"run": run.label, "title": run.title},
        reverse("lifecycle:run", args=[run.pk]), f"run:{run.pk}:failed", run.project_id,
        text=run.error[:1000],
    )  # fmt: skip


def tell_reported(event: ReportedEvent) -> None:
    """Managers of a reported incident or change of rules."""
    if event.kind not in (ReportedEvent.Kind.INCIDENT, ReportedEvent.Kind.REGULATION):
        return
    project = Project.objects.get(pk=event.project_id)
    _tell(
        managers(project.pk), _K.EVENT_REPORTED, str(event),
        reverse("lifecycle:project-events", args=[project.slug]), f"event:{event.pk}", project.pk,
        but=event.reported_by_id,
    )  # fmt: skip


def tell_escalated(risk_id: int, reason: str, actor_id: int | None) -> None:
    """Managers of a risk that measures do not lower; the one who hands it on knows."""
    risk = Risk.objects.select_related("task__phase__iteration__project").get(pk=risk_id)
    project = risk.task.phase.iteration.project
    _tell(
        managers(project.pk), _K.RISK_ESCALATED, _("Decide about risk %(risk)s") % {"risk": str(risk)[:200]},
        reverse("lifecycle:project-risks", args=[project.slug]),
        f"risk:{risk.pk}:escalated:{risk.loops}", project.pk, text=reason, but=actor_id,
    )  # fmt: skip


def _tell(
    people: Collection[int | None], kind: str, subject: str, url: str, key: str, project_id: int, *,
    text: str = "", but: int | None = None,
) -> None:  # fmt: skip
    """Tell people, but not the one who did it."""
    ids = [pk for pk in people if pk is not None and pk != but]
    tell_all([Occasion(ids, kind, subject, url, key, text, project_id)])


def _task_url(task: Task) -> str:
    return reverse("lifecycle:task", args=[task.pk])
