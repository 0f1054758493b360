"""A task as whoever looks at it has it before them: what it holds, and what they may do next.

`desk_risks` holds what may be done to its risks, `task_page` what the page shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lifecycle.forms import work as forms
from lifecycle.forms.fields import PlainForm, ReasonForm
from lifecycle.models import TASK_STATES, Evidence, Iteration, Phase, Run, Task, User
from lifecycle.queries.pages import people_of, runs_to_attach
from lifecycle.queries.tasks import LIVE, TaskDetail, task_detail
from lifecycle.services.proof import performers
from lifecycle.views.acting import Offer, Offers, Rights, Tried, rights_of
from lifecycle.views.desk_risks import moves_of_measure, moves_of_risk

_S = Task.State
_WORKING = (Phase.State.IN_PROGRESS, Phase.State.PASSED_WITH_CONDITIONS)
AT_WORK = (_S.INSTANTIATED, _S.RISKS_IDENTIFIED, _S.MITIGATING, _S.RISKS_ACCEPTED, _S.EVIDENCE_ATTACHED)


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
    def appetite(self) -> int:
        """The score up to which the project bears a risk without a manager's word."""
        return int(self.task.phase.iteration.project.risk_appetite)

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
    if rights.works and task.state in AT_WORK and task.state != _S.RISKS_ACCEPTED:
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
        desk.of_risk[risk.pk] = moves_of_risk(
            desk.offers, risk, manages=desk.rights.manages, methods=desk.methods, appetite=desk.appetite
        )
        for action in risk.actions.all():
            desk.of_action[action.pk] = moves_of_measure(
                desk.offers, risk, action, people=desk.people, evidence=desk.counting
            )
