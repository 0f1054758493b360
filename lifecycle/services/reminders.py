"""Reminders: what is due tomorrow, overdue, late for days, or has run out. Parts of the day's sweep."""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Collection

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.actors import SystemActor
from ledger.errors import GatebookError
from lifecycle.models import Handoff, Iteration, Membership, Notice, Phase, Project, Risk, Task
from lifecycle.services.firings import handle_event
from lifecycle.services.handoff_events import show_overdue
from lifecycle.services.notices import Occasion, tell_all
from lifecycle.services.risks import locked_risk, reopen_risk
from lifecycle.services.steps import locked
from lifecycle.services.sweeps import sweep_part

log = logging.getLogger(__name__)

RISK_SOON = dt.timedelta(days=7)
RISK_LONG_AGO = dt.timedelta(days=30)
EXPIRY = SystemActor("expiry")

_K = Notice.Kind
_OPEN_HANDOFFS = (Handoff.State.PLANNED, Handoff.State.OFFERED, Handoff.State.RETURNED)
_TASKS_DONE = (Task.State.VERIFIED, Task.State.NOT_APPLICABLE)
_WORKING = (Phase.State.IN_PROGRESS, Phase.State.PASSED_WITH_CONDITIONS)


def _tomorrow(now: dt.datetime) -> dt.date:
    return timezone.localdate(now) + dt.timedelta(days=1)


def managers_of(project_ids: Collection[int]) -> dict[int, list[int]]:
    """Ids of the people who manage each project now. 1 query."""
    found = Membership.objects.filter(
        project__in=project_ids, role=Membership.Role.MANAGER, left_at__isnull=True, user__is_active=True
    )
    by_project: dict[int, list[int]] = defaultdict(list)
    for project, user in found.order_by("project_id", "user_id").values_list("project_id", "user_id"):
        by_project[project].append(user)
    return by_project


def _handoffs(now: dt.datetime) -> QuerySet[Handoff]:
    found = Handoff.objects.filter(
        state__in=_OPEN_HANDOFFS, due_on__lte=_tomorrow(now), iteration__state=Iteration.State.OPEN,
        iteration__project__state=Project.State.ACTIVE,
    )  # fmt: skip
    return found.select_related("iteration__project", "giver", "taker")


@sweep_part("handoffs", _handoffs)
def remind_of_handoffs(handoffs: list[Handoff], now: dt.datetime) -> None:
    """Tell who holds each handoff that it is due or overdue, and managers when it is late for days.

    Triggers see what is overdue.
    """
    today = timezone.localdate(now)
    managers = managers_of({each.iteration.project_id for each in handoffs})
    occasions = []
    for each in handoffs:
        project = each.iteration.project_id
        holder = each.taker_id if each.state == Handoff.State.OFFERED else each.giver_id
        url, key = reverse("lifecycle:handoff", args=[each.pk]), f"handoff:{each.pk}"
        kinds = (_K.HANDOFF_DUE, _K.HANDOFF_OVERDUE, _K.HANDOFF_ESCALATED)
        holders = [holder] if holder else managers[project]
        occasions += _due(kinds, str(each), url, key, each.due_on, today, holders, managers[project], project)
    tell_all(occasions)
    show_overdue(handoffs, today)


def _tasks(now: dt.datetime) -> QuerySet[Task]:
    found = Task.objects.filter(
        due_on__lte=_tomorrow(now), phase__state__in=_WORKING,
        phase__iteration__state=Iteration.State.OPEN, phase__iteration__project__state=Project.State.ACTIVE,
    )  # fmt: skip
    return found.exclude(state__in=_TASKS_DONE).select_related("phase__iteration")


@sweep_part("tasks", _tasks)
def remind_of_tasks(tasks: list[Task], now: dt.datetime) -> None:
    """Tell each owner that a task is due or overdue, and managers when it is late for days.

    A task whose evidence waits to be verified is no longer with its owner.
    """
    today = timezone.localdate(now)
    managers = managers_of({each.phase.iteration.project_id for each in tasks})
    occasions = []
    for each in tasks:
        project = each.phase.iteration.project_id
        waits = each.state == Task.State.EVIDENCE_ATTACHED
        holders = [] if waits else [each.owner_id] if each.owner_id else managers[project]
        url, key = reverse("lifecycle:task", args=[each.pk]), f"task:{each.pk}"
        kinds = (_K.TASK_DUE, _K.TASK_OVERDUE, _K.TASK_ESCALATED)
        occasions += _due(kinds, str(each), url, key, each.due_on, today, holders, managers[project], project)
    tell_all(occasions)


def _due(
    kinds: tuple[str, str, str], name: str, url: str, key: str, due_on: dt.date | None, today: dt.date,
    holders: list[int], managers: list[int], project: int,
) -> list[Occasion]:  # fmt: skip
    """What is to be told of one record with a due date: each once for each date that it was given."""
    if due_on is None:
        return []
    due, overdue, escalated = kinds
    words = {"name": name, "day": f"{due_on:%d %b %Y}", "days": (today - due_on).days}
    if due_on >= today:
        when = _("%(name)s is due today") if due_on == today else _("%(name)s is due tomorrow")
        return [Occasion(holders, due, when % words, url, f"{key}:due:{due_on}", project_id=project)]
    text = _("It was due on %(day)s.") % words
    told = [
        Occasion(
            holders, overdue, _("%(name)s is overdue") % words, url, f"{key}:overdue:{due_on}", text, project
        )
    ]
    if words["days"] > settings.GATEBOOK_ESCALATE_DAYS:
        subject = _("%(name)s is %(days)d days late") % words
        told.append(Occasion(managers, escalated, subject, url, f"{key}:late:{due_on}", text, project))
    return told


def _acceptances(now: dt.datetime) -> QuerySet[Risk]:
    """Accepted risks whose acceptance ends, in the last iteration of each project that goes on."""
    today = timezone.localdate(now)
    later = Iteration.objects.filter(
        project=OuterRef("task__phase__iteration__project"),
        number__gt=OuterRef("task__phase__iteration__number"),
    )
    still = Q(accepted_until__gte=today - RISK_LONG_AGO) | Q(
        task__phase__iteration__state=Iteration.State.OPEN
    )
    found = Risk.objects.filter(
        still, ~Exists(later), state=Risk.State.ACCEPTED, accepted_until__lte=today + RISK_SOON,
        task__phase__iteration__project__state=Project.State.ACTIVE,
    )  # fmt: skip
    return found.select_related("task__phase__iteration__project")


@sweep_part("acceptances", _acceptances, chunk=50)
def end_acceptances(risks: list[Risk], now: dt.datetime) -> None:
    """Reopen risks whose acceptance has ended, and say so beforehand. Each in a transaction of its own."""
    today = timezone.localdate(now)
    managers = managers_of({each.task.phase.iteration.project_id for each in risks})
    for each in risks:
        people = managers[each.task.phase.iteration.project_id]
        if each.accepted_until is not None and each.accepted_until >= today:
            tell_all([_ends_soon(each, people)])
        else:
            _end_acceptance(each, people)


def _ends_soon(risk: Risk, managers: list[int]) -> Occasion:
    words = {"risk": risk, "day": f"{risk.accepted_until:%d %b %Y}"}
    return Occasion(
        _people(risk, managers), _K.RISK_ENDING, _("The acceptance of %(risk)s ends on %(day)s") % words,
        reverse("lifecycle:task", args=[risk.task_id]), f"risk:{risk.pk}:ends:{risk.accepted_until}",
        _("Measure it again, or accept it anew."), risk.task.phase.iteration.project_id,
    )  # fmt: skip


@transaction.atomic
def _end_acceptance(risk: Risk, managers: list[int]) -> None:
    """Reopen the risk, let triggers know, tell people; nothing of it twice."""
    project = locked(risk.task.phase.iteration.project)
    _task, fresh = locked_risk(risk)
    if (fresh.state, fresh.accepted_until) != (Risk.State.ACCEPTED, risk.accepted_until):
        return  # somebody was quicker
    until, people = f"{risk.accepted_until}", _people(risk, managers)
    words = {"risk": risk, "day": f"{risk.accepted_until:%d %b %Y}"}
    if risk.task.phase.iteration.state == Iteration.State.OPEN:
        try:
            with transaction.atomic():
                reopen_risk(risk=risk, actor=EXPIRY, reason=_("Its acceptance ended on %(day)s.") % words)
        except GatebookError as no:  # the iteration has just been closed
            log.info("the acceptance of risk %s was not ended: %s", risk.pk, no)
            return
    said = _("The acceptance of %(risk)s ended on %(day)s") % words
    event = {"expired": "acceptance", "risk": risk.key, "task": risk.task.key, "until": until}
    handle_event(
        project=project,
        kind="expiry",
        event={**event, "summary": said},
        event_key=f"acceptance:{risk.pk}:{until}",
    )
    url = reverse("lifecycle:task", args=[risk.task_id])
    tell_all([Occasion(people, _K.RISK_EXPIRED, said, url, f"risk:{risk.pk}:ended:{until}", "", project.pk)])


def _people(risk: Risk, managers: list[int]) -> list[int]:
    """Who accepted it, who owns its task, who manages the project."""
    found = {risk.accepted_by_id, risk.task.owner_id, *managers}
    return sorted(pk for pk in found if pk is not None)
