"""Risks: named, assessed, accepted or refused, closed, reopened. Measures against them: see `measures`."""

import datetime as dt
import re

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle import events, rules
from lifecycle.actions import LifecycleAction
from lifecycle.definitions import RiskCategory
from lifecycle.errors import Invalid, Refused
from lifecycle.models import RISK_STATES, TASK_STATES, Project, Risk, Task, User
from lifecycle.services.steps import allow, change, ensure_open, locked, record
from lifecycle.services.texts import line, prose

_S = Task.State
_OWN_KEY = re.compile(r"X([1-9][0-9]*)")


@transaction.atomic
def add_risk(*, task: Task, text: str, category: str, actor: User, key: str | None = None) -> Risk:
    """Name a risk of a task; own ones get the keys X1, X2 ... A risk found late sends the task back.

    Raises `Refused("wrong_state")` for a task that is done: reopen it first.
    """
    task = locked_task(task)
    allow_working(actor, task)
    text = line(text, "text", most=600)
    if category not in list(RiskCategory):
        raise Invalid("unknown_category", _("There is no such kind of risk."), "category")
    if task.state in (_S.VERIFIED, _S.NOT_APPLICABLE):
        raise Refused("wrong_state", _("This task is done: reopen it first."))
    key = line(key, "key", most=20) if key else _next_key(task)
    if task.risks.filter(key=key).exists():
        raise Invalid("key_taken", _("The task has a risk with this key."), "key")

    risk = Risk.objects.create(task=task, key=key, text=text, category=str(category))
    moved = task_back_to_mitigating(task)
    record_risk(LifecycleAction.RISK_ADDED, risk, task, actor, to=risk.state, **moved)
    return risk


@transaction.atomic
def assess_risk(*, risk: Risk, severity: int, occurrence: int, actor: User) -> Risk:
    """Give severity and occurrence, 1 to 5 each; the first time they are kept as the inherent risk.

    Later on a score falls through a finished measure only: `Refused("score_needs_measure")` else.
    """
    task, risk = locked_risk(risk)
    allow_working(actor, task)
    check_scores(severity, occurrence)
    state = RISK_STATES.next(risk.state, "assess")
    before = risk.score
    if risk.inherent_severity is not None and severity * occurrence < (before or 0):
        raise Refused("score_needs_measure", _("The score falls when a measure has finished with evidence."))

    risk.severity, risk.occurrence = severity, occurrence
    if risk.inherent_severity is None:
        risk.inherent_severity, risk.inherent_occurrence = severity, occurrence
    fields = ("severity", "occurrence", "inherent_severity", "inherent_occurrence")
    return move_risk(
        risk, task, state, LifecycleAction.RISK_ASSESSED, actor, *fields,
        severity=severity, occurrence=occurrence, score_before=before,
    )  # fmt: skip


@transaction.atomic
def accept_risk(*, risk: Risk, actor: User, reason: str = "", until: dt.date | None = None) -> Risk:
    """Accept what remains. Above the project's appetite a manager does, with a reason and a date in the
    future.

    Raises `Invalid` for a missing reason or date, PermissionDenied for others than managers above appetite.
    """
    task, risk = locked_risk(risk)
    project = _project(task)
    allow_working(actor, task)
    above = (risk.score or 0) > project.risk_appetite or risk.state == Risk.State.ESCALATED
    allow(
        not above or rules.can_manage_project(actor, project),
        _("Only a manager accepts a risk above the project's appetite."),
    )
    reason = prose(reason, "reason", needed=above)
    if above and until is None:
        raise Invalid("missing", _("A risk above the appetite is accepted until a date."), "until")
    if until is not None and until <= timezone.localdate():
        raise Invalid("not_in_future", _("This date is not in the future."), "until")
    state = RISK_STATES.next(risk.state, "accept")

    risk.accepted_by, risk.accepted_reason, risk.accepted_until = actor, reason, until
    return move_risk(
        risk, task, state, LifecycleAction.RISK_ACCEPTED, actor, "accepted_by", "accepted_reason",
        "accepted_until",
        score=risk.score, appetite=project.risk_appetite, reason=reason,
        until=until.isoformat() if until else None,
    )  # fmt: skip


@transaction.atomic
def refuse_risk(*, risk: Risk, actor: User, reason: str = "") -> Risk:
    """State that the risk is not acceptable as it is: a measure has to be chosen, the task mitigates.

    Raises `Refused("loop_limit")` where measures were tried `rules.MOST_LOOPS` times in vain: a manager
    decides.
    """
    task, risk = locked_risk(risk)
    allow_working(actor, task)
    reason = prose(reason, "reason", needed=False)
    state = RISK_STATES.next(risk.state, "refuse")
    if rules.is_at_limit(risk, _project(task).risk_appetite):
        text = _("It was reassessed %(loops)d times and is still above the appetite: a manager decides now.")
        raise Refused("loop_limit", text % {"loops": risk.loops})

    moved = task_back_to_mitigating(task)
    return move_risk(
        risk, task, state, LifecycleAction.RISK_REFUSED, actor, score=risk.score, reason=reason, **moved
    )


@transaction.atomic
def escalate_risk(*, risk: Risk, actor: User, reason: str) -> Risk:
    """Hand a risk to the manager that measures do not bring below the appetite."""
    task, risk = locked_risk(risk)
    allow_working(actor, task)
    reason = prose(reason, "reason")
    state = RISK_STATES.next(risk.state, "escalate")
    if (risk.score or 0) <= _project(task).risk_appetite:
        raise Refused("within_appetite", _("This risk is within the appetite: accept it."))

    moved = move_risk(
        risk,
        task,
        state,
        LifecycleAction.RISK_ESCALATED,
        actor,
        score=risk.score,
        loops=risk.loops,
        reason=reason,
    )
    event = events.RiskEscalated(risk.pk, _project(task).pk, actor.pk, reason)
    events.risk_escalated.send(sender=Risk, event=event)
    return moved


@transaction.atomic
def close_risk(*, risk: Risk, actor: User, reason: str) -> Risk:
    """State that the cause is gone or the matter out of scope."""
    task, risk = locked_risk(risk)
    allow_working(actor, task)
    reason = prose(reason, "reason")
    state = RISK_STATES.next(risk.state, "close")

    return move_risk(risk, task, state, LifecycleAction.RISK_CLOSED, actor, reason=reason)


@transaction.atomic
def reopen_risk(*, risk: Risk, actor: Actor, reason: str) -> Risk:
    """Take up a risk again whose acceptance or evidence has expired; its task is opened again too."""
    task, risk = locked_risk(risk)
    allow_working(actor, task)
    reason = prose(reason, "reason")
    state = RISK_STATES.next(risk.state, "reopen")

    risk.accepted_by, risk.accepted_reason, risk.accepted_until = None, "", None
    moved = task_back_to_mitigating(task) or _task_reopened(task, reason)
    return move_risk(
        risk, task, state, LifecycleAction.RISK_REOPENED, actor, "accepted_by", "accepted_reason",
        "accepted_until",
        reason=reason, **moved,
    )  # fmt: skip


def locked_task(task: Task) -> Task:
    """The task with its phase, iteration and project; its lock comes before those of its risks."""
    return locked(task, "phase__iteration__project")


def locked_risk(risk: Risk) -> tuple[Task, Risk]:
    """The risk and its task, both locked."""
    task = locked_task(risk.task)
    return task, locked(risk)


def allow_working(actor: Actor, task: Task) -> None:
    """PermissionDenied unless the actor works in the project, Refused unless its iteration is open.

    The site itself may: what it does by itself it does because a date has come.
    """
    allow(
        rules.is_machine(actor) or rules.can_contribute(actor, _project(task)),
        _("You do not work in this project."),
    )
    ensure_open(task.phase.iteration)


def check_scores(severity: int, occurrence: int) -> None:
    """Severity and occurrence are whole numbers from 1 to 5."""
    given: dict[str, object] = {"severity": severity, "occurrence": occurrence}
    for where, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 5:
            raise Invalid("bad_score", _("This is a number from 1 to 5."), where)


def task_back_to_mitigating(task: Task) -> dict[str, object]:
    """Send a task back whose risks are no longer all accepted; what changed, for the ledger."""
    if task.state in (_S.RISKS_IDENTIFIED, _S.RISKS_ACCEPTED):
        event = "mitigate"
    elif task.state == _S.EVIDENCE_ATTACHED:
        event = "reject_evidence"
    else:
        return {}
    before, task.state = task.state, TASK_STATES.next(task.state, event)
    task.save(update_fields=["state"])
    return {"task_from": before, "task_to": task.state}


def move_risk(
    risk: Risk, task: Task, state: str, action: LifecycleAction, actor: Actor, *fields: str, **detail: object
) -> Risk:
    """Save and record."""
    before, risk.state = risk.state, state
    risk.save(update_fields=["state", *fields])
    risk.refresh_from_db(fields=["score"])
    record_risk(action, risk, task, actor, **change(before, state), **detail)
    return risk


def record_risk(action: LifecycleAction, risk: Risk, task: Task, actor: Actor, **detail: object) -> None:
    """Append the entry of a risk."""
    record(
        action, risk, actor=actor, project=_project(task), iteration=task.phase.iteration,
        risk=risk.pk, key=risk.key, task=task.pk, phase=task.phase.key, **detail,
    )  # fmt: skip


def _task_reopened(task: Task, reason: str) -> dict[str, object]:
    if task.state != _S.VERIFIED:
        return {}
    before, task.state = task.state, TASK_STATES.next(task.state, "reopen")
    task.state_reason, task.verified_at, task.verified_by = reason, None, None
    task.save(update_fields=["state", "state_reason", "verified_at", "verified_by"])
    return {"task_from": before, "task_to": task.state}


def _next_key(task: Task) -> str:
    numbers = [
        match[1] for key in task.risks.values_list("key", flat=True) if (match := _OWN_KEY.fullmatch(key))
    ]
    return f"X{max(map(int, numbers), default=0) + 1}"


def _project(task: Task) -> Project:
    return task.phase.iteration.project
