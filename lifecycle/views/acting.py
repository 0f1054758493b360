"""What every page that changes something does in the same way.

A view finds its record among those that the reader sees (404 else), builds a form from what was sent, and
hands both to `carry_out`, which calls one service. What the service refuses comes back on the same page with
status 422 and everything that was typed; PermissionDenied is left to become 403.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from ledger.errors import Invalid, Refused
from lifecycle.models import Membership, Project, User
from lifecycle.queries.projects import projects_visible_to
from lifecycle.rules import can_change, role_in

M = TypeVar("M", bound=models.Model)


def reader(request: HttpRequest) -> User:
    """The person who asks; the view wants a log-in, so there is one."""
    return cast("User", request.user)


def project_for(user: User, slug: str) -> Project:
    """The project if this person sees it, else 404. 1 query, process version included."""
    return get_object_or_404(projects_visible_to(user), slug=slug)


def seen(records: QuerySet[M], pk: int) -> M:
    """The record if it is among those that the reader sees, else 404. 1 query."""
    return get_object_or_404(records, pk=pk)


def carry_out(
    request: HttpRequest,
    form: forms.Form,
    service: Callable[[dict[str, Any]], Any],
    *,
    done: str,
    to: str | Callable[[Any], str],
    again: Callable[[], HttpResponse],
    may: bool = True,
) -> HttpResponse:
    """Call one service with what the form holds and go to `to`; `again` shows the page with the refusal.

    `to` is an address, or makes one of what the service returned. `may` is what the page already knows of the
    reader's rights: without them even a form with mistakes is answered by PermissionDenied.
    """
    if not may:
        raise PermissionDenied(_("You may not do this."))
    if form.is_valid():
        try:
            result = service(form.cleaned_data)
        except Refused as no:
            form.add_error(None, no.text)
        except Invalid as no:
            place(form, no)
        else:
            messages.success(request, done)
            return redirect(to(result) if callable(to) else to)
    page = again()
    page.status_code = 422
    return page


def place(form: forms.Form, no: Invalid) -> None:
    """Show what is wrong at its field; what is at none stands at the form's `catch_all`, else above it."""
    name = no.where.strip("/").split("/")[0]
    if name in form.fields:
        form.add_error(name, no.text)
        return
    text = f"{no.where}: {no.text}" if no.where else no.text
    form.add_error(getattr(form, "catch_all", "") or None, text)


class Rights(NamedTuple):
    """What a person may do in a project, read once for a page. Services decide for themselves."""

    manages: bool = False
    works: bool = False
    judges: bool = False

    @property
    def takes_part(self) -> bool:
        return self.works or self.judges


def rights_of(user: User, project: Project) -> Rights:
    """What this person may do in the project; nothing in a closed one. 1 query."""
    role = role_in(user, project)
    if not can_change(user) or project.state != Project.State.ACTIVE:
        return Rights()
    roles = Membership.Role
    return Rights(
        manages=role == roles.MANAGER,
        works=role in (roles.MANAGER, roles.CONTRIBUTOR),
        judges=role in (roles.MANAGER, roles.REVIEWER),
    )


class Tried(NamedTuple):
    """What was sent and refused: the name of the offer and its form."""

    name: str
    form: forms.Form

    @property
    def text(self) -> str:
        """Everything that is wrong, in one line."""
        return " ".join(str(error) for errors in self.form.errors.values() for error in errors)


@dataclass(frozen=True)
class Offer:
    """One thing that the reader may do on a page: a small form that posts to `url`.

    `main` is the one obvious step; `folded` ones open on demand.
    """

    name: str
    url: str
    verb: str
    form: forms.Form
    hint: str = ""
    main: bool = False
    folded: bool = False

    @property
    def opened(self) -> bool:
        return bool(self.form.errors)


@dataclass
class Offers:
    """All that the reader may do on a page; what was just refused keeps what was typed."""

    tried: Tried | None = None
    shown: list[Offer] = field(default_factory=list)

    def add(
        self,
        name: str,
        url: str,
        verb: str,
        form: type[forms.Form],
        *,
        hint: str = "",
        main: bool = False,
        folded: bool = False,
        **given: Any,
    ) -> Offer:
        """One more offer; `given` goes to the form."""
        mine = self.tried is not None and self.tried.name == name
        made = self.tried.form if mine and self.tried else form(auto_id=f"id_{name}_%s", **given)
        offer = Offer(name, url, verb, made, hint, main, folded)
        self.shown.append(offer)
        return offer

    @property
    def refusal(self) -> str:
        """What was refused and has no place on the page any more, such as a step that somebody else took."""
        if self.tried is None or any(offer.name == self.tried.name for offer in self.shown):
            return ""
        return self.tried.text
