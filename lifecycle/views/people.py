"""People of the organization: the list, one of them, and what an administrator does with an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from lifecycle.forms.people import (
    ChangePersonForm,
    CompromiseForm,
    LeaveForm,
    PersonForm,
    SecurityForm,
)
from lifecycle.models import User
from lifecycle.queries.absences import absences_of, away_among
from lifecycle.queries.held_work import HeldWork, held_work_of
from lifecycle.queries.people import Listed, active_people, memberships_of, people
from lifecycle.rules import can_manage_people
from lifecycle.services import accounts, second_factors, transfers, users
from lifecycle.sorting import Fields, Sorting, words
from lifecycle.views.acting import Offers, Tried, carry_out, reader

PAGE = 50
OF_A_PERSON = 25
"""How many projects and how many pieces of work a person's page shows at once."""
SORTS: Mapping[str, Fields] = {
    "person": [words("name")],
    "username": [words("username")],
    "role": ["org_role"],
    "projects": ["project_count"],
}


@login_required
@require_safe
def organization(request: HttpRequest) -> HttpResponse:
    """Everybody, a page at a time. 5 queries."""
    return _list(request, reader(request))


@login_required
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Open an account."""
    user = reader(request)
    form = PersonForm(request.POST, auto_id="id_add_%s")
    return carry_out(
        request, form, lambda given: users.add_person(actor=user, **given),
        done=_("The account is open."), to=lambda made: reverse("lifecycle:person", args=[made.pk]),
        may=can_manage_people(user), again=lambda: _list(request, user, Tried("add", form)),
    )  # fmt: skip


def _list(request: HttpRequest, user: User, tried: Tried | None = None) -> HttpResponse:
    get = request.GET
    wanted = Listed(get.get("words", "").strip()[:100], get.get("role", ""), get.get("show") == "closed")
    sorting = Sorting(get, SORTS, first_down=("projects",))
    page = Paginator(sorting.query(people(wanted)), PAGE).get_page(get.get("page"))
    offers = Offers(tried)
    if can_manage_people(user):
        offers.add("add", reverse("lifecycle:person-add"), _("Open the account"), PersonForm, main=True)
    count = page.paginator.count
    context = {
        "page": page, "sorting": sorting, "wanted": wanted, "roles": User.OrgRole.choices, "offers": offers,
        "away": away_among(page.object_list),
        "title": ngettext("%d person", "%d people", count) % count,
    }  # fmt: skip
    return render(request, "lifecycle/people/list.html", context)


@login_required
@require_safe
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: projects, days away and, for administrators, what they hold. At most 22 queries."""
    return _page(request, reader(request), get_object_or_404(User, pk=pk))


@login_required
@require_POST
def act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Change a person, pass their work on, or close their account."""
    user, found = reader(request), get_object_or_404(User, pk=pk)
    if act in _SECURITY:
        return _security(request, user, found, act)
    if act not in ("change", "transfer", "close"):
        raise Http404
    work = held_work_of(found)
    form = _form(act, found, work, request.POST)

    def service(given: dict[str, Any]) -> object:
        if act == "change":
            return users.change_person(person=found, actor=user, **given)
        assert isinstance(form, LeaveForm)
        step = transfers.transfer_work if act == "transfer" else transfers.transfer_and_close
        return step(leaver=found, actor=user, **form.takers)

    done = {
        "change": _("The person is changed."),
        "transfer": _("The work has passed on."),
        "close": _("The account is closed; its work has passed on."),
    }[act]
    return carry_out(
        request, form, service, done=done, to=reverse("lifecycle:person", args=[pk]),
        may=can_manage_people(user), again=lambda: _page(request, user, found, Tried(act, form)),
    )  # fmt: skip


_SECURITY: dict[str, tuple[type[forms.Form], Any, Any]] = {
    "reset": (SecurityForm, accounts.reset_password, _lazy("The password is gone; a link is on its way.")),
    "compromise": (
        CompromiseForm, accounts.report_compromise,
        _lazy("Noted. What was signed since counts no more."),
    ),
    "factors": (SecurityForm, second_factors.take_factors, _lazy("The second factor is gone.")),
}  # fmt: skip


def _security(request: HttpRequest, user: User, found: User, act: str) -> HttpResponse:
    """What an administrator does to protect an account; everybody concerned is told."""
    form_class, service, done = _SECURITY[act]
    form = form_class(request.POST, auto_id=f"id_{act}_%s")
    return carry_out(
        request, form, lambda given: service(person=found, actor=user, **given), done=str(done),
        to=reverse("lifecycle:person", args=[found.pk]), may=can_manage_people(user),
        again=lambda: _page(request, user, found, Tried(act, form)),
    )  # fmt: skip


def _form(act: str, person: User, work: HeldWork, data: Any) -> ChangePersonForm | LeaveForm:
    if act == "change":
        return ChangePersonForm(data, auto_id="id_change_%s")
    return LeaveForm(
        data, auto_id=f"id_{act}_%s", people=active_people(but=person), roles=work.roles, needed=work.held
    )


def _page(request: HttpRequest, user: User, person: User, tried: Tried | None = None) -> HttpResponse:
    manages = can_manage_people(user)
    sees = manages or user.pk == person.pk
    work = held_work_of(person) if sees else None
    context: dict[str, Any] = {
        "person": person, "manages": manages, "sees": sees, "work": work,
        "memberships": Paginator(memberships_of(person, user), OF_A_PERSON).get_page(
            request.GET.get("projects")
        ),
        "page": _held(request, work) if work and work.held else None,
        "absences": list(absences_of(person)[:20]) if sees else [],
        "offers": Offers(tried),
    }  # fmt: skip
    if manages and work is not None and person.is_active:
        context |= _offers(context["offers"], person, work, own=user.pk == person.pk)
    return render(request, "lifecycle/people/person.html", context)


def _held(request: HttpRequest, work: HeldWork) -> Page[Any]:
    rows: Any = work.rows  # as a list is: it has a length and can be cut
    return Paginator(rows, OF_A_PERSON).get_page(request.GET.get("page"))


def _offers(offers: Offers, person: User, work: HeldWork, *, own: bool) -> dict[str, Any]:
    """What an administrator may do: the change beside, the leaving below the preview."""

    def url(act: str) -> str:
        return reverse("lifecycle:person-act", args=[person.pk, act])

    start = {
        "name": person.name, "email": person.email, "org_role": person.org_role,
        "identity_subject": person.identity_subject,
    }  # fmt: skip
    made: dict[str, Any] = {
        "change": offers.add(
            "change", url("change"), _("Change"), ChangePersonForm, initial=start, folded=True
        )
    }
    takers: dict[str, Any] = {"people": active_people(but=person), "roles": work.roles, "needed": work.held}
    if work.held:
        made["transfer"] = offers.add(
            "transfer", url("transfer"), _("Pass the work on"), LeaveForm, folded=True, **takers,
            hint=_("The account stays open."),
        )  # fmt: skip
    if not own:
        made["security"] = [
            offers.add(
                "reset", url("reset"), _("Reset the password"), SecurityForm, folded=True,
                hint=_("The person gets a link by e-mail, and signs nothing until a new password is set."),
            ),
            offers.add(
                "factors", url("factors"), _("Take the second factor away"), SecurityForm, folded=True,
                hint=_("Bars the account from signing until the person has set a new password."),
            ),
            offers.add(
                "compromise", url("compromise"), _("Report misuse of the account"), CompromiseForm,
                folded=True, hint=_("What it signed since then counts no more; its tokens end."),
            ),
        ]  # fmt: skip
        made["close"] = offers.add(
            "close", url("close"),
            _("Pass the work on and close the account") if work.held else _("Close the account"),
            LeaveForm, folded=True, **takers,
            hint=_("Closed for good: no log-in, no tokens, no memberships. Name and past work stay."),
        )  # fmt: skip
    return made
