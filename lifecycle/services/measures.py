"""Quality-assurance measures against a risk: chosen, started, finished with evidence."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import QUALITY_ACTION_STATES, RISK_STATES, Evidence, QualityAction, Risk, Task, User
from lifecycle.services.proof import LIVE
from lifecycle.services.risks import allow_working, check_scores, locked_risk
from lifecycle.services.steps import change, locked, record
from lifecycle.services.texts import line, prose

_R, _A = Risk.State, QualityAction.State
_AT_WORK = (_A.SELECTED, _A.RUNNING)
_EVENT_OF = {"passed": "pass", "failed": "fail", "inconclusive": "leave_open"}


@transaction.atomic
def choose_measure(*, risk: Risk, method: str, name: str, actor: User) -> QualityAction:
    """Choose a method (by key, such as Q4-05) against a risk that is not acceptable."""
    task, risk = locked_risk(risk)
    allow_working(actor, task)
    method, name = line(method, "method", most=20), line(name, "name", most=600)
    before = risk.state
    state = (
        before if before in (_R.QA_SELECTED, _R.IN_MITIGATION) else RISK_STATES.next(before, "choose_measure")
    )

    action = QualityAction.objects.create(risk=risk, method=method, name=name)
    _move_risk(risk, state)
    _record(
        LifecycleAction.QUALITY_ACTION_CHOSEN, action, risk, task, actor, risk_from=before, to=action.state
    )
    return action


@transaction.atomic
def start_measure(*, action: QualityAction, performer: User, actor: User) -> QualityAction:
    """Put a measure to work; the performer works in the project."""
    task, risk, action = _locked(action)
    allow_working(actor, task)
    state = QUALITY_ACTION_STATES.next(action.state, "start")
    if not rules.can_take_part(performer, task.phase.iteration.project):
        raise Refused("not_member", _("%(name)s can not work in this project.") % {"name": performer})
    before = risk.state
    risk_state = before if before == _R.IN_MITIGATION else RISK_STATES.next(before, "start_measure")

    action.state, action.performer = state, performer
    action.save(update_fields=["state", "performer"])
    _move_risk(risk, risk_state)
    _record(
        LifecycleAction.QUALITY_ACTION_STARTED, action, risk, task, actor,
        performer=performer.pk, risk_from=before, **change("selected", state),
    )  # fmt: skip
    return action


@transaction.atomic
def finish_measure(
    *, action: QualityAction, result: str, evidence: Evidence, actor: User, severity: int | None = None,
    occurrence: int | None = None, note: str = "",
) -> QualityAction:  # fmt: skip
    """Finish a measure with the evidence of its task; the risk is reassessed with the values given.

    `result` is passed, failed or inconclusive. Only a passed measure lowers the score:
    `Refused("score_needs_measure")` else. Raises `Invalid` for evidence of another task or that does not
    count.
    """
    task, risk, action = _locked(action)
    allow_working(actor, task)
    if result not in _EVENT_OF:
        raise Invalid("unknown_result", _("The result is passed, failed or inconclusive."), "result")
    note = line(note, "note", most=2000, needed=False)
    evidence = _counting(evidence, task)
    state = QUALITY_ACTION_STATES.next(action.state, _EVENT_OF[result])
    before, score_before = risk.state, risk.score
    risk_state = before if before == _R.REASSESSED else RISK_STATES.next(before, "reassess")
    _reassess(risk, result, severity, occurrence)

    action.state, action.evidence, action.note, action.finished_at = state, evidence, note, timezone.now()
    action.save(update_fields=["state", "evidence", "note", "finished_at"])
    risk.loops += 1
    _move_risk(risk, risk_state, "severity", "occurrence", "loops")
    _record(
        LifecycleAction.QUALITY_ACTION_FINISHED, action, risk, task, actor, evidence=evidence.pk,
        severity=risk.severity, occurrence=risk.occurrence, score_before=score_before, risk_from=before,
        **change("running", state),
    )  # fmt: skip
    return action


@transaction.atomic
def cancel_measure(*, action: QualityAction, actor: User, reason: str) -> QualityAction:
    """Give a measure up that is not finished; the risk's score stays.

    A risk without another measure at work is unacceptable again, and waits for one to be chosen.
    """
    task, risk, action = _locked(action)
    allow_working(actor, task)
    reason = prose(reason, "reason", most=2000)
    before, state = action.state, QUALITY_ACTION_STATES.next(action.state, "cancel")
    others = risk.actions.filter(state__in=_AT_WORK).exclude(pk=action.pk)
    risk_from, waits = risk.state, risk.state in (_R.QA_SELECTED, _R.IN_MITIGATION) and not others.exists()
    risk_state = RISK_STATES.next(risk.state, "give_up_measures") if waits else risk.state

    action.state, action.note, action.finished_at = state, reason, timezone.now()
    action.save(update_fields=["state", "note", "finished_at"])
    _move_risk(risk, risk_state)
    _record(
        LifecycleAction.QUALITY_ACTION_CANCELLED, action, risk, task, actor,
        reason=reason, risk_from=risk_from, **change(before, state),
    )  # fmt: skip
    return action


def _locked(action: QualityAction) -> tuple[Task, Risk, QualityAction]:
    task, risk = locked_risk(action.risk)
    return task, risk, locked(action)


def _counting(evidence: Evidence, task: Task) -> Evidence:
    found = Evidence.objects.filter(pk=evidence.pk, task=task, state__in=LIVE).first()
    if found is None:
        raise Invalid("not_evidence", _("Name evidence of this task that counts."), "evidence")
    return found


def _reassess(risk: Risk, result: str, severity: int | None, occurrence: int | None) -> None:
    severity = risk.severity if severity is None else severity
    occurrence = risk.occurrence if occurrence is None else occurrence
    if severity is None or occurrence is None:
        raise Invalid("missing", _("Give severity and occurrence."), "severity")
    check_scores(severity, occurrence)
    if result != "passed" and severity * occurrence < (risk.score or 0):
        raise Refused("score_needs_measure", _("Only a measure that passed lowers the score."))
    risk.severity, risk.occurrence = severity, occurrence


def _move_risk(risk: Risk, state: str, *fields: str) -> None:
    risk.state = state
    risk.save(update_fields=["state", *fields])


def _record(
    word: LifecycleAction, action: QualityAction, risk: Risk, task: Task, actor: User, **detail: object
) -> None:
    record(
        word, action, actor=actor, project=task.phase.iteration.project, iteration=task.phase.iteration,
        quality_action=action.pk, method=action.method, risk=risk.pk, risk_key=risk.key, task=task.pk,
        risk_to=risk.state, **detail,
    )  # fmt: skip
