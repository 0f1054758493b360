"""Beside the decision: feedback, asking for changes, stepping back, conditions."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from governance.errors import Refused
from governance.forms.exceptions import ConditionForm
from governance.forms.reviews import CHANGES, AnswerForm, FeedbackForm, StepBackForm
from governance.models import Gate
from governance.queries.pages import conditions_visible_to, feedback_visible_to
from governance.rules.gates import has_seat
from governance.services.conditions import drop_condition, propose_condition
from governance.services.evaluations import evaluate_gate
from governance.services.reviews import (
    abstain_from_gate,
    ask_for_changes,
    delegate_signature,
    give_feedback,
    settle_feedback,
)
from governance.views.access import gate_for, reader
from governance.views.gate import gate_answer
from governance.views.refusals import carried_out
from lifecycle.models import User
from lifecycle.queries.projects import members_of


@login_required
@require_POST
def feedback_give(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what one thinks, or ask for changes."""
    user = reader(request)
    found = gate_for(user, pk)
    form = FeedbackForm(request.POST, criteria=_criteria(found), may_ask_changes=has_seat(user, found))

    def act() -> object:
        given = form.cleaned_data
        if given["grade"] == CHANGES:
            return ask_for_changes(gate=found, actor=user, text=given["text"], about=given["about"])
        return give_feedback(gate=found, actor=user, **given)

    if not carried_out(form, act):
        return gate_answer(request, found, user, feedback=form)
    if form.cleaned_data["grade"] == CHANGES:
        _look_again(found, user)
        messages.success(request, _("Asked. Nobody can approve until it is settled."))
    else:
        messages.success(request, _("Your feedback stands on the page. It decides nothing."))
    return redirect("governance:gate", pk)


@login_required
@require_POST
def feedback_settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Say how a request for changes was answered."""
    user = reader(request)
    feedback = get_object_or_404(feedback_visible_to(user), pk=pk)
    found = gate_for(user, feedback.gate_id)
    form = AnswerForm(request.POST, prefix=f"answer-{pk}")
    if carried_out(form, lambda: settle_feedback(feedback=feedback, actor=user, **form.cleaned_data)):
        _look_again(found, user)
        messages.success(request, _("Settled."))
        return redirect("governance:gate", found.pk)
    return gate_answer(request, found, user, answer=form)


@login_required
@require_POST
def step_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Abstain, or let another one sign instead."""
    user = reader(request)
    found = gate_for(user, pk)
    people = [place.user for place in members_of(found.iteration.project) if place.user_id != user.pk]
    form = StepBackForm(request.POST, people=people)

    def act() -> object:
        given = form.cleaned_data
        if given["to"] is None:
            return abstain_from_gate(gate=found, actor=user, reason=given["reason"])
        return delegate_signature(gate=found, actor=user, **given)

    if carried_out(form, act):
        messages.success(request, _("You stepped back from this decision."))
        return redirect("governance:gate", pk)
    return gate_answer(request, found, user, back=form)


@login_required
@require_POST
def condition_propose(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for something to be done after the pass."""
    user = reader(request)
    found = gate_for(user, pk)
    people = [place.user for place in members_of(found.iteration.project)]
    form = ConditionForm(request.POST, people=people)
    if carried_out(form, lambda: propose_condition(gate=found, actor=user, **form.cleaned_data)):
        _look_again(found, user)
        messages.success(request, _("The condition is part of what is signed from now on."))
        return redirect("governance:gate", pk)
    return gate_answer(request, found, user, condition=form)


@login_required
@require_POST
def condition_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a proposed condition back."""
    user = reader(request)
    condition = get_object_or_404(conditions_visible_to(user), pk=pk)
    found = gate_for(user, condition.gate_id)
    try:
        drop_condition(condition=condition, actor=user)
    except Refused as no:
        return gate_answer(request, found, user, no=str(no))
    _look_again(found, user)
    messages.success(request, _("The condition is dropped."))
    return redirect("governance:gate", found.pk)


def _criteria(found: Gate) -> list[tuple[str, str]]:
    last = found.evaluations.order_by("-evaluated_at", "-pk").first()
    return [(each.key, each.words) for each in last.results.all()] if last else []


def _look_again(found: Gate, user: User) -> None:
    """What is signed has changed: the page shows the new text at once, without a worker."""
    if found.evaluations.exists():
        evaluate_gate(gate=found, actor=user)
