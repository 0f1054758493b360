"""Days away: one's own, those one looks after, and everybody's for administrators."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from lifecycle.forms.fields import PlainForm
from lifecycle.forms.people import AbsenceForm
from lifecycle.models import Absence, User
from lifecycle.queries.absences import absences_visible_to
from lifecycle.queries.people import active_people
from lifecycle.rules import can_change, can_manage_people
from lifecycle.services.absences import cancel_absence, enter_absence
from lifecycle.views.acting import carry_out, reader, seen

LIMIT = 200


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def absences(request: HttpRequest) -> HttpResponse:
    """Who is away and who looks after what waits for them; enter days away. 4 queries."""
    user = reader(request)
    if request.method != "POST":
        return _page(request, user, _form(user))
    form = _form(user, request.POST)

    def service(given: dict[str, Any]) -> object:
        return enter_absence(**{"person": user, "actor": user, **given})

    return carry_out(
        request, form, service, done=_("The days away are entered."), to=reverse("lifecycle:absences"),
        may=can_change(user), again=lambda: _page(request, user, form),
    )  # fmt: skip


@login_required
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """End days away before their time."""
    user = reader(request)
    absence = seen(absences_visible_to(user), pk)
    form = PlainForm(request.POST)
    return carry_out(
        request, form, lambda _given: cancel_absence(absence=absence, actor=user),
        done=_("The days away are ended."), to=reverse("lifecycle:absences"),
        again=lambda: _page(request, user, _form(user), " ".join(map(str, form.non_field_errors()))),
    )  # fmt: skip


def _form(user: User, data: Any = None) -> AbsenceForm:
    everybody = active_people()
    deputies = everybody if can_manage_people(user) else [each for each in everybody if each != user]
    start = {"person": user.pk} if can_manage_people(user) else {}
    return AbsenceForm(
        data, initial=start, deputies=deputies, people=everybody if can_manage_people(user) else ()
    )


def _page(request: HttpRequest, user: User, form: AbsenceForm, no: str = "") -> HttpResponse:
    today = timezone.localdate()
    found = list(absences_visible_to(user).order_by("-starts_on", "-pk")[:LIMIT])
    rows = [(each, *_state(each, today), _may_cancel(each, user, today)) for each in found]
    context = {"form": form if can_change(user) else None, "rows": rows, "no": no}
    return render(request, "lifecycle/people/absences.html", context)


def _state(absence: Absence, today: Any) -> tuple[str, str]:
    if absence.cancelled_at is not None:
        return "withdrawn", _("ended early")
    if absence.ends_on < today:
        return "na", _("over")
    return ("wait", _("to come")) if absence.starts_on > today else ("now", _("away now"))


def _may_cancel(absence: Absence, user: User, today: Any) -> bool:
    mine = absence.person_id == user.pk or can_manage_people(user)
    return mine and absence.cancelled_at is None and absence.ends_on >= today
