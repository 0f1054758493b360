"""The page of a task, its desk: what it shows, and what whoever looks may do next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lifecycle.figures import Bullet
from lifecycle.forms import work as forms
from lifecycle.forms.comments import AttachmentForm
from lifecycle.forms.fields import PlainForm, ReasonForm
from lifecycle.models import TASK_STATES, Evidence, Iteration, Phase, Risk, Run, Task, User
from lifecycle.queries.comments import attachments_of
from lifecycle.queries.history import history_of
from lifecycle.queries.ownership_history import ownership_of_task
from lifecycle.queries.pages import people_of, runs_to_attach
from lifecycle.queries.projects import requirements_of
from lifecycle.queries.tasks import LIVE, TaskDetail, task_detail
from lifecycle.rules import is_at_limit
from lifecycle.services.proof import performers
from lifecycle.views.acting import Offer, Offers, Rights, Tried, rights_of

_S, _R = Task.State, Risk.State
_WORKING = (Phase.State.IN_PROGRESS, Phase.State.PASSED_WITH_CONDITIONS)
_AT_WORK = (_S.INSTANTIATED, _S.RISKS_IDENTIFIED, _S.MITIGATING, _S.RISKS_ACCEPTED, _S.EVIDENCE_ATTACHED)
_ORDER = ("requirements", "risks", "measures", "evidence", "verified")


@dataclass
class Desk:
    """A task, who looks at it, and the material of the forms. `open` is whether its phase is at work."""

    detail: TaskDetail
    user: User
    rights: Rights
    people: list[User]
    runs: list[Run]
    methods: dict[str, str]
    offers: Offers
    next: list[Offer] = field(default_factory=list)
    more: list[Offer] = field(default_factory=list)
    of_risk: dict[int, list[Offer]] = field(default_factory=dict)
    of_action: dict[int, list[Offer]] = field(default_factory=dict)

    @property
    def task(self) -> Task:
        return self.detail.task

    @property
    def running(self) -> bool:
        """Whether the iteration is open."""
        return self.task.phase.iteration.state == Iteration.State.OPEN

    @property
    def open(self) -> bool:
        return self.running and self.task.phase.state in _WORKING

    @property
    def counting(self) -> list[Evidence]:
        return [each for each in self.detail.evidence if each.state in LIVE]

    @property
    def own_work(self) -> bool:
        """Whether the reader made what would have to be verified."""
        return self.user.pk in performers(self.task, self.counting)


def show_task(
    request: HttpRequest, user: User, task: Task, tried: Tried | None = None, people: list[User] | None = None
) -> HttpResponse:
    """The page of a task. 24 queries for any number of risks, measures, files and pieces of evidence."""
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
        "may_prove": desk.open and desk.rights.works and desk.task.state in _AT_WORK,
        "most_megabytes": settings.GATEBOOK_ATTACHMENT_BYTES // 1_000_000,
    }


def desk_of(user: User, task: Task, tried: Tried | None = None, people: list[User] | None = None) -> Desk:
    """A task with everything that the reader may do to it. 12 queries."""
    detail = task_detail(task)
    project = detail.task.phase.iteration.project
    rights = rights_of(user, project)
    desk = Desk(
        detail=detail,
        user=user,
        rights=rights,
        people=people_of(project) if people is None and rights.takes_part else people or [],
        runs=runs_to_attach(
            detail.task.phase.iteration,
            [each.snapshot.run_id for each in detail.evidence if each.snapshot.run_id],
        )
        if rights.works
        else [],
        methods=methods_of(detail),
        offers=Offers(tried),
    )
    if desk.running:
        _offer_risks(desk)
        _offer_steps(desk)
        _offer_more(desk)
    return desk


def methods_of(detail: TaskDetail) -> dict[str, str]:
    """The methods of the process by key. 0 queries once the iteration's process is there, else 1."""
    document = detail.task.phase.iteration.process_version.document
    return {part["key"]: part["name"] for part in document.get("methods", [])}


# ---- what can be done ----


def _offer(desk: Desk, act: str, verb: str, form: Any, **more: Any) -> Offer:
    url = reverse("lifecycle:task-act", args=[desk.task.pk, act])
    return desk.offers.add(act, url, verb, form, **more)


def _offer_steps(desk: Desk) -> None:
    """The one obvious step of the person who looks, if there is one."""
    task, rights = desk.task, desk.rights
    if not desk.open:
        return
    if rights.works and TASK_STATES.can(task.state, "start") and task.owner_id is not None:
        desk.next.append(_offer(desk, "start", _("Start the task"), PlainForm, main=True))
    elif rights.works and task.state == _S.INSTANTIATED:
        desk.next.append(_identify(desk))
    elif rights.works and task.state in (_S.RISKS_IDENTIFIED, _S.MITIGATING) and not desk.detail.open_risks:
        hint = _("Every risk is accepted or closed.")
        desk.next.append(_offer(desk, "accept-risks", _("Accept the risks"), PlainForm, hint=hint, main=True))
    elif rights.works and task.state in (_S.RISKS_IDENTIFIED, _S.MITIGATING):
        desk.next += _first_of_risks(desk)
    elif rights.works and task.state == _S.RISKS_ACCEPTED:
        desk.next += _attaching(desk, main=True)
    elif rights.judges and task.state == _S.EVIDENCE_ATTACHED and not desk.own_work:
        hint = _("You confirm that the evidence proves the task; it is verified with it.")
        desk.next.append(_offer(desk, "verify", _("Verify"), PlainForm, hint=hint, main=True))
        desk.next.append(_offer(desk, "reject", _("Reject the evidence"), ReasonForm, folded=True))


def _first_of_risks(desk: Desk) -> list[Offer]:
    """The next step with the first risk that is open, taken out of its row."""
    for risk in desk.detail.open_risks:
        of_actions = [desk.of_action.get(each.pk, []) for each in risk.actions.all()]
        for found in [*of_actions, desk.of_risk.get(risk.pk, [])]:
            if found:
                first = found.pop(0)
                verb = _("%(verb)s: %(key)s") % {"verb": first.verb, "key": risk.key}
                return [replace(first, verb=verb, main=True, folded=False)]
    return []


def _identify(desk: Desk) -> Offer:
    if desk.detail.risks:
        count = len(desk.detail.risks)
        hint = ngettext("%d risk is named.", "%d risks are named.", count) % count
        return _offer(desk, "identify", _("The risks are named"), PlainForm, hint=hint, main=True)
    hint = _("Name a risk below, or have a second person state that there is none.")
    others = [each for each in desk.people if each.pk != desk.user.pk]
    return _offer(
        desk,
        "identify-none",
        _("The risks are named"),
        forms.NoRisksForm,
        hint=hint,
        main=True,
        people=others,
    )


def _attaching(desk: Desk, *, main: bool = False) -> list[Offer]:
    wanted = [run for run in desk.runs if run.kind in desk.detail.kinds_missing]
    others = [run for run in desk.runs if run.kind not in desk.detail.kinds_missing]
    made = []
    if desk.runs:
        made.append(
            _offer(
                desk,
                "attach",
                _("Attach the run"),
                forms.AttachRunForm,
                main=main and bool(wanted),
                folded=not (main and wanted),
                runs=[*wanted, *others],
                hint=_("Its content is frozen and named by its SHA-256."),
            )
        )
    kinds = [kind for kind in desk.detail.kinds_missing if kind in ("REV", "DOC")]
    first = main and not wanted
    made.append(
        _offer(
            desk,
            "document",
            _("Write a review or document"),
            forms.DocumentForm,
            main=first,
            folded=not first,
            initial={"kind": kinds[0] if kinds else "REV", "title": desk.task.name},
        )
    )
    return made


def _offer_more(desk: Desk) -> None:
    """What else may be done, folded."""
    task, rights, more = desk.task, desk.rights, desk.more
    done = task.state in (_S.VERIFIED, _S.NOT_APPLICABLE)
    if rights.works and task.state in _AT_WORK and task.state != _S.RISKS_ACCEPTED:
        more += _attaching(desk)
    if rights.works and not done:
        more.append(_offer(desk, "add-risk", _("Name a risk"), forms.AddRiskForm, folded=True))
    if rights.manages and not done:
        unowned = task.owner_id is None
        offer = _offer(
            desk, "assign", _("Assign"), forms.AssignForm, folded=not unowned, main=unowned,
            people=desk.people, initial={"due_on": task.due_on},
        )  # fmt: skip
        (desk.next if unowned else more).insert(0, offer)
    if rights.manages:
        more.append(
            _offer(
                desk, "duty", _("Who is asked, who is told"), forms.DutyForm, folded=True, people=desk.people
            )
        )
    if rights.works and TASK_STATES.can(task.state, "block"):
        more.append(_offer(desk, "block", _("It is blocked"), ReasonForm, folded=True))
    if rights.works and not task.mandatory and TASK_STATES.can(task.state, "exclude"):
        hint = _("A second person approves on the page of tailoring. Until then the task stays as it is.")
        more.append(_offer(desk, "exclude", _("It does not apply"), ReasonForm, folded=True, hint=hint))
    if rights.works and desk.open and TASK_STATES.can(task.state, "reopen"):
        more.append(_offer(desk, "reopen", _("Open it again"), ReasonForm, folded=True))


def _offer_risks(desk: Desk) -> None:
    if not desk.rights.works:
        return
    for risk in desk.detail.risks:
        desk.of_risk[risk.pk] = _of_risk(desk, risk)
        for action in risk.actions.all():
            desk.of_action[action.pk] = _of_action(desk, risk, action)


def _of_risk(desk: Desk, risk: Risk) -> list[Offer]:
    made: list[Offer] = []

    def offer(act: str, verb: str, form: Any, **more: Any) -> None:
        url = reverse("lifecycle:risk-act", args=[risk.pk, act])
        made.append(desk.offers.add(f"{act}-{risk.pk}", url, verb, form, folded=True, **more))

    above = (risk.score or 0) > desk.task.phase.iteration.project.risk_appetite
    if risk.state in (_R.IDENTIFIED, _R.REOPENED):
        start = {"severity": risk.severity, "occurrence": risk.occurrence}
        offer("assess", _("Assess"), forms.AssessForm, initial=start)
    if risk.state in (_R.ASSESSED, _R.REASSESSED, _R.ESCALATED) and (desk.rights.manages or not above):
        hint = _("It is above the appetite: reason and date are needed.") if above else ""
        offer("accept", _("Accept"), forms.AcceptForm, hint=hint)
    spent = is_at_limit(risk, desk.task.phase.iteration.project.risk_appetite)
    if risk.state in (_R.ASSESSED, _R.REASSESSED) and not spent:
        offer("refuse", _("Not acceptable as it is"), PlainForm)
    if risk.state == _R.REASSESSED and above:
        tried = _("It was lowered %d times and is still above the appetite.") % risk.loops
        offer("escalate", _("Hand to the manager"), ReasonForm, hint=tried if spent else "")
    if risk.state in (_R.UNACCEPTABLE, _R.QA_SELECTED, _R.IN_MITIGATION):
        offer("measure", _("Choose a measure"), forms.MeasureForm, methods=list(desk.methods.items()))
    if risk.state in (_R.REASSESSED, _R.ACCEPTED):
        offer("close", _("Close"), ReasonForm)
    if risk.state in (_R.ACCEPTED, _R.CLOSED):
        offer("reopen", _("Take it up again"), ReasonForm)
    return made


def _of_action(desk: Desk, risk: Risk, action: Any) -> list[Offer]:
    url = partial(_measure_url, action.pk)
    if action.state == "selected":
        return [
            desk.offers.add(
                f"begin-{action.pk}",
                url("begin"),
                _("Put it to work"),
                forms.PerformerForm,
                folded=True,
                people=desk.people,
            )
        ]
    if action.state == "running":
        start = {"severity": risk.severity, "occurrence": risk.occurrence}
        hint = _("Only a measure that passed lowers the score.")
        return [
            desk.offers.add(
                f"finish-{action.pk}",
                url("finish"),
                _("Finish the measure"),
                forms.FinishForm,
                folded=True,
                evidence=desk.counting,
                initial=start,
                hint=hint,
            )
        ]
    return []


def _measure_url(pk: int, act: str) -> str:
    return reverse("lifecycle:measure-act", args=[pk, act])


# ---- what is shown ----


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
    appetite = desk.task.phase.iteration.project.risk_appetite
    return Bullet(limit=appetite, operator="<=", observed=risk.score, before=inherent, digits=0)


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
