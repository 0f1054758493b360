"""The review of one gate: reading it, having it evaluated, signing, sending back, withdrawing."""

from __future__ import annotations

from typing import Any

from allauth.mfa.webauthn.internal.auth import begin_authentication
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from governance.errors import Refused
from governance.forms.gates import ReasonForm, RefuseForm, SignForm
from governance.models import Evaluation, Gate
from governance.queries.pages import gates_visible_to
from governance.queries.pages_gate import gate_page, scope_text
from governance.services.gates import evaluate_gate, refuse_gate, withdraw_gate
from governance.services.signoffs import sign_gate
from governance.views.access import gate_for, reader
from governance.views.gate_parts import gate_forms, gate_rights
from governance.views.refusals import carried_out
from lifecycle.models import Membership, Phase, User
from lifecycle.queries.second_factors import factors_of
from lifecycle.rules import can_change


@login_required
@require_safe
def gate(request: HttpRequest, pk: int) -> HttpResponse:
    """The review page. 25 queries at most."""
    user = reader(request)
    return gate_answer(request, gate_for(user, pk), user)


@login_required
@require_safe
def evaluation_subject(request: HttpRequest, pk: int) -> HttpResponse:
    """The exact text that a signature binds to: its SHA-256 is the digest. 3 queries."""
    visible = gates_visible_to(reader(request)).values("pk")
    evaluation = get_object_or_404(Evaluation, pk=pk, gate__in=visible)
    answer = HttpResponse(evaluation.subject, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'inline; filename="evaluation-{evaluation.pk}.json"'
    return answer


@login_required
@require_POST
def gate_evaluate(request: HttpRequest, pk: int) -> HttpResponse:
    """Judge every criterion on the facts of now."""
    user = reader(request)
    found = gate_for(user, pk)
    try:
        evaluation = evaluate_gate(gate=found, actor=user)
    except Refused as no:
        return gate_answer(request, found, user, no=str(no))
    said = _("Every blocking criterion is met.") if evaluation.verdict else _("Not every criterion is met.")
    messages.info(request, said)
    return redirect("governance:gate", pk)


@sensitive_post_parameters("password", "code", "credential")
@login_required
@require_POST
def gate_sign(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the reader's name under the gate."""
    user = reader(request)
    found = gate_for(user, pk)
    form = SignForm(request.POST, phases=_phases(found))
    if carried_out(form, lambda: sign_gate(gate=found, actor=user, **form.cleaned_data)):
        messages.success(request, _("Signed. Your name stands under this gate and in the ledger."))
        return redirect("governance:gate", pk)
    return gate_answer(request, found, user, sign=form)


@login_required
@require_POST
def gate_refuse(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the work back without a signature, since the criteria are not met."""
    user = reader(request)
    found = gate_for(user, pk)
    form = RefuseForm(request.POST, phases=_phases(found))
    if carried_out(form, lambda: refuse_gate(gate=found, actor=user, **form.cleaned_data)):
        messages.success(request, _("Refused. The work went back."))
        return redirect("governance:gate", pk)
    return gate_answer(request, found, user, refuse=form)


@login_required
@require_POST
def gate_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the question back."""
    user = reader(request)
    found = gate_for(user, pk)
    form = ReasonForm(request.POST, prefix="withdraw")
    if carried_out(form, lambda: withdraw_gate(gate=found, actor=user, **form.cleaned_data)):
        messages.success(request, _("Withdrawn. The phase goes on."))
        return redirect("governance:gate", pk)
    return gate_answer(request, found, user, withdraw=form)


def _phases(found: Gate) -> list[Phase]:
    return list(found.iteration.phases.filter(order__lte=found.phase.order).order_by("order"))


def gate_answer(
    request: HttpRequest, found: Gate, user: User, *, no: str = "", **refused: forms.Form
) -> HttpResponse:
    """The page; with a form that was refused, by its name, or with `no`, as an answer 422."""
    page = gate_page(found)
    place = page.place_of(user)
    works = can_change(user) and place is not None and place.role != Membership.Role.AUDITOR
    rights = gate_rights(page, place, user, works=works)
    context = {
        "project": found.iteration.project,
        "iteration": found.iteration,
        "gate": found,
        "page": page,
        "scope": scope_text(found.scope),
        "no": no,
        **gate_forms(page, user, refused),
        **rights,
        **(_factors(user) if rights["may_sign"] else {}),
    }
    return render(request, "governance/gate.html", context, status=422 if no or refused else 200)


def _factors(user: User) -> dict[str, Any]:
    """Whether the signature takes a second factor, and what the person's security keys are asked."""
    factors = factors_of(user)
    asked = begin_authentication(user) if factors.keys else None
    return {"coded": factors.enrolled, "asked": asked}
