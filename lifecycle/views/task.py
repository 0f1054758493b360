"""One task: its page and the steps that people take with it, its risks and their measures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from django import forms as django_forms
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from lifecycle.forms import work as forms
from lifecycle.forms.fields import PlainForm, ReasonForm
from lifecycle.models import QualityAction, Task, User
from lifecycle.queries.tasks import risks_visible_to, tasks_visible_to
from lifecycle.services import evidence, measures, risks, tailoring, tasks
from lifecycle.views.acting import Tried, carry_out, reader, rights_of, seen
from lifecycle.views.desk import Desk, desk_of
from lifecycle.views.task_page import show_task


class Act(NamedTuple):
    """A step: its form, the service that takes it, what is said after it, who may. `given` fills the form."""

    form: type[django_forms.Form]
    call: Callable[..., object]
    done: Any
    given: Callable[[Desk], dict[str, Any]] = lambda _desk: {}
    by: str = "works"


def _people(desk: Desk) -> dict[str, Any]:
    return {"people": desk.people}


@transaction.atomic
def _attach_run(*, task: Task, actor: User, run: Any) -> object:
    return evidence.attach_evidence(
        task=task, snapshot=evidence.freeze_run(run=run, actor=actor), actor=actor
    )


@transaction.atomic
def _attach_document(*, task: Task, actor: User, kind: str, title: str, text: str) -> object:
    snapshot = evidence.freeze_document(
        project=task.phase.iteration.project, kind=kind, title=title, content={"text": text}, actor=actor
    )
    return evidence.attach_evidence(task=task, snapshot=snapshot, actor=actor)


TASK_ACTS: dict[str, Act] = {
    "start": Act(PlainForm, tasks.start_task, _("The task has begun.")),
    "identify": Act(PlainForm, tasks.identify_risks, _("The risks are named.")),
    "identify-none": Act(forms.NoRisksForm, tasks.identify_risks, _("The risks are named."), _people),
    "accept-risks": Act(PlainForm, tasks.accept_risks, _("The risks are accepted.")),
    "attach": Act(
        forms.AttachRunForm, _attach_run, _("The run is frozen and attached."),
        lambda desk: {"runs": desk.runs}
    ),
    "document": Act(forms.DocumentForm, _attach_document, _("The document is frozen and attached.")),
    "verify": Act(PlainForm, tasks.verify_task, _("The task is verified."), by="judges"),
    "reject": Act(ReasonForm, tasks.reject_evidence, _("The evidence is rejected."), by="judges"),
    "reopen": Act(ReasonForm, tasks.reopen_task, _("The task is open again.")),
    "block": Act(ReasonForm, tasks.block_task, _("It is noted that the task is blocked.")),
    "exclude": Act(
        ReasonForm, tailoring.request_exclusion, _("Your request waits for a second person.")
    ),
    "assign": Act(forms.AssignForm, tasks.assign_task, _("The task is assigned."), _people, by="manages"),
    "duty": Act(
        forms.DutyForm, lambda duty, **given: tasks.set_duty(duty=duty or None, **given),
        _("The duty is set."), _people, by="manages",
    ),
    "add-risk": Act(forms.AddRiskForm, risks.add_risk, _("The risk is named.")),
}  # fmt: skip

RISK_ACTS: dict[str, Act] = {
    "assess": Act(forms.AssessForm, risks.assess_risk, _("The risk is assessed.")),
    "accept": Act(forms.AcceptForm, risks.accept_risk, _("The risk is accepted.")),
    "refuse": Act(PlainForm, risks.refuse_risk, _("A measure has to be chosen.")),
    "escalate": Act(ReasonForm, risks.escalate_risk, _("The manager decides about the risk.")),
    "close": Act(ReasonForm, risks.close_risk, _("The risk is closed.")),
    "reopen": Act(ReasonForm, risks.reopen_risk, _("The risk is taken up again.")),
    "measure": Act(
        forms.MeasureForm, measures.choose_measure, _("The measure is chosen."),
        lambda desk: {"methods": list(desk.methods.items())},
    ),
}  # fmt: skip

MEASURE_ACTS: dict[str, Act] = {
    "begin": Act(forms.PerformerForm, measures.start_measure, _("The measure is at work."), _people),
    "finish": Act(
        forms.FinishForm, measures.finish_measure, _("The measure is finished, the risk reassessed."),
        lambda desk: {"evidence": desk.counting},
    ),
    "cancel": Act(ReasonForm, measures.cancel_measure, _("The measure is given up.")),
}  # fmt: skip


@login_required
@require_safe
def task(request: HttpRequest, pk: int) -> HttpResponse:
    """All about one task. 18 queries."""
    user = reader(request)
    return show_task(request, user, seen(tasks_visible_to(user), pk))


@login_required
@require_POST
def act_on_task(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Take one step with a task."""
    user = reader(request)
    return _carry_out(request, user, seen(tasks_visible_to(user), pk), TASK_ACTS, act, act, "task", None)


@login_required
@require_POST
def act_on_risk(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Take one step with a risk."""
    user = reader(request)
    risk = seen(risks_visible_to(user), pk)
    return _carry_out(request, user, risk.task, RISK_ACTS, act, f"{act}-{pk}", "risk", risk)


@login_required
@require_POST
def act_on_measure(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Put a measure to work, finish it or give it up."""
    user = reader(request)
    found = QualityAction.objects.select_related("risk__task__phase__iteration__project")
    action = get_object_or_404(found, pk=pk, risk__in=risks_visible_to(user).values("pk"))
    return _carry_out(request, user, action.risk.task, MEASURE_ACTS, act, f"{act}-{pk}", "action", action)


def _carry_out(
    request: HttpRequest,
    user: User,
    task: Task,
    acts: dict[str, Act],
    act: str,
    name: str,
    word: str,
    about: object,
) -> HttpResponse:
    if act not in acts:
        raise Http404
    step = acts[act]
    may = getattr(rights_of(user, task.phase.iteration.project), step.by)
    given = step.given(desk_of(user, task)) if may else {}
    form = step.form(request.POST, auto_id=f"id_{name}_%s", **given) if may else PlainForm(request.POST)

    def service(values: dict[str, Any]) -> object:
        if isinstance(form, forms.MeasureForm):
            values = {**values, "name": form.method_name}
        return step.call(**{word: about or task}, actor=user, **values)

    return carry_out(
        request, form, service, done=str(step.done), to=reverse("lifecycle:task", args=[task.pk]), may=may,
        again=lambda: show_task(request, user, task, Tried(name, form)),
    )  # fmt: skip
