"""Waivers: asking for one, and the page on which somebody else signs it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.forms.exceptions import GrantForm, WaiverForm
from governance.forms.gates import ReasonForm
from governance.models import Gate, Waiver
from governance.queries.duties import barred_from_signing
from governance.queries.facts import facts_of
from governance.queries.pages import waivers_visible_to
from governance.queries.subjects import checks_of
from governance.rules.gates import has_seat, may_ask, may_manage
from governance.services.evaluations import evaluate_gate
from governance.services.waivers import (
    ask_waiver,
    grant_waiver,
    refuse_waiver,
    revoke_waiver,
    signed_content,
    waiver_digest,
)
from governance.views.access import gate_for, reader
from governance.views.refusals import carried_out
from lifecycle.models import User


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def waiver_ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask that a criterion be excused: the form, and what it sends."""
    user = reader(request)
    found = gate_for(user, pk)
    if not (may_ask(user, found.project) or has_seat(user, found)):
        raise PermissionDenied(_("Only people of this project ask for a waiver."))
    key = request.GET.get("criterion", "")
    check = next((each for each in checks_of(found, facts_of(found)) if each.key == key), None)
    if check is None or found.state != Gate.State.OPEN:
        raise Http404
    form = WaiverForm(request.POST or None)
    asked: list[Waiver] = []
    if request.method == "POST" and carried_out(
        form,
        lambda: asked.append(ask_waiver(gate=found, actor=user, criterion=key, **form.cleaned_data)),
    ):
        messages.success(request, _("Asked. Somebody who may sign the gate decides on it."))
        return redirect("governance:waiver", asked[0].pk)
    context = {
        "project": found.project,
        "iteration": found.iteration,
        "gate": found,
        "check": check,
        "form": form,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "governance/waiver_ask.html", context, status=status)


@login_required
@require_safe
def waiver(request: HttpRequest, pk: int) -> HttpResponse:
    """A waiver with what is signed, and the signature for who may give it. 10 queries."""
    user = reader(request)
    return _page(request, get_object_or_404(waivers_visible_to(user), pk=pk), user)


@sensitive_post_parameters("password")
@login_required
@require_POST
def waiver_grant(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign a waiver."""
    user = reader(request)
    found = get_object_or_404(waivers_visible_to(user), pk=pk)
    form = GrantForm(request.POST)
    if carried_out(form, lambda: grant_waiver(waiver=found, actor=user, **form.cleaned_data)):
        _look_again(found, user)
        messages.success(request, _("Signed. The criterion is excused until its day."))
        return redirect("governance:gate", found.gate_id)
    return _page(request, found, user, grant=form)


@login_required
@require_POST
def waiver_refuse(request: HttpRequest, pk: int) -> HttpResponse:
    """Say no."""
    user = reader(request)
    found = get_object_or_404(waivers_visible_to(user), pk=pk)
    form = ReasonForm(request.POST, prefix="refuse")
    if carried_out(form, lambda: refuse_waiver(waiver=found, actor=user, **form.cleaned_data)):
        messages.success(request, _("Refused."))
        return redirect("governance:waiver", pk)
    return _page(request, found, user, refuse=form)


@login_required
@require_POST
def waiver_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End a waiver before its day."""
    user = reader(request)
    found = get_object_or_404(waivers_visible_to(user), pk=pk)
    form = ReasonForm(request.POST, prefix="revoke")
    if carried_out(form, lambda: revoke_waiver(waiver=found, actor=user, **form.cleaned_data)):
        _look_again(found, user)
        messages.success(request, _("Revoked."))
        return redirect("governance:waiver", pk)
    return _page(request, found, user, revoke=form)


def _page(request: HttpRequest, found: Waiver, user: User, **refused: forms.Form) -> HttpResponse:
    gate, asked = found.gate, found.state == Waiver.State.ASKED
    seated, manages = has_seat(user, gate), may_manage(user, gate.project)
    why_not = _why_not(found, user) if seated and asked else ""
    mine = user.pk == found.requested_by_id
    context: dict[str, Any] = {
        "project": gate.project,
        "iteration": gate.iteration,
        "gate": gate,
        "waiver": found,
        "digest": waiver_digest(found),
        "content": signed_content(found),
        "may_decide": asked and seated and not why_not and gate.state == Gate.State.OPEN,
        "why_not": why_not,
        "may_revoke": (asked and mine) or (found.state == Waiver.State.GRANTED and (manages or seated)),
        "grant_form": refused.get("grant") or GrantForm(initial={"digest": waiver_digest(found)}),
        "refuse_form": refused.get("refuse") or ReasonForm(prefix="refuse"),
        "revoke_form": refused.get("revoke") or ReasonForm(prefix="revoke"),
    }
    return render(request, "governance/waiver.html", context, status=422 if refused else 200)


def _why_not(found: Waiver, user: User) -> str:
    if user.pk == found.requested_by_id:
        return _("You asked for it: somebody else decides.")
    bar = barred_from_signing(found.gate).get(user.actor_key)
    return f"{bar.text} (#{bar.entry})." if bar else ""


def _look_again(found: Waiver, user: User) -> None:
    """What is signed at the gate has changed: the page shows the new text at once, without a worker."""
    gate = Gate.objects.get(pk=found.gate_id)
    if (
        gate.state == Gate.State.OPEN
        and gate.evaluations.exists()
        and (may_ask(user, found.gate.project) or has_seat(user, gate))
    ):
        evaluate_gate(gate=gate, actor=user)
