"""The page of a task: what is asked, what proves it, what is missing, what happened."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lifecycle.figures import Bullet
from lifecycle.forms.comments import AttachmentForm
from lifecycle.models import Risk, Task, User
from lifecycle.queries.comments import attachments_of
from lifecycle.queries.history import history_of
from lifecycle.queries.ownership_history import ownership_of_task
from lifecycle.queries.projects import requirements_of
from lifecycle.queries.tasks import TaskDetail
from lifecycle.task_purposes import purposes_of
from lifecycle.views.acting import Tried
from lifecycle.views.desk import AT_WORK, Desk, desk_of

_S = Task.State
_ORDER = ("requirements", "risks", "measures", "evidence", "verified")


def show_task(
    request: HttpRequest, user: User, task: Task, tried: Tried | None = None, people: list[User] | None = None
) -> HttpResponse:
    """The page of a task. 25 queries for any number of risks, measures, files and pieces of evidence."""
    desk = desk_of(user, task, tried, people)
    detail = desk.detail
    context = {
        "project": detail.task.phase.iteration.project,
        "iteration": detail.task.phase.iteration,
        "task": detail.task,
        "detail": detail,
        "desk": desk,
        "steps": _steps(desk),
        "next_words": _next_words(desk),
        "risk_rows": [(risk, _score_bar(risk, desk), desk.of_risk.get(risk.pk, [])) for risk in detail.risks],
        "requirements": _requirements(desk),
        "asked": _asked(detail),
        "consulted": [each.user for each in detail.duties if each.duty == "C"],
        "informed": [each.user for each in detail.duties if each.duty == "I"],
        "history": history_of(detail.task),
        "shifts": ownership_of_task(detail.task),
        "purposes": purposes_of(detail.task, user),
        **_files(desk),
    }
    return render(request, "lifecycle/task.html", context)


def _files(desk: Desk) -> dict[str, Any]:
    """The files of the task and the form for another one. 1 query."""
    tried = desk.offers.tried
    refused = tried.form if tried is not None and tried.name == "file" else None
    adds = desk.running and desk.rights.takes_part
    return {
        "files": attachments_of(desk.task, desk.detail.evidence),
        "file_form": (refused or AttachmentForm(auto_id="id_file_%s")) if adds else None,
        "may_prove": desk.open and desk.rights.works and desk.task.state in AT_WORK,
        "most_megabytes": settings.GATEBOOK_ATTACHMENT_BYTES // 1_000_000,
    }


def _asked(detail: TaskDetail) -> list[tuple[str, str, bool]]:
    """(kind, what it must show, whether it is there) for each piece of evidence that the process asks for."""
    present = set(detail.kinds_present)
    if detail.definition is None:
        return [(kind, "", kind in present) for kind in detail.task.evidence_kinds]
    return [
        (each.kind.value, each.asks, each.kind.value in present) for each in detail.definition.proof.evidence
    ]


def _requirements(desk: Desk) -> list[Any]:
    """The project's requirements that the gate of this phase checks. 1 query."""
    document = desk.task.phase.iteration.process_version.document
    phases = document.get("phases", [])
    gate = next((part.get("gate") for part in phases if part["key"] == desk.task.phase.key), None)
    project = desk.task.phase.iteration.project
    return list(requirements_of(project).filter(gate=gate or "-").order_by("key"))


def _score_bar(risk: Risk, desk: Desk) -> Bullet:
    inherent = (risk.inherent_severity or 0) * (risk.inherent_occurrence or 0) or None
    return Bullet(limit=desk.appetite, operator="<=", observed=risk.score, before=inherent, digits=0)


def _steps(desk: Desk) -> list[dict[str, object]]:
    """The (Q) loop: requirements, risks, measures, evidence, verified; the current one is marked."""
    detail, state = desk.detail, desk.task.state
    missing, left = detail.kinds_missing, len(detail.open_risks)
    measures = [action for risk in detail.risks for action in risk.actions.all()]
    running = sum(action.state in ("selected", "running") for action in measures)
    begun = state not in (_S.PLANNED, _S.REOPENED, _S.BLOCKED, _S.NOT_APPLICABLE)
    needed = len(desk.task.evidence_kinds)
    words = {
        "requirements": (begun, _("agreed, begun") if begun else desk.task.get_state_display()),
        "risks": (
            begun and state != _S.INSTANTIATED,
            ngettext("%d named", "%d named", len(detail.risks)) % len(detail.risks),
        ),
        "measures": (
            begun and state != _S.INSTANTIATED and not left,
            ngettext("%d risk open", "%d risks open", left) % left
            if left
            else _("%(done)d of %(all)d measures done")
            % {"done": len(measures) - running, "all": len(measures)},
        ),
        "evidence": (
            not missing and bool(needed),
            _("%(there)d of %(all)d kinds there") % {"there": needed - len(missing), "all": needed},
        ),
        "verified": (
            state == _S.VERIFIED,
            str(desk.task.verified_by) if desk.task.verified_by else _("by somebody else"),
        ),
    }
    names = {
        "requirements": _("Requirements"), "risks": _("Risks"), "measures": _("Measures"),
        "evidence": _("Evidence"), "verified": _("Verified"),
    }  # fmt: skip
    current = next((key for key in _ORDER if not words[key][0]), "")
    return [
        {
            "name": names[key],
            "text": words[key][1],
            "state": "ok" if words[key][0] else "now" if key == current else "idle",
            "current": key == current,
        }
        for key in _ORDER
    ]


def _next_words(desk: Desk) -> tuple[str, str]:
    """What comes next, for whom it is: (state, sentence)."""
    task = desk.task
    if task.state == _S.VERIFIED:
        return "ok", _("Done: another person has verified it.")
    if task.state == _S.NOT_APPLICABLE:
        return "na", _("It does not apply: %s") % task.state_reason
    if not desk.running:
        return "na", _("The iteration is over.")
    if not desk.open:
        phase = {"phase": task.phase, "state": task.phase.get_state_display().lower()}
        return "wait", _("%(phase)s is not in progress but %(state)s.") % phase
    if task.owner_id is None:
        return "warn", _("Nobody does it yet.")
    if task.state == _S.EVIDENCE_ATTACHED:
        if desk.own_work:
            return "wait", _("It waits for another person: nobody verifies their own work.")
        return "now", _("All evidence is there: somebody who did not make it verifies it.")
    return "now", {
        _S.PLANNED: _("It can be started."),
        _S.INSTANTIATED: _("Its risks are to be named."),
        _S.RISKS_ACCEPTED: _("What proves it is to be attached."),
        _S.BLOCKED: _("It is blocked: %s") % task.state_reason,
        _S.REOPENED: _("It was opened again: %s") % task.state_reason,
    }.get(_S(task.state)) or _risk_words(desk)


def _risk_words(desk: Desk) -> str:
    left = desk.detail.open_risks
    if not left:
        return _("Every risk is accepted or closed.")
    return _("To be assessed, lowered or accepted: %s.") % ", ".join(risk.key for risk in left)
