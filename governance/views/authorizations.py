"""One authorization: what it allows, who signed for it, stopping it and letting it hold again."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.forms.gates import ReasonForm
from governance.models import AUTHORIZATION_STATES, Authorization
from governance.queries.pages import authorizations_visible_to
from governance.queries.pages_gate import scope_text
from governance.queries.pages_models import authorization_page
from governance.rules.gates import may_manage
from governance.services.authorizations import (
    resume_authorization,
    suspend_authorization,
    withdraw_authorization,
)
from governance.views.access import reader
from governance.views.refusals import carried_out
from lifecycle.models import User

_MOVES = ("suspend", "resume", "withdraw")


@login_required
@require_safe
def authorization(request: HttpRequest, pk: int) -> HttpResponse:
    """What is authorized, how long, and under whose names. 7 queries."""
    user = reader(request)
    return _page(request, _found(user, pk), user)


@login_required
@require_POST
def authorization_suspend(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop it until somebody resumes it."""
    return _move(request, pk, "suspend", suspend_authorization)


@login_required
@require_POST
def authorization_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Let it hold again."""
    return _move(request, pk, "resume", resume_authorization)


@login_required
@require_POST
def authorization_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """End it for good."""
    return _move(request, pk, "withdraw", withdraw_authorization)


def _found(user: User, pk: int) -> Authorization:
    return get_object_or_404(authorizations_visible_to(user), pk=pk)


def _move(request: HttpRequest, pk: int, name: str, service: Callable[..., Authorization]) -> HttpResponse:
    user = reader(request)
    found = _found(user, pk)
    form = ReasonForm(request.POST, prefix=name)
    if carried_out(form, lambda: service(authorization=found, actor=user, **form.cleaned_data)):
        messages.success(request, _("Done. Every gate check answers accordingly from now on."))
        return redirect("governance:authorization", pk)
    return _page(request, found, user, refused=form)


def _page(
    request: HttpRequest, found: Authorization, user: User, *, refused: ReasonForm | None = None
) -> HttpResponse:
    """The page; with a form that was refused, as an answer 422."""
    names = {
        "suspend": (_("Suspend it"), _("Every gate check says no until it is resumed.")),
        "resume": (_("Resume it"), _("Gate checks say yes again, as long as it is valid.")),
        "withdraw": (_("Withdraw it"), _("For good: only another gate can authorize this model again.")),
    }
    possible = AUTHORIZATION_STATES.events_from(found.state) if may_manage(user, found.project) else ()
    moves = [
        {
            "name": name,
            "url": f"governance:authorization-{name}",
            "verb": names[name][0],
            "consequence": names[name][1],
            "form": refused if refused is not None and refused.prefix == name else ReasonForm(prefix=name),
        }
        for name in _MOVES
        if name in possible or (refused is not None and refused.prefix == name)
    ]
    context = {
        "project": found.project,
        "iteration": found.gate.iteration,
        "authorization": found,
        "page": authorization_page(found),
        "scope": scope_text(found.scope),
        "moves": moves,
        "models_below": True,
    }
    return render(request, "governance/authorization.html", context, status=422 if refused else 200)
