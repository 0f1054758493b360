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
from governance.queries.pages_gate import GatePage, gate_page, scope_text
from governance.rules.gates import fills_seat
from governance.services.gates import digest_now, evaluate_gate, refuse_gate, withdraw_gate
from governance.services.signoffs import sign_gate
from governance.views.access import gate_for, reader
from governance.views.refusals import carried_out
from lifecycle.models import Membership, Phase, User
from lifecycle.queries.second_factors import factors_of
from lifecycle.rules import can_change


@login_required
@require_safe
def gate(request: HttpRequest, pk: int) -> HttpResponse:
    """The review page. 15 queries, 24 for somebody whose signature is asked for."""
    user = reader(request)
    return _page(request, gate_for(user, pk), user)


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
        return _page(request, found, user, no=str(no))
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
    return _page(request, found, user, sign=form)


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
    return _page(request, found, user, refuse=form)


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
    return _page(request, found, user, withdraw=form)


def _phases(found: Gate) -> list[Phase]:
    return list(found.iteration.phases.filter(order__lte=found.phase.order).order_by("order"))


def _page(
    request: HttpRequest,
    found: Gate,
    user: User,
    *,
    sign: SignForm | None = None,
    refuse: forms.Form | None = None,
    withdraw: forms.Form | None = None,
    no: str = "",
) -> HttpResponse:
    """The page; with a form that was refused, or with `no`, as an answer 422."""
    page = gate_page(found)
    place = page.place_of(user)
    works = can_change(user) and place is not None and place.role != Membership.Role.AUDITOR
    manages = works and place is not None and place.role == Membership.Role.MANAGER
    may_sign = works and page.my_turn(user)
    reason, entry = page.why_not(user) if works else ("", None)
    context = {
        "project": found.iteration.project,
        "iteration": found.iteration,
        "gate": found,
        "page": page,
        "scope": scope_text(found.scope),
        "may_sign": may_sign,
        "changed": may_sign and page.evaluation is not None and digest_now(found) != page.evaluation.digest,
        "may_evaluate": page.is_open and works and _may_evaluate(place, found),
        "may_refuse": page.is_open and manages and page.evaluation and not page.evaluation.verdict,
        "may_withdraw": page.is_open and manages,
        "why_not": reason if page.is_open else "",
        "why_not_entry": entry,
        "sign_form": sign or _sign_form(page),
        **(_factors(user) if may_sign else {}),
        "refuse_form": refuse or RefuseForm(phases=page.phases),
        "withdraw_form": withdraw or ReasonForm(prefix="withdraw"),
        "no": no,
    }
    refused = no or any((sign, refuse, withdraw))
    return render(request, "governance/gate.html", context, status=422 if refused else 200)


def _may_evaluate(place: Membership | None, found: Gate) -> bool:
    """Those who work on it, and those whose signature it asks for."""
    workers = (Membership.Role.MANAGER, Membership.Role.CONTRIBUTOR)
    return (place is not None and place.role in workers) or fills_seat(place, found)


def _factors(user: User) -> dict[str, Any]:
    """Whether the signature takes a second factor, and what the person's security keys are asked."""
    factors = factors_of(user)
    asked = begin_authentication(user) if factors.keys else None
    return {"coded": factors.enrolled, "asked": asked}


def _sign_form(page: GatePage) -> SignForm:
    digest = page.evaluation.digest if page.evaluation else ""
    return SignForm(phases=page.phases, initial={"digest": digest, "meaning": "approval"})
